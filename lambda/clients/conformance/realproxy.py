"""The real proxy as a process, in the foreground."""

import json
import os
import re
import subprocess
import threading

LONGEST_START = 30
LONGEST_END = 10


class RealProxy:
    """Listens on a free port and on a socket; ends with `stop`."""

    def __init__(self, binary, directory, identity, upstreams):
        self._binary = binary
        self._config_file = os.path.join(directory, "meshbridge.json")
        self.token_file = os.path.join(directory, "token")
        self.socket = os.path.join(directory, "proxy.sock")
        self._config = {
            "app": "reports",
            "environment": "staging",
            "trust_domain": "mesh.example.com",
            "upstreams": upstreams,
            "identity": identity,
            "listen": {"port": 0, "unix": self.socket},
            "token": {"file": self.token_file},
        }
        self._start()

    def _start(self):
        with open(self._config_file, "w", encoding="utf-8") as file:
            json.dump(self._config, file)
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(("MESHBRIDGE_", "AWS_"))}
        credentials = {"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "example", "AWS_SESSION_TOKEN": "example"}
        self._log, ready = [], threading.Event()
        self._process = subprocess.Popen(
            [self._binary, "--config", self._config_file],
            env={**inherited, **credentials, "AWS_REGION": "us-west-2"},
            stdin=subprocess.DEVNULL,
            # What it logs about each failure goes to standard output, where nobody needs it.
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            encoding="utf-8",
        )
        threading.Thread(target=self._read, args=(self._process.stderr, self._log, ready), daemon=True).start()
        if not ready.wait(LONGEST_START) or self._process.poll() is not None:
            self.stop()
            raise RuntimeError(f"the proxy did not begin to listen; it said: {''.join(self._log)}")
        # From now on the port stays, also after a restart.
        self._config["listen"]["port"] = self._port

    def _read(self, stream, log, ready):
        for line in stream:
            log.append(line)
            listens = re.search(r"listens on http://127\.0\.0\.1:(\d+)", line)
            if listens:
                self._port = int(listens.group(1))
                ready.set()
        # It has ended: nobody needs to wait for it.
        ready.set()

    @property
    def address(self):
        return f"http://127.0.0.1:{self._port}"

    def check(self):
        if self._process.poll() is not None:
            raise RuntimeError(f"the proxy has ended with {self._process.returncode}: {''.join(self._log[-20:])}")

    def restart(self):
        self.stop()
        self._start()

    def stop(self):
        self._process.terminate()
        try:
            self._process.wait(LONGEST_END)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
