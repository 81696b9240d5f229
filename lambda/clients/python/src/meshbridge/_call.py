"""One call: what of it may go on the wire, and how it goes there."""

from __future__ import annotations

import http.client
import io
import math
import re
import socket
import time
from contextlib import contextmanager
from typing import IO, Any, Iterable, Iterator, List, Mapping, Optional, Tuple, Union
from urllib.parse import urlencode

from ._proxy import Connection
from .errors import (
    AppInvalidError,
    ConnectionLostError,
    DeadlineExceededError,
    MeshbridgeError,
    MethodNotAllowedError,
    ProxyUnreachableError,
    RequestInvalidError,
)

Pairs = Union[Mapping[str, Union[str, Iterable[str]]], Iterable[Tuple[str, str]]]
Body = Union[None, str, bytes, bytearray, memoryview, IO[bytes], Iterable[bytes]]

_LABEL = "[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_APP = re.compile(rf"{_LABEL}(?:\.{_LABEL})?")
# The proxy takes these for something else.
_NOT_APPS = ("localhost", "mesh")
# RFC 9110, 5.6.2 (token) and 5.5 (field-value, without obs-text).
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE = re.compile(r"[\t\x20-\x7e]*")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_LONE_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")
# Everything that RFC 3986 lets stand in no path or query.
_TO_ENCODE = re.compile(r"[^\x21-\x7e]|[\"<>\\^`{|}]")
_CLIENTS_OWN = frozenset(
    "host connection keep-alive proxy-connection proxy-authorization te trailer transfer-encoding upgrade "
    "content-length expect".split()
)
#: Methods that may be sent twice (RFC 9110, 9.2.1).
_SAFE = frozenset(("GET", "HEAD", "OPTIONS"))
#: How much longer than the proxy the client waits, so that the proxy can say what took so long.
_GRACE_SECONDS = 0.5
#: What the proxy can be told; no invocation takes longer.
_LONGEST_MS = 900_000


class Call:
    """A request, checked: everything of it can go on the wire."""

    def __init__(
        self,
        method: str,
        app: str,
        path: str,
        query: Optional[Pairs],
        headers: Optional[Pairs],
        body: Body,
        timeout: Optional[float],
    ) -> None:
        self.app = _checked_app(app)
        try:
            self.method = _checked_method(method)
            self.target = _target(path, query)
            self.headers = _headers(headers)
            self.payload = _payload(self.method, body)
            if timeout is not None and not 0 < timeout < math.inf:
                raise RequestInvalidError(f"the timeout {timeout!r} is no number of seconds above 0; None is for no limit")
        except MeshbridgeError as e:
            e.app = app
            raise
        self.timeout = timeout
        self._deadline = None if timeout is None else time.monotonic() + timeout + _GRACE_SECONDS

    @property
    def replayable(self) -> bool:
        """Whether its body can be sent again."""
        return self.payload is None or isinstance(self.payload, bytes)

    @property
    def safe(self) -> bool:
        """Whether it may reach the app twice."""
        return self.method in _SAFE and self.replayable

    def send(self, connection: Connection, token: Optional[str]) -> http.client.HTTPResponse:
        """Sends it on one connection; the head of the answer."""
        with failures(self.app):
            connection.expire_in(self._remaining())
            self._connect(connection)
            connection.putrequest(self.method, self.target, skip_host=True, skip_accept_encoding=True)
            connection.putheader("Host", self.app)
            if token is not None:
                connection.putheader("x-meshbridge-token", token)
            if self.timeout is not None:
                connection.putheader("x-meshbridge-timeout-ms", str(min(math.ceil(self.timeout * 1000), _LONGEST_MS)))
            for name, value in self.headers:
                connection.putheader(name, value)
            if not self.replayable:
                connection.putheader("Transfer-Encoding", "chunked")
            elif self.payload is not None:
                connection.putheader("Content-Length", str(len(self.payload)))
            try:
                body = self.payload or None if self.replayable else _marked(self.payload)
                connection.endheaders(body, encode_chunked=not self.replayable)
            except (BrokenPipeError, ConnectionResetError):
                # The proxy may have answered without reading all of the body.
                connection.broken = True
            connection.expire_in(self._remaining())
            raw = connection.getresponse()
            connection.expire_in(self.timeout)
            return raw

    def _connect(self, connection: Connection) -> None:
        if connection.sock is not None:
            return
        try:
            connection.connect()
        except OSError as e:
            message = f"no connection to the proxy: {e}; {ProxyUnreachableError.remedy}"
            raise ProxyUnreachableError(message, app=self.app) from e

    def _remaining(self) -> Optional[float]:
        return None if self._deadline is None else max(0.001, self._deadline - time.monotonic())


