"""A member whose disk lost acknowledged writes must not help to lose them for the group.

A leads, C is cut off, A and B acknowledge writes, all processes are killed, the end of B's log is
damaged, and only B and C are started. A majority is there, but nobody in it has those writes: a
leader among them would lose them. So there must be none until A is back, and then all are there.
"""

import re
import shutil
import sys
import threading
import time

import damage
from cluster import Cluster, get_many, put
from suite import Suite, expect, expect_equal, parser
from wire import once

suite = Suite()
WRITES = 100
DAMAGED = 40            # of the newest writes
# Some election timeouts, each of half a second to one: whatever could be elected would be, since
# both members stand for election after every one of them.
PATIENCE = 3.5


def values(prefix, count):
    return {f"/{prefix}/{turn}": b"%s %d" % (prefix.encode(), turn) for turn in range(count)}


def store(port, wanted):
    for key, value in wanted.items():
        answer = once(port, "PUT", key, value)
        expect_equal(answer.status, 204, f"status of PUT {key}")


def expect_values(cluster, numbers, wanted):
    for number in numbers:
        found = get_many(cluster.port(number), list(wanted))
        wrong = [key for key in wanted if found[key] != wanted[key]]
        expect(not wrong, f"member {number}: {len(wrong)} of {len(wanted)} missing: {wrong[:3]}")


def set_trap(cluster):
    """Everything up to the moment when all are dead; (A, B, C) and what was acknowledged."""
    lead = cluster.leader()
    cut_off, other = [number for number in cluster.members if number != lead]
    early = values("early", 10)
    store(cluster.port(lead), early)
    expect_values(cluster, cluster.members, early)
    cluster.pause(cut_off)
    late = values("late", WRITES)
    store(cluster.port(lead), late)
    for number in cluster.members:
        cluster.kill(number)
    return lead, other, cut_off, early | late


class Reader(threading.Thread):
    """Asks a member for a key until it gives an answer, right or wrong, or time is up."""

    def __init__(self, port, key, seconds):
        super().__init__(daemon=True)
        self.port, self.key, self.answer = port, key, None
        self.deadline = time.monotonic() + seconds
        self.start()

    def run(self):
        while self.answer is None and time.monotonic() < self.deadline:
            left = max(0.1, self.deadline - time.monotonic())
            try:
                response = once(self.port, "GET", self.key, timeout=left)
                self.answer = response.status if response.status in (200, 404) else None
            except OSError:
                pass
            time.sleep(0.05)


def expect_no_leader(cluster, numbers, seconds):
    """None of the members may be elected, nor answer for the group."""
    term, _ = cluster.newest_leader()
    readers = [Reader(cluster.port(number), "/late/99", seconds) for number in numbers]
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        newest = cluster.newest_leader()
        expect(newest[0] <= term, f"member {newest[1]} became leader in term {newest[0]}")
        time.sleep(0.05)
    for number, reader in zip(numbers, readers):
        reader.join(5)
        expect(reader.answer is None, f"member {number} answered a read: {reader.answer}")
    expect_equal(cluster.newest_leader()[0], term, "term of the newest leader")


def spring_trap(options, break_log, flags=()):
    """`break_log(path, offsets, end)` damages the log of B, given the frames of its newest file."""
    with Cluster(options.bin, 3, flags) as cluster:
        lead, other, cut_off, wanted = set_trap(cluster)
        path = damage.newest_segment(cluster.members[other].data)
        offsets, end = damage.frames(path)
        expect(len(offsets) > DAMAGED, f"{path} has only {len(offsets)} frames")
        break_log(path, offsets, end)
        cluster.launch(other)
        cluster.launch(cut_off)
        expect_no_leader(cluster, (other, cut_off), PATIENCE)
        expect(cluster.members[other].running, f"B ended: {cluster.members[other].tail(3)}")
        cluster.launch(lead)
        cluster.wait_ready()
        expect_values(cluster, cluster.members, wanted)
        expect_equal(cluster.newest_leader()[1], lead, "who leads")
        # B is repaired: the group can now do without A.
        put(cluster.port(other), "/after", "after")
        cluster.kill(lead)
        cluster.wait_ready([other, cut_off])
        expect_values(cluster, (other, cut_off), wanted | {"/after": b"after"})
        # And it stays so when it is started again.
        cluster.kill(other)
        cluster.kill(cut_off)
        cluster.launch(other)
        cluster.launch(cut_off)
        cluster.wait_ready([other, cut_off])
        expect_values(cluster, (other, cut_off), wanted | {"/after": b"after"})


