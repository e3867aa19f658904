"""Data directories that are copies, are empty, or belong to another member or cluster.

No acknowledged write may be lost by them; and where nothing was lost, nothing may be refused.
"""

import pathlib
import shutil
import struct
import subprocess
import sys
import time

import cluster
from cluster import Cluster, get, put
from peer_port import crc32c
from quorated_group import Group, b64
from suite import Suite, expect, expect_equal, expect_status, parser

suite = Suite()
COPY = "is a copy, or was restored from one"


def replace(member, backup):
    """Puts a copy in the place of a data directory, or an empty one for no backup."""
    shutil.rmtree(member.data)
    if backup is not None:
        shutil.copytree(backup, member.data)


def copy_of(member):
    backup = member.data.with_name(member.data.name + "-backup")
    shutil.copytree(member.data, backup)
    return backup


def said(member):
    return member.log.read_text(errors="replace")


def write(group, number, first, count):
    for i in range(first, first + count):
        put(group.members[number].port, f"/k{i}", f"v{i}")


def expect_held(group, numbers, count):
    for number in numbers:
        for i in range(count):
            held = get(group.members[number].port, f"/k{i}")
            expect_equal(held, f"v{i}".encode(), f"k{i} at member {number}")


def expect_no_leader(group, numbers, seconds=5):
    """No member of these serves a linearizable read, all the time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        for number in numbers:
            try:
                answer = group.probe(group.members[number])
            except OSError:
                continue
            expect(answer.status not in (200, 404), f"member {number} serves: {answer!r}")
        time.sleep(0.2)


def wait_known(group):
    """Until each member's log says of all that they have taken part."""
    deadline = time.monotonic() + 20
    words = [f"member {n} is part of the group" for n in group.members]
    while not all(word in said(member) for member in group.members.values() for word in words):
        expect(time.monotonic() < deadline, "members do not publish where clients find them")
        time.sleep(0.05)


def lose_beside_a_lagging_member(options, with_copy):
    with Cluster(options.bin) as group:
        leader = group.leader()
        restored, lagging = [n for n in group.members if n != leader]
        write(group, leader, 0, 5)
        wait_known(group)
        group.terminate(restored)
        backup = copy_of(group.members[restored]) if with_copy else None
        group.restart(restored)
        group.kill(lagging)
        write(group, group.leader(), 5, 60)     # on two disks
        group.kill(leader)
        group.kill(restored)
        replace(group.members[restored], backup)
        group.launch(lagging)
        group.launch(restored)
        expect_no_leader(group, [restored, lagging])
        expect("--accept-data-loss" in said(group.members[restored]), "it says what can be done")
        group.launch(leader)
        group.wait_ready()
        expect_held(group, list(group.members), 65)


@suite.case(seconds=90)
def copy_beside_a_lagging_member_loses_no_write(options):
    lose_beside_a_lagging_member(options, with_copy=True)


@suite.case(seconds=90)
def wiped_member_beside_a_lagging_one_loses_no_write(options):
    lose_beside_a_lagging_member(options, with_copy=False)


@suite.case(seconds=90)
def two_wiped_members_beside_a_third_begin_no_group(options):
    with Cluster(options.bin) as group:
        write(group, group.leader(), 0, 20)
        wait_known(group)
        for number in (1, 2):
            group.kill(number)
            replace(group.members[number], None)
        for number in (1, 2):
            group.launch(number)
        expect_no_leader(group, [1, 2, 3])
        for number in (1, 2):
            expect("has taken part" in said(group.members[number]), "it says why")


def wait_said(members, words, seconds=30):
    deadline = time.monotonic() + seconds
    while not all(words in said(member) for member in members):
        expect(time.monotonic() < deadline, f"no member logs {words!r}")
        time.sleep(0.05)


