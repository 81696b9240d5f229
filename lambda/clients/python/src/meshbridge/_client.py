"""The client: calls to apps of the mesh through the proxy beside this process."""

from __future__ import annotations

import http.client
import json
import os
import threading
import time
from contextlib import contextmanager
from email.message import Message
from typing import Any, Iterator, List, Optional, Tuple, Type

from ._call import Body, Call, Pairs, failures
from ._proxy import DEFAULT_PROXY, DEFAULT_TOKEN_FILE, Connection, Endpoint, TokenFile
from .errors import BY_REASON, ConnectionLostError, MeshbridgeError

_IDLE_CONNECTIONS = 16
_IDLE_SECONDS = 30
_LONGEST_ERROR = 64 * 1024
_THE_CLIENTS: Any = object()


class Response:
    """An answer of the app: ``status``, ``headers`` and the body.

    From :meth:`Client.request` the body is in ``content``, ``text`` and ``json()``. From :meth:`Client.stream` it comes by
    ``read(n)`` or by iteration, once.
    """

    def __init__(self, app: str, raw: http.client.HTTPResponse) -> None:
        self.app = app
        self.status: int = raw.status
        self.headers: Message = raw.headers
        self._raw = raw
        self._content: Optional[bytes] = None

    def read(self, size: int = -1) -> bytes:
        """At most ``size`` bytes of the body, all of it for -1; ``b""`` at its end and never before."""
        with failures(self.app):
            data = self._raw.read(None if size < 0 else size)
            # http.client takes a connection that closes early for the end of the body.
            if not data and size != 0 and self._raw.length:
                raise http.client.IncompleteRead(data, self._raw.length)
            return data

    def __iter__(self) -> Iterator[bytes]:
        return iter(lambda: self.read(64 * 1024), b"")

    @property
    def content(self) -> bytes:
        """The whole body."""
        if self._content is None:
            self._content = self.read()
        return self._content

    @property
    def text(self) -> str:
        """The whole body, decoded by the charset that the app names, else as UTF-8."""
        try:
            return self.content.decode(self.headers.get_content_charset("utf-8"), "replace")
        except LookupError:
            return self.content.decode("utf-8", "replace")

    def json(self) -> Any:
        """The whole body as JSON."""
        return json.loads(self.content)

    def __repr__(self) -> str:
        return f"<meshbridge.Response {self.status} of {self.app}>"


