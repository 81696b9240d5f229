"""The demo's Lambda function: calls apps of the mesh as its event says, and tells what came of it.

Like any function it knows nothing of certificates. `runtime` below is what Lambda brings for other languages by itself.
"""

import hashlib
import http.client
import json
import os
import threading
import time
import urllib.error
import urllib.request
from urllib.parse import urlsplit

PROXY = urlsplit(os.environ["MESHBRIDGE_PROXY"])


def by_localhost(app, path, token):
    """http://localhost:PORT, with the app's name as Host."""
    connection = http.client.HTTPConnection("localhost", PROXY.port, timeout=30)
    headers = {"Host": app, **({"x-meshbridge-token": token} if token else {})}
    connection.request("GET", path, headers=headers)
    return connection.getresponse()


def by_http_proxy(app, path, token):
    """A program that only knows HTTP_PROXY, which the layer's wrapper has set."""
    try:
        return urllib.request.urlopen(f"http://{app}.mesh{path}", timeout=30)
    except urllib.error.HTTPError as answer:
        return answer


def by_client(app, path, token):
    """meshbridge's client for Python."""
    import meshbridge

    return meshbridge.Client().get(app, path)


def call(event):
    with open(os.environ["MESHBRIDGE_TOKEN_FILE"]) as file:
        token = file.read()
    begun = time.monotonic()
    form = {"localhost": by_localhost, "http-proxy": by_http_proxy, "client": by_client}[event["form"]]
    answer = form(event["app"], event["path"], token if event["token"] else None)
    body = answer.content if event["form"] == "client" else answer.read()
    return {
        "status": answer.status,
        "error": answer.headers.get("x-meshbridge-error"),
        "body": body.decode(errors="replace").strip(),
        "milliseconds": round((time.monotonic() - begun) * 1000),
    }


def at_once(event):
    """Several calls at the same time."""
    answers = [None] * len(event["calls"])

    def one(at):
        try:
            answers[at] = call(event["calls"][at])
        except Exception as e:
            answers[at] = {"status": 0, "error": None, "body": f"{type(e).__name__}: {e}", "milliseconds": 0}

    threads = [threading.Thread(target=one, args=(at,)) for at in range(len(answers))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


def load(event):
    """Callers that ask again and again until a file is there; each answer's hash is compared."""
    with open(os.environ["MESHBRIDGE_TOKEN_FILE"]) as file:
        headers = {"Host": event["app"], "x-meshbridge-token": file.read()}
    served, lost, slowest = [0] * event["callers"], [], [0.0] * event["callers"]

    def caller(at):
        connection = http.client.HTTPConnection("localhost", PROXY.port, timeout=30)
        while not os.path.exists(event["until"]):
            begun = time.monotonic()
            try:
                connection.request("GET", event["path"], headers=headers)
                answer = connection.getresponse()
                body = answer.read()
                if answer.status != 200:
                    lost.append(f"{answer.status}: {body[:200].decode(errors='replace')}")
                elif hashlib.sha256(body).hexdigest() != answer.headers["x-sha256"]:
                    lost.append(f"{len(body)} bytes with another hash than the app's")
                else:
                    served[at] += 1
            except (OSError, http.client.HTTPException) as e:
                lost.append(f"{type(e).__name__}: {e}")
                connection.close()
            slowest[at] = max(slowest[at], time.monotonic() - begun)
            time.sleep(0.01)

    threads = [threading.Thread(target=caller, args=(at,)) for at in range(event["callers"])]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return {"served": sum(served), "lost": lost, "milliseconds": round(max(slowest) * 1000)}


def handler(event):
    return load(event) if "until" in event else at_once(event)


def runtime():
    """Using the Lambda runtime API for custom runtimes."""
    api = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
    invocation = "/2018-06-01/runtime/invocation"
    while True:
        api.request("GET", f"{invocation}/next")
        given = api.getresponse()
        event, request_id = json.load(given), given.headers["Lambda-Runtime-Aws-Request-Id"]
        try:
            what, answer, headers = "response", handler(event), {}
        except Exception as e:
            answer = {"errorMessage": str(e), "errorType": type(e).__name__, "stackTrace": []}
            what, headers = "error", {"Lambda-Runtime-Function-Error-Type": f"Function.{type(e).__name__}"}
        api.request("POST", f"{invocation}/{request_id}/{what}", json.dumps(answer), headers)
        api.getresponse().read()


runtime()
