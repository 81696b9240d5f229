"""Starts the small program of each language that makes a client do what a case says: a JSON line in, a JSON line out."""

import json
import os
import queue
import shutil
import subprocess
import sys
import threading

HERE = os.path.dirname(os.path.abspath(__file__))
CLIENTS = ["ruby", "go", "python", "node"]
LONGEST_CALL = 120  # seconds; for what takes milliseconds on a machine that does nothing else


class Missing(Exception):
    """The client cannot run here."""


class Broken(Exception):
    """The driver did not do what drivers do."""


def command(client, scratch):
    """How the driver is started; builds Go's."""
    runtime = sys.executable if client == "python" else shutil.which(client)
    if not runtime:
        raise Missing(f"`{client}` is not on the PATH")
    source = os.path.join(HERE, "drivers")
    if client == "go":
        binary = os.path.join(scratch, "go-driver")
        environment = {**os.environ, "GOFLAGS": "-mod=mod", "GOWORK": "off", "GOTOOLCHAIN": "local"}
        if subprocess.run([runtime, "build", "-o", binary, "."], cwd=f"{source}/go", env=environment).returncode:
            raise Missing("the driver cannot be built; see above")
        return [binary]
    return [runtime, os.path.join(source, {"ruby": "driver.rb", "python": "driver.py", "node": "driver.mjs"}[client])]


class Driver:
    """One process, which keeps its clients (and so their connections) from case to case."""

    def __init__(self, client, scratch, environment):
        self._command = command(client, scratch)
        # Nobody's client may heed the proxy variables of the surroundings.
        surroundings = {"HTTP_PROXY": "http://127.0.0.1:9", "http_proxy": "http://127.0.0.1:9", "NO_PROXY": ""}
        self._environment = {**os.environ, **surroundings, "no_proxy": "", **environment}
        self._start()

    def _start(self):
        self._process = subprocess.Popen(
            self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=self._environment, encoding="utf-8"
        )
        self._lines = queue.Queue()
        threading.Thread(target=self._read, args=(self._process, self._lines), daemon=True).start()

    @staticmethod
    def _read(process, lines):
        for line in process.stdout:
            lines.put(line)
        lines.put(None)

    def call(self, call):
        """The outcomes of the call, one for each copy."""
        try:
            self._process.stdin.write(json.dumps(call) + "\n")
            self._process.stdin.flush()
            line = self._lines.get(timeout=LONGEST_CALL)
        except (queue.Empty, BrokenPipeError):
            line = None
        if line is None:
            self._end()
            self._start()
            raise Broken(f"no outcome within {LONGEST_CALL} s, or the driver has ended")
        return json.loads(line)

    def _end(self):
        self._process.kill()
        self._process.wait()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._process.stdin.close()
        try:
            self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self._end()
