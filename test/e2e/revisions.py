"""Whether what clients saw of a store with revisions can have happened one after the other.

A store that numbers its states says itself in which order things happened, so that no search for
an order is needed. The truth is the history of all changes, as a watch from the first revision
tells it. Then, in one pass each:
  - the history is dense and consistent in itself: create revisions, mod revisions and versions;
  - every acknowledged write is in it, once, at the revision that was answered; every refused one is
    nowhere; one of unknown outcome is there once or never;
  - every read, of one key or of all, shows exactly the state of the revision in its header, or of
    the earlier one that was asked for; a failed comparison is false there, one that succeeded is
    true right before;
  - real time: what starts after anybody saw revision n, be it by a write, a read or a watch, has a
    revision of n at least, and a greater one when it is a write. Only serializable reads may be
    older than what others saw.
"""

import bisect
import collections
import itertools


class Violation(AssertionError):
    """Something that no order of the operations explains."""


class Operation:
    """One request: what was asked, when it began and ended, and how."""

    def __init__(self, client, member, kind, keys, began):
        self.client = client
        self.member = member
        self.kind = kind            # put, swap, delete, read, stale (a serializable read)
        self.at = None              # of a read: the revision of the past that is asked for
        self.keys = keys            # the keys it names; for reads also "" for all of them
        self.value = None           # what is written: a text that nobody else ever writes
        self.expected = None        # of a swap: mod revision that the first key must have
        self.began = began
        self.ended = None
        self.outcome = "unknown"    # ok, failed or unknown
        self.revision = None        # of the header
        self.succeeded = None       # of a swap or a deletion: whether it changed anything
        self.found = None           # of reads and swaps that fail: {key: (value, create, ...)}
        self.why = ""               # what a failed one was told

    @property
    def writes(self):
        return self.kind in ("put", "swap", "delete")

    def __str__(self):
        when = f"{self.began:.3f} to {self.ended:.3f}" if self.ended else f"{self.began:.3f} on"
        return (f"{self.kind} {','.join(self.keys) or 'all'} by {self.client} on member "
                f"{self.member}, {when}, value {self.value}, expected {self.expected}, of "
                f"{self.at}: {self.outcome} {self.succeeded} {self.why} at revision "
                f"{self.revision}, {self.found}")


class History:
    """All changes from revision 2 on: (revision, key, value or None for a deletion, pair)."""

    def __init__(self, events):
        self.events = events
        self.revisions = collections.defaultdict(list)  # revision -> [(key, value)]
        self.states = collections.defaultdict(list)     # key -> [(revision, pair or None)]
        self.values = {}                                # value -> {revision}
        for revision, key, pair in events:
            self._add(revision, key, pair)
        self.last = max(self.revisions, default=1)
        if sorted(self.revisions) != list(range(2, self.last + 1)):
            raise Violation("the history has gaps")

    def _add(self, revision, key, pair):
        before = self.states[key][-1][1] if self.states[key] else None
        self.revisions[revision].append((key, pair and pair[0]))
        self.states[key].append((revision, pair))
        if pair is None:
            if before is None:
                raise Violation(f"{key} is deleted at {revision} and was not there")
            return
        value, created, modified, version, _ = pair
        wanted = (before[1], revision, before[3] + 1) if before else (revision, revision, 1)
        if (created, modified, version) != wanted:
            raise Violation(f"{key} at {revision}: {pair}, but {wanted} follows from {before}")
        self.values.setdefault(value, set()).add(revision)

    def at(self, key, revision):
        """What a key was right after a revision; None when it was not there."""
        states = self.states.get(key, [])
        place = bisect.bisect_right(states, revision, key=lambda state: state[0])
        return states[place - 1][1] if place else None

    def all_at(self, revision, prefix):
        """{key: pair} of all keys below a prefix."""
        found = {key: self.at(key, revision) for key in self.states if key.startswith(prefix)}
        return {key: pair for key, pair in found.items() if pair is not None}


def require(condition, why, operation):
    if not condition:
        raise Violation(f"{why}: {operation}")


def place(operation, history):
    """Finds out, where it is unknown, at which revision a write took effect; None: it has not."""
    revisions = history.values.get(operation.value, set())
    require(len(revisions) < 2, f"done {len(revisions)} times, at {sorted(revisions)}", operation)
    if operation.outcome == "failed":
        require(not revisions, f"refused, and yet done at {sorted(revisions)}", operation)
    return min(revisions, default=None)