class Client:
    """Calls apps of the mesh. One is enough for a process; threads may share it.

    ``proxy`` defaults to ``MESHBRIDGE_PROXY``, then ``http://127.0.0.1:8181``; ``token_file`` to ``MESHBRIDGE_TOKEN_FILE``, then
    ``/tmp/meshbridge/token``. ``timeout`` is in seconds, for calls that name none; ``None`` leaves it to the proxy.
    """

    def __init__(
        self, *, proxy: Optional[str] = None, token_file: Optional[str] = None, timeout: Optional[float] = 30.0
    ) -> None:
        self._endpoint = Endpoint(proxy or os.environ.get("MESHBRIDGE_PROXY") or DEFAULT_PROXY)
        self._token = TokenFile(token_file or os.environ.get("MESHBRIDGE_TOKEN_FILE") or DEFAULT_TOKEN_FILE)
        self._timeout = timeout
        self._lock = threading.Lock()
        self._idle: List[Connection] = []
        self._pid = os.getpid()

    def request(
        self,
        method: str,
        app: str,
        path: str,
        *,
        query: Optional[Pairs] = None,
        headers: Optional[Pairs] = None,
        body: Body = None,
        timeout: Optional[float] = _THE_CLIENTS,
    ) -> Response:
        """Calls ``app`` and reads the whole answer.

        ``body`` may be text (sent as UTF-8), bytes, or a binary file or iterable of bytes, which is sent as it comes. Raises a
        :class:`MeshbridgeError`; an answer of the app is returned whatever its status is. Redirects are not followed.
        """
        with self.stream(
            method, app, path, query=query, headers=headers, body=body, timeout=timeout
        ) as response:
            response._content = response.read()
            return response

    @contextmanager
    def stream(
        self,
        method: str,
        app: str,
        path: str,
        *,
        query: Optional[Pairs] = None,
        headers: Optional[Pairs] = None,
        body: Body = None,
        timeout: Optional[float] = _THE_CLIENTS,
    ) -> Iterator[Response]:
        """Like :meth:`request`, but the block reads the answer's body as it comes; ``timeout`` then limits each read."""
        limit = self._timeout if timeout is _THE_CLIENTS else timeout
        connection, raw = self._exchange(Call(method, app, path, query, headers, body, limit))
        try:
            yield Response(app, raw)
        finally:
            self._put_back(connection, raw)

    def _exchange(self, call: Call) -> Tuple[Connection, http.client.HTTPResponse]:
        """Sends the call until the app answers: at most once more for a newer token, once for a connection that was dead."""
        token = self._token.read()
        may_renew, may_reconnect = call.replayable, call.safe
        connection = self._idle_connection()
        while True:
            reused = connection is not None
            connection = connection or Connection(self._endpoint)
            try:
                raw = call.send(connection, token)
            except ConnectionLostError:
                connection.close()
                if not (reused and may_reconnect):
                    raise
                may_reconnect, connection = False, None
                continue
            except BaseException:
                connection.close()
                raise
            reason = raw.getheader("x-meshbridge-error")
            if reason is None:
                return connection, raw
            error = self._error(call.app, reason, raw, token)
            self._put_back(connection, raw)
            newer = self._token.read(doubted=token) if reason in ("token-wrong", "token-missing") else None
            if not (newer and newer != token and may_renew):
                raise error
            token, may_renew, connection = newer, False, self._idle_connection()

    def _error(self, app: str, reason: str, raw: http.client.HTTPResponse, token: Optional[str]) -> MeshbridgeError:
        cls: Type[MeshbridgeError] = BY_REASON.get(reason, MeshbridgeError)
        message = cls.remedy
        try:
            with failures(app):
                message = str(json.loads(raw.read(_LONGEST_ERROR))["message"])
        except (MeshbridgeError, ValueError, KeyError, TypeError):
            pass
        if token is None and reason == "token-missing":
            message += f" (the client found no token in {self._token.path})"
        return cls(message, app=app, status=raw.status, reason=reason)

    def _idle_connection(self) -> Optional[Connection]:
        with self._lock:
            if self._pid != os.getpid():
                # A fork: the parent goes on using its sockets.
                self._idle, self._pid = [], os.getpid()
            while self._idle:
                connection = self._idle.pop()
                if 0 <= time.time() - connection.used_at <= _IDLE_SECONDS and not connection.is_stale():
                    return connection
                connection.close()
            return None

    def _put_back(self, connection: Connection, raw: http.client.HTTPResponse) -> None:
        # A body that was not read to its end leaves its rest on the connection.
        if raw.isclosed() and connection.sock is not None and not connection.broken:
            connection.used_at = time.time()
            with self._lock:
                if len(self._idle) < _IDLE_CONNECTIONS:
                    self._idle.append(connection)
                    return
        raw.close()
        connection.close()

    def close(self) -> None:
        """Closes the idle connections; the client stays usable."""
        with self._lock:
            while self._idle:
                self._idle.pop().close()

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def get(self, app: str, path: str, **options: Any) -> Response:
        """``request("GET", …)``."""
        return self.request("GET", app, path, **options)

    def head(self, app: str, path: str, **options: Any) -> Response:
        """``request("HEAD", …)``."""
        return self.request("HEAD", app, path, **options)

    def post(self, app: str, path: str, body: Body = None, **options: Any) -> Response:
        """``request("POST", …)``."""
        return self.request("POST", app, path, body=body, **options)

    def put(self, app: str, path: str, body: Body = None, **options: Any) -> Response:
        """``request("PUT", …)``."""
        return self.request("PUT", app, path, body=body, **options)

    def patch(self, app: str, path: str, body: Body = None, **options: Any) -> Response:
        """``request("PATCH", …)``."""
        return self.request("PATCH", app, path, body=body, **options)

    def delete(self, app: str, path: str, **options: Any) -> Response:
        """``request("DELETE", …)``."""
        return self.request("DELETE", app, path, **options)
