// Package meshbridge calls apps of the mesh from AWS Lambda, through meshbridge's local proxy.
//
// A Transport is an http.RoundTripper. The app that is called is the host of the URL, and the scheme is http: the proxy
// does the mutual TLS.
//
//	client := meshbridge.NewClient()
//	response, err := client.Get("http://ledger/v1/balances")
package meshbridge

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptrace"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// Version of this package.
const Version = "0.1.0"

const (
	defaultProxy     = "http://127.0.0.1:8181"
	defaultTokenFile = "/tmp/meshbridge/token"
	defaultTimeout   = 30 * time.Second
	idleConnections  = 16
	idleTime         = 30 * time.Second
	// How much longer than the proxy the client waits, so that the proxy can say what took so long.
	grace = 500 * time.Millisecond
)

// NewClient makes an http.Client that calls apps of the mesh and follows no redirect.
//
// Give calls their own time by the context of their request: http.Client.Timeout is not told to the proxy.
func NewClient() *http.Client {
	return &http.Client{
		Transport:     &Transport{},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// Transport is an http.RoundTripper that calls apps of the mesh. Its zero value is ready to use. One is enough for a process;
// goroutines may share it. It must not be copied, nor changed after the first call.
type Transport struct {
	// Proxy is the proxy's address: http://127.0.0.1:PORT or unix:/path/of/socket. By default that of MESHBRIDGE_PROXY,
	// then port 8181.
	Proxy string
	// TokenFile holds the proxy's token. By default that of MESHBRIDGE_TOKEN_FILE, then /tmp/meshbridge/token.
	TokenFile string
	// Timeout is for calls whose context has no deadline. It limits a call up to the head of its answer, then each wait for a
	// piece of the body. By default 30 seconds; a negative one leaves it to the proxy.
	Timeout time.Duration

	once   sync.Once
	broken error
	token  *tokenFile
	inner  *http.Transport
	usedAt atomic.Int64
}

// RoundTrip makes one call. Its error is an *Error, unless the request's context was cancelled or its own body failed.
func (t *Transport) RoundTrip(request *http.Request) (*http.Response, error) {
	t.once.Do(t.init)
	body := newRequestBody(request)
	call, err := newCall(request, t.timeout())
	if err == nil {
		err = t.broken
	}
	if err != nil {
		body.close()
		return nil, err
	}
	t.forgetDeadConnections()
	token := t.token.read("")
	response, err := t.send(call, body, token)
	// At most once more, for a newer token.
	var refused *Error
	if errors.As(err, &refused) && (refused.Reason == TokenWrong || refused.Reason == TokenMissing) {
		newer := t.token.read(token)
		if again, ok := body.again(); ok && newer != "" && newer != token {
			return t.send(call, again, newer)
		}
	}
	return response, err
}

// CloseIdleConnections closes the connections that are not in use; the Transport stays usable.
func (t *Transport) CloseIdleConnections() {
	t.once.Do(t.init)
	if t.inner != nil {
		t.inner.CloseIdleConnections()
	}
}

// String shows no token.
func (t *Transport) String() string {
	return fmt.Sprintf("meshbridge.Transport{Proxy: %q, TokenFile: %q}", t.Proxy, t.TokenFile)
}

// GoString shows no token.
func (t *Transport) GoString() string { return t.String() }

func (t *Transport) init() {
	t.token = &tokenFile{path: firstOf(t.TokenFile, os.Getenv("MESHBRIDGE_TOKEN_FILE"), defaultTokenFile)}
	network, address, err := parseProxy(firstOf(t.Proxy, os.Getenv("MESHBRIDGE_PROXY"), defaultProxy))
	if err != nil {
		t.broken = err
		return
	}
	dialer := &net.Dialer{}
	t.inner = &http.Transport{
		// No Proxy: HTTP_PROXY is for programs that know nothing of the mesh.
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			connection, err := dialer.DialContext(ctx, network, address)
			if err != nil {
				return nil, &dialError{err}
			}
			return connection, nil
		},
		DisableCompression:  true,
		MaxIdleConnsPerHost: idleConnections,
		IdleConnTimeout:     idleTime,
	}
}

func (t *Transport) timeout() time.Duration {
	switch {
	case t.Timeout < 0:
		return 0
	case t.Timeout == 0:
		return defaultTimeout
	default:
		return t.Timeout
	}
}

// After a freeze, which the wall clock shows and the timer of IdleConnTimeout does not.
func (t *Transport) forgetDeadConnections() {
	now := time.Now().UnixNano()
	if idle := now - t.usedAt.Swap(now); idle < 0 || idle > int64(idleTime) {
		t.inner.CloseIdleConnections()
	}
}

// send makes one attempt. A request that may be sent twice, net/http sends again when the connection that it took from the
// pool was dead.
func (t *Transport) send(call *call, body *requestBody, token string) (*http.Response, error) {
	ctx, cancel := context.WithCancel(t.onceMoreOnANewConnection(call.request.Context()))
	watch := newWatch(call, body, cancel)
	told, known := call.remaining()
	if known && told <= 0 {
		body.close()
		watch.close()
		return nil, watch.explain(context.DeadlineExceeded)
	}
	watch.arm(call.timeout + grace)
	response, err := t.inner.RoundTrip(call.outgoing(ctx, body, token, told))
	watch.disarm()
	if err != nil {
		err = watch.explain(err)
		watch.close()
		return nil, err
	}
	if reason := Reason(response.Header.Get("X-Meshbridge-Error")); reason != "" {
		watch.arm(call.timeout)
		defer watch.close()
		refused := call.refusal(reason, response)
		if token == "" && reason == TokenMissing {
			refused.Message += fmt.Sprintf(" (the client found no token in %s)", t.token.path)
		}
		return nil, refused
	}
	response.Request = call.request
	if response.Body == http.NoBody {
		watch.close()
	} else {
		response.Body = &responseBody{ReadCloser: response.Body, watch: watch}
	}
	return response, nil
}

// Where one connection of the pool was dead, others may be: net/http would try them all.
func (t *Transport) onceMoreOnANewConnection(ctx context.Context) context.Context {
	var tries atomic.Int32
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GetConn: func(string) {
		if tries.Add(1) > 1 {
			t.inner.CloseIdleConnections()
		}
	}})
}

func firstOf(texts ...string) string {
	for _, text := range texts {
		if text != "" {
			return text
		}
	}
	return ""
}
