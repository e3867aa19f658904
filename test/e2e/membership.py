"""Members of a running cluster come, go, move and return, as real `quorated` processes.

A writer goes on throughout; at the end each member must have all that was acknowledged to it.
"""

import pathlib
import shutil
import sys
import time

from quorated_group import Group, b64
from suite import Suite, expect, expect_equal, parser

suite = Suite()


def until(condition, what, seconds=30):
    """Waits for a condition that comes true by itself."""
    deadline = time.monotonic() + seconds
    while not condition():
        expect(time.monotonic() < deadline, f"{what}: not after {seconds} s")
        time.sleep(0.05)


def names_of(member):
    told = member.ask("cluster/member/list", {"linearizable": True}).body
    return sorted(one.get("name", "") for one in told.get("members", []))


@suite.case(120)
def a_fourth_member_joins(options):
    with Group(options.bin) as group:
        writer = group.write("abc")
        writer.wait_for(50)
        added = group.add("d")
        # A member's own list may be behind that of the one that answered.
        until(lambda: names_of(group["a"]) == ["", "a", "b", "c"], "a member without a name")
        group.launch("d", "abcd", "existing")
        group.wait_serving("d")
        expect_equal(group["d"].member_id(), added, "its own id")
        until(lambda: names_of(group["d"]) == ["a", "b", "c", "d"], "the name of the new member")
        # It counts: with another one gone it is needed for every write.
        group.kill("b")
        writer.wait_for(50)
        group.launch("b", "abc")
        group.expect_kept("abcd")
        # It returns as who it was, whatever its flags say of the cluster.
        expect_equal(group.terminate("d"), 0, "exit status")
        group.launch("d", "d", "existing")
        group.wait_serving("d")
        expect_equal(group["d"].member_id(), added, "its id after a restart")


@suite.case(120)
def one_becomes_two_becomes_three(options):
    with Group(options.bin, "a") as group:
        group.write("a").wait_for(20)
        for name, listed in (("b", "ab"), ("c", "abc")):
            group.add(name)
            group.launch(name, listed, "existing")
            group.wait_serving(name)
            group.writers[0].wait_for(20)
        until(lambda: names_of(group["c"]) == ["a", "b", "c"], "the names")
        group.expect_kept("abc")
        group.kill("a")
        group.wait_serving("b")
        group.expect_kept("bc")


@suite.case(120)
def a_learner_joins_and_is_promoted(options):
    with Group(options.bin) as group:
        writer = group.write("abc")
        writer.wait_for(100)
        added = group.add("d", learner=True)
        for name in "abc":
            refused = group[name].ask("cluster/member/promote", {"ID": added})
            expect_equal((refused.status, refused.message),
                         (412, "etcdserver: can only promote a learner member which is in sync "
                               "with leader"), f"promotion at {name} of one that did not start")
        group.launch("d", "abcd", "existing")
        until(lambda: "serving clients" in group["d"].said(), "the learner serves")
        asked = group["d"].ask("kv/range", {"key": b64("x")})
        expect_equal((asked.status, asked.message),
                     (503, "etcdserver: rpc not supported for learner"), "a read at a learner")
        until(lambda: writer.kept.items() & group["d"].range_all(serializable=True).items(),
              "the learner has data")
        follower = next(name for name in "abc" if name != group.leader())
        group.change("promote", {"ID": added}, at=follower)
        group.wait_serving("d")
        again = group[group.leader()].ask("cluster/member/promote", {"ID": added})
        expect_equal((again.status, again.message),
                     (412, "etcdserver: can only promote a learner member"), "promoted twice")
        group.expect_kept("abcd")


@suite.case(120)
def a_removed_member_ends_and_is_told_so_when_it_returns(options):
    with Group(options.bin, "abcde") as group:
        writer = group.write("abc")
        writer.wait_for(30)
        leader = group.leader()
        up, down = [name for name in "abcde" if name != leader][:2]
        gone = {name: group[name].member_id() for name in (up, down)}
        group.kill(down)
        group.change("remove", {"ID": gone[down]}, at=leader)
        group.change("remove", {"ID": gone[up]}, at=leader)
        expect_equal(group.wait_exit(up), 0, "exit status of the removed member")
        expect("removed from the group" in group[up].said(), "it does not say why it ended")
        for name in (up, down):
            status, said = group.refused(name, "abcde")
            expect_equal(status, 0, f"exit status of {name}, which was removed: {said[-300:]}")
            expect("removed from the group" in said, f"{name} is not told: {said[-300:]}")
            shutil.rmtree(group[name].data)
            status, said = group.refused(name, "abcde")
            expect_equal(status, 1, "exit status of a removed member without data")
            expect("was removed from the cluster and cannot come back" in said, said[-300:])
        writer.wait_for(30)
        group.expect_kept([name for name in "abcde" if name not in (up, down)])


@suite.case(120)
def the_leader_is_removed_under_load(options):
    with Group(options.bin) as group:
        leader = group.leader()
        others = [name for name in "abc" if name != leader]
        writer = group.write(others)
        writer.wait_for(30)
        group.change("remove", {"ID": group[leader].member_id()}, at=leader)
        expect_equal(group.wait_exit(leader), 0, "exit status of the removed leader")
        writer.wait_for(50)
        group.expect_kept(others)


