"""What a stranger, a moved member and a member that is far behind meet at the peer port.

The members are real `quorated` processes; the stranger speaks frames by hand (doc/format.md).
"""

import socket
import struct
import sys
import time
import urllib.request

from quorated_group import Group
from suite import Suite, expect, expect_equal, parser

suite = Suite()

HEARTBEAT = 6
HELLO = 32
HELLO_BYTES = 32 + 80
INVENTED = 4242
UNKNOWN_MEMBER = 5
RISKY = "--strict-reconfig-check=false"     # members are added while one is away


def crc32c_table():
    table = []
    for value in range(256):
        for _ in range(8):
            value = (value >> 1) ^ (0x82F63B78 if value & 1 else 0)
        table.append(value)
    return table


TABLE = crc32c_table()


def crc32c(data):
    state = 0xFFFFFFFF
    for byte in data:
        state = (state >> 8) ^ TABLE[(state ^ byte) & 0xFF]
    return state ^ 0xFFFFFFFF


def frame(kind, fields):
    head = struct.pack("<BBBBIIQQ", 0x51, 2, kind, 0, len(fields), crc32c(fields), 0, 0)
    return struct.pack("<I", crc32c(head)) + head + fields


def hello(cluster, sender, receiver):
    past = bytes(40)    # no mark, no starts, no entry
    return frame(HELLO, struct.pack("<HB5xQQQ", 3, 0, cluster, sender, receiver) + past +
                 struct.pack("<H6x", 3))


def heartbeat(sender, receiver, term):
    return frame(HEARTBEAT, struct.pack("<8Q", receiver, sender, term, 0, 0, 0, 0, 0))


class Stranger:
    """A connection to a member's peer port."""

    def __init__(self, member):
        self.socket = socket.create_connection(("127.0.0.1", member.peer_port), timeout=10)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, data):
        """Returns whether the member still takes it."""
        try:
            self.socket.sendall(data)
            return True
        except OSError:
            return False

    def answer(self):
        """Status and cluster of the hello that comes back."""
        data = b""
        while len(data) < HELLO_BYTES:
            more = self.socket.recv(HELLO_BYTES - len(data))
            expect(more, "the connection ended before any answer")
            data += more
        return data[34], struct.unpack_from("<Q", data, 40)[0]


def cluster_of(member):
    with Stranger(member) as one:
        one.send(hello(0, 0, 0))
        status, cluster = one.answer()
        expect_equal(status, 0, "the answer to a newcomer")
        return cluster


def until(condition, what, seconds=30):
    deadline = time.monotonic() + seconds
    while not condition():
        expect(time.monotonic() < deadline, f"{what}: not after {seconds} s")
        time.sleep(0.05)


def term_of(member):
    return int(member.status()["raftTerm"])


def counted(member, name):
    with urllib.request.urlopen(f"http://127.0.0.1:{member.port}/metrics", timeout=10) as answer:
        for line in answer.read().decode().splitlines():
            if line.startswith(name + " "):
                return float(line.split()[1])
    return 0


@suite.case(120)
def an_invented_id_is_refused_and_changes_nothing(options):
    with Group(options.bin) as group:
        writer = group.write("abc")
        writer.wait_for(20)
        cluster = cluster_of(group["a"])
        before = term_of(group["a"])
        for name in "abc":
            own = int(group[name].member_id())
            with Stranger(group[name]) as one:
                one.send(hello(cluster, INVENTED, own) + heartbeat(INVENTED, own, 1 << 62) +
                         heartbeat(INVENTED, own, before + 1))
                expect_equal(one.answer()[0], UNKNOWN_MEMBER, f"the answer of {name}")
            until(lambda: f"refused member {INVENTED}" in group[name].said(), "a line in the log")
            expect(counted(group[name], "quorate_unknown_members_total") >= 1, "it is not counted")
        writer.wait_for(20)
        expect_equal({term_of(group[name]) for name in "abc"}, {before}, "the terms")
        group.expect_kept("abc")


