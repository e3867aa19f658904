"""Runs all end-to-end tests one after the other and closes with `N passed, N failed`.

Each test is a program of its own, so that one that crashes or hangs costs only itself.
"""

import argparse
import pathlib
import re
import subprocess
import sys
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
SUMMARY = re.compile(r"^(\d+) passed, (\d+) failed$")

# name, seconds after which it is stopped, arguments of the usual run, of --quick and of --long
TESTS = (
    ("contract", 600, (), (), ()),
    ("http_abuse", 300, (), (), ()),
    ("raftexample", 180, (), (), ()),
    ("kvstore_members", 180, (), (), ()),
    ("linearizable", 300, (), ("--rounds", "2"), ("--rounds", "15")),
    ("snapshot", 400, (), (), ()),
    ("trace", 120, (), (), ()),
    ("crash", 300, (), ("--rounds", "3"), ("--rounds", "100")),
    ("chaos", 300, (), ("--rounds", "1"), ("--rounds", "25", "--seconds", "20")),
    ("server_abuse", 300, (), (), ()),
    ("etcd_differential", 300, (), ("--rounds", "1"), ("--rounds", "40", "--steps", "3000")),
    ("etcd_auth", 300, (), ("--rounds", "1"), ("--rounds", "40", "--steps", "3000")),
    ("etcd_json", 500, (), ("--rounds", "1"), ("--rounds", "20", "--steps", "2000")),
    ("storage_faults", 400, (), (), ()),
    ("trap", 400, (), (), ()),
    ("load", 300, (), (), ()),
    ("verify", 300, (), (), ()),
    ("flags", 180, (), (), ()),
    ("operating", 500, (), (), ()),
    ("recovery", 900, (), (), ()),
    ("membership", 900, (), (), ()),
    ("peer_port", 700, (), (), ()),
    ("directories", 400, (), (), ()),
    ("tls", 600, (), (), ()),
    ("status_page", 300, (), (), ()),
    ("boost_headers", 600, (), ("--limit", "1000"), ()),
)
LONGER = 6      # --long gives every test so many times its seconds


def run(name, seconds, arguments):
    """Runs one test program and shows its output; returns (passed, failed)."""
    words = [sys.executable, "-B", str(HERE / f"{name}.py"), *arguments]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    late = threading.Event()

    def expire():
        late.set()
        process.terminate()     # lets it end the processes it started
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()

    timer = threading.Timer(seconds, expire)
    timer.start()
    passed, failed, summary = 0, 0, None
    try:
        for line in process.stdout:
            found = SUMMARY.match(line.strip())
            if found:
                summary = found
                passed, failed = int(found[1]), int(found[2])
            else:
                print(f"  {line}", end="", flush=True)
        status = process.wait()
    finally:
        timer.cancel()
        process.terminate()
        process.wait()
    if late.is_set() or summary is None or (status != 0 and failed == 0):
        why = f"not done after {seconds} s" if late.is_set() else f"ended with status {status}"
        print(f"  FAIL {name}: {why}", flush=True)
        failed += 1
    return passed, failed


def main():
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--bin", default="build/release/bin", metavar="DIR",
                         help="folder of the kvstore executable (default: build/release/bin)")
    options.add_argument("--only", default="", metavar="REGEX", help="run the tests that match")
    extent = options.add_mutually_exclusive_group()
    extent.add_argument("--quick", action="store_true", help="fewer rounds and files")
    extent.add_argument("--long", action="store_true", help="100 rounds of kill -9 and more")
    options = options.parse_args()
    total_passed = total_failed = 0
    for name, seconds, usual, quick, long in TESTS:
        if not re.search(options.only, name):
            continue
        print(f"{name}", flush=True)
        extra = quick if options.quick else long if options.long else usual
        began = time.monotonic()
        passed, failed = run(name, seconds * (LONGER if options.long else 1),
                             ["--bin", options.bin, *extra])
        print(f"  {passed} passed, {failed} failed, {time.monotonic() - began:.0f} s", flush=True)
        total_passed, total_failed = total_passed + passed, total_failed + failed
    print(f"{total_passed} passed, {total_failed} failed", flush=True)
    return 1 if total_failed or not total_passed else 0


if __name__ == "__main__":
    sys.exit(main())
