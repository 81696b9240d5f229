// Makes the Go client do what a line of JSON says, and says as one what came of it.
package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"time"

	"example.com/meshbridge"
)

const storedBody = 64 << 10

type line struct {
	Settings struct {
		Proxy     string
		TokenFile string `json:"token_file"`
	}
	Method, App, Path, Read string
	Query, Headers          [][2]string
	Body                    struct {
		Text, Base64 *string
		Stream       *int64
	}
	TimeoutMs *float64 `json:"timeout_ms"`
	Copies    int
}

var (
	mutex   sync.Mutex
	clients = map[any]*http.Client{}
)

func client(l *line) *http.Client {
	mutex.Lock()
	defer mutex.Unlock()
	if clients[l.Settings] == nil {
		client := meshbridge.NewClient()
		client.Transport = &meshbridge.Transport{Proxy: l.Settings.Proxy, TokenFile: l.Settings.TokenFile}
		clients[l.Settings] = client
	}
	return clients[l.Settings]
}

func body(l *line, copy int) io.Reader {
	switch {
	case l.Body.Text != nil && l.Copies > 0:
		return strings.NewReader(fmt.Sprintf("%s-%02d", *l.Body.Text, copy))
	case l.Body.Text != nil:
		return strings.NewReader(*l.Body.Text)
	case l.Body.Base64 != nil:
		bytes64, _ := base64.StdEncoding.DecodeString(*l.Body.Base64)
		return bytes.NewReader(bytes64)
	case l.Body.Stream != nil:
		return io.LimitReader(&pattern{}, *l.Body.Stream)
	}
	return nil
}

// A pattern is 0 to 250, again and again.
type pattern struct{ next byte }

func (p *pattern) Read(out []byte) (int, error) {
	for i := range out {
		out[i] = p.next
		p.next = (p.next + 1) % 251
	}
	return len(out), nil
}

func outcome(l *line, copy int) any {
	ctx := context.Background()
	if l.TimeoutMs != nil {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, time.Duration(*l.TimeoutMs*float64(time.Millisecond)))
		defer cancel()
	}
	target := l.Path
	if len(l.Query) > 0 {
		query := url.Values{}
		for _, pair := range l.Query {
			query.Add(pair[0], pair[1])
		}
		separator := "?"
		if strings.Contains(target, "?") {
			separator = "&"
		}
		target += separator + query.Encode()
	}
	request, err := meshbridge.NewRequest(ctx, l.Method, l.App, target, body(l, copy))
	if err != nil {
		return failed(err)
	}
	for _, pair := range l.Headers {
		request.Header.Add(pair[0], pair[1])
	}
	response, err := client(l).Do(request)
	if err != nil {
		return failed(err)
	}
	defer response.Body.Close()
	var from io.Reader = response.Body
	if l.Read == "start" {
		from = io.LimitReader(from, 10)
	}
	digest := sha256.New()
	stored := &start{}
	length, err := io.Copy(io.MultiWriter(digest, stored), from)
	if err != nil {
		return failed(err)
	}
	headers := [][2]string{}
	for name, values := range response.Header {
		for _, value := range values {
			headers = append(headers, [2]string{name, value})
		}
	}
	return map[string]any{
		"status": response.StatusCode, "headers": headers, "length": length,
		"sha256": hex.EncodeToString(digest.Sum(nil)), "body": base64.StdEncoding.EncodeToString(stored.bytes),
	}
}

// A start is the beginning of what is written to it.
type start struct{ bytes []byte }

func (s *start) Write(p []byte) (int, error) {
	if room := storedBody - len(s.bytes); room < len(p) {
		s.bytes = append(s.bytes, p[:room]...)
	} else {
		s.bytes = append(s.bytes, p...)
	}
	return len(p), nil
}

func failed(err error) any {
	var e *meshbridge.Error
	if !errors.As(err, &e) {
		fmt.Fprintf(os.Stderr, "an error of another type: %v\n", err)
		os.Exit(1)
	}
	told := map[string]any{"reason": e.Reason, "app": e.App, "message": e.Message, "remedy": e.Reason.Remedy(), "type": "Reason", "status": nil}
	if e.Status != 0 {
		told["status"] = e.Status
	}
	if e.Reason.Remedy() != "" && errors.Is(err, e.Reason) {
		words := strings.ReplaceAll(string(e.Reason), "-", " ")
		told["type"] = strings.ReplaceAll(strings.Title(words), " ", "") //nolint:staticcheck // ASCII
	}
	return map[string]any{"error": told}
}

func main() {
	in := bufio.NewReader(os.Stdin)
	out := json.NewEncoder(os.Stdout)
	out.SetEscapeHTML(false)
	for {
		text, err := in.ReadBytes('\n')
		if err != nil {
			return
		}
		l := line{Method: "GET", App: "ledger"}
		if err := json.Unmarshal(text, &l); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		outcomes := make([]any, max1(l.Copies))
		var group sync.WaitGroup
		for copy := range outcomes {
			group.Add(1)
			go func(copy int) {
				defer group.Done()
				outcomes[copy] = outcome(&l, copy)
			}(copy)
		}
		group.Wait()
		_ = out.Encode(outcomes)
	}
}

func max1(n int) int {
	if n < 1 {
		return 1
	}
	return n
}
