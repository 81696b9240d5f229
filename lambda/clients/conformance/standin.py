"""A stand-in for the proxy, for what the real one cannot be made to do on demand: each of its answers, and broken connections."""

import json
import os

from app import App, Gone, Server, UnixServer

APPS = ("ledger", "ledger.staging", "users")


class StandIn(App):
    """Checks as the proxy does, then answers as the app would. `/stand-in/…` breaks things."""

    def arrived(self):
        self.server.journal.note(f"proxy {self.target}")
        reason = self.refusal()
        if reason:
            return self.refuse(*reason)
        self.server.journal.note(self.target)
        if self.target.startswith("/stand-in/"):
            kind, *rest = self.target.split("?")[0].split("/")[2:]
            return getattr(self, "stand_in_" + kind.replace("-", "_"))(*rest)
        hidden = ("x-meshbridge-token", "x-meshbridge-timeout-ms")
        timeout = self.headers.get("x-meshbridge-timeout-ms")
        if self.target == "/hang" and timeout:
            self.server.closing.wait(int(timeout) / 1000)
            return self.refuse(504, "deadline-exceeded", "no answer within the call's time; give it more time")
        if self.target == "/timeout":
            return self.answer_json(200, {"timeout_ms": timeout})
        for name in hidden:
            del self.headers[name]
        self.answer_as_app()

    def app(self):
        return self.headers["host"].split(".")[0]

    def refusal(self):
        token = self.headers.get("x-meshbridge-token")
        if token is None:
            return 401, "token-missing", "send the token of the token file"
        if token != self.server.token:
            return 401, "token-wrong", "send the token of the token file"
        if self.headers.get("host") not in APPS:
            return 403, "upstream-not-allowed", "add the app to `upstreams`"
        return None

    def refuse(self, status, reason, message):
        # A refusal does not wait for the rest of the body; the answer must arrive all the same.
        body = json.dumps({"error": reason, "message": message}).encode()
        self.answer(status, body, [("x-meshbridge-error", reason), ("content-type", "application/json")])
        for _ in self.body():
            pass

    def do_claims(self, reason):
        self.answer_json(500, {"error": reason, "message": "said by the app"})

    def stand_in_error(self, reason, status="503"):
        self.refuse(int(status), reason, f"the stand-in says {reason}")

    def stand_in_silent_error(self, reason):
        """A typed answer whose body is not what it should be."""
        self.answer(502, b"<html>", [("x-meshbridge-error", reason)])

    def stand_in_close_after(self):
        """A whole answer, then the end of the connection without a word about it."""
        for _ in self.body():
            pass
        self.answer(200, b"bye")
        self.wfile.flush()
        raise Gone

    def stand_in_die_if_reused(self):
        """A connection that dies under its second request, after the request was read."""
        for _ in self.body():
            pass
        if self.served:
            raise Gone
        self.answer(200, b"on a new connection")

    def stand_in_hang(self):
        self.server.closing.wait()
        raise Gone

    def stand_in_garbage(self):
        self.wfile.write(b"SSH-2.0-OpenSSH_9.2\r\n\r\n")
        raise Gone


class StandInProxy:
    """The stand-in on a port or a socket, with its token in a file."""

    def __init__(self, directory, unix=False):
        self.token_file = os.path.join(directory, "token")
        if unix:
            self.server = UnixServer("ledger", StandIn, address=os.path.join(directory, "proxy.sock"))
            self.address = f"unix:{self.server.server_address}"
        else:
            self.server = Server("ledger", StandIn)
            self.address = f"http://127.0.0.1:{self.server.port}"
        self.rotate()

    def rotate(self, unseen=False):
        """A new token; `unseen` leaves everything that a stat of the file shows as it was."""
        self.server.token = os.urandom(16).hex()
        if unseen:
            before = os.stat(self.token_file)
            with open(self.token_file, "r+", encoding="ascii") as file:
                file.write(self.server.token)
            os.utime(self.token_file, ns=(before.st_atime_ns, before.st_mtime_ns))
            return
        with open(self.token_file + ".new", "w", encoding="ascii") as file:
            file.write(self.server.token)
        os.replace(self.token_file + ".new", self.token_file)

    def forget_ended(self):
        """Connections that ended until now are not those that a case waits for."""
        while self.server.ended.acquire(blocking=False):
            pass

    def wait_until_closed(self):
        """Until a connection has ended."""
        if not self.server.ended.acquire(timeout=20):
            raise RuntimeError("no connection to the stand-in has ended in 20 s")

    def restart(self):
        """Ends every connection and begins anew on the same port, with a new token."""
        port, journal = self.server.port, self.server.journal
        self.server.stop()
        self.server.end_connections()
        self.server = Server("ledger", StandIn, address=("127.0.0.1", port))
        self.server.journal = journal
        self.rotate()

    def stop(self):
        self.server.stop()
