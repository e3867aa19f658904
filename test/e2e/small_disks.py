"""Disks of `quorated serve` that are full, small, or may hold short files only.

Health is false with the reason while no write is possible, nothing acknowledged is lost, writes go
on once there is space, and a member starts on a small and on a full disk.
"""

import contextlib
import json
import pathlib
import resource
import subprocess
import sys
import tempfile
import time

import v3
from faulty_disks import run
from server_cluster import ServerCluster
from space import backends
from suite import Suite, expect, expect_equal, parser
from wire import once

suite = Suite()

CALM = ("--heartbeat-interval", "100", "--election-timeout", "1000")
MEGABYTE = 1 << 20


def health(port):
    answer = once(port, "GET", "/health")
    return answer.status, json.loads(answer.body)


def await_health(port, wanted, seconds=20):
    deadline = time.monotonic() + seconds
    while health(port)[0] != wanted:
        expect(time.monotonic() < deadline, f"health is {health(port)}")
        time.sleep(0.05)


def alarms(port):
    return [one["alarm"] for one in v3.ask(port, "maintenance/alarm").get("alarms", ())]


def write(port, turn, size=100_000):
    """Whether a put was acknowledged; else it was refused for lack of space, or waits for some."""
    body = {"key": v3.b64(f"k{turn}"), "value": v3.b64("v" * size)}
    answer = once(port, "POST", "/v3/kv/put", json.dumps(body).encode(), timeout=30)
    if answer.status == 200:
        return True
    why = json.loads(answer.body)["message"]
    expect("space exceeded" in why or "timed out" in why, f"{answer!r}")
    return False


def fill(port, first=0, most=5000):
    """Writes until there is no space; the number of values acknowledged."""
    for turn in range(first, most):
        if not write(port, turn):
            return turn
    raise AssertionError(f"{most} values are not enough to fill the disk")


def expect_values(port, count):
    found = v3.ask(port, "kv/range", {"key": v3.b64("k"), "range_end": v3.b64("l"),
                                      "count_only": True}, 30)
    expect(int(found.get("count", 0)) >= count, f"{found.get('count')} of {count} values")


def expect_unhealthy(port):
    status, body = health(port)
    expect_equal((status, body["health"], body["reason"]),
                 (503, "false", "ALARM NOSPACE: the disk is full"), "health")
    ready = once(port, "GET", "/readyz")
    expect_equal(ready.status, 503, "readyz")
    expect(b"[-]writable_disk failed: the disk is full" in ready.body, f"{ready.body}")
    expect_equal(once(port, "GET", "/livez").status, 200, "livez")
    expect_equal(alarms(port), ["NOSPACE"], "alarms")


def expect_healthy(port):
    await_health(port, 200)
    expect_equal(once(port, "GET", "/readyz").status, 200, "readyz")
    expect_equal(alarms(port), [], "alarms")
    expect(write(port, "after"), "no write although there is space")


@suite.case()
def full_disk_of_a_lone_member_makes_health_false_until_there_is_space(options):
    with ServerCluster(options.bin, 1, (), CALM, faults=options) as cluster:
        port = cluster.port(1)
        expect_healthy(port)
        cluster.fill([1])
        expect(not write(port, "full"), "a write on a full disk")
        await_health(port, 503)
        expect_unhealthy(port)
        expect_values(port, 1)
        cluster.empty([1])
        expect_healthy(port)


@suite.case()
def full_disk_of_one_of_three_leaves_the_others_healthy(options):
    with ServerCluster(options.bin, 3, (), CALM, faults=options) as cluster:
        full = cluster.leader()
        others = [number for number in cluster.members if number != full]
        cluster.fill([full])
        write(cluster.port(full), "full")
        await_health(cluster.port(full), 503)
        expect_unhealthy(cluster.port(full))
        for number in others:
            await_health(cluster.port(number), 200)
            expect_equal(alarms(cluster.port(number)), [], "alarms of others")
            expect(write(cluster.port(number), number), "the group takes no write")
        cluster.empty([full])
        expect_healthy(cluster.port(full))


