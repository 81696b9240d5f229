import json
import os
import socket
import unittest

import meshbridge
from meshbridge.errors import BY_REASON

from .fake_proxy import ProxyTest

ERRORS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../conformance/errors.json")


def reasons():
    with open(ERRORS, encoding="utf-8") as file:
        return json.load(file)["errors"]


class TheList(unittest.TestCase):
    def test_is_that_of_every_language(self):
        self.assertEqual([error["reason"] for error in reasons()], list(BY_REASON))
        for error in reasons():
            cls = BY_REASON[error["reason"]]
            name = "".join(part.capitalize() for part in error["reason"].split("-")) + "Error"
            self.assertEqual((cls.__name__, cls.remedy), (name, error["remedy"]))
            self.assertIs(getattr(meshbridge, name), cls)
            self.assertIn(name, meshbridge.__all__)


class Errors(ProxyTest):
    def test_of_the_proxy_are_raised_as_what_they_are(self):
        for error in reasons():
            self.respond = lambda request, reason=error["reason"]: request.refuse(reason, 502)
            with self.assertRaises(BY_REASON[error["reason"]]) as caught:
                self.mesh.get("ledger", "/")
            e = caught.exception
            self.assertEqual((e.reason, e.status, e.app), (error["reason"], 502, "ledger"))
            self.assertEqual((e.message, str(e)), ("what and remedy", f"{error['reason']}: what and remedy"))

    def test_that_nobody_knows_yet_are_raised_too(self):
        self.respond = lambda request: request.refuse("moon-in-the-way")
        with self.assertRaises(meshbridge.MeshbridgeError) as caught:
            self.mesh.get("ledger", "/")
        self.assertEqual((type(caught.exception), caught.exception.reason), (meshbridge.MeshbridgeError, "moon-in-the-way"))

    def test_without_a_sound_body_have_the_remedy_for_a_message(self):
        for body in (b"", b"[]", b'"x"', b'{"error": 1}', b"\xff", b"x" * 100_000):
            self.respond = lambda request, body=body: request.answer(503, body, x_meshbridge_error="throttled")
            with self.assertRaises(meshbridge.ThrottledError) as caught:
                self.mesh.get("ledger", "/")
            self.assertEqual(caught.exception.message, meshbridge.ThrottledError.remedy)

    def test_belong_to_the_families_of_the_language(self):
        self.assertTrue(issubclass(meshbridge.DeadlineExceededError, TimeoutError))
        self.assertTrue(issubclass(meshbridge.ConnectionLostError, ConnectionError))
        self.assertTrue(issubclass(meshbridge.AppInvalidError, ValueError))

    def test_a_silent_proxy_is_given_up(self):
        with socket.socket() as silent:
            silent.bind(("127.0.0.1", 0))
            silent.listen()
            mesh = meshbridge.Client(proxy=f"http://127.0.0.1:{silent.getsockname()[1]}", token_file=self.token_file, timeout=0.05)
            with self.assertRaises(meshbridge.DeadlineExceededError) as caught:
                mesh.get("ledger", "/")
        self.assertIsNone(caught.exception.status)

    def test_of_configuration_come_before_any_call(self):
        for address in (
            "https://127.0.0.1:8181", "http://10.0.0.1:8181", "http://example.com", "http://127.0.0.1:8181/path", "127.0.0.1:8181",
            "unix:proxy.sock", "http://user@127.0.0.1:8181", "http://127.0.0.1:99999", "http://127.0.0.1.example.com:8181",
        ):
            with self.assertRaises(meshbridge.ConfigurationInvalidError, msg=address):
                meshbridge.Client(proxy=address)
        for address in ("http://localhost:8181", "http://[::1]:8181/", "http://127.8.0.1", "unix:/tmp/proxy.sock"):
            meshbridge.Client(proxy=address)