@suite.case(seconds=120)
def third_member_and_a_group_begun_anew_refuse_each_other(options):
    with Cluster(options.bin) as group:
        write(group, group.leader(), 0, 20)
        wait_known(group)
        group.stop_all()
        for number in (1, 2):
            replace(group.members[number], None)
            group.members[number].log.unlink()
        for number in (1, 2):
            group.launch(number)
        group.wait_ready([1, 2])
        put(group.members[1].port, "/new0", "w0")
        wait_said([group.members[1], group.members[2]], "the birth mark of this group is")
        group.launch(3)
        wait_said(group.members.values(), "belongs to another group")
        expect_no_leader(group, [3], seconds=3)
        put(group.members[2].port, "/new1", "w1")
        for number in (1, 2):
            for i in range(2):
                expect_equal(get(group.members[number].port, f"/new{i}"), f"w{i}".encode(), "new")
        # The old data are as they were: member 3 can go on alone with them.
        group.stop_all()
        group.flags.append("--force-new-cluster")
        group.launch(3)
        group.wait_ready([3])
        expect_held(group, [3], 20)
        expect(group.probe(group.members[3]).status in (200, 404), "it serves")


def restore_in_place(member, backup):
    """Writes a copy over the files of the directory, where the file system shows no difference: the
    mark of the start then names no file."""
    for path in sorted(member.data.rglob("*")):
        if path.is_file() and not (backup / path.relative_to(member.data)).exists():
            path.unlink()
    for path in sorted(backup.rglob("*")):
        if path.is_file():
            (member.data / path.relative_to(backup)).write_bytes(path.read_bytes())
    mark = (member.data / "start").read_bytes()
    mark = mark[:20] + bytes(20) + mark[40:-4]
    (member.data / "start").write_bytes(mark + struct.pack("<I", crc32c(mark)))


@suite.case(seconds=120)
def directory_restored_in_place_beside_a_lagging_member_loses_no_write(options):
    with Cluster(options.bin) as group:
        leader = group.leader()
        restored, lagging = [n for n in group.members if n != leader]
        write(group, leader, 0, 5)
        wait_known(group)
        group.terminate(restored)
        backup = copy_of(group.members[restored])
        peers = group.members[lagging].data / "peers"
        before = peers.read_bytes()
        group.restart(restored)
        deadline = time.monotonic() + 20
        while peers.read_bytes() == before:
            expect(time.monotonic() < deadline, "the start of a peer is not noted")
            time.sleep(0.05)
        group.kill(lagging)
        write(group, group.leader(), 5, 60)     # on two disks
        group.kill(leader)
        group.kill(restored)
        restore_in_place(group.members[restored], backup)
        group.launch(lagging)
        group.launch(restored)
        wait_said([group.members[restored]], "has seen a later start of this member")
        expect(COPY not in said(group.members[restored]), "the file system shows it")
        expect_no_leader(group, [restored, lagging])
        group.launch(leader)
        group.wait_ready()
        expect_held(group, list(group.members), 65)


@suite.case(seconds=90)
def one_copied_or_wiped_member_is_brought_up_to_date(options):
    with Cluster(options.bin) as group:
        leader = group.leader()
        copied, wiped = [n for n in group.members if n != leader]
        write(group, leader, 0, 5)
        for number, keep in ((copied, True), (wiped, False)):
            group.terminate(number)
            backup = copy_of(group.members[number]) if keep else None
            write(group, group.leader(), 5, 20)
            replace(group.members[number], backup)
            group.restart(number)
            expect_held(group, [number], 25)
        # Both hold everything again, and each of them counts.
        group.kill(leader)
        group.wait_ready([copied, wiped])
        expect_held(group, [copied, wiped], 25)
        expect(COPY in said(group.members[copied]), "it says that it is a copy")


@suite.case(seconds=60)
def moved_directory_raises_no_alarm(options):
    with Cluster(options.bin) as group:
        write(group, group.leader(), 0, 5)
        group.stop_all()
        for member in group.members.values():
            elsewhere = group.folder / "elsewhere" / str(member.id)
            elsewhere.parent.mkdir(exist_ok=True)
            member.data = member.data.rename(elsewhere)
        for number in group.members:
            group.launch(number)
        group.wait_ready()
        for member in group.members.values():
            expect(COPY not in said(member), f"member {member.id} takes a move for a copy")
        expect_held(group, [1], 5)


