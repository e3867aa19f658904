"""Disks that fail, fill up or write less than asked, below real members; locks and identities.

What must hold: nothing acknowledged is lost, a member whose sync failed stops and says which file
and why, a full disk refuses writes and serves reads until there is room again, without a restart.
See faulty_disks.py for how they are made to fail.
"""

import os
import pathlib
import re
import stat
import subprocess
import sys
import time

from cluster import FAST, Cluster, free_ports, get, get_many, put
from faulty_disks import FaultyDisks, run
from history import Writer
from suite import Suite, expect, expect_equal, parser
from wire import HOST, once

suite = Suite()


class FaultyCluster(FaultyDisks, Cluster):
    """Servers of the simple API above disks that fail."""

    def __init__(self, options, size=3, flags=(), sync=1, short=0, mask=0o022):
        super().__init__(options.bin, size, flags)
        self.use_faults(options, sync, short, mask)


class Load:
    """Writers over all members; whatever they saw acknowledged must be there in the end."""

    def __init__(self, cluster, count=4, size=300):
        ports = [cluster.port(number) for number in cluster.members]
        self.cluster = cluster
        self.writers = [Writer(index, ports, size=size, registers=2, pause=0.002)
                        for index in range(count)]
        for writer in self.writers:
            writer.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for writer in self.writers:
            writer.stopping.set()

    def acknowledged(self):
        return sum(writer.acknowledgements for writer in self.writers)

    def await_more(self, count=20, seconds=25):
        """Waits until so many more writes are acknowledged."""
        target = self.acknowledged() + count
        deadline = time.monotonic() + seconds
        while self.acknowledged() < target:
            missing = target - self.acknowledged()
            expect(time.monotonic() < deadline, f"{missing} of {count} writes not acknowledged")
            time.sleep(0.02)

    def finish(self):
        """Ends the writing and reads everything from every member; the number of writes."""
        for writer in self.writers:
            writer.stop()
        registers = {register.key: register for writer in self.writers for register in writer.all}
        for number in self.cluster.members:
            floors = {key: register.floor() for key, register in registers.items()}
            for key, body in get_many(self.cluster.port(number), list(registers)).items():
                registers[key].check(floors[key], body, number)
        return self.acknowledged()


def expect_stopped(cluster, number):
    """The member ended by itself, not well, and named the file and the reason."""
    expect_equal(cluster.wait_exit(number), 1, "exit status")
    text = cluster.members[number].log.read_text(errors="replace")
    failed = re.findall(r"faulty_disk: sync failed: (.*)", text)[-1]
    # A temporary file may be named by what it was to become, but always by its folder.
    folder = str(pathlib.Path(failed).parent) if failed.endswith(".tmp") else failed
    said = [line for line in text.splitlines() if line.startswith("error:")]
    expect(any(folder in line and "Input/output error" in line for line in said),
           f"no error names {folder} and the reason: {said}")


# ---------------------------------------------------------------------- syncs that fail


def survive_failed_sync(options, choose, syncs, flags=()):
    total = 0
    for sync in syncs:
        with FaultyCluster(options, 3, flags, sync=sync) as cluster, Load(cluster) as load:
            load.await_more()
            victim = choose(cluster)
            cluster.flag("fail", victim).touch()
            cluster.await_text(victim, "faulty_disk: sync failed")
            expect_stopped(cluster, victim)
            cluster.flag("fail", victim).unlink()
            load.await_more()
            cluster.restart(victim)
            load.await_more()
            total += load.finish()
    print(f"{total} writes acknowledged, 0 lost", flush=True)


@suite.case(240)
def sync_of_a_follower_fails(options):
    survive_failed_sync(options, lambda cluster: cluster.followers()[0], (1, 2, 7))


@suite.case(240)
def sync_of_the_leader_fails(options):
    survive_failed_sync(options, lambda cluster: cluster.leader(), (1, 2, 7))


@suite.case(240)
def sync_of_any_file_fails(options):
    """Snapshots are written so often that the failing sync may be theirs or their folder's."""
    survive_failed_sync(options, lambda cluster: cluster.leader(), (1, 3, 4, 5),
                        ("--snapshot-count", "4"))


@suite.case(120)
def sync_of_a_lone_member_fails(options):
    with FaultyCluster(options, 1, sync=5) as cluster, Load(cluster) as load:
        load.await_more()
        cluster.flag("fail", 1).touch()
        expect_stopped(cluster, 1)
        cluster.flag("fail", 1).unlink()
        cluster.restart(1)
        load.await_more()
        print(f"{load.finish()} writes acknowledged, 0 lost", flush=True)


# ---------------------------------------------------------------------- disks that fill up


