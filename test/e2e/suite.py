"""Runs named cases and prints `ok NAME` or `FAIL NAME: why`, then `N passed, N failed`.

Every case has a time limit that interrupts it wherever it waits, and every test program shares the
same options, so that each runs alone (`python3 test/e2e/contract.py --bin build/release/bin`).
"""

import argparse
import pathlib
import re
import signal
import sys
import time
import traceback

import cluster

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]


class OutOfTime(BaseException):
    """A case passed its time limit. Not an Exception, so that no retry loop swallows it."""


def parser(description):
    """The options that every test program has."""
    options = argparse.ArgumentParser(description=description)
    options.add_argument("--bin", default=str(REPOSITORY / "build/release/bin"), metavar="DIR",
                         help="folder of the kvstore executable (default: build/release/bin)")
    options.add_argument("--only", default="", metavar="REGEX", help="run the cases that match")
    options.add_argument("--keep", action="store_true", help="keep data and logs of failed cases")
    options.add_argument("--verbose", action="store_true", help="show tracebacks and member logs")
    return options


class Suite:
    """Collects cases with `@suite.case()` and runs them in order of definition."""

    def __init__(self):
        self.cases = []

    def case(self, seconds=60):
        """Declares a case; it receives the parsed options and fails by raising."""
        def add(function):
            self.cases.append((function.__name__, seconds, function))
            return function
        return add

    def run(self, options):
        """Runs the chosen cases and returns the exit status."""
        if not (pathlib.Path(options.bin) / "kvstore").exists():
            print(f"FAIL kvstore: no executable in {options.bin}\n0 passed, 1 failed")
            return 1
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
        passed = failed = 0
        for name, seconds, function in self.cases:
            if not re.search(options.only, name):
                continue
            began = time.monotonic()
            why = self._run_one(name, seconds, function, options)
            took = time.monotonic() - began
            print(f"FAIL {name}: {why}" if why else f"ok {name} ({took:.1f} s)", flush=True)
            passed, failed = (passed, failed + 1) if why else (passed + 1, failed)
        print(f"{passed} passed, {failed} failed", flush=True)
        return 1 if failed or not passed else 0

    @staticmethod
    def _run_one(name, seconds, function, options):
        def expire(*_):
            raise OutOfTime(f"not done after {seconds} s")

        signal.signal(signal.SIGALRM, expire)
        signal.alarm(seconds)
        why = None
        try:
            function(options)
        except (Exception, OutOfTime) as failure:
            where = traceback.extract_tb(failure.__traceback__)
            mine = [frame for frame in where if frame.filename == function.__code__.co_filename]
            line = f" (line {mine[-1].lineno})" if mine else ""
            why = f"{type(failure).__name__}: {failure}{line}"
            if options.verbose:
                traceback.print_exc(file=sys.stdout)
                print(cluster.tails())
        finally:
            signal.alarm(0)
            cluster.clean_up(keep=options.keep and why is not None)
        return why


def expect(condition, why):
    """Fails the case with `why` unless the condition holds."""
    if not condition:
        raise AssertionError(why)


def expect_equal(actual, expected, what):
    """Fails the case unless both are equal; long values are shortened in the message."""
    if actual != expected:
        raise AssertionError(f"{what}: expected {shorten(expected)}, got {shorten(actual)}")


def expect_status(response, *statuses):
    """Fails the case unless there is a response with one of the statuses."""
    if response is None or response.status not in statuses:
        wanted = " or ".join(str(status) for status in statuses)
        raise AssertionError(f"expected {wanted}, got {response!r}")


def shorten(value):
    text = repr(value)
    return text if len(text) < 160 else f"{text[:100]}... ({len(value)} long)"