@suite.case(seconds=90)
def whole_cluster_of_copies_starts_with_the_flag(options):
    with Cluster(options.bin) as group:
        write(group, group.leader(), 0, 5)
        group.stop_all()
        for member in group.members.values():
            replace(member, copy_of(member))
        for number in group.members:
            group.launch(number)
        expect_no_leader(group, list(group.members), seconds=3)
        group.stop_all()
        group.flags.append("--accept-data-loss")
        for number in group.members:
            group.launch(number)
        group.wait_ready()
        group.stop_all()
        group.flags.remove("--accept-data-loss")    # once is enough
        for number in group.members:
            group.launch(number)
        group.wait_ready()
        expect_held(group, list(group.members), 5)


@suite.case(seconds=60)
def copy_of_a_lone_member_serves(options):
    with Cluster(options.bin, size=1) as group:
        write(group, 1, 0, 5)
        group.terminate(1)
        replace(group.members[1], copy_of(group.members[1]))
        group.restart(1)
        expect_held(group, [1], 5)
        expect(COPY in said(group.members[1]), "it warns")


def contents(folder):
    return {path.relative_to(folder): path.read_bytes()
            for path in sorted(pathlib.Path(folder).rglob("*"))
            if path.is_file() and path.name != "lock"}


def expect_refused(command, folder, *words):
    """A start that ends within three seconds, with the words, and leaves the files as they were."""
    before = contents(folder)
    began = time.monotonic()
    ended = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False,
                           stdin=subprocess.DEVNULL)
    took = time.monotonic() - began
    output = ended.stdout + ended.stderr
    expect(ended.returncode not in (0, None), f"it starts: {output}")
    for word in words:
        expect(word in output, f"{word!r} is not in {output}")
    expect(took < 10, f"the refusal took {took:.1f} s")
    expect_equal(contents(folder), before, "the files of the directory")


@suite.case(seconds=60)
def lone_directory_is_refused_as_one_of_three(options):
    with Cluster(options.bin, size=1) as lone:
        write(lone, 1, 0, 3)
        lone.terminate(1)
        ports = cluster.free_ports(2)
        urls = [lone.members[1].url] + [f"http://127.0.0.1:{port}" for port in ports]
        command = lone.command(1)
        command[command.index("--cluster") + 1] = ",".join(urls)
        expect_refused(command, lone.members[1].data, urls[0], urls[2])
        lone.restart(1)
        expect_held(lone, [1], 3)


@suite.case(seconds=60)
def directory_of_another_token_is_refused(options):
    with Cluster(options.bin, size=1, flags=["--cluster-token", "blue"]) as one:
        one.terminate(1)
        command = [word if word != "blue" else "green" for word in one.command(1)]
        expect_refused(command, one.members[1].data, "'blue'", "'green'")
    with Group(options.bin, "a", flags=["--initial-cluster-token=blue"]) as group:
        group.terminate("a")
        group.flags[-1] = "--initial-cluster-token=green"
        expect_refused(group.words("a", "a"), group["a"].data, "'blue'", "'green'")
        group.flags.pop()       # not given: the directory knows
        group.launch("a", "a")
        group.wait_serving("a")


@suite.case(seconds=60)
def directory_of_another_name_is_refused(options):
    with Group(options.bin, "a") as group:
        group.terminate("a")
        words = [word.replace("--name=a", "--name=z").replace("cluster=a=", "cluster=z=")
                 for word in group.words("a", "a")]
        expect_refused(words, group["a"].data, "'a'", "'z'")


@suite.case(seconds=60)
def lone_directory_of_quorated_is_refused_as_one_of_three(options):
    with Group(options.bin, "a") as group:
        group.terminate("a")
        for name in "bc":
            group.slot(name)
        expect_refused(group.words("a", "abc"), group["a"].data, group["b"].peer_url)


