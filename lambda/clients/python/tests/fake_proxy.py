"""A proxy in a thread, which a test tells what to answer."""

import copy
import os
import socketserver
import tempfile
import threading
import unittest
from http.server import BaseHTTPRequestHandler

import meshbridge


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def handle_one_request(self):
        self.close_connection = True
        self.raw_requestline = self.rfile.readline(65537)
        if self.raw_requestline and self.parse_request():
            # The handler itself goes on to the connection's next request.
            self.server.seen.append(copy.copy(self))
            self.server.respond(self)

    def log_message(self, *_):
        pass

    def read_body(self):
        return self.rfile.read(int(self.headers.get("content-length", 0)))

    def read_chunk(self):
        size = int(self.rfile.readline(), 16)
        chunk = self.rfile.read(size)
        self.rfile.readline()
        return chunk

    def answer(self, status=200, body=b"", **headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def refuse(self, reason, status=503, message="what and remedy"):
        self.answer(status, f'{{"error": "{reason}", "message": "{message}"}}'.encode(), x_meshbridge_error=reason)


class Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True

    def handle_error(self, *_):
        pass


class ProxyTest(unittest.TestCase):
    """Each test has a proxy, which answers 200 unless `self.respond` is set, and a client of it."""

    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.token_file = os.path.join(directory.name, "token")
        self.write_token("secret-1")
        self.server = Server(("127.0.0.1", 0), Handler)
        self.server.seen = []
        self.server.respond = lambda request: self.respond(request)
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        self.addCleanup(self.server.server_close)
        self.addCleanup(self.server.shutdown)
        self.address = f"http://127.0.0.1:{self.server.server_address[1]}"
        self.mesh = meshbridge.Client(proxy=self.address, token_file=self.token_file)
        self.addCleanup(self.mesh.close)

    @property
    def seen(self):
        return self.server.seen

    def respond(self, request):
        request.read_body()
        request.answer(200, b"hello")

    def write_token(self, token):
        with open(self.token_file + ".new", "w", encoding="ascii") as file:
            file.write(token + "\n")
        os.replace(self.token_file + ".new", self.token_file)

    def connections(self):
        return len({request.client_address for request in self.seen})