@suite.case()
def file_that_may_not_grow_is_a_full_disk(options):
    """`ulimit -f`: the system would end the process by a signal."""
    cluster = ServerCluster(options.bin, 1, (), CALM)
    cluster.limits[resource.RLIMIT_FSIZE] = 4 * MEGABYTE
    with cluster:
        port = cluster.port(1)
        for turn in range(100):     # in several files
            expect(write(port, turn), f"write {turn}")
        process = cluster.members[1].process.pid
        resource.prlimit(process, resource.RLIMIT_FSIZE, (MEGABYTE // 16, 4 * MEGABYTE))
        expect(not write(port, "full"), "a write into a file that is too long")
        await_health(port, 503)
        expect_unhealthy(port)
        text = cluster.members[1].log.read_text()
        expect("File too large" in text, "the log does not name the error")
        expect_values(port, 100)
        resource.prlimit(process, resource.RLIMIT_FSIZE, (4 * MEGABYTE, 4 * MEGABYTE))
        expect_healthy(port)


@contextlib.contextmanager
def volume(megabytes):
    """A file system of that size, or None where this process may mount none."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="quorate-e2e-"))
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", folder],
                          capture_output=True, check=False)
    try:
        yield folder if made.returncode == 0 else None
    finally:
        if made.returncode == 0:
            subprocess.run(["umount", "-l", folder], check=True)
        folder.rmdir()


def on_volume(options, folder, flags=()):
    """A member whose data are there."""
    cluster = ServerCluster(options.bin, 1, flags, CALM)
    make = cluster.new_members

    def new_members():
        members = make()
        members[1].data = folder / "data"
        return members
    cluster.new_members = new_members
    return cluster


def free_bytes(folder):
    return int(subprocess.run(["df", "--output=avail", "-B1", folder], capture_output=True,
                              check=True).stdout.split()[-1])


@suite.case(120)
def member_starts_on_a_small_volume_and_again_once_it_is_full(options):
    for megabytes in (64, 8):
        with volume(megabytes) as folder:
            if folder is None:
                print("skipped: no file system can be mounted here", flush=True)
                return
            with on_volume(options, folder) as cluster:
                port = cluster.port(1)
                expect_healthy(port)
                expect("bytes are reserved" in cluster.members[1].log.read_text(), "no line")
                count = fill(port)
                print(f"  {count} values on {megabytes} MiB, {free_bytes(folder)} bytes left",
                      flush=True)
                expect(count > megabytes * 5, f"{count} values")
                await_health(port, 503)
                expect_unhealthy(port)
                for kill in (True, False):
                    cluster.kill(1) if kill else cluster.terminate(1)
                    cluster.restart(1)
                    expect_values(port, count)
                    fill(port, count)
                    await_health(port, 503)
                subprocess.run(["mount", "-o", "remount,size=300m", folder], check=True)
                expect_healthy(port)
                expect_values(port, count)


@suite.case()
def member_starts_on_a_volume_that_others_filled(options):
    with volume(200) as folder:
        if folder is None:
            print("skipped: no file system can be mounted here", flush=True)
            return
        with on_volume(options, folder) as cluster:
            port = cluster.port(1)
            expect(write(port, 1), "no write")
            cluster.kill(1)
            with open(folder / "other", "wb") as other, contextlib.suppress(OSError):
                while True:
                    other.write(b"x" * MEGABYTE)
            expect_equal(free_bytes(folder), 0, "free bytes")
            cluster.restart(1)
            expect_values(port, 1)
            expect(write(port, 2), "no write although space was reserved")
            (folder / "other").unlink()
            expect_healthy(port)


@suite.case(120)
def full_disk_of_the_database_alone_refuses_growth_until_there_is_space(options):
    """The log has a disk of its own, so that it is the database that finds no space, and the alarm
    is in the log."""
    if "lmdb" not in backends(options):
        print("skipped: built without LMDB", flush=True)
        return
    with volume(40) as folder, tempfile.TemporaryDirectory(prefix="quorate-e2e-") as log:
        if folder is None:
            print("skipped: no file system can be mounted here", flush=True)
            return
        flags = ("--backend", "lmdb", "--wal-dir", f"{log}/wal")
        with on_volume(options, folder, flags) as cluster:
            port = cluster.port(1)
            count = fill(port)
            expect(count > 200, f"{count} values")
            await_health(port, 503)
            expect_equal(health(port)[1]["reason"], "ALARM NOSPACE: the database is full", "reason")
            for kill in (True, False, True):    # each start writes its mark on the full disk
                cluster.kill(1) if kill else cluster.terminate(1)
                cluster.restart(1)
                expect_values(port, count)
                expect(not write(port, "more"), "a write without space")
            subprocess.run(["mount", "-o", "remount,size=300m", folder], check=True)
            until = time.monotonic() + 20
            while health(port)[1]["reason"] != "ALARM NOSPACE":  # which is to be cleared
                expect(time.monotonic() < until, f"health is {health(port)}")
                time.sleep(0.05)
            for alarm in v3.ask(port, "maintenance/alarm")["alarms"]:
                v3.ask(port, "maintenance/alarm", {"action": "DEACTIVATE", **alarm})
            expect_healthy(port)
            cluster.kill(1)
            cluster.restart(1)
            expect_values(port, count + 1)


def main():
    return run(suite, parser(__doc__).parse_args())


if __name__ == "__main__":
    sys.exit(main())
