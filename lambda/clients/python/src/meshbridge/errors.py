"""The errors of a call: one class for each reason, the same set in every language's client."""

from __future__ import annotations

from typing import Dict, Optional, Type


class MeshbridgeError(Exception):
    """A call that got no answer from the app.

    An answer of the app itself, whatever its status, is never an error.

    ``reason`` is fixed text (the proxy's ``x-meshbridge-error``), fit for metrics; ``message`` says what happened and what to
    do; ``remedy`` is the fixed advice for the reason; ``status`` is that of the proxy's answer, ``None`` when the client itself
    refused or failed; ``app`` is whom the call was for. A reason that this version does not know raises this class itself.
    """

    reason = "unknown"
    remedy = "a newer version of the client may know this reason"

    def __init__(
        self, message: str, *, app: Optional[str] = None, status: Optional[int] = None, reason: Optional[str] = None
    ) -> None:
        self.reason = reason or type(self).reason
        self.message = message
        self.app = app
        self.status = status
        super().__init__(f"{self.reason}: {message}")


class IdentityMissingError(MeshbridgeError):
    reason = "identity-missing"
    remedy = (
        "see that the app has opted in to the mesh, that the issuer has run, and that the names of its two secrets are "
        "right"
    )


class IdentityExpiredError(MeshbridgeError):
    reason = "identity-expired"
    remedy = "the certificate has run out and no newer one could be had; look at the issuer's alarms"


class IdentityInvalidError(MeshbridgeError):
    reason = "identity-invalid"
    remedy = "the message says which check of the certificate, its key or its chain failed; let the issuer publish a new pair"


class AccessDeniedError(MeshbridgeError):
    reason = "access-denied"
    remedy = "let the function's role read the app's secrets and use their KMS key: add it to the app's lambda_roles"


class ThrottledError(MeshbridgeError):
    reason = "throttled"
    remedy = "Secrets Manager limits calls just now; call again after a pause"


class IdentityUnavailableError(MeshbridgeError):
    reason = "identity-unavailable"
    remedy = "Secrets Manager could not be reached in any region; see that the function's network leads there, and call again"


class UpstreamIdentityError(MeshbridgeError):
    reason = "upstream-identity"
    remedy = (
        "another server than the app answered, and it was sent nothing; check the upstream's spiffe_id and the route "
        "at the mesh gateway"
    )


class UpstreamUnreachableError(MeshbridgeError):
    reason = "upstream-unreachable"
    remedy = (
        "no connection to the app; check the gateway's address, the function's network and that the app runs, and call "
        "again"
    )


class UpstreamTlsError(MeshbridgeError):
    reason = "upstream-tls"
    remedy = "TLS with the app failed; check that the app knows the function's trust domain and the gateway its name"


class UpstreamTimeoutError(MeshbridgeError):
    reason = "upstream-timeout"
    remedy = "the app did not answer in time and may have done what was asked; call again only what may be done twice"


class UpstreamProtocolError(MeshbridgeError):
    reason = "upstream-protocol"
    remedy = "the app's answer was not sound HTTP, and it may have done what was asked; look at the app's log"


class DeadlineExceededError(MeshbridgeError, TimeoutError):
    reason = "deadline-exceeded"
    remedy = "the call's own time is over, and the app may have done what was asked; give it more time"


class UpstreamNotAllowedError(MeshbridgeError):
    reason = "upstream-not-allowed"
    remedy = "add the app to `upstreams` in the proxy's configuration"


class TokenMissingError(MeshbridgeError):
    reason = "token-missing"
    remedy = "let MESHBRIDGE_TOKEN_FILE name the file that the proxy writes, readable by the function"


class TokenWrongError(MeshbridgeError):
    reason = "token-wrong"
    remedy = "the token is not this proxy's; let MESHBRIDGE_TOKEN_FILE and MESHBRIDGE_PROXY be those of one proxy"


class BadRequestError(MeshbridgeError):
    reason = "bad-request"
    remedy = "the message says what of the request the proxy does not accept; mend that"


class MethodNotAllowedError(MeshbridgeError):
    reason = "method-not-allowed"
    remedy = "neither CONNECT nor TRACE goes to an app; call it with an ordinary method"


class RestorePendingError(MeshbridgeError):
    reason = "restore-pending"
    remedy = "a snapshot is taken of this environment, so that it has no identity yet; call from the handler"


class ProxyUnreachableError(MeshbridgeError, ConnectionError):
    reason = "proxy-unreachable"
    remedy = (
        "see that the mtls-proxy layer is part of the function, that it has started, and that MESHBRIDGE_PROXY names "
        "its port or socket"
    )


class ConnectionLostError(MeshbridgeError, ConnectionError):
    reason = "connection-lost"
    remedy = (
        "the connection broke before the answer was complete, and the app may have done what was asked; call again "
        "only what may be done twice"
    )


class AppInvalidError(MeshbridgeError, ValueError):
    reason = "app-invalid"
    remedy = "name an app as `app` or `app.environment`: each of lower-case letters, digits and hyphens, as in the SNI"


class RequestInvalidError(MeshbridgeError, ValueError):
    reason = "request-invalid"
    remedy = "the message says what of the request cannot be sent; mend that"


class ConfigurationInvalidError(MeshbridgeError, ValueError):
    reason = "configuration-invalid"
    remedy = "let MESHBRIDGE_PROXY be `http://127.0.0.1:PORT` or `unix:/path/of/socket`; the proxy listens on loopback only"


#: The class of each reason.
BY_REASON: Dict[str, Type[MeshbridgeError]] = {cls.reason: cls for cls in MeshbridgeError.__subclasses__()}
