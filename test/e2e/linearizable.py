"""Reads on every member are linearizable while leaders are killed and paused.

One writer per register, many readers on all members. Every read is judged against what had been
acknowledged or read before it started; see history.py. A paused leader that wakes up after another
one was elected is the hard case: it still believes in its term when the first read reaches it.
"""

import random
import sys
import threading
import time

import wire
from cluster import Cluster
from history import Writer
from suite import Suite, expect, expect_equal, parser

suite = Suite()


class Reader(threading.Thread):
    """Reads the writers' current registers on one member and judges each answer."""

    def __init__(self, member, port, writers, seed):
        super().__init__(daemon=True)
        self.member = member
        self.port = port
        self.writers = writers
        self.dice = random.Random(seed)
        self.stopping = threading.Event()
        self.failure = None
        self.reads = 0

    def run(self):
        session = wire.Session(timeout=8)
        try:
            while not self.stopping.is_set():
                self._read(session)
        except AssertionError as failure:
            self.failure = failure
        session.close()

    def _read(self, session):
        register = self.dice.choice(self.dice.choice(self.writers).current)
        floor = register.floor()
        try:
            answer = session.request(self.port, "GET", register.key)
        except OSError:
            time.sleep(0.02)
            return
        if answer.status in (200, 404):
            register.check(floor, answer.body if answer.status == 200 else None, self.member)
            self.reads += 1
        elif answer.status in (429, 503, 504):
            time.sleep(0.01)
        else:
            raise AssertionError(f"GET {register.key}: {answer!r}")

    def stop(self):
        self.stopping.set()
        self.join(20)
        if self.is_alive():
            raise AssertionError(f"a reader of member {self.member} hangs")
        if self.failure:
            raise self.failure


def under_load(options, disturb, rounds):
    """Runs `disturb(cluster)` some times under readers and writers; judges all of them."""
    with Cluster(options.bin) as cluster:
        ports = [cluster.port(number) for number in cluster.members]
        writers = [Writer(index, ports, size=16) for index in range(3)]
        readers = [Reader(number, cluster.port(number), writers, number * 10 + copy)
                   for number in cluster.members for copy in range(2)]
        threads = writers + readers
        for thread in threads:
            thread.start()
        try:
            for _ in range(rounds):
                time.sleep(0.4)
                disturb(cluster)
                check_failures(threads)
            time.sleep(0.4)
        finally:
            for thread in threads:
                thread.stopping.set()
        for thread in threads:
            thread.stop()
        reads = sum(reader.reads for reader in readers)
        writes = sum(writer.acknowledgements for writer in writers)
        print(f"{writes} writes acknowledged, {reads} reads checked", flush=True)
        expect(writes >= 20 and reads >= 50, "too little happened for the check to mean anything")


def check_failures(threads):
    for thread in threads:
        if thread.failure:
            raise thread.failure


@suite.case(60)
def reads_in_peace(options):
    under_load(options, lambda cluster: time.sleep(0.5), 3)


@suite.case(120)
def reads_while_leaders_are_killed(options):
    def kill_leader(cluster):
        leader = cluster.leader()
        cluster.kill(leader)
        cluster.leader()
        time.sleep(0.3)
        cluster.restart(leader)

    under_load(options, kill_leader, options.rounds)


@suite.case(120)
def reads_on_a_leader_that_was_paused(options):
    def pause_leader(cluster):
        term, leader = cluster.newest_leader()
        if leader not in cluster.running():
            return
        cluster.pause(leader)
        try:
            cluster.leader(after_term=term)
            time.sleep(0.3)
        finally:
            cluster.resume(leader)
        cluster.wait_ready()

    under_load(options, pause_leader, options.rounds)


@suite.case(120)
def reads_while_all_are_paused_in_turn(options):
    def pause_each(cluster):
        for number in sorted(cluster.members):
            cluster.pause(number)
            time.sleep(0.25)
            cluster.resume(number)
            time.sleep(0.05)

    under_load(options, pause_each, options.rounds)


@suite.case(60)
def a_read_of_a_woken_leader_waits_for_the_new_term(options):
    """Directly: the read is in the paused leader's socket before it wakes."""
    with Cluster(options.bin) as cluster:
        for turn in range(1, options.rounds + 1):
            term, old = cluster.newest_leader()
            key = f"/woken-{turn}"
            expect_equal(put_until(cluster, old, key, b"old"), 204, "PUT of the old value")
            cluster.pause(old)
            try:
                new = cluster.leader(after_term=term)
                expect_equal(put_until(cluster, new, key, b"new"), 204, "PUT of the new value")
                connection = wire.Connection(cluster.port(old), 15)
                connection.send_request("GET", key)
            finally:
                cluster.resume(old)
            answer = connection.read_response()
            connection.close()
            expect(answer.status in (200, 503, 504), f"{answer!r}")
            expect(answer.status != 200 or answer.body == b"new", f"stale read: {answer!r}")
            cluster.wait_ready()
            cluster.leader()


def put_until(cluster, number, key, value):
    """PUTs on a member until it is not 503 (a leader that was just elected)."""
    for _ in range(100):
        status = wire.once(cluster.port(number), "PUT", key, value).status
        if status != 503:
            return status
        time.sleep(0.05)
    return 503


def main():
    options = parser(__doc__)
    options.add_argument("--rounds", type=int, default=4, help="disturbances per case (default 4)")
    return suite.run(options.parse_args())


if __name__ == "__main__":
    sys.exit(main())
