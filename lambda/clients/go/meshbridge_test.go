package meshbridge_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"example.com/meshbridge"
)

var ctx = context.Background()

func TestACallNamesTheAppAndCarriesTheToken(t *testing.T) {
	p := start(t, hello)
	p.transport.Timeout = 1500 * time.Millisecond
	text, err := p.do("GET", "ledger", "/v1/balances?a=1", nil)
	equal(t, text, "hello")
	equal(t, err, nil)
	request := p.seen[0]
	equal(t, request.Host, "ledger")
	equal(t, request.RequestURI, "/v1/balances?a=1")
	equal(t, request.Header.Get("X-Meshbridge-Token"), "secret-1")
	equal(t, request.Header.Get("X-Meshbridge-Timeout-Ms"), "1500")
	equal(t, request.Header.Get("Accept-Encoding"), "")
}

func TestTheRequestIsLeftAsItIs(t *testing.T) {
	p := start(t, hello)
	request, _ := http.NewRequest("GET", "http://ledger/a b?c=ü", nil)
	before := fmt.Sprint(request.URL, request.Host, request.Header)
	response, err := p.transport.RoundTrip(request)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	equal(t, fmt.Sprint(request.URL, request.Host, request.Header), before)
	equal(t, response.Request, request)
	equal(t, p.seen[0].RequestURI, "/a%20b?c=%C3%BC")
}

func TestTheProxyIsFoundByTheEnvironmentAndHTTPProxyIsNotHeeded(t *testing.T) {
	p := start(t, hello)
	t.Setenv("MESHBRIDGE_PROXY", p.address)
	t.Setenv("MESHBRIDGE_TOKEN_FILE", p.tokenFile)
	t.Setenv("HTTP_PROXY", "http://127.0.0.1:9")
	t.Setenv("http_proxy", "http://127.0.0.1:9")
	client := meshbridge.NewClient()
	defer client.CloseIdleConnections()
	response, err := client.Get("http://ledger/")
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
}

func TestTheProxyIsToldNoTimeWhenThereIsNoLimit(t *testing.T) {
	p := start(t, hello)
	p.transport.Timeout = -1
	_, err := p.do("GET", "ledger", "/", nil)
	equal(t, err, nil)
	equal(t, p.seen[0].Header.Values("X-Meshbridge-Timeout-Ms"), []string(nil))
}

func TestCallsOneAfterTheOtherShareAConnection(t *testing.T) {
	p := start(t, hello)
	for _, method := range []string{"GET", "HEAD", "DELETE", "POST", "PUT", "PATCH"} {
		_, err := p.do(method, "ledger", "/", nil)
		equal(t, err, nil)
	}
	requests, connections := p.count()
	equal(t, []int{requests, connections}, []int{6, 1})
}

func TestWhatCannotBeSentIsRefused(t *testing.T) {
	p := start(t, hello)
	for reason, changes := range map[meshbridge.Reason][]func(*http.Request){
		meshbridge.RequestInvalid: {
			func(r *http.Request) { r.URL.Scheme = "https" },
			func(r *http.Request) { r.URL.Fragment = "a" },
			func(r *http.Request) { r.URL.RawQuery = "a\x01" },
			func(r *http.Request) { r.URL.Opaque = "//users/" },
			func(r *http.Request) { r.Host = "users" },
			func(r *http.Request) { r.Method = "GET /" },
			func(r *http.Request) { r.Header.Set("X-Meshbridge-Token", "x") },
			func(r *http.Request) { r.Header["a b"] = []string{"x"} },
			func(r *http.Request) { r.Header.Set("X", "a\nb") },
			func(r *http.Request) { r.URL = nil },
		},
		meshbridge.AppInvalid:       {func(r *http.Request) { r.URL.Host = "ledger:80" }, func(r *http.Request) { r.URL.Host = "LEDGER" }},
		meshbridge.MethodNotAllowed: {func(r *http.Request) { r.Method = "CONNECT" }, func(r *http.Request) { r.Method = "TRACE" }},
	} {
		for _, change := range changes {
			body := &closing{Reader: strings.NewReader("x")}
			request, _ := http.NewRequest("POST", "http://ledger/", body)
			change(request)
			_, err := p.transport.RoundTrip(request)
			failsWith(t, err, reason)
			equal(t, body.closed, true)
		}
	}
	requests, _ := p.count()
	equal(t, requests, 0)
}

type closing struct {
	io.Reader
	closed bool
}

func (c *closing) Close() error {
	c.closed = true
	return nil
}

func TestABodyIsSentWhileItIsMade(t *testing.T) {
	arrived := make(chan bool, 1)
	p := start(t, func(w http.ResponseWriter, r *http.Request) {
		first := make([]byte, 5)
		_, _ = io.ReadFull(r.Body, first)
		arrived <- true
		rest, _ := io.ReadAll(r.Body)
		_, _ = w.Write(append(first, rest...))
	})
	reader, writer := io.Pipe()
	go func() {
		fmt.Fprint(writer, "first")
		// The second piece exists only once the first has arrived.
		<-arrived
		fmt.Fprint(writer, "second")
		writer.Close()
	}()
	text, err := p.do("POST", "ledger", "/", reader)
	equal(t, text, "firstsecond")
	equal(t, err, nil)
}

