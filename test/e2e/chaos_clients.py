"""Who asks a cluster for things while it is being disturbed: clients, keepers of leases, watchers.

Each is a thread that notes what it asked and what it was told; revisions.py judges the notes.
"""

import random
import threading
import time

import v3
import wire
from revisions import Operation, Violation

PREFIX, END = "c/", "c0"        # keys of clients; "c0" is the first one behind them
LEASED, HEAVY = "l/", "h/"


class Actor(threading.Thread):
    """A thread that does one thing after the other until told to stop."""

    def __init__(self, name):
        super().__init__(daemon=True)
        self.title = name
        self.stopping = threading.Event()
        self.failure = None

    def run(self):
        try:
            while not self.stopping.is_set():
                self.step()
        except Exception as failure:    # whatever it is, the test has to hear of it
            self.failure = failure
        self.finish()

    def step(self):
        """Does one thing."""

    def finish(self):
        """Closes what is open."""

    def stop(self, seconds=30):
        """Ends the thread; raises what it failed with."""
        self.stopping.set()
        self.join(seconds)
        if self.is_alive():
            raise AssertionError(f"{self.title} hangs")
        if self.failure:
            raise self.failure


def found_of(body, name="kvs"):
    """{key: pair} of the keys in an answer."""
    return {v3.text_of(kv["key"]): v3.pair(kv) for kv in body.get(name, ())}


class Asker(Actor):
    """An actor with a connection to each member and notes of what it did."""

    def __init__(self, name, ports, seed):
        super().__init__(name)
        self.ports = ports          # number of a member -> port
        self.dice = random.Random(seed)
        self.client = v3.Client()
        self.operations = []
        self.serial = 0
        self.known = 1              # the last revision that it has seen

    def finish(self):
        self.client.close()

    def perform(self, operation, path, body):
        """Asks the operation's member; notes the outcome and, when it is known, the revision."""
        self.operations.append(operation)
        outcome = self.client.call(self.ports[operation.member], path, body)
        operation.ended = time.monotonic()
        operation.outcome = outcome.kind
        operation.why = outcome.why
        if outcome.kind == "ok":
            operation.revision = outcome.revision
            self.known = max(self.known, outcome.revision)
        else:
            time.sleep(0.02)
        return outcome

    def begin(self, kind, keys):
        member = self.dice.choice(sorted(self.ports))
        return Operation(self.title, member, kind, keys, time.monotonic())

    def fresh(self, kind="value"):
        """A value that nobody else writes, now and then a long one."""
        self.serial += 1
        filling = "." * self.dice.choice((0, 0, 0, 100, 3000))
        return f"{kind} {self.title} {self.serial} {filling}"


class Clerk(Asker):
    """Puts, reads, swaps and deletes: a register of its own, and few keys that all share."""

    def __init__(self, index, ports, seed, shared=4, pause=0.004):
        super().__init__(f"clerk-{index}", ports, seed)
        self.own = f"{PREFIX}own-{index}"
        self.shared = [f"{PREFIX}shared-{turn}" for turn in range(shared)]
        self.pause = pause

    def step(self):
        key = self.dice.choice([self.own, *self.shared])
        act = self.dice.choices(
            (self.put, self.read, self.read_all, self.read_past, self.swap, self.delete),
            (30, 27, 6, 5, 25, 7))[0]
        act(key)
        time.sleep(self.pause)

    def put(self, key):
        operation = self.begin("put", [key])
        operation.value = self.fresh()
        self.perform(operation, "kv/put",
                     {"key": v3.b64(key), "value": v3.b64(operation.value)})
        operation.succeeded = True if operation.outcome == "ok" else None

    def read(self, key, kind=None):
        operation = self.begin(kind or self.dice.choice(("read", "read", "stale")), [key])
        outcome = self.perform(operation, "kv/range", {
            "key": v3.b64(key), "serializable": operation.kind == "stale"})
        if outcome.kind == "ok":
            operation.found = found_of(outcome.body)
        return operation

    def read_all(self, _, past=None):
        operation = self.begin(self.dice.choice(("read", "stale")), [""])
        operation.at = past
        outcome = self.perform(operation, "kv/range", {
            "key": v3.b64(PREFIX), "range_end": v3.b64(END), "revision": str(past or 0),
            "serializable": operation.kind == "stale"})
        if outcome.kind == "ok":
            operation.found = found_of(outcome.body)

    def read_past(self, key):
        """The state of a while ago, which may be compacted away."""
        if self.known > 1:
            past = self.known - self.dice.choice((0, 10, 100, 1000, 3000))
            self.read_all(key, max(2, past))

    def swap(self, key):
        """Reads, and writes only if nobody else did since; with a second key, both or none."""
        before = self.read(key)
        if before.found is None:
            return
        keys = [key] + ([f"{PREFIX}both-{key[2:]}"] if self.dice.random() < 0.3 else [])
        operation = self.begin("swap", keys)
        operation.value = self.fresh()
        operation.expected = before.found[key][2] if key in before.found else 0
        outcome = self.perform(operation, "kv/txn", {
            "compare": [{"key": v3.b64(key), "target": "MOD", "result": "EQUAL",
                         "mod_revision": str(operation.expected)}],
            "success": [{"request_put": {"key": v3.b64(one), "value": v3.b64(operation.value)}}
                        for one in keys],
            "failure": [{"request_range": {"key": v3.b64(key)}}]})
        if outcome.kind == "ok":
            operation.succeeded = outcome.body.get("succeeded", False)
            if not operation.succeeded:
                operation.found = found_of(outcome.body["responses"][0]["response_range"])

    def delete(self, key):
        operation = self.begin("delete", [key])
        outcome = self.perform(operation, "kv/deleterange", {"key": v3.b64(key)})
        if outcome.kind == "ok":
            operation.succeeded = v3.number(outcome.body, "deleted") > 0