@contextmanager
def failures(app: str) -> Iterator[None]:
    """Names what can go wrong between this process and the proxy."""
    try:
        yield
    except MeshbridgeError:
        raise
    except _BodyFailed as e:
        raise e.__cause__ from None  # type: ignore[misc]
    except (TimeoutError, socket.timeout) as e:
        message = f"no answer in time; {DeadlineExceededError.remedy}"
        raise DeadlineExceededError(message, app=app) from e
    except (OSError, http.client.HTTPException) as e:
        message = f"{type(e).__name__} {e}; {ConnectionLostError.remedy}"
        raise ConnectionLostError(message, app=app) from e


def _checked_app(app: str) -> str:
    labels = app.split(".") if isinstance(app, str) and _APP.fullmatch(app) else []
    if not labels or any(label in _NOT_APPS or label.isdigit() for label in labels):
        raise AppInvalidError(f"{app!r} is no name of an app; {AppInvalidError.remedy}", app=str(app))
    return app


def _checked_method(method: str) -> str:
    if not isinstance(method, str) or not _TOKEN.fullmatch(method):
        raise RequestInvalidError(f"{method!r} is no method; write one such as GET")
    if method.upper() in ("CONNECT", "TRACE"):
        raise MethodNotAllowedError(f"{method.upper()} cannot be sent; {MethodNotAllowedError.remedy}")
    return method.upper()


def _target(path: str, query: Optional[Pairs]) -> str:
    """The request target: the path as it was written, with what HTTP cannot carry percent-encoded as UTF-8."""
    if not path.startswith("/"):
        raise RequestInvalidError(f"the path {path!r} does not begin with a slash; write /{path}")
    if _CONTROL.search(path):
        raise RequestInvalidError(f"the path {path!r} has a control character; percent-encode it")
    if "#" in path:
        raise RequestInvalidError(f"the path {path!r} has a `#`, which would not be sent; write %23")
    if _LONE_PERCENT.search(path):
        raise RequestInvalidError(f"the path {path!r} has a `%` that encodes nothing; write %25")
    if query:
        pairs = query.items() if isinstance(query, Mapping) else query
        path += ("&" if "?" in path else "?") + urlencode([(name, value) for name, value in pairs], doseq=True)
    try:
        return _TO_ENCODE.sub(lambda m: "".join(f"%{byte:02X}" for byte in m.group().encode()), path)
    except UnicodeEncodeError:
        raise RequestInvalidError(f"the path {path!r} is not Unicode; percent-encode its bytes") from None


def _headers(given: Optional[Pairs]) -> List[Tuple[str, str]]:
    """The caller's headers, as pairs, each checked."""
    pairs: List[Tuple[str, str]] = []
    for name, value in given.items() if isinstance(given, Mapping) else given or ():
        pairs.extend((name, one) for one in ([value] if isinstance(value, str) else value))
    for name, value in pairs:
        if not isinstance(name, str) or not _TOKEN.fullmatch(name):
            raise RequestInvalidError(f"{name!r} is no name of a header; write letters, digits and hyphens")
        if name.lower() in _CLIENTS_OWN or name.lower().startswith("x-meshbridge-"):
            raise RequestInvalidError(f"the header {name} is the client's own; leave it out")
        if not isinstance(value, str) or not _VALUE.fullmatch(value):
            raise RequestInvalidError(f"the value of the header {name} is not printable ASCII; encode it")
    return pairs


def _payload(method: str, body: Body) -> Any:
    """Bytes that can be sent again, or a stream that cannot, or nothing."""
    if body is None:
        return b"" if method in ("POST", "PUT", "PATCH") else None
    if isinstance(body, str):
        return body.encode()
    if isinstance(body, (bytes, bytearray, memoryview)):
        return bytes(body)
    if isinstance(body, (io.TextIOBase, Mapping)) or not (hasattr(body, "read") or hasattr(body, "__iter__")):
        raise RequestInvalidError("the body is neither text, bytes, a file opened in binary mode nor an iterable of bytes")
    return body


class _BodyFailed(Exception):
    """What the caller's own body raised, kept apart from what the connection raises."""


def _marked(body: Any) -> Iterator[bytes]:
    chunks = iter(lambda: body.read(64 * 1024), b"") if hasattr(body, "read") else iter(body)
    while True:
        try:
            chunk = next(chunks)
        except StopIteration:
            return
        except Exception as e:
            raise _BodyFailed from e
        yield chunk
