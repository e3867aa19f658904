"""Runs all end-to-end tests and closes with `N passed, N failed`.

Each test is a program of its own, so that one that crashes or hangs costs only itself. Tests wait
most of their time, so `--jobs` runs several side by side, each with ports of its own; those of
ALONE, which measure what a busy machine would change, come after the others, one by one.
"""

import argparse
import concurrent.futures
import os
import pathlib
import queue
import re
import signal
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
    ("embedded", 180, (), (), ()),
    ("linearizable", 300, (), ("--rounds", "2"), ("--rounds", "15")),
    ("snapshot", 400, (), (), ()),
    ("trace", 120, (), (), ()),
    ("crash", 300, (), ("--rounds", "3"), ("--rounds", "100")),
    ("chaos", 300, (), ("--rounds", "1"), ("--rounds", "25", "--seconds", "20")),
    ("server_abuse", 300, (), (), ()),
    ("etcd_differential", 300, (), ("--rounds", "1"), ("--rounds", "40", "--steps", "3000")),
    ("etcd_auth", 300, (), ("--rounds", "1"), ("--rounds", "40", "--steps", "3000")),
    ("etcd_json", 500, (), ("--rounds", "1"), ("--rounds", "20", "--steps", "2000")),
    ("server_limits", 500, (), (), ()),
    ("storage_faults", 400, (), (), ()),
    ("small_disks", 300, (), (), ()),
    ("trap", 400, (), (), ()),
    ("load", 300, (), (), ()),
    ("verify", 300, (), (), ()),
    ("flags", 180, (), (), ()),
    ("doors", 300, (), (), ()),
    ("operating", 500, (), (), ()),
    ("recovery", 900, (), (), ()),
    ("membership", 900, (), (), ()),
    ("peer_port", 700, (), (), ()),
    ("directories", 400, (), (), ()),
    ("space", 500, (), (), ()),
    ("tls", 600, (), (), ()),
    ("status_page", 300, (), (), ()),
    ("boost_headers", 600, (), ("--limit", "1000"), ()),
)
# Tests that judge memory, descriptors or pace closely enough for a busy machine to matter.
ALONE = ("http_abuse", "server_abuse", "load")
LONGER = 6      # --long gives every test so many times its seconds


RUNNING = set()     # test programs


def stop(*_):
    """Ends all test programs, which end what they started, and this one."""
    for process in tuple(RUNNING):
        process.terminate()
    deadline = time.monotonic() + 8
    while RUNNING and time.monotonic() < deadline:
        time.sleep(0.05)
    os._exit(143)


def run(name, seconds, arguments, place, show):
    """Runs one test program, shows its lines as they come; returns (passed, failed)."""
    words = [sys.executable, "-B", str(HERE / f"{name}.py"), *arguments]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                               env={**os.environ, "QUORATE_E2E_PLACE": place})
    RUNNING.add(process)
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
                show(f"  {line}")
        status = process.wait()
    finally:
        timer.cancel()
        process.terminate()
        process.wait()
        RUNNING.discard(process)
    if late.is_set() or summary is None or (status != 0 and failed == 0):
        why = f"not done after {seconds} s" if late.is_set() else f"ended with status {status}"
        show(f"  FAIL {name}: {why}\n")
        failed += 1
    return passed, failed


class Runner:
    """Runs tests, at most `jobs` at a time, and adds up what they count."""

    def __init__(self, options, jobs):
        self.options = options
        self.jobs = jobs
        self.places = queue.SimpleQueue()   # of those that run, each a number of its own
        for place in range(jobs):
            self.places.put(f"{place}/{jobs}")
        self.lock = threading.Lock()
        self.passed = self.failed = 0

    def run_one(self, test):
        name, seconds, usual, quick, long = test
        extra = quick if self.options.quick else long if self.options.long else usual
        lines = []
        show = lines.append if self.jobs > 1 else lambda line: print(line, end="", flush=True)
        show(f"{name}\n")
        place = self.places.get()
        began = time.monotonic()
        passed, failed = run(name, seconds * (LONGER if self.options.long else 1),
                             ["--bin", self.options.bin, *extra], place, show)
        self.places.put(place)
        show(f"  {passed} passed, {failed} failed, {time.monotonic() - began:.0f} s\n")
        with self.lock:
            print("".join(lines), end="", flush=True)
            self.passed, self.failed = self.passed + passed, self.failed + failed

    def run(self, tests):
        with concurrent.futures.ThreadPoolExecutor(self.jobs) as pool:
            # An exception of a test's thread is raised here.
            list(pool.map(self.run_one, tests))


def main():
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--bin", default="build/release/bin", metavar="DIR",
                         help="folder of the kvstore executable (default: build/release/bin)")
    options.add_argument("--only", default="", metavar="REGEX", help="run the tests that match")
    options.add_argument("--jobs", type=int, default=1, metavar="N",
                         help="run so many tests side by side (default: 1)")
    extent = options.add_mutually_exclusive_group()
    extent.add_argument("--quick", action="store_true", help="fewer rounds and files")
    extent.add_argument("--long", action="store_true", help="100 rounds of kill -9 and more")
    options = options.parse_args()
    signal.signal(signal.SIGTERM, stop)
    chosen = [test for test in TESTS if re.search(options.only, test[0])]
    together = [test for test in chosen if options.jobs > 1 and test[0] not in ALONE]
    runner = Runner(options, options.jobs)
    runner.run(together)
    runner.jobs = 1
    for test in chosen:
        if test not in together:
            runner.run_one(test)
    print(f"{runner.passed} passed, {runner.failed} failed", flush=True)
    return 1 if runner.failed or not runner.passed else 0


if __name__ == "__main__":
    sys.exit(main())
