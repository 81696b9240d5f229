"""The cases, and whether what a client did is what a case expects."""

import base64
import hashlib
import json
import os
from urllib.parse import parse_qsl

from app import pattern

HERE = os.path.dirname(os.path.abspath(__file__))


def load_cases():
    """Those of cases.json, and one for each reason of errors.json that the proxy gives."""
    with open(os.path.join(HERE, "cases.json"), encoding="utf-8") as file:
        cases = json.load(file)
    for reason in REASONS:
        if "proxy" in REASONS[reason]["from"]:
            path = f"/stand-in/error/{reason}"
            expect = {"error": {"reason": reason, "status": 503, "app": "ledger", "message": f"the stand-in says {reason}"}}
            name = f"the proxy's answer {reason} is raised as what it is"
            cases.append({"name": name, "on": ["stand-in"], "call": {"path": path}, "expect": expect})
    for case in cases:
        case.setdefault("on", ["real", "stand-in"])
        case.setdefault("except", {})
        case.setdefault("steps", [{key: case.get(key) for key in ("call", "expect")}])
    return cases


def _reasons():
    with open(os.path.join(HERE, "errors.json"), encoding="utf-8") as file:
        return {error["reason"]: error for error in json.load(file)["errors"]}


REASONS = _reasons()


def type_name(client, reason):
    """What the error's type is called there."""
    camel = "".join(part.capitalize() for part in reason.split("-")) if reason in REASONS else None
    if client == "ruby":
        return f"Meshbridge::{camel or 'Error'}"
    if client == "go":
        return camel or "Reason"
    return f"{camel or 'Meshbridge'}Error"


def check(client, step, outcomes, arrivals):
    """What is wrong with the outcomes of one call (one for each copy of it), or nothing."""
    expect = step["expect"]
    if len(outcomes) != step["call"].get("copies", 1):
        return f"{len(outcomes)} outcomes"
    for outcome in outcomes:
        for key, expected in expect.items():
            if key in CHECKS:
                wrong = CHECKS[key](client, outcome, expected)
                if wrong:
                    return f"{key}: {wrong}; the outcome was {brief(outcome)}"
        if "error" in outcome and "error" not in expect:
            return f"an error: {brief(outcome)}"
    if "distinct" in expect and len({outcome.get("sha256") for outcome in outcomes}) != expect["distinct"]:
        return "answers are mixed up"
    for target, expected in expect.get("arrivals", {}).items():
        if same(arrivals.get(target, 0), expected):
            return f"{target} arrived {arrivals.get(target, 0)} times, not {expected}"
    return None


def brief(outcome):
    text = json.dumps(outcome, ensure_ascii=False)
    return text if len(text) < 600 else text[:600] + "…"


def same(what, expected):
    allowed = expected if isinstance(expected, list) else [expected]
    return None if what in allowed else f"{what!r}, not {expected!r}"


def check_error(client, outcome, expected):
    error = outcome.get("error")
    if error is None:
        return "there was an answer"
    for key, value in expected.items():
        wrong = (
            None if value in error.get("message", "") else f"{value!r} is not in the message"
        ) if key == "message" else same(error.get(key), value)
        if wrong:
            return f"{key}: {wrong}"
    reason = error["reason"]
    if reason in REASONS and error.get("remedy") != REASONS[reason]["remedy"]:
        return f"the remedy is {error.get('remedy')!r}"
    return same(error.get("type"), type_name(client, reason))


def check_headers(_, outcome, expected):
    got = fields(outcome.get("headers", []))
    wrong = {name: got.get(name) for name, values in expected.items() if got.get(name) != values}
    return f"{wrong}" if wrong else None


def check_no_headers(_, outcome, expected):
    got = fields(outcome.get("headers", []))
    return next((f"there is {name}" for name in expected if name in got), None)


def check_json(_, outcome, expected):
    got = told(outcome)
    wrong = {key: got.get(key) for key, value in expected.items() if got.get(key) != value}
    return f"{wrong}" if wrong else None


def check_sent(_, outcome, expected):
    sent = fields(told(outcome).get("headers", []))
    wrong = {name: sent.get(name) for name, value in expected.items() if ", ".join(sent.get(name, ["(none)"])) != value}
    return f"{wrong}" if wrong else None


def check_not_sent(_, outcome, expected):
    sent = fields(told(outcome).get("headers", []))
    return next((f"the app was sent {name}" for name in expected if name in sent), None)


def check_query(_, outcome, expected):
    query = told(outcome).get("target", "").partition("?")[2]
    # Go's standard library sorts the names; the order of one name's values is kept everywhere.
    pairs = sorted(parse_qsl(query, keep_blank_values=True), key=lambda pair: pair[0])
    return same(json.dumps(pairs), json.dumps(expected))


def check_pattern(_, outcome, expected):
    return same(outcome.get("length"), expected) or same(outcome.get("sha256"), pattern_hash(expected))


def check_seen_pattern(_, outcome, expected):
    return same(told(outcome).get("length"), expected) or same(told(outcome).get("sha256"), pattern_hash(expected))


def check_timeout_told(_, outcome, expected):
    ms = int(told(outcome).get("timeout_ms") or 0)
    return None if expected[0] <= ms <= expected[1] else f"{ms} ms"


def check_text(_, outcome, expected):
    return same(base64.b64decode(outcome.get("body", "")).decode("utf-8", "replace"), expected)


CHECKS = {
    "status": lambda _, outcome, expected: same(outcome.get("status"), expected),
    "length": lambda _, outcome, expected: same(outcome.get("length"), expected),
    "sha256": lambda _, outcome, expected: same(outcome.get("sha256"), expected),
    "error": check_error,
    "headers": check_headers,
    "no_headers": check_no_headers,
    "json": check_json,
    "sent": check_sent,
    "not_sent": check_not_sent,
    "query": check_query,
    "pattern": check_pattern,
    "seen_pattern": check_seen_pattern,
    "text": check_text,
    "timeout_told": check_timeout_told,
}


def fields(pairs):
    """Header values by name."""
    by_name = {}
    for name, value in pairs:
        by_name.setdefault(name.lower(), []).append(value)
    return by_name


def told(outcome):
    """What the app said of the request it got."""
    try:
        value = json.loads(base64.b64decode(outcome.get("body", "")))
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def pattern_hash(length):
    digest = hashlib.sha256()
    for piece in pattern(length):
        digest.update(piece)
    return digest.hexdigest()