@suite.case(90)
def sound_logs_elect_a_leader_without_the_first(options):
    """What the other cases forbid does happen as long as B is sound."""
    with Cluster(options.bin, 3) as cluster:
        _, other, cut_off, wanted = set_trap(cluster)
        cluster.launch(other)
        cluster.launch(cut_off)
        cluster.wait_ready([other, cut_off], 10)
        expect_equal(cluster.newest_leader()[1], other, "who leads")
        expect_values(cluster, (other, cut_off), wanted)


@suite.case(120)
def log_cut_at_a_record_boundary(options):
    spring_trap(options, lambda path, offsets, end: damage.cut(path, offsets[-DAMAGED]))


@suite.case(120)
def log_cut_by_one_record(options):
    """The newest group is vouched for as well, when no power was lost."""
    spring_trap(options, lambda path, offsets, end: damage.cut(path, offsets[-1]))


@suite.case(120)
def log_blank_from_a_record_boundary_on(options):
    spring_trap(options, lambda path, offsets, end: damage.blank(path, offsets[-DAMAGED]))


@suite.case(120)
def log_cut_inside_a_record(options):
    spring_trap(options, lambda path, offsets, end: damage.cut(path, offsets[-DAMAGED] + 21))


@suite.case(120)
def bit_flipped_in_a_record(options):
    spring_trap(options, lambda path, offsets, end: damage.flip(path, offsets[-DAMAGED] + 45, 3))


@suite.case(120)
def bit_flipped_in_the_last_record(options):
    spring_trap(options, lambda path, offsets, end: damage.flip(path, end - 1))


def broken_lone_member(options, cluster):
    """A group of one whose log is damaged at a known place; (file, offset, what is before it)."""
    cluster.start()
    wanted = values("alone", 30)
    store(cluster.port(1), wanted)
    cluster.kill(1)
    path = damage.newest_segment(cluster.members[1].data)
    offset = damage.frames(path)[0][-10]
    damage.flip(path, offset + 44)
    return path, offset, dict(list(wanted.items())[:20])


@suite.case(60)
def lone_member_refuses_and_says_where(options):
    cluster = Cluster(options.bin, 1)
    path, offset, _ = broken_lone_member(options, cluster)
    for _ in range(2):
        cluster.launch(1)
        expect_equal(cluster.wait_exit(1, 10), 1, "exit status")
        said = cluster.members[1].tail(3)
        expect(str(path) in said and re.search(rf"\b{offset}\b", said), f"says: {said}")


@suite.case(60)
def member_whose_log_is_gone_does_not_start_anew(options):
    """With a snapshot left it would serve old values, and could vote twice in a term."""
    with Cluster(options.bin, 3, ("--snapshot-count", "20")) as cluster:
        wanted = values("early", 50)
        store(cluster.port(cluster.leader()), wanted)
        victim = cluster.followers()[0]
        cluster.kill(victim)
        folder = cluster.members[victim].data / "wal"
        shutil.rmtree(folder)
        for _ in range(2):
            cluster.launch(victim)
            expect_equal(cluster.wait_exit(victim, 10), 1, "exit status")
            said = cluster.members[victim].tail(3)
            expect(f"{folder}" in said and "the log is missing" in said, f"says: {said}")
        expect_values(cluster, [n for n in cluster.members if n != victim], wanted)


@suite.case(60)
def lone_member_goes_on_when_told_to_accept_the_loss(options):
    cluster = Cluster(options.bin, 1)
    path, _, before = broken_lone_member(options, cluster)
    cluster.flags.append("--accept-data-loss")
    cluster.restart(1, 10)
    expect_values(cluster, [1], before)
    put(cluster.port(1), "/after", "after")
    cluster.flags.remove("--accept-data-loss")
    cluster.kill(1)
    cluster.restart(1, 10)
    expect_values(cluster, [1], before | {"/after": b"after"})
    kept = [found.name for found in path.parent.iterdir()]
    expect(any(name.startswith(path.stem) for name in kept), f"the damaged file is gone: {kept}")


def main():
    return suite.run(parser(__doc__).parse_args())


if __name__ == "__main__":
    sys.exit(main())