@suite.case(120)
def a_term_far_ahead_is_invalid_and_fills_no_log(options):
    with Group(options.bin) as group:
        cluster = cluster_of(group["a"])
        ids = {name: int(group[name].member_id()) for name in "abc"}
        with Stranger(group["a"]) as one:
            # Without certificates a stranger may pass for a member.
            one.send(hello(cluster, ids["b"], ids["a"]))
            expect_equal(one.answer()[0], 0, "the answer to a member's id")
            one.send(heartbeat(ids["b"], ids["a"], 1 << 61) * 5000)
            until(lambda: "dropped a message" in group["a"].said(), "a line in the log")
            time.sleep(1)
        expect(group["a"].said().count("dropped a message") < 20, "a line for each message")
        expect(term_of(group["a"]) < 1000, "the term was taken")
        group.write("abc").wait_for(20)
        for name in "abc":
            expect_equal(group.terminate(name), 0, "exit status")
        for name in "abc":
            group.launch(name, "abc")
        group.expect_kept("abc")


@suite.case(120)
def a_member_at_another_port_takes_part(options):
    with Group(options.bin) as group:
        mover = next(name for name in "abc" if name != group.leader())
        other = next(name for name in "abc" if name not in (mover, group.leader()))
        writer = group.write([name for name in "abc" if name != mover])
        writer.wait_for(20)
        one = group[mover]
        own = one.member_id()
        expect_equal(group.terminate(mover), 0, "exit status")
        spare = group.slot("spare")
        one.peer_port = one.listen_port = spare.peer_port
        del group.members["spare"]
        group.launch(mover, "abc")      # and no `member update`
        group.wait_serving(mover)
        group.kill(other)
        group.write([mover]).wait_for(20)       # it is needed for every write now
        leader = group.leader()
        said = (f"announces the peer URLs {one.peer_url}", "the group has the peer URLs")
        until(lambda: said[1] in one.said(), "a line in its own log")
        stays = next(name for name in "abc" if name not in (mover, other))
        until(lambda: said[0] in group[stays].said(), "a line in the log of its peer")
        group.change("update", {"ID": own, "peerURLs": [one.peer_url]}, at=leader)
        group.launch(other, "abc")
        group.wait_serving(other)
        warned = one.said().count(said[1])
        expect_equal(group.terminate(mover), 0, "exit status")
        group.launch(mover, "abc")      # its log holds the old URLs, and then the update
        group.wait_serving(mover)
        group.expect_kept("abc")
        expect_equal(one.said().count(said[1]), warned, "lines about its URLs after the update")


@suite.case(180)
def a_member_that_is_behind_hears_a_leader_that_was_added_later(options):
    with Group(options.bin, flags=[RISKY]) as group:
        writer = group.write("ab")
        writer.wait_for(20)
        group.kill("c")
        added = group.add("d")
        group.launch("d", "abcd", "existing")
        group.wait_serving("d")
        leader = group.leader()
        if leader != "d":
            moved = group[leader].ask("maintenance/transfer-leadership", {"targetID": added})
            expect_equal(moved.status, 200, f"moving the leadership: {moved}")
        writer.wait_for(20)
        until(lambda: group.leader() == "d", "the new member leads")
        group.launch("c", "abc")
        group.wait_serving("c")
        expect(f"member {added}, which this member does not know yet" in group["c"].said(),
               "no member named the leader: " + group["c"].tail())
        group.expect_kept("abcd")


@suite.case(180)
def a_member_whose_known_peers_are_gone_hears_the_others(options):
    with Group(options.bin, flags=[RISKY]) as group:
        writer = group.write("ab")
        writer.wait_for(20)
        group.kill("c")
        for name, listed in (("d", "abcd"), ("e", "abcde")):
            group.add(name)
            group.launch(name, listed, "existing")
            group.wait_serving(name)
        writer.wait_for(20)
        writer.stop()
        group.kill("a")
        group.kill("b")
        # Three of five run, and the third knows no other of them.
        group.launch("c", "abc")
        group.wait_serving("c", 60)
        expect("may be the one that is behind" in group["c"].said(), group["c"].tail())
        group.write("c").wait_for(20)
        group.expect_kept("cde")


if __name__ == "__main__":
    sys.exit(suite.run(parser(__doc__).parse_args()))
