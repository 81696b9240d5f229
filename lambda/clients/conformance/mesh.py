"""Apps of a mesh with mutual TLS, identities for the proxy, and a Secrets Manager that refuses, all on loopback."""

import hashlib
import json
import os
import shutil
import socket
import ssl
import subprocess
import time
from http.server import BaseHTTPRequestHandler

from app import App, Gone, Server

DAY = 24 * 3600
CA_CONFIG = """
[ca]
default_ca = here
[here]
database = index.txt
serial = serial
new_certs_dir = .
default_md = sha256
policy = any
unique_subject = no
[any]
commonName = supplied
[svid]
subjectAltName = URI:{uri}
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = serverAuth, clientAuth
[root]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
subjectAltName = URI:spiffe://mesh.example.com
[req]
distinguished_name = name
prompt = no
[name]
commonName = {name}
"""


def spiffe_id(app):
    return f"spiffe://mesh.example.com/staging/{app}"


def openssl(directory, *arguments, give=None):
    ran = subprocess.run(["openssl", *arguments], cwd=directory, input=give, capture_output=True, check=False)
    if ran.returncode:
        raise RuntimeError(f"openssl {arguments[0]} failed: {ran.stderr.decode()}")
    return ran.stdout


class Authority:
    """A root CA; keys are made anew for every run."""

    def __init__(self, directory, name):
        if not shutil.which("openssl"):
            raise RuntimeError("`openssl` is not on the PATH; install it, or use --stand-in")
        self.directory = os.path.join(directory, name)
        os.mkdir(self.directory)
        self._write("index.txt", "")
        self._write("serial", "1000")
        self.bundle = os.path.join(self.directory, "root.pem")
        self._configure(name, "")
        self._key("root")
        openssl(self.directory, *"req -x509 -new -config ca.cnf -extensions root -days 30 -key root.key -out root.pem".split())

    def issue(self, name, uri, begins=None, ends=None):
        """Paths of an SVID and its key; the times are seconds since 1970."""
        self._configure(name, uri)
        self._key(name)
        times = (begins or time.time() - 300, ends or time.time() + DAY)
        at = [time.strftime("%Y%m%d%H%M%SZ", time.gmtime(seconds)) for seconds in times]
        openssl(self.directory, *f"req -new -config ca.cnf -key {name}.key -out {name}.csr".split())
        ca = f"ca -batch -notext -config ca.cnf -extensions svid -cert root.pem -keyfile root.key -in {name}.csr -out {name}.pem"
        openssl(self.directory, *ca.split(), "-startdate", at[0], "-enddate", at[1])
        return os.path.join(self.directory, f"{name}.pem"), os.path.join(self.directory, f"{name}.key")

    def _configure(self, name, uri):
        self._write("ca.cnf", CA_CONFIG.format(name=name, uri=uri or "spiffe://mesh.example.com"))

    def _key(self, name):
        openssl(self.directory, *f"genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out {name}.key".split())

    def _write(self, name, text):
        with open(os.path.join(self.directory, name), "w", encoding="utf-8") as file:
            file.write(text)


class Garbled(App):
    """TLS as it should be, and then no HTTP."""

    def handle_one_request(self):
        self.close_connection = True
        self.rfile.readline(65537)
        self.wfile.write(b"220 mail.example.com ESMTP\r\n")
        self.wfile.flush()
        raise Gone


