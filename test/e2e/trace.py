"""A client that asks for it is told the path of its request: which step, when, by which member."""

import re
import sys
import time

from cluster import Cluster, put
from suite import Suite, expect, expect_equal, parser
from wire import once

suite = Suite()

ASK = (("X-Quorate-Trace", "1"),)
STEP = re.compile(r"(\d+)us ([a-z]+) (?:by|to) (\d+)(?: as entry (\d+) of term (\d+))?"
                  r"(?: at revision (\d+))?")


def traced_put(port, key):
    """[(microseconds, step, member, index, revision)] of one PUT."""
    response = once(port, "PUT", key, b"value", headers=ASK)
    expect_equal(response.status, 204, "status")
    text = response.header("X-Quorate-Trace")
    expect(text is not None, "no trace in the answer")
    print(text, flush=True)
    steps = []
    for part in text.split("; "):
        match = STEP.fullmatch(part)
        expect(match is not None, f"not a step: {part!r}")
        at, step, member, index, _, revision = match.groups()
        steps.append((int(at), step, int(member), index, revision))
    return steps


def expect_steps(steps, member, *wanted):
    """Those steps of a member, in that order."""
    places = []
    for step in wanted:
        found = [place for place, seen in enumerate(steps) if seen[1:3] == (step, member)]
        expect_equal(len(found), 1, f"steps {step!r} of member {member}")
        places.append(found[0])
    expect_equal(places, sorted(places), f"order of the steps of member {member}")


def expect_whole(steps, asked):
    times = [step[0] for step in steps]
    expect_equal(times, sorted(times), "times")
    expect_equal((times[0], steps[0][1:3]), (0, ("admitted", asked)), "first step")
    expect_equal(steps[-1][1:3], ("answered", asked), "last step")
    expect(times[-1] < 20_000_000, "the times are not microseconds of this request")
    applied = [step for step in steps if step[1:3] == ("applied", asked)]
    expect(int(applied[0][4]) > 1, "no revision")
    entries = {step[3] for step in steps if step[1] == "appended"}
    expect_equal(len(entries), 1, "entries that the request became")


@suite.case()
def leader_shows_all_of_it(options):
    with Cluster(options.bin) as cluster:
        put(cluster.port(1), "/before", "value")
        leader = cluster.leader()
        steps = traced_put(cluster.port(leader), "/at-leader")
        expect_whole(steps, leader)
        expect_steps(steps, leader, "admitted", "proposed", "appended", "durable")
        expect_steps(steps, leader, "committed", "applied", "answered")
        names = [step[1] for step in steps]
        expect_equal(names.count("sent"), 2, "peers that it was sent to")
        expect(1 <= names.count("acknowledged") <= 2, "acknowledged by a quorum")


@suite.case()
def follower_shows_the_leaders_steps_too(options):
    with Cluster(options.bin) as cluster:
        put(cluster.port(1), "/before", "value")
        leader, asked = cluster.leader(), cluster.followers()[0]
        put(cluster.port(asked), "/before", "value")
        steps = traced_put(cluster.port(asked), "/at-follower")
        expect_whole(steps, asked)
        expect_steps(steps, asked, "admitted", "appended", "durable")
        expect_steps(steps, asked, "admitted", "appended", "committed", "applied", "answered")
        expect_steps(steps, leader, "forwarded", "admitted", "appended", "committed")


@suite.case()
def candidate_shows_the_time_without_a_leader(options):
    with Cluster(options.bin) as cluster:
        put(cluster.port(1), "/before", "value")
        asked = cluster.leader()
        others = cluster.followers()
        for number in others:
            cluster.pause(number)
        time.sleep(3)  # it steps down, and campaigns in vain
        for number in others:
            cluster.resume(number)
        response = once(cluster.port(asked), "PUT", "/at-candidate", b"value", headers=ASK)
        expect_equal(response.status, 204, "status")
        text = response.header("X-Quorate-Trace")
        print(text, flush=True)
        times = {name: int(at) for at, name, *_ in STEP.findall(text)}
        waited = times.get("proposed", times.get("forwarded"))
        expect(waited is not None and waited > 10_000, "the wait for a leader does not show")


@suite.case()
def nobody_is_told_unasked(options):
    with Cluster(options.bin, 1) as cluster:
        put(cluster.port(1), "/before", "value")
        for headers in ((), (("X-Quorate-Trace", "0"),)):
            response = once(cluster.port(1), "PUT", "/key", b"value", headers=headers)
            expect_equal(response.header("X-Quorate-Trace"), None, "trace")


if __name__ == "__main__":
    sys.exit(suite.run(parser(__doc__).parse_args()))
