"""What the cases run in: proxies to call, each by a name, and what can be done to them between two calls."""

import os

from mesh import Mesh
from realproxy import RealProxy
from standin import StandInProxy


def subdirectory(parent, name):
    path = os.path.join(parent, name)
    os.mkdir(path)
    return path


class World:
    """Settings of clients by the names that cases use."""

    def __init__(self, directory):
        self.directory = directory
        with open(os.path.join(directory, "other-token"), "w", encoding="ascii") as file:
            file.write("0123456789abcdef0123456789abcdef")

    def environment(self):
        """What tells a client where the proxy is, when its program does not."""
        return {"MESHBRIDGE_PROXY": self.address(), "MESHBRIDGE_TOKEN_FILE": self.token_file()}

    def settings(self, name):
        """Where a client finds the proxy of that name."""
        here = {"proxy": self.address(), "token_file": self.token_file()}
        if name == "environment":
            return {}
        if name in self.proxies():
            return self.proxies()[name]
        return {
            "default": here,
            "no-port": {**here, "proxy": "http://127.0.0.1:9"},
            "no-socket": {**here, "proxy": f"unix:{self.directory}/no-such.sock"},
            "no-token-file": {**here, "token_file": os.path.join(self.directory, "no-such-token")},
            "other-token": {**here, "token_file": os.path.join(self.directory, "other-token")},
            "elsewhere": {**here, "proxy": "http://192.0.2.1:8181"},
            "https": {**here, "proxy": "https://127.0.0.1:8181"},
        }[name]


class StandInWorld(World):
    """A stand-in on a port and one on a socket."""

    def __init__(self, directory):
        super().__init__(directory)
        self._tcp = StandInProxy(subdirectory(directory, "tcp"))
        self._unix = StandInProxy(subdirectory(directory, "unix"), unix=True)

    def address(self):
        return self._tcp.address

    def token_file(self):
        return self._tcp.token_file

    def proxies(self):
        return {"unix": {"proxy": self._unix.address, "token_file": self._unix.token_file}}

    def begin(self):
        self._tcp.forget_ended()

    def arrivals(self):
        return self._tcp.server.journal.take()

    def do(self, what):
        {
            "rotate-token": self._tcp.rotate,
            "rotate-token-unseen": lambda: self._tcp.rotate(unseen=True),
            "restart-proxy": self._tcp.restart,
            "wait-until-closed": self._tcp.wait_until_closed,
        }[what]()

    def stop(self):
        self._tcp.stop()
        self._unix.stop()


class RealWorld(World):
    """A mesh of apps, and real proxies: one that works, and one for each way in which an identity can be missing."""

    def __init__(self, directory, binary):
        super().__init__(directory)
        self._running = []
        try:
            self._mesh = self._started(Mesh(subdirectory(directory, "mesh")))
            self._main = self._proxy(binary, "main", self._mesh.identity("reports"))
            self._broken = {name: self._proxy(binary, name, source) for name, source in self._mesh.broken_identities().items()}
        except BaseException:
            self.stop()
            raise

    def _proxy(self, binary, name, identity):
        directory = subdirectory(self.directory, name)
        return self._started(RealProxy(binary, directory, identity, self._mesh.upstreams()))

    def _started(self, what):
        self._running.append(what)
        return what

    def address(self):
        return self._main.address

    def token_file(self):
        return self._main.token_file

    def proxies(self):
        found = {name: {"proxy": proxy.address, "token_file": proxy.token_file} for name, proxy in self._broken.items()}
        return {**found, "unix": {"proxy": f"unix:{self._main.socket}", "token_file": self._main.token_file}}

    def begin(self):
        self._main.check()

    def arrivals(self):
        return self._mesh.arrivals()

    def do(self, what):
        # The real proxy makes its token when it starts.
        {"rotate-token": self._main.restart, "restart-proxy": self._main.restart}[what]()

    def stop(self):
        while self._running:
            self._running.pop().stop()
