#!/usr/bin/env python3
"""Prints how many cases passed and failed by a test runner's log: ctest's, Meson's or our own."""

import re
import sys

CTEST = re.compile(r"^\d+% tests passed, (\d+) tests failed out of (\d+)$", re.M)
MESON = re.compile(r"^(Ok|Expected Fail|Fail|Unexpected Pass|Timeout):\s+(\d+)\s*$", re.M)
OURS = re.compile(r"^(\d+) passed, (\d+) failed$", re.M)


def count(log):
    """Returns (passed, failed); (0, 0) for a log that has no closing line."""
    ctest = CTEST.findall(log)
    if ctest:
        failed, total = map(int, ctest[-1])
        return total - failed, failed
    meson = {name: int(number) for name, number in MESON.findall(log)}
    if meson:
        passed = meson.get("Ok", 0) + meson.get("Expected Fail", 0)
        return passed, sum(meson.values()) - passed
    ours = OURS.findall(log)
    return tuple(map(int, ours[-1])) if ours else (0, 0)


if __name__ == "__main__":
    with open(sys.argv[1], encoding="utf-8", errors="replace") as file:
        print(*count(file.read()))
