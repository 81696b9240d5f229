package meshbridge

import "fmt"

// Reason is why a call got no answer from the app: fixed text (the proxy's x-meshbridge-error), fit for metrics. It is an
// error, so that errors.Is(err, meshbridge.IdentityExpired) asks for it.
//
// The proxy may be newer than this package and give a reason that is not listed here.
type Reason string

// The reasons.
const (
	IdentityMissing      Reason = "identity-missing"
	IdentityExpired      Reason = "identity-expired"
	IdentityInvalid      Reason = "identity-invalid"
	AccessDenied         Reason = "access-denied"
	Throttled            Reason = "throttled"
	IdentityUnavailable  Reason = "identity-unavailable"
	UpstreamIdentity     Reason = "upstream-identity"
	UpstreamUnreachable  Reason = "upstream-unreachable"
	UpstreamTls          Reason = "upstream-tls"
	UpstreamTimeout      Reason = "upstream-timeout"
	UpstreamProtocol     Reason = "upstream-protocol"
	DeadlineExceeded     Reason = "deadline-exceeded"
	UpstreamNotAllowed   Reason = "upstream-not-allowed"
	TokenMissing         Reason = "token-missing"
	TokenWrong           Reason = "token-wrong"
	BadRequest           Reason = "bad-request"
	MethodNotAllowed     Reason = "method-not-allowed"
	RestorePending       Reason = "restore-pending"
	ProxyUnreachable     Reason = "proxy-unreachable"
	ConnectionLost       Reason = "connection-lost"
	AppInvalid           Reason = "app-invalid"
	RequestInvalid       Reason = "request-invalid"
	ConfigurationInvalid Reason = "configuration-invalid"
)

// remedies has the fixed advice for each reason.
var remedies = map[Reason]string{
	IdentityMissing:      "see that the app has opted in to the mesh, that the issuer has run, and that the names of its two secrets are right",
	IdentityExpired:      "the certificate has run out and no newer one could be had; look at the issuer's alarms",
	IdentityInvalid:      "the message says which check of the certificate, its key or its chain failed; let the issuer publish a new pair",
	AccessDenied:         "let the function's role read the app's secrets and use their KMS key: add it to the app's lambda_roles",
	Throttled:            "Secrets Manager limits calls just now; call again after a pause",
	IdentityUnavailable:  "Secrets Manager could not be reached in any region; see that the function's network leads there, and call again",
	UpstreamIdentity:     "another server than the app answered, and it was sent nothing; check the upstream's spiffe_id and the route at the mesh gateway",
	UpstreamUnreachable:  "no connection to the app; check the gateway's address, the function's network and that the app runs, and call again",
	UpstreamTls:          "TLS with the app failed; check that the app knows the function's trust domain and the gateway its name",
	UpstreamTimeout:      "the app did not answer in time and may have done what was asked; call again only what may be done twice",
	UpstreamProtocol:     "the app's answer was not sound HTTP, and it may have done what was asked; look at the app's log",
	DeadlineExceeded:     "the call's own time is over, and the app may have done what was asked; give it more time",
	UpstreamNotAllowed:   "add the app to `upstreams` in the proxy's configuration",
	TokenMissing:         "let MESHBRIDGE_TOKEN_FILE name the file that the proxy writes, readable by the function",
	TokenWrong:           "the token is not this proxy's; let MESHBRIDGE_TOKEN_FILE and MESHBRIDGE_PROXY be those of one proxy",
	BadRequest:           "the message says what of the request the proxy does not accept; mend that",
	MethodNotAllowed:     "neither CONNECT nor TRACE goes to an app; call it with an ordinary method",
	RestorePending:       "a snapshot is taken of this environment, so that it has no identity yet; call from the handler",
	ProxyUnreachable:     "see that the mtls-proxy layer is part of the function, that it has started, and that MESHBRIDGE_PROXY names its port or socket",
	ConnectionLost:       "the connection broke before the answer was complete, and the app may have done what was asked; call again only what may be done twice",
	AppInvalid:           "name an app as `app` or `app.environment`: each of lower-case letters, digits and hyphens, as in the SNI",
	RequestInvalid:       "the message says what of the request cannot be sent; mend that",
	ConfigurationInvalid: "let MESHBRIDGE_PROXY be `http://127.0.0.1:PORT` or `unix:/path/of/socket`; the proxy listens on loopback only",
}

// Error is the reason's text.
func (r Reason) Error() string { return string(r) }

// Remedy is the fixed advice for the reason; empty for a reason that this version does not know.
func (r Reason) Remedy() string { return remedies[r] }

// Error is a call that got no answer from the app. An answer of the app itself, whatever its status, is never an error.
type Error struct {
	Reason Reason
	// Status of the proxy's answer; 0 when this package itself refused or failed.
	Status int
	// App is whom the call was for.
	App string
	// Message says what happened and what to do.
	Message string
	// Err is what lies beneath, if anything does.
	Err error
}

func (e *Error) Error() string { return fmt.Sprintf("meshbridge: %s: %s", e.Reason, e.Message) }

// Unwrap is what lies beneath: for DeadlineExceeded, context.DeadlineExceeded.
func (e *Error) Unwrap() error { return e.Err }

// Is reports whether target is the error's Reason.
func (e *Error) Is(target error) bool {
	reason, ok := target.(Reason)
	return ok && reason == e.Reason
}

// Timeout reports whether the time was too short, as net.Error does.
func (e *Error) Timeout() bool { return e.Reason == DeadlineExceeded || e.Reason == UpstreamTimeout }