@suite.case(seconds=90)
def directory_whose_cluster_has_grown_starts_with_old_and_new_flags(options):
    with Group(options.bin, "a") as group:
        group.add("b")
        group.launch("b", "ab", state="existing")
        group.wait_serving("b")
        for listed in ("a", "ab"):
            group.terminate("a")
            group.launch("a", listed)
            group.wait_serving("a")


@suite.case(seconds=90)
def copy_from_before_a_third_member_loses_no_write(options):
    with Group(options.bin, "ab") as group:
        expect_status(group["a"].put("k", "v"), 200)
        group.terminate("a")
        backup = copy_of(group["a"])
        group.launch("a", "ab")
        group.wait_serving("a")
        group.add("c")
        group.launch("c", "abc", state="existing")
        group.wait_serving("c")
        group.kill("c")
        written = {f"k{i}": "v" for i in range(20)}
        for key, value in written.items():      # on two disks
            expect_status(group["b"].put(key, value), 200)
        group.kill("a")
        group.kill("b")
        replace(group["a"], backup)
        group.launch("c", "abc", state="existing")
        group.launch("a", "ab")
        deadline = time.monotonic() + 12        # longer than a member without leader trusts no id
        while time.monotonic() < deadline:
            for name in group.running():
                try:
                    answer = group[name].ask("kv/range", {"key": b64("k")}, timeout=2)
                    expect(answer.status != 200, f"{name} serves: {answer!r}")
                except OSError:
                    pass
            time.sleep(0.2)
        group.launch("b", "ab")
        group.wait_serving("a")
        expect_equal(group["a"].range_all(), {"k": "v", **written}, "the data of a")


@suite.case(seconds=60)
def copies_of_two_members_are_brought_up_to_date(options):
    with Cluster(options.bin, size=2) as group:
        write(group, group.leader(), 0, 5)
        for number in (1, 2):
            group.stop_all()
            replace(group.members[number], copy_of(group.members[number]))
            for each in group.members:
                group.launch(each)
            group.wait_ready()
            expect_held(group, [1, 2], 5)


@suite.case(seconds=90)
def two_wiped_members_of_quorated_begin_no_group(options):
    with Group(options.bin, "abc") as group:
        expect_status(group["c"].put("k", "v"), 200)
        for name in "ab":
            group.kill(name)
            shutil.rmtree(group[name].data)
        for name in "ab":
            group.launch(name, "abc")
        for name in "ab":
            expect(group.wait_exit(name) != 0, f"{name} begins anew")
            expect("has taken part" in group[name].said(), f"{name} says why")
        expect_equal(group["c"].range_all(serializable=True), {"k": "v"}, "the data of c")


@suite.case(seconds=120)
def member_of_quorated_that_returns_to_a_group_begun_anew_is_refused(options):
    with Group(options.bin, "abc") as group:
        expect_status(group["c"].put("k", "old"), 200)
        for name in "abc":
            group.terminate(name)
        for name in "ab":
            shutil.rmtree(group[name].data)
            group.launch(name, "abc")
        for name in "ab":
            group.wait_serving(name)
        expect_status(group["a"].put("n", "new"), 200)
        group.launch("c", "abc")
        deadline = time.monotonic() + 30
        words = "belongs to another group"
        while not all(words in group[name].said() for name in "abc"):
            expect(time.monotonic() < deadline, "a member does not log the other group")
            time.sleep(0.05)
        group["c"].wait_port()      # peers are heard before clients are
        expect_equal(group["c"].range_all(serializable=True), {"k": "old"}, "the data of c")
        expect_status(group["b"].put("m", "more"), 200)
        for name in "ab":
            expect_equal(group[name].range_all(), {"n": "new", "m": "more"}, "the new data")
        expect_equal(group["c"].range_all(serializable=True), {"k": "old"}, "the data of c")
        expect(group["c"].put("x", "y").status != 200, "c accepts a write")


if __name__ == "__main__":
    sys.exit(suite.run(parser(__doc__).parse_args()))
