"""Makes the Python client do what a line of JSON says, and says as one what came of it."""

import base64
import functools
import hashlib
import json
import os
import sys
from concurrent.futures import ThreadPoolExecutor

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../python/src"))
import meshbridge  # noqa: E402

STORED_BODY = 64 * 1024


@functools.lru_cache(maxsize=None)
def client(settings):
    return meshbridge.Client(**dict(settings))


def pattern(length):
    block = bytes(range(251)) * 261
    while length > 0:
        yield block[:length]
        length -= len(block)


def body_of(call, copy):
    body = call.get("body") or {}
    if "text" in body:
        return body["text"] + (f"-{copy:02}" if "copies" in call else "")
    if "base64" in body:
        return base64.b64decode(body["base64"])
    return pattern(body["stream"]) if "stream" in body else None


def outcome(call, copy):
    try:
        options = {"timeout": call["timeout_ms"] / 1000} if "timeout_ms" in call else {}
        mesh = client(tuple(sorted(call["settings"].items())))
        arguments = [call.get("method", "GET"), call.get("app", "ledger"), call["path"]]
        options.update(query=call.get("query"), headers=call.get("headers"), body=body_of(call, copy))
        read = call.get("read", "all")
        if read == "all":
            response = mesh.request(*arguments, **options)
            return told(response, [response.content])
        with mesh.stream(*arguments, **options) as response:
            return told(response, [response.read(10)] if read == "start" else response)
    except meshbridge.MeshbridgeError as e:
        return {
            "error": {
                "type": type(e).__name__,
                "reason": e.reason,
                "status": e.status,
                "app": e.app,
                "message": e.message,
                "remedy": e.remedy,
            }
        }


def told(response, pieces):
    digest, length, start = hashlib.sha256(), 0, b""
    for piece in pieces:
        digest.update(piece)
        length += len(piece)
        start += piece[: STORED_BODY - len(start)]
    return {
        "status": response.status,
        "headers": response.headers.items(),
        "length": length,
        "sha256": digest.hexdigest(),
        "body": base64.b64encode(start).decode(),
    }


for line in sys.stdin:
    request = json.loads(line)
    copies = request.get("copies", 1)
    with ThreadPoolExecutor(copies) as threads:
        print(json.dumps(list(threads.map(functools.partial(outcome, request), range(copies)))), flush=True)
