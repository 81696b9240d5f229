import io
import os
import threading
import unittest
from unittest import mock

import meshbridge

from .fake_proxy import ProxyTest


class Calls(ProxyTest):
    def test_name_the_app_and_carry_the_token(self):
        answer = self.mesh.get("ledger", "/v1/balances", query={"a": ["1", "2"]}, timeout=1.5)
        self.assertEqual((answer.status, answer.content, answer.app), (200, b"hello", "ledger"))
        request = self.seen[0]
        self.assertEqual(request.path, "/v1/balances?a=1&a=2")
        self.assertEqual(request.headers["host"], "ledger")
        self.assertEqual(request.headers["x-meshbridge-token"], "secret-1")
        self.assertEqual(request.headers["x-meshbridge-timeout-ms"], "1500")

    def test_find_the_proxy_by_the_environment_and_do_not_heed_http_proxy(self):
        found = {
            "MESHBRIDGE_PROXY": self.address,
            "MESHBRIDGE_TOKEN_FILE": self.token_file,
            "HTTP_PROXY": "http://127.0.0.1:9",
            "http_proxy": "http://127.0.0.1:9",
        }
        with mock.patch.dict(os.environ, found):
            with meshbridge.Client() as mesh:
                self.assertEqual(mesh.get("ledger", "/").text, "hello")

    def test_are_told_no_time_when_there_is_no_limit(self):
        self.mesh.get("ledger", "/", timeout=None)
        self.assertNotIn("x-meshbridge-timeout-ms", self.seen[0].headers)

    def test_share_a_connection_one_after_the_other(self):
        for method in ("get", "head", "delete", "post", "put", "patch"):
            getattr(self.mesh, method)("ledger", "/", headers={"accept": "text/plain"})
        self.assertEqual([request.command for request in self.seen], ["GET", "HEAD", "DELETE", "POST", "PUT", "PATCH"])
        self.assertEqual(self.connections(), 1)

    def respond(self, request):
        request.read_body()
        if request.command == "HEAD":
            request.send_response(200)
            request.send_header("content-length", "5")
            request.end_headers()
        else:
            request.answer(200, b"hello")


class Streams(ProxyTest):
    def test_a_body_is_sent_while_it_is_made(self):
        arrived = threading.Event()

        def respond(request):
            first = request.read_chunk()
            arrived.set()
            request.answer(200, first + request.read_chunk() + request.read_chunk())

        def body():
            yield b"first"
            # The second piece exists only once the first has arrived.
            self.assertTrue(arrived.wait(20))
            yield b"second"

        self.respond = respond
        self.assertEqual(self.mesh.post("ledger", "/", body()).content, b"firstsecond")

    def test_a_binary_file_is_a_body_and_a_text_file_is_none(self):
        self.respond = lambda request: request.answer(200, request.read_chunk() + request.read_chunk())
        self.assertEqual(self.mesh.put("ledger", "/", io.BytesIO(b"file")).content, b"file")
        for body in (io.StringIO("text"), {"a": 1}, 5):
            with self.assertRaises(meshbridge.RequestInvalidError):
                self.mesh.put("ledger", "/", body)

    def test_what_the_callers_body_raises_is_raised(self):
        self.respond = lambda request: request.read_chunk()

        def body():
            yield b"first"
            raise ConnectionResetError("the caller's own")

        with self.assertRaisesRegex(ConnectionResetError, "the caller's own") as caught:
            self.mesh.post("ledger", "/", body())
        self.assertNotIsInstance(caught.exception, meshbridge.MeshbridgeError)

    def test_an_answer_that_is_given_up_ends_its_connection(self):
        self.respond = lambda request: request.answer(200, b"x" * 1000)
        with self.assertRaises(KeyError):
            with self.mesh.stream("GET", "ledger", "/") as answer:
                answer.read(1)
                raise KeyError
        self.assertEqual(len(self.mesh.get("ledger", "/").content), 1000)
        self.assertEqual(self.connections(), 2)

    def test_an_answer_is_decoded_by_its_charset(self):
        self.respond = lambda request: request.answer(200, "é".encode("latin-1"), content_type="text/plain; charset=latin-1")
        self.assertEqual(self.mesh.get("ledger", "/").text, "é")
        self.respond = lambda request: request.answer(200, b"\xff", content_type="text/plain; charset=no-such")
        self.assertEqual(self.mesh.get("ledger", "/").text, "\ufffd")


class Connections(ProxyTest):
    def test_from_before_a_freeze_are_not_used(self):
        self.mesh.get("ledger", "/")
        with mock.patch("meshbridge._client.time.time", return_value=__import__("time").time() + 31):
            self.mesh.get("ledger", "/")
        self.assertEqual(self.connections(), 2)

    def test_are_not_used_when_the_wall_clock_went_back(self):
        self.mesh.get("ledger", "/")
        with mock.patch("meshbridge._client.time.time", return_value=1.0):
            self.mesh.get("ledger", "/")
        self.assertEqual(self.connections(), 2)

    def test_of_the_parent_are_not_used_after_a_fork(self):
        self.mesh.get("ledger", "/")
        with mock.patch("meshbridge._client.os.getpid", return_value=1):
            self.mesh.get("ledger", "/")
        self.assertEqual(self.connections(), 2)

    def test_are_kept_by_the_number_that_was_in_use_but_not_without_end(self):
        barrier = threading.Barrier(20)

        def respond(request):
            if request.path == "/together":
                barrier.wait(20)
            request.answer(200)

        self.respond = respond
        threads = [threading.Thread(target=self.mesh.get, args=("ledger", "/together")) for _ in range(20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(self.connections(), 20)
        self.assertEqual(len(self.mesh._idle), 16)
        self.mesh.close()
        self.assertEqual(self.mesh._idle, [])


class Tokens(ProxyTest):
    def respond(self, request):
        request.read_body()
        if request.headers["x-meshbridge-token"] == self.token:
            request.answer(200)
        else:
            request.refuse("token-wrong", 401)

    def test_are_read_again_when_the_file_is_another(self):
        for token in ("secret-1", "secret-2", "secret-3"):
            self.token = token
            self.write_token(token)
            self.mesh.post("ledger", "/", b"x")
        self.assertEqual(len(self.seen), 3)

    def test_that_stay_wrong_are_not_tried_again(self):
        self.token = "another"
        with self.assertRaises(meshbridge.TokenWrongError) as caught:
            self.mesh.get("ledger", "/")
        self.assertEqual((caught.exception.status, len(self.seen)), (401, 1))

    def test_that_were_written_while_the_call_was_under_way_are_tried(self):
        self.token = "secret-2"
        plain = self.respond

        def respond(request):
            self.write_token("secret-2")
            plain(request)

        self.respond = respond
        self.assertEqual(self.mesh.post("ledger", "/", b"x").status, 200)
        self.assertEqual(len(self.seen), 2)

    def test_that_are_none_are_not_sent(self):
        for content in ("", "two words", "x" * 5000, "with\x01control"):
            self.write_token(content)
            with self.assertRaises(meshbridge.TokenWrongError):
                self.token = "another"
                self.mesh.get("ledger", "/")
            self.assertNotIn("x-meshbridge-token", self.seen[-1].headers)

    def test_are_not_shown(self):
        self.token = "secret-1"
        self.mesh.get("ledger", "/")
        self.assertNotIn("secret-1", f"{self.mesh!r} {vars(self.mesh)!r}")


if __name__ == "__main__":
    unittest.main()
