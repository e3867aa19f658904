"""A cluster of `quorated serve` is broken in every way at hand while clients judge what it tells.

Each round draws a cluster (three or five members, memory or LMDB, snapshots often or never) and
breaks it for some seconds: kill -9, pauses, partitions that are symmetric, one-way or bridged;
connections torn, late, slow and corrupted; full and failing disks. Clients put, read, swap, delete;
keepers hold leases and lockers a lock; a watcher of each member sees all. In the end all is put
right, and then:
  - what every client saw is explained by one history of revisions; see revisions.py;
  - every member has that history, from the first revision on, and the same hash;
  - no lease ended before its time, all end, and the keys of each in one revision; never did two
    have the lock that some take in turns;
  - writes are acknowledged again, and every member stops cleanly.
A seed repeats the choices; `--faults REGEX` keeps to some of them.
"""

import dataclasses
import random
import re
import sys
import time

import chaos_clients
import faulty_disks
import nemesis
import revisions
import v3
from server_cluster import ServerCluster
from suite import Suite, expect, expect_equal, parser

suite = Suite()


@dataclasses.dataclass
class Crowd:
    """All who ask one cluster."""
    clerks: list
    keepers: list
    lockers: list
    single: list        # one that compacts, one that fills the store, or none
    watchers: list

    def askers(self):
        return self.clerks + self.keepers + self.lockers + self.single

    def all(self):
        return self.askers() + self.watchers

    def raise_failure(self):
        for actor in self.all():
            if actor.failure:
                raise actor.failure

    def acknowledged(self):
        return sum(operation.outcome == "ok" and operation.writes
                   for clerk in self.clerks for operation in list(clerk.operations))

    def operations(self):
        return [operation for asker in self.askers() for operation in asker.operations]

    def leases(self):
        return [lease for keeper in self.keepers for lease in keeper.leases]

    def sightings(self):
        return sorted(seen for watcher in self.watchers for seen in watcher.sightings)


def crowd_of(cluster, seed, compacts, heavy, clerks=6, keepers=3, lockers=3):
    ports = {number: cluster.port(number) for number in cluster.members}
    watchers = [chaos_clients.Watcher(number, port) for number, port in ports.items()]
    for watcher in watchers:
        watcher.may_miss = compacts
    single = [chaos_clients.Compactor("compactor", ports, seed)] if compacts else []
    single += [chaos_clients.Loader(ports, seed)] if heavy else []
    return Crowd([chaos_clients.Clerk(turn, ports, f"{seed} clerk {turn}")
                  for turn in range(clerks)],
                 [chaos_clients.Keeper(turn, ports, f"{seed} keeper {turn}")
                  for turn in range(keepers)],
                 [chaos_clients.Locker(turn, ports, f"{seed} locker {turn}")
                  for turn in range(lockers)], single, watchers)


def await_writes(crowd, count=50, seconds=40):
    """The cluster works: more writes are acknowledged."""
    target = crowd.acknowledged() + count
    deadline = time.monotonic() + seconds
    while crowd.acknowledged() < target:
        crowd.raise_failure()
        expect(time.monotonic() < deadline, f"no {count} writes acknowledged in {seconds} s")
        time.sleep(0.05)


def until(question, wanted, seconds, what):
    """Asks until the answer is as wanted."""
    deadline = time.monotonic() + seconds
    while True:
        answer = question()
        if wanted(answer):
            return answer
        expect(time.monotonic() < deadline, f"{what} after {seconds} s: {answer}")
        time.sleep(0.1)


def on_each(cluster, path, pick):
    """What each member says."""
    return [pick(v3.ask(cluster.port(number), path)) for number in sorted(cluster.members)]


def await_leases_over(cluster, seconds=60):
    """Nobody keeps any lease: all end on every member."""
    until(lambda: on_each(cluster, "lease/leases", lambda body: body.get("leases", [])),
          lambda found: not any(found), seconds, "leases are still there")


def await_agreement(cluster):
    """All members are in the same state; its revision."""
    def state(body):
        return v3.number(body["header"], "revision"), body.get("hash")

    found = until(lambda: on_each(cluster, "maintenance/hash", state),
                  lambda states: len(set(states)) == 1, 30, "members differ")
    return found[0][0]


def check_leases(crowd, history):
    """No keys of a lease are gone before its time, and all are gone in one revision."""
    gone = {}
    for revision, key, pair in history.events:
        if pair is None and key.startswith(chaos_clients.LEASED):
            gone.setdefault(key.split("/")[1], set()).add(revision)
    sightings = crowd.sightings()
    kept = 0
    for lease in crowd.leases():
        revisions_of = gone.get(lease.id, set())
        expect(len(revisions_of) < 2, f"lease {lease.id} took its keys at {sorted(revisions_of)}")
        expect(revisions_of or not any(history.states.get(key) for key in lease.keys),
               f"lease {lease.id} left its keys")
        if revisions_of and not lease.revoked:
            (at,) = revisions_of
            when = min(time for time, seen in sightings if seen >= at)
            early = lease.safe_until - when
            expect(early <= 0, f"lease {lease.id}: its keys went {early:.3f} s too early")
        kept += bool(revisions_of)
    return kept


def check_locks(lockers):
    """Never did two have the lock; how often one had it."""
    turns = sorted((*held, locker.title) for locker in lockers for held in locker.held)
    for (_, end, first), (began, _, second) in zip(turns, turns[1:]):
        expect(end <= began, f"{second} got the lock at {began:.3f}, {first} had it to {end:.3f}")
    return len(turns)