class Lease:
    """A lease that was granted, and until when nobody may end it."""

    def __init__(self, lease_id, ttl, began):
        self.id = lease_id
        self.ttl = ttl
        self.safe_until = began + ttl
        self.keys = []
        self.revoked = False        # a client has asked for it, with whatever outcome
        self.gone = None            # when a client was told that it is not there any more


class Keeper(Asker):
    """Grants leases, ties keys to them, keeps them alive for a while, then forgets or revokes."""

    def __init__(self, index, ports, seed):
        super().__init__(f"keeper-{index}", ports, seed)
        self.leases = []
        self.current = None
        self.until = 0.0

    def step(self):
        now = time.monotonic()
        if self.current is None or self.current.gone or now > self.until:
            self.change()
        elif not self.keep_alive(self.current):
            self.tie(self.current)
        time.sleep(self.dice.uniform(0.05, 0.4))

    def ask(self, path, body):
        member = self.dice.choice(sorted(self.ports))
        return self.client.call(self.ports[member], path, body)

    def change(self):
        if self.current and not self.current.gone and self.dice.random() < 0.3:
            self.current.revoked = True
            self.ask("lease/revoke", {"ID": self.current.id})
        self.current = None
        began = time.monotonic()
        granted = self.ask("lease/grant", {"TTL": self.dice.choice((1, 2, 3))})
        if granted.kind != "ok":
            return
        self.current = Lease(granted.body["ID"], v3.number(granted.body, "TTL"), began)
        self.leases.append(self.current)
        self.until = began + self.dice.choice((0.5, 4, 10, 60))
        for _ in range(3):
            self.tie(self.current)

    def tie(self, lease):
        operation = self.begin("put", [f"{LEASED}{lease.id}/{len(lease.keys)}"])
        operation.value = self.fresh("lease")
        lease.keys.append(operation.keys[0])
        outcome = self.perform(operation, "kv/put", {
            "key": v3.b64(operation.keys[0]), "value": v3.b64(operation.value), "lease": lease.id})
        operation.succeeded = True if operation.outcome == "ok" else None
        if "lease not found" in outcome.why:
            self.end(lease)

    def keep_alive(self, lease):
        began = time.monotonic()
        kept = self.ask("lease/keepalive", {"ID": lease.id})
        if kept.kind != "ok":
            return False
        if "error" in kept.body:
            return False
        if v3.number(kept.body["result"], "TTL") == 0:
            self.end(lease)
            return True
        if lease.gone:
            raise Violation(f"lease {lease.id} was gone and is renewed")
        lease.safe_until = began + v3.number(kept.body["result"], "TTL")
        return self.dice.random() < 0.8

    def end(self, lease):
        """A client was told that the lease is over; that may not be before its time."""
        lease.gone = time.monotonic()
        if lease.gone < lease.safe_until and not lease.revoked:
            early = lease.safe_until - lease.gone
            raise Violation(f"lease {lease.id} of {lease.ttl} s is gone {early:.2f} s too early")


class Locker(Asker):
    """Takes a lock that others want too, holds it for a moment while its lease is sure to live, and
    gives it back, or does not."""

    NAME = "lock"

    def __init__(self, index, ports, seed):
        super().__init__(f"locker-{index}", ports, seed)
        self.held = []              # (from, to): nobody else may have it then

    def ask(self, path, body):
        return self.client.call(self.ports[self.dice.choice(sorted(self.ports))], path, body)

    def step(self):
        began = time.monotonic()
        granted = self.ask("lease/grant", {"TTL": 3})
        if granted.kind != "ok":
            time.sleep(0.05)
            return
        safe_until = began + v3.number(granted.body, "TTL")
        taken = self.ask("lock/lock", {"name": v3.b64(self.NAME), "lease": granted.body["ID"]})
        now = time.monotonic()
        if taken.kind == "ok" and now < safe_until:
            time.sleep(min(self.dice.uniform(0, 0.4), safe_until - now))
            self.held.append((now, min(time.monotonic(), safe_until)))
            if self.dice.random() < 0.9:
                self.ask("lock/unlock", {"key": taken.body["key"]})
        if self.dice.random() < 0.9:
            self.ask("lease/revoke", {"ID": granted.body["ID"]})


