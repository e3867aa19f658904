"""Space: the quota and its alarm, a database that is full, snapshots that clients do not read.

With each backend what operators do about it has to help without a restart.
"""

import http.client
import json
import socket
import sys
import time

from quorated_group import Group, b64
from suite import Suite, expect, expect_equal, parser

suite = Suite()
VALUE = "v" * 1000
QUOTA = 4 << 20


def backends(options):
    """memory, and lmdb where it was built in."""
    with Group(options.bin, "") as group:
        group.slot("a")
        said = group.refused("a", "a", extra=["--backend=lmdb", "--error-dialect=none"])[1]
    return ("memory",) if "without LMDB" in said else ("memory", "lmdb")


def fill(member, keys=50):
    """Writes the same keys again and again until a write is refused; (writes, refusal)."""
    connection = http.client.HTTPConnection("127.0.0.1", member.port, timeout=20)
    for turn in range(100_000):
        body = json.dumps({"key": b64(f"key {turn % keys}"), "value": b64(VALUE)})
        connection.request("POST", "/v3/kv/put", body)
        answer = connection.getresponse()
        data = answer.read()
        if answer.status != 200:
            connection.close()
            return turn, json.loads(data)
    raise AssertionError("no write was refused")


def done(answer):
    expect_equal(answer.status, 200, repr(answer))
    return answer.body


def revision_of(member):
    return int(member.status()["header"]["revision"])


def clear_alarms(member):
    for alarm in done(member.ask("maintenance/alarm", {"action": "GET"})).get("alarms", []):
        done(member.ask("maintenance/alarm", {"action": "DEACTIVATE", **alarm}))


def until(what, condition, seconds=30):
    deadline = time.monotonic() + seconds
    while not condition():
        expect(time.monotonic() < deadline, what)
        time.sleep(0.05)


@suite.case(seconds=200)
def compaction_defragmentation_and_a_cleared_alarm_make_room_again(options):
    for backend in backends(options):
        flags = [f"--backend={backend}", f"--quota-backend-bytes={QUOTA}"]
        with Group(options.bin, "a", flags) as group:
            member = group["a"]
            first, refusal = fill(member)
            expect("database space exceeded" in refusal["message"], f"{backend}: {refusal}")
            full = member.status()
            done(member.ask("kv/compaction", {"revision": str(revision_of(member))}))
            done(member.ask("maintenance/defragment"))
            status = member.status()
            expect(int(status["dbSize"]) < int(full["dbSize"]) / 4, f"{backend}: {full}, {status}")
            expect(int(status["dbSizeInUse"]) <= int(status["dbSize"]), f"{backend}: {status}")
            clear_alarms(member)
            second, _ = fill(member)
            expect(second > first * 0.8, f"{backend}: {second} writes, {first} before")


@suite.case(seconds=100)
def idle_member_holds_no_more_than_what_lives(options):
    for backend in backends(options):
        with Group(options.bin, "a", [f"--backend={backend}"]) as group:
            member = group["a"]
            operations = [{"requestPut": {"key": b64(f"key {i}"), "value": b64(VALUE)}}
                          for i in range(20)]
            for _ in range(300):
                done(member.ask("kv/txn", {"success": operations}))
            before = int(member.status()["dbSizeInUse"])
            expect(before > 300 * 20 * 1000, f"{backend}: {before}")
            done(member.ask("kv/compaction", {"revision": str(revision_of(member))}))
            until(f"{backend}: nothing was freed",
                  lambda: int(member.status()["dbSizeInUse"]) < before / 50)


@suite.case(seconds=100)
def full_database_is_emptied_without_a_restart(options):
    if "lmdb" not in backends(options):
        return
    flags = ["--backend=lmdb", "--quota-backend-bytes=-1", f"--max-database-bytes={QUOTA}"]
    with Group(options.bin, "a", flags) as group:
        member = group["a"]
        first, refusal = fill(member, keys=100_000)
        expect("space" in refusal["message"], repr(refusal))
        until("no alarm is raised", lambda: "NOSPACE" in str(member.status().get("errors")))
        done(member.ask("kv/deleterange", {"key": "AA==", "range_end": "AA=="}))
        done(member.ask("kv/compaction", {"revision": str(revision_of(member)),
                                          "physical": True}))
        done(member.ask("maintenance/defragment"))
        until("the database stays full", lambda: "is full" not in str(member.status()))
        # What is left are the deletions themselves, for watches from that revision on.
        expect(int(member.status()["dbSize"]) < 1_500_000, repr(member.status()))
        clear_alarms(member)
        second, _ = fill(member, keys=100_000)
        expect(second > first * 0.4, f"{second} writes, {first} before")
        group.terminate("a")
        group.launch("a", "a")
        group.wait_serving("a")
        expect_equal(len(member.range_all(serializable=True)), second, "keys after a restart")


@suite.case(seconds=60)
def bound_of_a_database_below_the_quota_is_refused(options):
    with Group(options.bin, "") as group:
        group.slot("a")
        status, said = group.refused("a", "a", extra=["--max-database-bytes=1000000"])
        expect(status != 0 and "--max-database-bytes: 1000000 is less than the quota" in said,
               f"{status}: {said}")


def unread_snapshot(port):
    """Asks for a snapshot and reads no more of it than the status."""
    connection = socket.create_connection(("127.0.0.1", port), timeout=20)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection.sendall(b"POST /v3/maintenance/snapshot HTTP/1.1\r\nHost: 127.0.0.1\r\n"
                       b"Content-Length: 2\r\n\r\n{}")
    return connection, int(connection.recv(12).split()[1])


@suite.case(seconds=200)
def snapshots_that_clients_do_not_read_harm_nothing_else(options):
    for backend in backends(options):
        with Group(options.bin, "a", [f"--backend={backend}"]) as group:
            member = group["a"]
            for i in range(16):     # more than sockets take
                done(member.put(f"large {i}", "v" * 1_000_000))
            held = [unread_snapshot(member.port) for _ in range(200)]
            statuses = [status for _, status in held]
            expect_equal(statuses.count(200), 16, f"{backend}: {statuses}")
            expect_equal(statuses.count(429), 184, f"{backend}: {statuses}")
            for i in range(20):
                done(member.put(f"key {i}", VALUE))
            done(member.ask("maintenance/defragment", timeout=30))
            for connection, _ in held:
                connection.close()
            def again():
                connection, status = unread_snapshot(member.port)
                connection.close()
                return status == 200
            until(f"{backend}: snapshots stay refused", again)
            expect("snapshot_streams_max" in member.said(), member.tail())


if __name__ == "__main__":
    sys.exit(suite.run(parser(__doc__).parse_args()))
