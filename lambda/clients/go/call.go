package meshbridge

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"
)

const (
	// What the proxy can be told; no invocation takes longer.
	longestTimeout = 900 * time.Second
	longestError   = 64 << 10
)

var (
	appPattern = regexp.MustCompile(`\A[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)?\z`)
	// The proxy takes these for something else.
	notApps = regexp.MustCompile(`\A(localhost|mesh|[0-9]+)\z`)
	// RFC 9110, 5.6.2 (token) and 5.5 (field-value, without obs-text).
	tokenPattern = regexp.MustCompile("\\A[!#$%&'*+.^_`|~0-9A-Za-z-]+\\z")
	valuePattern = regexp.MustCompile(`\A[\t\x20-\x7e]*\z`)
	control      = regexp.MustCompile(`[\x00-\x1f\x7f]`)
	percent      = regexp.MustCompile(`%([0-9A-Fa-f]{2})?`)
	clientsOwn   = regexp.MustCompile(`(?i)\A(host|connection|keep-alive|proxy-connection|proxy-authorization|te|trailer|` +
		`transfer-encoding|upgrade|content-length|expect|x-meshbridge-.*)\z`)
)

// NewRequest makes a request to an app, which is `app` or `app.environment`. Of the target (a path, and a query if there is
// one), what HTTP cannot carry is percent-encoded as UTF-8, and nothing else is changed.
func NewRequest(ctx context.Context, method, app, target string, body io.Reader) (*http.Request, error) {
	if err := checkApp(app); err != nil {
		return nil, err
	}
	encoded, err := encodeTarget(target)
	if err != nil {
		return nil, &Error{Reason: RequestInvalid, App: app, Message: err.Error()}
	}
	request, err := http.NewRequestWithContext(ctx, method, "http://"+app+encoded, body)
	if err != nil {
		return nil, &Error{Reason: RequestInvalid, App: app, Message: err.Error(), Err: err}
	}
	return request, nil
}

// A call is a request, checked: everything of it can go on the wire.
type call struct {
	request *http.Request
	app     string
	// For a context without a deadline; 0 for none.
	timeout time.Duration
}

func newCall(request *http.Request, timeout time.Duration) (*call, error) {
	if request.URL == nil {
		return nil, &Error{Reason: RequestInvalid, Message: "the request has no URL; write http://app/path"}
	}
	if _, known := request.Context().Deadline(); known {
		timeout = 0
	}
	c := &call{request: request, app: request.URL.Host, timeout: timeout}
	if err := checkApp(c.app); err != nil {
		return nil, err
	}
	method := strings.ToUpper(request.Method)
	switch {
	case method != "" && !tokenPattern.MatchString(method):
		return nil, c.invalid("%q is no method; write one such as GET", request.Method)
	case method == http.MethodConnect || method == http.MethodTrace:
		return nil, c.errorf(MethodNotAllowed, nil, "%s cannot be sent; %s", method, MethodNotAllowed.Remedy())
	case request.URL.Scheme != "http":
		return nil, c.invalid("the scheme is %q; write http, the proxy does the TLS", request.URL.Scheme)
	case request.URL.Fragment != "":
		return nil, c.invalid("the URL has a fragment, which would not be sent; write %%23")
	case request.URL.Opaque != "":
		return nil, c.invalid("the URL is opaque; write http://app/path")
	case request.Host != "" && request.Host != c.app:
		return nil, c.invalid("Host is %q, and the app in the URL %q; leave Host empty", request.Host, c.app)
	case control.MatchString(request.URL.RawQuery):
		return nil, c.invalid("the query has a control character; percent-encode it")
	}
	for name, values := range request.Header {
		if !tokenPattern.MatchString(name) {
			return nil, c.invalid("%q is no name of a header; write letters, digits and hyphens", name)
		}
		if clientsOwn.MatchString(name) {
			return nil, c.invalid("the header %s is the client's own; leave it out", name)
		}
		for _, value := range values {
			if !valuePattern.MatchString(value) {
				return nil, c.invalid("the value of the header %s is not printable ASCII; encode it", name)
			}
		}
	}
	return c, nil
}