def await_status(port, key, status, seconds=25):
    """PUTs until it is answered so; returns the keys of those that were acknowledged before."""
    stored, turn, last = [], 0, None
    deadline = time.monotonic() + seconds
    while True:
        turn += 1
        name = f"{key}-{turn}"
        try:
            last = once(port, "PUT", name, name.encode(), timeout=20).status
        except OSError as failure:
            last = failure
        if last == status:
            return stored + ([name] if status == 204 else [])
        if last == 204:
            stored.append(name)
        expect(time.monotonic() < deadline, f"PUT on port {port}: {last}, never {status}")
        time.sleep(0.05)


def expect_room_again(cluster, numbers, before):
    """After room is back every member stores again, and none was started anew."""
    cluster.empty(numbers)
    kept = [key for number in cluster.members
            for key in await_status(cluster.port(number), f"/again-{number}", 204)]
    expect_equal(cluster.processes(), before, "process ids")
    expect_equal(sorted(cluster.running()), sorted(cluster.members), "running members")
    for number in cluster.members:
        for key, value in get_many(cluster.port(number), kept).items():
            expect_equal(value, key.encode(), f"{key} on member {number}")


def fill_some(options, choose, how):
    with FaultyCluster(options) as cluster, Load(cluster) as load:
        load.await_more()
        before = cluster.processes()
        victim = choose(cluster)
        put(cluster.port(victim), "/kept", "kept")
        cluster.fill([victim], how)
        cluster.await_text(victim, "faulty_disk: no space")
        others = [number for number in cluster.members if number != victim]
        for number in others:
            await_status(cluster.port(number), f"/through-{number}", 204, 40)
            expect_equal(get(cluster.port(number), "/kept"), b"kept", f"/kept on {number}")
        load.await_more(seconds=40)
        expect_room_again(cluster, [victim], before)
        load.await_more()
        print(f"{load.finish()} writes acknowledged, 0 lost", flush=True)


@suite.case(150)
def disk_of_a_follower_fills_up(options):
    fill_some(options, lambda cluster: cluster.followers()[0], "")


@suite.case(150)
def disk_of_the_leader_fills_up(options):
    fill_some(options, lambda cluster: cluster.leader(), "")


def fill_all(cluster):
    """Until every disk is full and the leader refuses writes; a write makes the disks notice."""
    cluster.fill(cluster.members)
    await_status(cluster.port(cluster.leader()), "/refused", 507)
    for number in cluster.members:
        cluster.await_text(number, "the disk is full")


@suite.case(200)
def all_disks_fill_up(options):
    """Every member holds all that was committed before, so every one serves reads."""
    with FaultyCluster(options) as cluster:
        before = cluster.processes()
        put(cluster.port(1), "/kept", "kept")
        for number in cluster.members:
            expect_equal(get(cluster.port(number), "/kept"), b"kept", f"/kept on {number}")
        fill_all(cluster)
        for number in cluster.members:
            expect_equal(get(cluster.port(number), "/kept", 20), b"kept", f"/kept on {number}")
        expect_room_again(cluster, cluster.members, before)


def expect_some_serve(cluster, key, value):
    """A member whose disk filled up before it held what is committed serves no read meanwhile."""
    serving = 0
    for number in cluster.members:
        answer = once(cluster.port(number), "GET", key, timeout=20)
        expect(answer.status in (200, 503), f"GET {key} on {number}: {answer!r}")
        if answer.status == 200:
            expect_equal(answer.body, value, f"{key} on {number}")
            serving += 1
    expect(serving > 0, f"no member serves {key}")


@suite.case(200)
def all_disks_fill_up_under_load(options):
    with FaultyCluster(options) as cluster, Load(cluster) as load:
        load.await_more()
        before = cluster.processes()
        put(cluster.port(1), "/kept", "kept")
        fill_all(cluster)
        expect_some_serve(cluster, "/kept", b"kept")
        acknowledged = load.acknowledged()
        time.sleep(1.5)
        expect_equal(load.acknowledged(), acknowledged, "acknowledged while all disks are full")
        expect_some_serve(cluster, "/kept", b"kept")
        expect_room_again(cluster, cluster.members, before)
        load.await_more()
        print(f"{load.finish()} writes acknowledged, 0 lost", flush=True)


@suite.case(120)
def full_disk_survives_kill_9(options):
    """Half a group may stand behind the end when the process dies; the next start copes with it."""
    with FaultyCluster(options) as cluster, Load(cluster) as load:
        load.await_more()
        cluster.fill(cluster.members)
        for number in cluster.members:
            cluster.await_text(number, "the disk is full")
        await_status(cluster.port(cluster.leader()), "/refused", 507)
        for number in cluster.members:
            cluster.kill(number)
        cluster.empty(cluster.members)
        for number in cluster.members:
            cluster.launch(number)
        cluster.wait_ready()
        load.await_more()
        print(f"{load.finish()} writes acknowledged, 0 lost", flush=True)