def history_of(watchers):
    """What all watchers saw together; where two saw the same revision, they saw the same."""
    whole = {}
    for watcher in watchers:
        for revision, events in watcher.by_revision().items():
            expect(whole.setdefault(revision, events) == events,
                   f"{watcher.title} saw another revision {revision}: {events}, {whole[revision]}")
    return revisions.History([event for revision in sorted(whole) for event in whole[revision]])


def check_members(cluster, history, revision, may_miss):
    """Fresh watches on each member tell the same history; a read of all tells its end."""
    for number, member in sorted(cluster.members.items()):
        fresh = chaos_clients.watch_all(number, member.port, revision, may_miss)
        expect(fresh.events == [event for event in history.events if event[0] > fresh.compacted],
               f"member {number} tells another history")
        for stale in (False, True):
            body = v3.ask(member.port, "kv/range", {"key": "AA==", "range_end": "AA==",
                                                    "serializable": stale})
            expect_equal(chaos_clients.found_of(body), history.all_at(revision, ""),
                         f"state of member {number}, serializable {stale}")


def judge(cluster, crowd):
    """Everything that is to be judged once the cluster works again; a line about it."""
    await_leases_over(cluster)
    revision = await_agreement(cluster)
    for watcher in crowd.watchers:
        watcher.await_revision(revision)
        watcher.stop()
    history = history_of(crowd.watchers)
    expect_equal(history.last, revision, "last revision")
    check_members(cluster, history, revision, crowd.watchers[0].may_miss)
    operations = crowd.operations()
    placed = revisions.check(operations, history, crowd.sightings(), chaos_clients.PREFIX,
                             (chaos_clients.LEASED, chaos_clients.HEAVY))
    leases = check_leases(crowd, history)
    turns = check_locks(crowd.lockers)
    unknown = sum(operation.outcome == "unknown" for operation in operations)
    failed = sum(operation.outcome == "failed" for operation in operations)
    streams = sum(watcher.streams for watcher in crowd.watchers)
    return (f"{placed} of {len(operations)} operations placed, {failed} failed, {unknown} unknown; "
            f"{revision} revisions, {leases} of {len(crowd.leases())} leases with keys, "
            f"{turns} turns of a lock, {streams} watch streams")


def disturb(cluster, crowd, trouble, seconds):
    """Breaks the cluster for so long, and puts it right again."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        trouble.turn()
        crowd.raise_failure()
    cluster.network.heal()
    cluster.wait_ready(seconds=60)
    await_writes(crowd)


def play(options, seed, only):
    """One round."""
    dice = random.Random(seed)
    size, backend = dice.choice((3, 3, 5)), dice.choice(("memory", "memory", "lmdb"))
    snapshots = str(dice.choice((50, 500, 100000)))
    compacts, heavy = dice.random() < 0.3, dice.random() < 0.3
    print(f"seed {seed}: {size} members, {backend}, a snapshot after {snapshots}"
          f"{', compacted all along' if compacts else ''}{', heavy' if heavy else ''}", flush=True)
    flags = ("--backend", backend, "--snapshot-count", snapshots)
    cluster = ServerCluster(options.bin, size, flags, proxied=True, faults=options, seed=seed)
    with cluster:
        crowd = crowd_of(cluster, seed, compacts, heavy)
        trouble = nemesis.Nemesis(cluster, dice, only)
        for actor in crowd.all():
            actor.start()
        try:
            await_writes(crowd)
            disturb(cluster, crowd, trouble, options.seconds)
            for actor in crowd.askers():
                actor.stop()
            verdict = judge(cluster, crowd)
        finally:
            for actor in crowd.all():
                actor.stopping.set()
            print(f"  {' '.join(trouble.done)}", flush=True)
        carried, torn, corrupted = cluster.network.totals()
        print(f"  {verdict}\n  {carried >> 20} MiB between members, {torn} connections torn, "
              f"{corrupted} bits turned over", flush=True)
        expect_equal(set(cluster.stop_all().values()), {0}, "exit statuses")


@suite.case(150)
def a_bit_that_turns_over_ends_the_connection(options):
    """Whichever bit it is: the receiver notices, takes nothing of it, and hangs up."""
    seed = options.seed if options.seed is not None else random.SystemRandom().randrange(1 << 32)
    print(f"seed {seed}", flush=True)
    with ServerCluster(options.bin, 3, proxied=True, seed=seed) as cluster:
        crowd = crowd_of(cluster, seed, False, False, clerks=3, keepers=0, lockers=0)
        for actor in crowd.all():
            actor.start()
        await_writes(crowd)
        links = list(cluster.network.links.values())
        cluster.network.set(cluster.network.links, corrupt=0.2)
        until(lambda: sum(link.corrupted for link in links), lambda count: count >= 60, 40, "bits")
        cluster.network.heal()
        until(lambda: [link.corrupted - link.noticed for link in links],
              lambda missed: not any(missed), 20, "not noticed")
        cluster.wait_ready()
        await_writes(crowd)
        for actor in crowd.askers():
            actor.stop()
        print(f"  {judge(cluster, crowd)}", flush=True)
        for watcher in crowd.watchers:
            watcher.stop()


@suite.case(7200)
def one_history_explains_what_all_clients_saw(options):
    first = options.seed if options.seed is not None else random.SystemRandom().randrange(1 << 32)
    for turn in range(options.rounds):
        play(options, first + turn, re.compile(options.faults))


def main():
    options = parser(__doc__)
    options.add_argument("--rounds", type=int, default=3, help="clusters (default 3)")
    options.add_argument("--seconds", type=float, default=16,
                         help="how long each is disturbed (default 16)")
    options.add_argument("--seed", type=int, help="repeat the choices of an earlier run")
    options.add_argument("--faults", default="", metavar="REGEX", help="only faults that match")
    return faulty_disks.run(suite, options.parse_args())


if __name__ == "__main__":
    sys.exit(main())