class RefusingSecrets(BaseHTTPRequestHandler):
    """Secrets Manager, as it answers whom it does not serve; the server's name is the error's."""

    def do_POST(self):
        self.rfile.read(int(self.headers.get("content-length", 0)))
        body = json.dumps({"__type": self.server.name, "Message": "as the case wants it"}).encode()
        self.send_response(400)
        self.send_header("content-type", "application/x-amz-json-1.1")
        self.send_header("x-amzn-errortype", self.server.name)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Mesh:
    """`ledger` and `users` are as they should be; the other apps each fail in the way of their name."""

    def __init__(self, directory):
        self._directory = directory
        self._root = Authority(directory, "mesh")
        self._other = Authority(directory, "elsewhere")
        tls = {name: self._tls(self._root, name, spiffe_id(name)) for name in ("ledger", "users", "garbled")}
        self._apps = {name: Server(name, tls=tls[name]) for name in ("ledger", "users")}
        self._apps["garbled"] = Server("garbled", handler=Garbled, tls=tls["garbled"])
        self._apps["imposter"] = Server("imposter", tls=self._tls(self._root, "imposter", spiffe_id("another")))
        self._apps["stranger"] = Server("stranger", tls=self._tls(self._other, "stranger", spiffe_id("stranger")))
        self._apps["plain"] = Server("plain")
        self._secrets = {
            "access-denied": Server("AccessDeniedException", handler=RefusingSecrets),
            "throttled": Server("ThrottlingException", handler=RefusingSecrets),
        }
        # Bound and not listening: connections are refused, and nobody else gets the port.
        self._closed = socket.socket()
        self._closed.bind(("127.0.0.1", 0))
        # Listening and never accepting: a connection, and then nothing.
        self._silent = socket.create_server(("127.0.0.1", 0))

    def _tls(self, authority, name, uri):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*authority.issue(name, uri))
        context.load_verify_locations(self._root.bundle)
        context.verify_mode = ssl.CERT_REQUIRED
        context.set_alpn_protocols(["http/1.1"])
        return context

    def upstreams(self):
        """The list of the proxy's configuration."""
        ports = {name: server.port for name, server in self._apps.items()}
        ports["closed"] = self._closed.getsockname()[1]
        ports["silent"] = self._silent.getsockname()[1]
        return [{"app": name, "gateway": f"127.0.0.1:{port}"} for name, port in ports.items()]

    def identity(self, name, key=None, begins=-300, ends=DAY):
        """The proxy's source of identity: a directory with a document and a key; the times are seconds from now."""
        now = int(time.time())
        times = {"begins": now + begins, "ends": now + ends}
        directory = os.path.join(self._directory, f"identity-{name}")
        os.makedirs(os.path.join(directory, "keys"))
        certificate, own_key = self._root.issue(name, spiffe_id("reports"), **times)
        public = openssl(self._root.directory, "pkey", "-in", own_key, "-pubout", "-outform", "DER")
        document = {
            "version": 1,
            "spiffe_id": spiffe_id("reports"),
            "key_version": "v1",
            "key_sha256": hashlib.sha256(public).hexdigest(),
            "certificate": _text(certificate),
            "chain": "",
            "bundle": _text(self._root.bundle),
            "not_before": times["begins"],
            "not_after": times["ends"],
        }
        with open(os.path.join(directory, "certificate.json"), "w", encoding="utf-8") as file:
            json.dump(document, file)
        shutil.copy(key or own_key, os.path.join(directory, "keys", "v1.pem"))
        return {"source": "directory", "path": directory}

    def broken_identities(self):
        """Sources that cannot give one, by the reason that the proxy gives."""
        _, another_key = self._root.issue("another", spiffe_id("another"))
        refused = f"http://127.0.0.1:{self._closed.getsockname()[1]}"
        endpoints = {name: f"http://127.0.0.1:{server.port}" for name, server in self._secrets.items()}
        return {
            "identity-missing": {"source": "directory", "path": os.path.join(self._directory, "no-such-directory")},
            "identity-expired": self.identity("expired", begins=-2 * DAY, ends=-DAY),
            "identity-invalid": self.identity("torn", key=another_key),
            **{name: _secrets_manager(endpoint) for name, endpoint in endpoints.items()},
            "identity-unavailable": _secrets_manager(refused),
        }

    def arrivals(self):
        """What arrived at any app since the last time."""
        total = {}
        for server in self._apps.values():
            for target, count in server.journal.take().items():
                total[target] = total.get(target, 0) + count
        return total

    def stop(self):
        for server in (*self._apps.values(), *self._secrets.values()):
            server.stop()
        self._closed.close()
        self._silent.close()


def _secrets_manager(endpoint):
    return {"source": "secrets-manager", "regions": ["us-west-2"], "endpoint": endpoint}


def _text(path):
    with open(path, encoding="ascii") as file:
        return file.read()