@suite.case(200)
def disk_fills_up_between_two_segments(options):
    """What was reserved can be written; the next segment cannot be made, nor a snapshot."""
    with FaultyCluster(options, 3, ("--snapshot-count", "30")) as cluster:
        before = cluster.processes()
        block = os.urandom(1 << 20)
        put(cluster.port(1), "/kept", "kept")
        cluster.fill(cluster.members, "growing")
        stored = 0
        for turn in range(200):
            status = once(cluster.port(cluster.leader()), "PUT", f"/block-{turn % 5}", block,
                          timeout=20).status
            expect(status in (204, 429, 503, 504, 507), f"PUT: {status}")
            stored += status == 204
            if status == 507:
                break
        expect_equal(status, 507, "status once the segment is full")
        expect(stored > 20, f"only {stored} MiB fitted into what was reserved")
        expect_some_serve(cluster, "/kept", b"kept")
        expect_room_again(cluster, cluster.members, before)
        expect_equal(get(cluster.port(1), "/kept"), b"kept", "/kept")


# ---------------------------------------------------------------------- writes that are short


@suite.case(150)
def short_writes_are_continued(options):
    with FaultyCluster(options, 3, ("--snapshot-count", "50"), short=1000) as cluster, \
            Load(cluster, size=4000) as load:
        load.await_more(100)
        expect(all(cluster.told(number, "faulty_disk: short writes")
                   for number in cluster.members), "no write was short")
        for number in cluster.members:
            cluster.kill(number)
        for number in cluster.members:
            cluster.launch(number)
        cluster.wait_ready()
        load.await_more()
        print(f"{load.finish()} writes acknowledged, 0 lost", flush=True)


# ---------------------------------------------------------------------- locks and identities


def refusal(words, seconds=3):
    """Runs a kvstore that must refuse to start in time; what it says."""
    began = time.monotonic()
    ended = subprocess.run(words, capture_output=True, text=True, timeout=30, check=False)
    took = time.monotonic() - began
    expect(ended.returncode not in (0, 2) and ended.returncode > 0,
           f"exit status {ended.returncode}: {ended.stderr}")
    expect(took < seconds, f"refused only after {took:.1f} s")
    return ended.stderr


def contents(folder):
    """Every file below a folder with its bytes and times of change."""
    return {path: (path.read_bytes(), path.stat().st_mtime_ns)
            for path in sorted(folder.rglob("*")) if path.is_file()}


def other_command(cluster, number, data, token=()):
    """The command line of a member on ports of its own, with another one's directory."""
    ports = free_ports(3)
    urls = ",".join(f"http://{HOST}:{port}" for port in ports)
    return [cluster.binary, "--id", str(number), "--cluster", urls, "--port", "0", "--data-dir",
            str(data), *FAST, *token]


@suite.case()
def directory_in_use_is_refused(options):
    with Cluster(options.bin, 1) as cluster:
        data = cluster.members[1].data
        put(cluster.port(1), "/a", "1")
        said = refusal(other_command(cluster, 1, data))
        expect(str(data) in said and "process" in said, f"says: {said}")
        # The first one is not disturbed.
        put(cluster.port(1), "/a", "2")
        expect_equal(get(cluster.port(1), "/a"), b"2", "/a")


@suite.case()
def directory_of_another_is_refused(options):
    with Cluster(options.bin, 3) as cluster:
        put(cluster.port(1), "/a", "1")
        cluster.stop_all()
        data = cluster.members[1].data
        before = contents(data)
        said = refusal(other_command(cluster, 2, data))
        expect(str(data) in said and re.search(r"member 1\b.*member 2\b", said), f"says: {said}")
        said = refusal(other_command(cluster, 1, data, ("--cluster-token", "other")))
        expect(str(data) in said and re.search(r"'kvstore'.*'other'", said), f"says: {said}")
        expect(contents(data) == before, "a refused start changed files")


@suite.case()
def lock_is_free_after_kill_9(options):
    with Cluster(options.bin, 1) as cluster:
        for turn in range(5):
            put(cluster.port(1), "/turn", str(turn))
            cluster.kill(1)
            cluster.restart(1, 3)
            expect_equal(get(cluster.port(1), "/turn"), str(turn).encode(), "/turn")


@suite.case()
def files_are_private(options):
    with FaultyCluster(options, 1, ("--snapshot-count", "10"), mask=0) as cluster:
        for turn in range(40):
            put(cluster.port(1), f"/{turn}", "x")
        cluster.terminate(1)
        data = cluster.members[1].data
        data.chmod(0o755)  # as an operator might have made it
        cluster.restart(1)
        seen = set()
        for path in [data, *data.rglob("*")]:
            kind = "folder" if path.is_dir() else path.suffix or path.name
            seen.add(kind)
            wanted = 0o700 if path.is_dir() else 0o600
            expect_equal(stat.S_IMODE(path.stat().st_mode), wanted, f"mode of {path}")
        expect(seen >= {"folder", "lock", "identity", ".wal", ".snap"}, f"saw only {seen}")


def main():
    return run(suite, parser(__doc__).parse_args())


if __name__ == "__main__":
    sys.exit(main())
