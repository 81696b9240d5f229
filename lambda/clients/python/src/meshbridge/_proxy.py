"""Where the proxy is: its address, a connection to it, and the token that it wants."""

from __future__ import annotations

import http.client
import ipaddress
import os
import re
import socket
import threading
from typing import Optional, Tuple
from urllib.parse import urlsplit

from .errors import ConfigurationInvalidError

DEFAULT_PROXY = "http://127.0.0.1:8181"
DEFAULT_TOKEN_FILE = "/tmp/meshbridge/token"
_LONGEST_TOKEN = 4096


class Endpoint:
    """The proxy's address: a port of loopback, or a UNIX socket."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.path: Optional[str] = None
        self.host = ""
        self.port = 80
        if text.startswith("unix:"):
            self.path = text[len("unix:") :]
            if not self.path.startswith("/"):
                raise self._invalid("the socket's path does not begin with a slash")
            return
        try:
            url = urlsplit(text)
            self.host, self.port = url.hostname or "", url.port or 80
        except ValueError as e:
            raise self._invalid(str(e)) from None
        if url.scheme != "http" or url.path not in ("", "/") or url.query or url.fragment or "@" in url.netloc:
            raise self._invalid("it is not of that form")
        if self.host != "localhost" and not _is_loopback(self.host):
            raise self._invalid("the host is not on loopback, and the token would leave the machine")

    def _invalid(self, what: str) -> ConfigurationInvalidError:
        return ConfigurationInvalidError(f"the proxy's address {self.text!r}: {what}; {ConfigurationInvalidError.remedy}")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class Connection(http.client.HTTPConnection):
    """One connection to the proxy; knows when it was last used, by the wall clock, which goes on while a function is frozen."""

    def __init__(self, endpoint: Endpoint) -> None:
        super().__init__(endpoint.host or "localhost", endpoint.port)
        self._path = endpoint.path
        self.used_at = 0.0
        #: Not all of a request went out on it.
        self.broken = False

    def connect(self) -> None:
        if self._path is None:
            super().connect()
            return
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)

    def expire_in(self, seconds: Optional[float]) -> None:
        """Limits each later wait for the proxy."""
        self.timeout = seconds
        if self.sock is not None:
            self.sock.settimeout(seconds)

    def is_stale(self) -> bool:
        """Whether the proxy has closed it, or sent what nobody asked for."""
        if self.sock is None:
            return True
        self.sock.setblocking(False)
        try:
            self.sock.recv(1, socket.MSG_PEEK)
            return True
        except BlockingIOError:
            return False
        except OSError:
            return True
        finally:
            self.sock.settimeout(self.timeout)


class TokenFile:
    """The token, read again whenever its file is another one than before."""

    def __init__(self, path: str) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._seen: Optional[Tuple[int, int, int]] = None
        self._token: Optional[str] = None

    def read(self, doubted: Optional[str] = None) -> Optional[str]:
        """The token, or ``None`` where there is none; a ``doubted`` token is read anew even from an unchanged file."""
        with self._lock:
            try:
                stat = os.stat(self.path)
                seen = (stat.st_mtime_ns, stat.st_size, stat.st_ino)
                if seen != self._seen or self._token == doubted:
                    with open(self.path, encoding="ascii") as file:
                        token = file.read(_LONGEST_TOKEN + 1).strip()
                    sound = len(token) <= _LONGEST_TOKEN and re.fullmatch(r"[\x21-\x7e]+", token)
                    self._seen, self._token = seen, token if sound else None
            except (OSError, ValueError):
                self._seen = self._token = None
            return self._token