func TestAnAnswerIsGivenOutWhileItComes(t *testing.T) {
	read := make(chan bool, 1)
	p := start(t, func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, "first")
		w.(http.Flusher).Flush()
		<-read
		fmt.Fprint(w, "second")
	})
	response, err := p.client.Get("http://ledger/")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	first := make([]byte, 5)
	_, err = io.ReadFull(response.Body, first)
	equal(t, err, nil)
	read <- true
	rest, err := io.ReadAll(response.Body)
	equal(t, err, nil)
	equal(t, string(first)+string(rest), "firstsecond")
}

func TestWhatTheCallersBodyFailsWithIsTheError(t *testing.T) {
	p := start(t, hello)
	mine := errors.New("the caller's own")
	reader, writer := io.Pipe()
	go func() {
		fmt.Fprint(writer, "first")
		writer.CloseWithError(mine)
	}()
	_, err := p.do("POST", "ledger", "/", reader)
	var e *meshbridge.Error
	if !errors.Is(err, mine) || errors.As(err, &e) {
		t.Error(err)
	}
}

func TestACancelledContextGivesTheCallUp(t *testing.T) {
	cancelled, cancel := context.WithCancel(ctx)
	p := start(t, func(_ http.ResponseWriter, r *http.Request) {
		cancel()
		<-r.Context().Done()
	})
	request, _ := meshbridge.NewRequest(cancelled, "GET", "ledger", "/", nil)
	_, err := p.send(request)
	var e *meshbridge.Error
	if !errors.Is(err, context.Canceled) || errors.As(err, &e) {
		t.Error(err)
	}
}

func TestAnAnswerThatStopsInItsMiddleIsGivenUp(t *testing.T) {
	p := start(t, func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, "first")
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	})
	p.transport.Timeout = 50 * time.Millisecond
	_, err := p.do("GET", "ledger", "/", nil)
	failsWith(t, err, meshbridge.DeadlineExceeded)
}

func TestManyGoroutinesShareATransport(t *testing.T) {
	p := start(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(w, r.Body)
	})
	var group sync.WaitGroup
	for i := 0; i < 50; i++ {
		group.Add(1)
		go func(mine string) {
			defer group.Done()
			text, err := p.do("POST", "ledger", "/", strings.NewReader(mine))
			if text != mine || err != nil {
				t.Errorf("%q %v", text, err)
			}
		}(fmt.Sprint("call ", i))
	}
	group.Wait()
}

func TestATokenIsReadAgainWhenItsFileIsAnother(t *testing.T) {
	var good string
	p := start(t, whoKnows(func() string { return good }))
	for _, good = range []string{"secret-1", "secret-2", "secret-3"} {
		p.writeToken(good)
		_, err := p.do("POST", "ledger", "/", strings.NewReader("x"))
		equal(t, err, nil)
	}
	requests, _ := p.count()
	equal(t, requests, 3)
}

func TestATokenThatStaysWrongIsNotTriedAgain(t *testing.T) {
	p := start(t, whoKnows(func() string { return "another" }))
	_, err := p.do("GET", "ledger", "/", nil)
	equal(t, failsWith(t, err, meshbridge.TokenWrong).Status, 401)
	requests, _ := p.count()
	equal(t, requests, 1)
}

func TestATokenThatWasWrittenWhileTheCallWasUnderWayIsTried(t *testing.T) {
	var p *fakeProxy
	p = start(t, whoKnows(func() string {
		p.writeToken("secret-2")
		return "secret-2"
	}))
	_, err := p.do("POST", "ledger", "/", strings.NewReader("x"))
	equal(t, err, nil)
	requests, _ := p.count()
	equal(t, requests, 2)
}

func TestWhatIsNoTokenIsNotSent(t *testing.T) {
	p := start(t, whoKnows(func() string { return "another" }))
	for i, content := range []string{"", "two words", strings.Repeat("x", 5000), "with\x01control", "é"} {
		p.writeToken(content)
		_, err := p.do("GET", "ledger", "/", nil)
		failsWith(t, err, meshbridge.TokenWrong)
		equal(t, p.seen[i].Header.Values("X-Meshbridge-Token"), []string(nil))
	}
}

func TestTheTokenIsNotShown(t *testing.T) {
	p := start(t, hello)
	_, err := p.do("GET", "ledger", "/", nil)
	equal(t, err, nil)
	for _, format := range []string{"%v", "%+v", "%#v", "%s", "%d"} {
		for _, printed := range []any{p.transport, p.client} {
			if text := fmt.Sprintf(format, printed); strings.Contains(text, "secret-1") {
				t.Error(format, text)
			}
		}
	}
}

func whoKnows(good func() string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		if r.Header.Get("X-Meshbridge-Token") != good() {
			refuse(w, meshbridge.TokenWrong, http.StatusUnauthorized)
		}
	}
}