@suite.case(120)
def a_leader_that_is_told_to_end_hands_over_first(options):
    # Patient, so that a slow machine does not fail what waits for the next leader.
    with Group(options.bin, flags=["--election-timeout=3000"]) as group:
        for _ in range(3):
            leader = group.leader()
            writer = group.write([name for name in "abc" if name != leader])
            writer.wait_for(50)
            expect_equal(group.terminate(leader), 0, "exit status")
            writer.wait_for(50)
            writer.stop()
            expect_equal(writer.refusals, [], "what failed at the others")
            group.launch(leader, "abc")
            group.wait_serving(leader)
        group.expect_kept("abc")


@suite.case(120)
def a_member_moves_to_another_peer_url(options):
    with Group(options.bin) as group:
        mover = next(name for name in "abc" if name != group.leader())
        writer = group.write([name for name in "abc" if name != mover])
        writer.wait_for(20)
        one = group[mover]
        own = one.member_id()
        group.terminate(mover)
        spare = group.slot("spare")
        one.peer_port = one.listen_port = spare.peer_port
        del group.members["spare"]
        group.change("update", {"ID": own, "peerURLs": [one.peer_url]})
        writer.wait_for(20)
        group.launch(mover, "abc")
        group.wait_serving(mover)
        expect_equal(one.member_id(), own, "its id")
        told = {m["ID"]: m for m in one.ask("cluster/member/list").body["members"]}
        expect_equal(told[own]["peerURLs"], [one.peer_url], "its peer URLs")
        # It is needed for every write once another one is gone.
        group.kill(next(name for name in "abc" if name != mover))
        group.write([mover]).wait_for(20)
        for name in "abc":
            if not group[name].running:
                group.launch(name, "abc")
        group.expect_kept("abc")


@suite.case(120)
def who_was_not_added_cannot_join(options):
    with Group(options.bin, "a") as group:
        group.write("a").wait_for(5)
        group.slot("b")
        status, said = group.refused("b", "ab", "existing")
        expect_equal(status, 1, "exit status")
        expect(f"no member of the cluster has the peer URLs {group['b'].peer_url}" in said, said)
        expect(not group["b"].data.exists(), "it left a data directory")
        group.add("c")
        status, said = group.refused("c", "abc", "existing")
        expect_equal(status, 1, "exit status")
        expect("member count is unequal: 3 are expected, the cluster has 2" in said, said)
        status, said = group.refused("c", "c", "existing")
        expect_equal(status, 1, "exit status")
        expect("names no other member that could be asked" in said, said)
        group.launch("c", "ac", "existing")
        group.wait_serving("c")
        group.expect_kept("ac")


@suite.case(120)
def one_that_is_killed_while_it_joins_goes_on(options):
    with Group(options.bin) as group:
        group.write("abc").wait_for(50)
        added = group.add("d")
        for pause in (0, 0.002, 0.01, 0.05):
            group.launch("d", "abcd", "existing")
            until(lambda: (group["d"].data / "identity").exists(), "whose directory it is")
            time.sleep(pause)
            group.kill("d")
        group.launch("d", "abcd", "existing")
        group.wait_serving("d")
        expect_equal(group["d"].member_id(), added, "its id")
        group.expect_kept("abcd")
        # Removed before it got anywhere: told by those it asks, or by those it finds.
        gone = group.add("e")
        group.launch("e", "abcde", "existing")
        until(lambda: (group["e"].data / "identity").exists(), "whose directory it is")
        group.kill("e")
        group.change("remove", {"ID": gone})
        status, said = group.refused("e", "abcde", "existing")
        expect(status in (0, 1) and "was removed from the" in said, f"{status}: {said[-300:]}")


@suite.case(60)
def nobody_to_ask_is_an_error(options):
    with Group(options.bin, "") as group:
        group.slot("a")
        group.slot("b")
        status, said = group.refused("b", "ab", "existing")
        expect_equal(status, 1, "exit status")
        expect("cannot fetch cluster info from peer urls: " + group["a"].peer_url in said, said)
        expect("Connection refused" in said, said)


@suite.case(120)
def data_of_somebody_else_is_refused(options):
    with Group(options.bin) as group, Group(options.bin, "x") as other:
        # Not at b: what the other cluster acknowledges there is not for this one to keep.
        group.write("ac").wait_for(20)
        for name in "ab":
            expect_equal(group.terminate(name), 0, "exit status")
        group.launch("a", "abc")
        group.wait_serving("a")
        status, said = group.refused("b", "abc", extra=[f"--data-dir={group.folder}/c"])
        expect_equal(status, 2, "exit status")
        expect("holds the data of c, not of this member, b" in said, said)
        # Nobody may have forgotten what it promised.
        kept = group["b"].data
        kept.rename(group.folder / "kept")
        for state, listed in (("new", "abc"), ("existing", "abc")):
            status, said = group.refused("b", listed, state)
            expect_equal(status, 1, f"exit status with {state}")
            expect("(b) has taken part in the cluster already" in said, said)
            expect(not kept.exists(), "it left a data directory")
        # That of another cluster's member.
        other.terminate("x")
        shutil.copytree(other["x"].data, kept)
        status, said = group.refused("b", "abc")
        expect_equal(status, 1, "exit status with the data of another cluster")
        expect("'x'" in said and "'b'" in said, said)
        shutil.rmtree(kept)
        pathlib.Path(group.folder / "kept").rename(kept)
        group.launch("b", "abc")
        group.expect_kept("abc")


if __name__ == "__main__":
    sys.exit(suite.run(parser(__doc__).parse_args()))