def check_write(operation, history):
    """A put or swap, whose values are found in the history; its revision, or None."""
    found = place(operation, history)
    if operation.outcome == "ok" and operation.succeeded:
        require(found == operation.revision, f"in the history at {found}", operation)
    if found is not None:
        written = history.revisions[found]
        require(written == [(key, operation.value) for key in operation.keys],
                f"not done whole: {written}", operation)
        if operation.kind == "swap":
            before = history.at(operation.keys[0], found - 1)
            require((before[2] if before else 0) == operation.expected,
                    f"swapped what was {before}", operation)
    elif operation.outcome == "ok" and not operation.succeeded:
        check_read(operation, history)
        there = operation.found.get(operation.keys[0])
        require((there[2] if there else 0) != operation.expected, "should have swapped", operation)
    return operation.revision if operation.outcome == "ok" else found


def check_read(operation, history, prefix=""):
    """All that was found is the state of that revision."""
    require(operation.revision <= history.last, f"ahead of the history, {history.last}", operation)
    revision = operation.at or operation.revision
    require(revision <= operation.revision, "shows what is to come", operation)
    if operation.keys == [""]:
        wanted = history.all_at(revision, prefix)
    else:
        states = {key: history.at(key, revision) for key in operation.keys[:1]}
        wanted = {key: pair for key, pair in states.items() if pair}
    require(operation.found == wanted, f"the state was {wanted}", operation)
    return operation.revision


def check_delete(operation, history, deletions):
    """An acknowledged deletion; takes its revision out of those that nobody has claimed."""
    key = operation.keys[0]
    if operation.outcome != "ok":
        return None
    if operation.succeeded:
        require(operation.revision in deletions[key], "not in the history, or not its own",
                operation)
        deletions[key].discard(operation.revision)
    else:
        require(operation.revision <= history.last, "ahead of the history", operation)
        require(history.at(key, operation.revision) is None, "there was something", operation)
    return operation.revision


def check_real_time(positions, sightings):
    """`positions`: (operation, revision); `sightings`: (time, revision) of watches."""
    moments = [(when, 0, revision, None) for when, revision in sightings]
    for operation, revision in positions:
        moments.append((operation.began, 1, revision, operation))
        if operation.outcome == "ok":
            moments.append((operation.ended, 2, revision, operation))
    seen, by = 0, "a watch"
    moments.sort(key=lambda moment: moment[0])
    for _, group in itertools.groupby(moments, key=lambda moment: moment[0]):
        same = list(group)      # What ends at the very moment something begins is not before it.
        for _, order, revision, operation in same:
            if order == 1 and operation.kind != "stale":
                own = operation.writes and operation.succeeded is not False
                require(revision > seen if own else revision >= seen,
                        f"at {revision}, but {seen} was seen before by {by}", operation)
        for _, order, revision, operation in same:
            if order != 1 and revision > seen:
                seen, by = revision, operation or "a watch"


def check(operations, history, sightings, prefix, others):
    """Judges all; raises Violation. `prefix`: keys that only these operations delete; `others`:
    prefixes of keys that only they put. Returns how many operations have their place."""
    deletions = collections.defaultdict(set)
    written = {operation.value for operation in operations}
    for revision, key, pair in history.events:
        if pair is None and key.startswith(prefix):
            deletions[key].add(revision)
        if pair is not None and key.startswith((prefix, *others)) and pair[0] not in written:
            raise Violation(f"a value that nobody wrote, at {revision}: {key} {pair}")
    positions = []
    uncertain = collections.Counter()
    for operation in operations:
        if operation.kind in ("put", "swap"):
            revision = check_write(operation, history)
        elif operation.kind == "delete":
            revision = check_delete(operation, history, deletions)
            uncertain[operation.keys[0]] += operation.outcome == "unknown"
        else:
            revision = check_read(operation, history, prefix) if operation.outcome == "ok" else None
            require(operation.kind == "stale" or "future revision" not in operation.why,
                    "a revision that had been seen is not there yet", operation)
        if revision is not None:
            positions.append((operation, revision))
    for key, left in deletions.items():
        if len(left) > uncertain[key]:
            raise Violation(f"{key} was deleted at {sorted(left)}: {uncertain[key]} may have")
    check_real_time(positions, sightings)
    return len(positions)
