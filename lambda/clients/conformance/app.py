"""An app of the mesh as the conformance cases need it: it tells what it was sent, and answers as its paths say."""

import base64
import hashlib
import json
import socket
import socketserver
import threading
from http.server import BaseHTTPRequestHandler

PATTERN = bytes(range(251)) * 261  # 65,511 bytes; no block of a power of two looks like its neighbour
STORED_BODY = 4096


def pattern(length):
    """`length` bytes that every driver can make and check: 0 to 250, again and again."""
    while length > 0:
        yield PATTERN[: min(length, len(PATTERN))]
        length -= len(PATTERN)


class Journal:
    """How often each request target arrived."""

    def __init__(self):
        self._lock = threading.Lock()
        self._arrivals = {}

    def note(self, target):
        with self._lock:
            self._arrivals[target] = self._arrivals.get(target, 0) + 1

    def take(self):
        """What arrived since the last time."""
        with self._lock:
            taken, self._arrivals = self._arrivals, {}
            return taken


class Gone(Exception):
    """The connection ends here, without another word."""


class App(BaseHTTPRequestHandler):
    """Answers one connection. The server holds `journal` and `closing`, an event that ends every wait."""

    protocol_version = "HTTP/1.1"

    def handle(self):
        self.served = 0
        try:
            super().handle()
        except (Gone, OSError, ValueError):
            pass

    def handle_one_request(self):
        self.close_connection = True
        self.raw_requestline = self.rfile.readline(65537)
        if not self.raw_requestline or not self.parse_request():
            return
        # `self.path` has been tidied up; the cases want what stood on the wire.
        self.target = self.requestline.split(" ")[1]
        self.arrived()
        self.served += 1

    def arrived(self):
        self.server.journal.note(self.target)
        self.answer_as_app()

    def log_message(self, *_):
        pass

    def body(self):
        """The request's body, piece by piece."""
        if "chunked" in self.headers.get("transfer-encoding", "").lower():
            while True:
                size = int(self.rfile.readline(1024).split(b";")[0], 16)
                yield self.exactly(size)
                self.rfile.readline(1024)
                if size == 0:
                    return
        left = int(self.headers.get("content-length", 0))
        while left > 0:
            piece = self.exactly(min(left, 65536))
            left -= len(piece)
            yield piece

    def exactly(self, size):
        piece = self.rfile.read(size)
        if len(piece) < size:
            raise Gone
        return piece

    def answer(self, status, body=b"", headers=()):
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        if status not in (204, 304):
            self.send_header("content-length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD" and status not in (204, 304):
            self.wfile.write(body)

    def answer_json(self, status, value, headers=()):
        self.answer(status, json.dumps(value).encode(), [("content-type", "application/json"), *headers])

    def answer_as_app(self):
        kind, *rest = self.target.split("?")[0].lstrip("/").split("/")
        getattr(self, "do_" + kind.replace("-", "_"), self.do_echo)(*rest)

    def app(self):
        return self.server.name

    def do_echo(self, *_):
        digest, length, start = hashlib.sha256(), 0, b""
        for piece in self.body():
            digest.update(piece)
            length += len(piece)
            start += piece[: STORED_BODY - len(start)]
        seen = {
            "app": self.app(),
            "method": self.command,
            "target": self.target,
            "host": self.headers.get("host"),
            "headers": [[name.lower(), value] for name, value in self.headers.items()],
            "length": length,
            "sha256": digest.hexdigest(),
            "body": base64.b64encode(start).decode(),
        }
        self.answer_json(200, seen, [("x-app", self.app())])

    def do_status(self, status, *_):
        for _ in self.body():
            pass
        self.answer_json(int(status), {"status": int(status), "said_by": "app"})

    def do_bytes(self, length):
        self.send_response(200)
        self.send_header("content-length", length)
        self.end_headers()
        if self.command != "HEAD":
            for piece in pattern(int(length)):
                self.wfile.write(piece)

    def do_chunked(self, length):
        self.send_response(200)
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        for piece in pattern(int(length)):
            self.chunk(piece)
        self.wfile.write(b"0\r\n\r\n")

    def do_pieces(self):
        chunks = b"".join(b"1\r\n%c\r\n" % (i % 251) for i in range(1000))
        self.send_response(200)
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        self.wfile.write(chunks + b"0\r\n\r\n")

    def chunk(self, piece):
        self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))

    def do_binary(self):
        self.answer(200, bytes(range(256)), [("content-type", "application/octet-stream")])

    def do_text(self):
        self.answer(200, "Zoë zahlt 5 €".encode(), [("content-type", "text/plain; charset=utf-8")])

    def do_many(self):
        self.answer(200, b"", [("set-cookie", "a=1"), ("set-cookie", "b=2"), ("x-many", "1"), ("x-many", "2")])

    def do_redirect(self):
        self.answer(302, b"", [("location", "/echo/redirected")])

    def do_claims(self, reason):
        """An app that says what only the proxy may say."""
        self.answer_json(500, {"error": reason, "message": "said by the app"}, [("x-meshbridge-error", reason)])

    def do_hang(self):
        self.server.closing.wait()
        raise Gone

    def do_trickle(self):
        """The beginning of an answer that does not go on."""
        self.send_response(200)
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        self.chunk(PATTERN[:10])
        self.server.closing.wait()
        raise Gone

    def do_cut(self, how):
        """An answer that ends before its end."""
        self.send_response(200)
        self.send_header(*(("content-length", "100000") if how == "length" else ("transfer-encoding", "chunked")))
        self.end_headers()
        self.wfile.write(PATTERN[:50] if how == "length" else b"64\r\n" + PATTERN[:50])
        raise Gone

    def do_drop(self):
        """A request that is read and never answered."""
        for _ in self.body():
            pass
        raise Gone

    def do_gzip(self):
        """Bytes that call themselves compressed; nobody on the way may look into them."""
        self.answer(200, b"not gzip at all", [("content-encoding", "gzip")])


class Server(socketserver.ThreadingMixIn, socketserver.TCPServer):
    """Runs a handler on a free port of loopback."""

    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, name, handler=App, tls=None, address=("127.0.0.1", 0)):
        self.name, self.journal, self.closing = name, Journal(), threading.Event()
        self.open = set()
        self.ended = threading.Semaphore(0)  # once for each connection that has ended
        super().__init__(address, handler)
        if tls:
            # The handshake is made by the connection's own thread, at its first read.
            self.socket = tls.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    @property
    def port(self):
        return self.server_address[1]

    def get_request(self):
        request, address = super().get_request()
        # A head and a body that are written one after the other must not wait for each other.
        request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.open.add(request)
        return request, address

    def end_connections(self):
        """Ends what clients keep open; their threads then end by themselves."""
        for request in list(self.open):
            try:
                request.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def shutdown_request(self, request):
        self.open.discard(request)
        super().shutdown_request(request)
        self.ended.release()

    def handle_error(self, *_):
        pass

    def stop(self):
        self.closing.set()
        self.shutdown()
        self.server_close()


class UnixServer(Server):
    """The same on a UNIX socket."""

    address_family = socket.AF_UNIX

    def get_request(self):
        request, _ = self.socket.accept()
        return request, ("unix", 0)

    def server_bind(self):
        self.socket.bind(self.server_address)
