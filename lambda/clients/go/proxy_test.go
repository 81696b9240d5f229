package meshbridge_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"sync"
	"testing"

	"example.com/meshbridge"
)

// A fakeProxy is one that a test tells what to answer, with a client of it.
type fakeProxy struct {
	address, tokenFile string
	transport          *meshbridge.Transport
	client             *http.Client

	t           *testing.T
	mutex       sync.Mutex
	seen        []*http.Request
	bodies      []string
	connections map[string]bool
}

func start(t *testing.T, respond http.HandlerFunc) *fakeProxy {
	t.Helper()
	p := &fakeProxy{t: t, tokenFile: filepath.Join(t.TempDir(), "token"), connections: map[string]bool{}}
	p.writeToken("secret-1")
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.mutex.Lock()
		p.seen = append(p.seen, r)
		p.connections[r.RemoteAddr] = true
		p.mutex.Unlock()
		respond(w, r)
	}))
	p.address = server.URL
	p.transport = &meshbridge.Transport{Proxy: p.address, TokenFile: p.tokenFile}
	p.client = meshbridge.NewClient()
	p.client.Transport = p.transport
	t.Cleanup(func() {
		p.transport.CloseIdleConnections()
		server.CloseClientConnections()
		server.Close()
	})
	return p
}

func (p *fakeProxy) writeToken(token string) {
	if err := os.WriteFile(p.tokenFile+".new", []byte(token+"\n"), 0o600); err != nil {
		p.t.Error(err)
	}
	if err := os.Rename(p.tokenFile+".new", p.tokenFile); err != nil {
		p.t.Error(err)
	}
}

func (p *fakeProxy) hosts() []string {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	var hosts []string
	for _, request := range p.seen {
		hosts = append(hosts, request.Host)
	}
	return hosts
}

func (p *fakeProxy) count() (requests, connections int) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	return len(p.seen), len(p.connections)
}

// do makes a call and reads its answer.
func (p *fakeProxy) do(method, app, target string, body io.Reader) (string, error) {
	request, err := meshbridge.NewRequest(ctx, method, app, target, body)
	if err != nil {
		return "", err
	}
	return p.send(request)
}

func (p *fakeProxy) send(request *http.Request) (string, error) {
	response, err := p.client.Do(request)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	return string(text), err
}

func hello(w http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	fmt.Fprint(w, "hello")
}

func refuse(w http.ResponseWriter, reason meshbridge.Reason, status int) {
	w.Header().Set("x-meshbridge-error", string(reason))
	w.WriteHeader(status)
	fmt.Fprintf(w, `{"error": %q, "message": "what and remedy"}`, reason)
}

func equal(t *testing.T, got, wanted any) {
	t.Helper()
	if !reflect.DeepEqual(got, wanted) {
		t.Errorf("%#v, not %#v", got, wanted)
	}
}

func failsWith(t *testing.T, err error, reason meshbridge.Reason) *meshbridge.Error {
	t.Helper()
	var e *meshbridge.Error
	if !errors.As(err, &e) || !errors.Is(err, reason) {
		t.Fatalf("%v, not %s", err, reason)
	}
	return e
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(bytes.ReplaceAll(text, []byte("\r\n"), []byte("\n")))
}
