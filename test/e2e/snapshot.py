"""Members that are too far behind for the log catch up by a snapshot, and restart from one."""

import os
import sys
import threading
import time

from cluster import Cluster, get_many, put
from suite import Suite, expect, expect_equal, parser
from wire import Session, once

suite = Suite()

COUNT = 100
FEW = ("--snapshot-count", str(COUNT))


def fill(cluster, numbers, keys, start=0):
    """Writes keys start..start+keys-1 over the given members; {key: value}."""
    session, written = Session(), {}
    for index in range(start, start + keys):
        # Not UTF-8 on purpose: the reference loses such values in its snapshots.
        key, value = f"/fill/{index % 700}", b"\xff\x00%d\x80" % index + os.urandom(40)
        port = cluster.port(numbers[index % len(numbers)])
        for _ in range(200):
            try:
                if session.request(port, "PUT", key, value).status == 204:
                    break
            except OSError:
                pass
            time.sleep(0.05)
        else:
            raise AssertionError(f"PUT {key} was never acknowledged")
        written[key] = value
    session.close()
    return written


def expect_all(cluster, numbers, written):
    for number in numbers:
        values = get_many(cluster.port(number), list(written))
        wrong = [key for key in written if values[key] != written[key]]
        expect(not wrong, f"member {number}: {len(wrong)} of {len(written)} wrong: {wrong[:3]}")


def snapshots(member):
    """The number of files in a member's snapshot folder."""
    folder = member.data / "snap"
    return sum(1 for path in folder.rglob("*") if path.is_file()) if folder.is_dir() else 0


@suite.case(90)
def member_that_was_down_catches_up(options):
    with Cluster(options.bin, 3, FEW) as cluster:
        written = fill(cluster, [1, 2, 3], 50)
        victim = cluster.followers()[0]
        cluster.kill(victim)
        written |= fill(cluster, cluster.running(), 2500)
        cluster.restart(victim)
        expect_all(cluster, [victim], written)
        # It must be a full member again: with another one gone, it is needed for every write.
        cluster.kill(next(n for n in cluster.followers() if n != victim))
        written |= fill(cluster, [victim], 20)
        expect_all(cluster, cluster.running(), written)


@suite.case(90)
def all_restart_from_snapshots(options):
    with Cluster(options.bin, 3, FEW) as cluster:
        written = fill(cluster, [1, 2, 3], 1500)
        for member in cluster.members.values():
            expect(snapshots(member) > 0, f"member {member.id} has no file in snap/")
        expect_equal(set(cluster.stop_all().values()), {0}, "exit statuses")
        for number in cluster.members:
            cluster.launch(number)
        cluster.wait_ready()
        expect_all(cluster, cluster.members, written)
        for number in cluster.members:
            cluster.kill(number)
        for number in cluster.members:
            cluster.launch(number)
        cluster.wait_ready()
        expect_all(cluster, cluster.members, written)


@suite.case(90)
def new_member_joins_after_compaction(options):
    with Cluster(options.bin, 3, FEW) as cluster:
        written = fill(cluster, [1, 2, 3], 2000)
        fourth = cluster.add_slot()
        put_member(cluster, fourth)
        cluster.restart(4)
        expect_all(cluster, [4], written)
        expect(snapshots(fourth) > 0, "the new member has no file in snap/")
        written |= fill(cluster, [4], 300)
        cluster.kill(4)
        cluster.restart(4)
        expect_all(cluster, [1, 2, 3, 4], written)


def put_member(cluster, member):
    answer = once(cluster.port(1), "POST", f"/{member.id}", member.url.encode())
    expect_equal(answer.status, 204, f"POST /{member.id}")


@suite.case(90)
def membership_survives_snapshot_and_restart(options):
    """Snapshots must carry the members: the changes themselves are compacted away."""
    with Cluster(options.bin, 3, FEW) as cluster:
        fourth = cluster.add_slot()
        put_member(cluster, fourth)
        cluster.restart(4)
        victim = next(n for n in (2, 3) if n != cluster.leader())
        expect_equal(once(cluster.port(1), "DELETE", f"/{victim}").status, 204, "DELETE")
        expect_equal(cluster.wait_exit(victim, 15), 0, "exit status of the removed member")
        left = cluster.running()
        written = fill(cluster, left, 1500)
        cluster.stop_all()
        for number in left:
            cluster.launch(number)
        cluster.wait_ready(left)
        expect_all(cluster, left, written)
        # Three members are left, so two of them suffice, whichever is killed.
        cluster.kill(cluster.leader())
        written |= fill(cluster, cluster.running(), 50)
        expect_all(cluster, cluster.running(), written)


@suite.case(120)
def killed_while_catching_up(options):
    with Cluster(options.bin, 3, FEW) as cluster:
        written = fill(cluster, [1, 2, 3], 50)
        big = {f"/big/{index}": os.urandom(400_000) for index in range(40)}
        victim = cluster.followers()[0]
        cluster.kill(victim)
        for key, value in big.items():
            put(cluster.port(cluster.running()[0]), key, value)
        written |= big | fill(cluster, cluster.running(), 1000)
        for pause in (0.02, 0.05, 0.1, 0.2, 0.4):
            cluster.launch(victim)
            time.sleep(pause)
            cluster.kill(victim)
        cluster.restart(victim)
        expect_all(cluster, [victim], written)


@suite.case(120)
def writes_go_on_during_snapshots(options):
    with Cluster(options.bin, 3, FEW) as cluster:
        stop, slowest = threading.Event(), [0.0]

        def watch():
            session = Session()
            while not stop.is_set():
                began = time.monotonic()
                try:
                    session.request(cluster.port(1), "GET", "/fill/1")
                except OSError:
                    pass
                slowest[0] = max(slowest[0], time.monotonic() - began)
                time.sleep(0.01)
            session.close()

        watcher = threading.Thread(target=watch, daemon=True)
        watcher.start()
        try:
            written = fill(cluster, [1, 2, 3], 2000)
        finally:
            stop.set()
        watcher.join(20)
        print(f"slowest read beside the snapshots: {slowest[0] * 1000:.0f} ms", flush=True)
        expect(slowest[0] < 5, "a read waited for seconds")
        expect_all(cluster, cluster.members, written)


if __name__ == "__main__":
    sys.exit(suite.run(parser(__doc__).parse_args()))