class Loader(Asker):
    """Fills the store once, so that a snapshot of it takes its time."""

    def __init__(self, ports, seed, count=100, size=100_000):
        super().__init__("loader", ports, seed)
        self.count = count
        self.size = size

    def step(self):
        operation = self.begin("put", [f"{HEAVY}{self.serial}"])
        operation.value = self.fresh() + "." * self.size
        self.perform(operation, "kv/put", {"key": v3.b64(operation.keys[0]),
                                           "value": v3.b64(operation.value)})
        operation.succeeded = True if operation.outcome == "ok" else None
        if self.serial == self.count:
            self.stopping.set()


class Compactor(Asker):
    """Has the store forget its history, but for the last revisions."""

    KEPT = 1500

    def step(self):
        found = self.client.call(self.ports[self.dice.choice(sorted(self.ports))], "kv/range",
                                 {"key": v3.b64(PREFIX)})
        if found.kind == "ok" and found.revision > self.KEPT:
            self.client.call(self.ports[self.dice.choice(sorted(self.ports))], "kv/compaction", {
                "revision": str(found.revision - self.KEPT),
                "physical": self.dice.random() < 0.3})
        time.sleep(0.5)


class Watcher(Actor):
    """Watches all keys on one member from the first revision, over as many streams as it takes."""

    def __init__(self, member, port):
        super().__init__(f"watcher of member {member}")
        self.port = port
        self.stream = None
        self.wanted = 2             # the next revision
        self.latest = {}            # key -> pair
        self.events = []            # (revision, key, pair or None)
        self.sightings = []         # (time, revision) of each message
        self.streams = 0
        self.compacted = 0          # up to there something may be missing
        self.may_miss = False       # whether the store forgets

    def step(self):
        try:
            if self.stream is None:
                # Both ends "\0": all keys.
                self.stream = v3.Stream(self.port, "watch", {"create_request": {
                    "key": "AA==", "range_end": "AA==", "prev_kv": True,
                    "start_revision": str(self.wanted)}})
                self.streams += 1
            message = self.stream.next(0.2)
        except OSError:
            self.finish()
            time.sleep(0.05)
            return
        if message is not None:
            self.take(message)

    def take(self, message):
        if "error" in message:
            self.finish()
            time.sleep(0.05)
            return
        batch = message["result"]
        if batch.get("canceled"):
            self.canceled(message, v3.number(batch, "compact_revision"))
            return
        for turn, event in enumerate(batch.get("events", ())):
            kv = event["kv"]
            revision = v3.number(kv, "mod_revision")
            if revision != self.wanted and (turn == 0 or revision != self.wanted - 1):
                raise Violation(f"{self.title}: {revision} instead of {self.wanted}")
            self.wanted = revision + 1
            self.note(revision, v3.text_of(kv["key"]),
                      None if event.get("type") == "DELETE" else v3.pair(kv),
                      v3.pair(event["prev_kv"]) if "prev_kv" in event else None)
        if batch.get("events"):
            self.sightings.append((time.monotonic(), self.wanted - 1))

    def note(self, revision, key, pair, before):
        """One event. What was before is told unless the store has forgotten it."""
        if before != self.latest.get(key) and not self.may_miss:
            raise Violation(f"{self.title}: {key} at {revision} was {self.latest.get(key)}, "
                            f"not {before}")
        self.latest[key] = pair
        self.events.append((revision, key, pair))

    def canceled(self, message, compacted):
        """Only a compaction of what was not told yet may end a watch; the next goes on behind."""
        if not self.may_miss or compacted < self.wanted:
            raise Violation(f"{self.title} at {self.wanted}: cancelled: {message}")
        self.compacted = compacted
        self.wanted = compacted + 1
        self.finish()

    def finish(self):
        if self.stream is not None:
            self.stream.close()
        self.stream = None

    def by_revision(self):
        """{revision: what happened in it}"""
        found = {}
        for event in self.events:
            found.setdefault(event[0], []).append(event)
        return found

    def await_revision(self, revision, seconds=30):
        """Waits until everything up to a revision has come."""
        deadline = time.monotonic() + seconds
        while self.wanted <= revision:
            if self.failure:
                raise self.failure
            if time.monotonic() > deadline:
                raise Violation(f"{self.title}: not at {revision} after {seconds} s, but at "
                                f"{self.wanted - 1}")
            time.sleep(0.02)


def watch_all(number, port, revision, may_miss):
    """The whole history up to a revision as a fresh watch on a member tells it; with `may_miss`
    what is left of it."""
    watcher = Watcher(number, port)
    watcher.may_miss = may_miss
    watcher.start()
    try:
        watcher.await_revision(revision)
    finally:
        watcher.stop()
    return watcher
