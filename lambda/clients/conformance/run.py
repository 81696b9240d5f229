#!/usr/bin/env python3
"""Runs the same cases through the client of every language, against the real proxy, and prints a table.

Needs Python 3.9 and nothing else, besides what the clients need; the real proxy also needs `openssl`. Ends with 0 only if every
case passed with every client; with CI=true a client that could not run is a failure.
"""

import argparse
import os
import sys
import tempfile
import time

import checks
import drivers
from worlds import RealWorld, StandInWorld

HERE = os.path.dirname(os.path.abspath(__file__))


def main():
    options = arguments()
    cases = [case for case in checks.load_cases() if options.case in case["name"]]
    if options.stand_in:
        cases = [case for case in cases if "stand-in" in case["on"]]
    if not cases:
        sys.exit(f"no case has {options.case!r} in its name")
    with tempfile.TemporaryDirectory(prefix="meshbridge-conformance-") as scratch:
        stand_in = StandInWorld(subdirectory(scratch, "stand-in"))
        real = None
        try:
            if not options.stand_in:
                real = RealWorld(subdirectory(scratch, "real"), proxy_binary(options))
            report = Report(cases)
            for client in options.client or drivers.CLIENTS:
                run_client(client, cases, stand_in, real, scratch, report)
        finally:
            for world in (real, stand_in):
                if world:
                    world.stop()
    sys.exit(report.finish(strict=os.environ.get("CI") in ("true", "1")))


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--stand-in", action="store_true", help="test the clients alone, against a stand-in for the proxy")
    parser.add_argument("--proxy", help="the proxy's binary; otherwise $MTLS_PROXY, or the newest that cargo has built")
    parser.add_argument("--client", action="append", choices=drivers.CLIENTS, help="only this client; may be repeated")
    parser.add_argument("--case", default="", help="only cases with this text in their name")
    return parser.parse_args()


def proxy_binary(options):
    named = options.proxy or os.environ.get("MTLS_PROXY")
    target = os.environ.get("CARGO_TARGET_DIR") or os.path.join(HERE, "../../../target")
    built = [os.path.join(target, profile, "mtls-proxy") for profile in ("release", "debug")]
    found = [path for path in ([named] if named else built) if os.access(path, os.X_OK)]
    if not found:
        sys.exit(f"there is no proxy at {named or ' or '.join(built)}; run `cargo build -p mtls-proxy`, or use --stand-in")
    return max(found, key=os.path.getmtime)


def subdirectory(parent, name):
    path = os.path.join(parent, name)
    os.mkdir(path)
    return path


def run_client(client, cases, stand_in, real, scratch, report):
    begun = time.monotonic()
    try:
        driver = drivers.Driver(client, scratch, (real or stand_in).environment())
    except drivers.Missing as e:
        return report.skipped(client, str(e))
    with driver:
        for case in cases:
            if client in case["except"]:
                continue
            world = real if real and "real" in case["on"] else stand_in
            report.case(client, case, run_case(client, case, world, driver))
    report.took(client, time.monotonic() - begun)


def run_case(client, case, world, driver):
    """What went wrong, or nothing."""
    try:
        world.begin()
        for step in case["steps"]:
            if "do" in step:
                world.do(step["do"])
                continue
            world.arrivals()
            call = dict(step["call"])
            call["settings"] = world.settings(call.pop("proxy", "default"))
            outcomes = driver.call(call)
            wrong = checks.check(client, step, outcomes, world.arrivals())
            if wrong:
                return wrong
    except (drivers.Broken, RuntimeError, OSError) as e:
        return f"{type(e).__name__}: {e}"
    return None


MARKS = {True: "ok", False: "FAILED", None: "-"}


class Report:
    def __init__(self, cases):
        self.names = [case["name"] for case in cases]
        self.columns = {}
        self.skips = {}
        self.failures = []
        self.seconds = {}

    def case(self, client, case, wrong):
        self.columns.setdefault(client, {})[case["name"]] = not wrong
        if wrong:
            self.failures.append(f"{client}: {case['name']}: {wrong}")

    def skipped(self, client, reason):
        self.skips[client] = reason

    def took(self, client, seconds):
        self.seconds[client] = seconds

    def finish(self, strict):
        width = max(len(name) for name in self.names)
        print(f"{'case':<{width}}  " + "  ".join(f"{client:>6}" for client in self.columns))
        for name in self.names:
            marks = (MARKS[column.get(name)] for column in self.columns.values())
            print(f"{name:<{width}}  " + "  ".join(f"{mark:>6}" for mark in marks))
        print(f"{'seconds':<{width}}  " + "  ".join(f"{self.seconds[client]:>6.1f}" for client in self.columns))
        for failure in self.failures:
            print(f"failed: {failure}")
        for client, reason in self.skips.items():
            print(f"skipped: {client}: {reason}")
        passed = sum(ok for column in self.columns.values() for ok in column.values())
        failed = len(self.failures) + (len(self.skips) if strict else 0)
        print(f"{passed} passed, {failed} failed, {len(self.skips)} clients skipped")
        return 0 if passed and not failed else 1


if __name__ == "__main__":
    main()