// outgoing is the request as the proxy shall see it.
func (c *call) outgoing(ctx context.Context, body *requestBody, token string, told time.Duration) *http.Request {
	out := c.request.Clone(ctx)
	out.Method = strings.ToUpper(out.Method)
	out.Host = c.app
	// One pool of connections for all apps: they all lead to the proxy.
	out.URL.Host = "mtls-proxy"
	out.URL.User = nil
	out.URL.RawQuery = encode(out.URL.RawQuery)
	body.putInto(out)
	if token != "" {
		out.Header.Set("X-Meshbridge-Token", token)
	}
	if told > 0 {
		if told > longestTimeout {
			told = longestTimeout
		}
		ms := (told + time.Millisecond - 1) / time.Millisecond
		out.Header.Set("X-Meshbridge-Timeout-Ms", strconv.FormatInt(int64(ms), 10))
	}
	return out
}

// remaining is the time that the call has left, and whether that is the context's.
func (c *call) remaining() (time.Duration, bool) {
	if deadline, known := c.request.Context().Deadline(); known {
		return time.Until(deadline), true
	}
	return c.timeout, false
}

// refusal reads the proxy's own answer.
func (c *call) refusal(reason Reason, response *http.Response) *Error {
	defer response.Body.Close()
	var told struct{ Message string }
	text, _ := io.ReadAll(io.LimitReader(response.Body, longestError))
	if json.Unmarshal(text, &told) != nil || told.Message == "" {
		told.Message = reason.Remedy()
	}
	return &Error{Reason: reason, Status: response.StatusCode, App: c.app, Message: told.Message}
}

func (c *call) errorf(reason Reason, cause error, format string, arguments ...any) *Error {
	return &Error{Reason: reason, App: c.app, Message: fmt.Sprintf(format, arguments...), Err: cause}
}

func (c *call) invalid(format string, arguments ...any) *Error {
	return c.errorf(RequestInvalid, nil, format, arguments...)
}

func checkApp(app string) error {
	sound := appPattern.MatchString(app)
	for _, label := range strings.Split(app, ".") {
		sound = sound && !notApps.MatchString(label)
	}
	if sound {
		return nil
	}
	return &Error{Reason: AppInvalid, App: app, Message: fmt.Sprintf("%q is no name of an app; %s", app, AppInvalid.Remedy())}
}

func encodeTarget(target string) (string, error) {
	switch {
	case !strings.HasPrefix(target, "/"):
		return "", fmt.Errorf("the path %q does not begin with a slash; write /%s", target, target)
	case control.MatchString(target):
		return "", fmt.Errorf("the path %q has a control character; percent-encode it", target)
	case strings.Contains(target, "#"):
		return "", fmt.Errorf("the path %q has a `#`, which would not be sent; write %%23", target)
	}
	for _, found := range percent.FindAllString(target, -1) {
		if found == "%" {
			return "", fmt.Errorf("the path %q has a `%%` that encodes nothing; write %%25", target)
		}
	}
	return encode(target), nil
}

// encode percent-encodes everything that RFC 3986 lets stand in no path or query.
func encode(text string) string {
	var encoded strings.Builder
	for _, b := range []byte(text) {
		if b <= ' ' || b >= 0x7f || strings.IndexByte("\"<>\\^`{|}", b) >= 0 {
			fmt.Fprintf(&encoded, "%%%02X", b)
		} else {
			encoded.WriteByte(b)
		}
	}
	return encoded.String()
}

// parseProxy is what net.Dial takes for the proxy's address: a port of loopback, or a UNIX socket.
func parseProxy(text string) (network, address string, err error) {
	invalid := func(what string) error {
		message := fmt.Sprintf("the proxy's address %q: %s; %s", text, what, ConfigurationInvalid.Remedy())
		return &Error{Reason: ConfigurationInvalid, Message: message}
	}
	if path := strings.TrimPrefix(text, "unix:"); path != text {
		if !strings.HasPrefix(path, "/") {
			return "", "", invalid("the socket's path does not begin with a slash")
		}
		return "unix", path, nil
	}
	u, err := url.Parse(text)
	if err != nil {
		return "", "", invalid("it is no address")
	}
	bare := u.User == nil && (u.Path == "" || u.Path == "/") && u.RawQuery == "" && u.Fragment == ""
	if u.Scheme != "http" || !bare {
		return "", "", invalid("it is not of that form")
	}
	if !isLoopback(u.Hostname()) {
		return "", "", invalid("the host is not on loopback, and the token would leave the machine")
	}
	return "tcp", hostPort(u), nil
}
