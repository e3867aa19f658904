"""quorated verify and dump on the directories of real members: sound, torn and damaged ones.

What has to be told is the file, the place and the reason, for all damages, while not a byte of the
directory changes.
"""

import json
import os
import pathlib
import random
import subprocess
import sys

import damage
from cluster import Cluster, put
from suite import Suite, expect, expect_equal, parser

suite = Suite()
FEW = ("--snapshot-count", "25")


def quorated(options, *words):
    """Runs it; (exit status, standard output, standard error)."""
    binary = pathlib.Path(options.bin).resolve() / "quorated"
    ended = subprocess.run([binary, *words], capture_output=True, text=True, timeout=60,
                           check=False)
    return ended.returncode, ended.stdout, ended.stderr


def events(options, command, data, *words):
    """Runs it with --json; (exit status, lines as dictionaries)."""
    status, out, err = quorated(options, command, "--data-dir", str(data), "--json", *words)
    expect(not err, f"standard error: {err}")
    return status, [json.loads(line) for line in out.splitlines()]


def of_kind(found, kind):
    return [one for one in found if one["event"] == kind]


def state(folder):
    """All that a reader could change: names, bytes, times of change, modes."""
    return {path: (path.stat().st_mtime_ns, path.stat().st_mode,
                   path.read_bytes() if path.is_file() else b"")
            for path in [folder, *sorted(folder.rglob("*"))]}


def expect_sound(options, data):
    status, found = events(options, "verify", data)
    expect_equal(of_kind(found, "damage"), [], "damages")
    expect_equal(status, 0, "exit status")
    return found[-1]


def expect_damage(options, data, path, what=""):
    """Exactly one file is damaged; the offsets told."""
    before = state(data)
    status, found = events(options, "verify", data)
    expect_equal(status, 1, f"exit status; said {found}")
    damages = of_kind(found, "damage")
    expect(damages and all(one["file"] == str(path) for one in damages), f"told: {damages}")
    expect(any(what in one["what"] for one in damages), f"no {what!r} in {damages}")
    expect_equal(found[-1]["damages"], len(damages), "damages in the summary")
    human = quorated(options, "verify", "--data-dir", str(data))
    expect_equal(human[0], 1, "exit status without --json")
    expect(f"{path}: offset {damages[0]['offset']}: " in human[1], human[1])
    expect(state(data) == before, "verify changed the directory")
    return [one["offset"] for one in damages]


def filled(options, count=40, flags=(), size=1):
    """A cluster that stored /0, /1, ... and was killed; its first data directory."""
    cluster = Cluster(options.bin, size, flags)
    cluster.start()
    for turn in range(count):
        put(cluster.port(1), f"/{turn}", f"value {turn}")
    for number in cluster.members:
        cluster.kill(number)
    return cluster.members[1].data


@suite.case()
def sound_directories_are_sound(options):
    for kind in ("killed", "stopped"):
        with Cluster(options.bin, 3, FEW) as cluster:
            for turn in range(90):
                put(cluster.port(1 + turn % 3), f"/{turn}", f"value {turn}")
            for number in cluster.members:
                cluster.kill(number) if kind == "killed" else cluster.terminate(number)
            for member in cluster.members.values():
                before = state(member.data)
                summary = expect_sound(options, member.data)
                expect(summary["snapshots"] > 0, f"no snapshot: {summary}")
                expect(summary["last_index"] > 80, f"few entries: {summary}")
                expect_equal(quorated(options, "dump", "--data-dir", str(member.data))[0], 0,
                             "exit status of dump")
                expect(state(member.data) == before, "verify or dump changed the directory")


@suite.case()
def running_member_is_named(options):
    with Cluster(options.bin, 1) as cluster:
        put(cluster.port(1), "/a", "1")
        summary = expect_sound(options, cluster.members[1].data)
        expect_equal(summary.get("in_use_by_process"), cluster.members[1].process.pid, "user")
        cluster.kill(1)
        expect("in_use_by_process" not in expect_sound(options, cluster.members[1].data),
               "a process is named that is dead")
        # It was not in the way of anybody either.
        cluster.restart(1, 5)


@suite.case()
def entries_are_dumped(options):
    data = filled(options)
    _, found = events(options, "dump", data)
    entries = of_kind(found, "entry")
    puts = {one["key"]: one for one in entries if one.get("command") == "put"}
    expect_equal(sorted(puts), sorted(f"/{turn}" for turn in range(40)), "keys")
    expect(all("value" not in one for one in puts.values()), "values without --values")
    expect_equal(puts["/7"]["value_size"], len("value 7"), "size of a value")
    indices = [one["index"] for one in entries]
    expect_equal(indices, list(range(indices[0], indices[0] + len(indices))), "indices")
    # Each stands where it is said to stand.
    offsets, _ = damage.frames(pathlib.Path(of_kind(found, "segment")[-1]["file"]))
    expect_equal([one["offset"] for one in entries][-5:], offsets[-5:], "offsets")
    _, some = events(options, "dump", data, "--values", "--from", str(puts["/3"]["index"]),
                     "--to", str(puts["/9"]["index"]), "--limit", "2")
    expect_equal([one["value"] for one in of_kind(some, "entry")], ["value 3", "value 4"], "values")
    status, text, _ = quorated(options, "dump", "--data-dir", str(data))
    expect(status == 0 and 'command="put" key="/7" value_size=7' in text, "text of an entry")


@suite.case()
def damage_is_told_with_file_and_offset(options):
    data = filled(options)
    path = damage.newest_segment(data)
    offsets, _ = damage.frames(path)
    content = path.read_bytes()
    # In the chain value, size, record header and payload of one frame: told at its start.
    for place in (0, 5, 9, 17, 25, 33, 44):
        damage.flip(path, offsets[-20] + place, place % 8)
        expect_equal(expect_damage(options, data, path), [offsets[-20]], f"place {place}")
        path.write_bytes(content)
    # Several at once: all are told, also behind one whose length is not known any more.
    for which in (-30, -20, -7):
        damage.flip(path, offsets[which] + 6)
    expect_equal(expect_damage(options, data, path), [offsets[w] for w in (-30, -20, -7)], "three")
    path.write_bytes(content)
    damage.cut(path, offsets[-10])
    expect_equal(expect_damage(options, data, path, "ends before"), [offsets[-10]], "cut")
    path.write_bytes(content)
    damage.blank(path, offsets[-10])
    expect_equal(expect_damage(options, data, path, "zeros"), [offsets[-10]], "blank")
    path.write_bytes(content)
    damage.flip(path, 20)
    expect_damage(options, data, path, "header")
    path.write_bytes(content)
    expect_sound(options, data)


@suite.case()
def write_that_never_completed_is_sound(options):
    data = filled(options)
    path = damage.newest_segment(data)
    _, end = damage.frames(path)
    with open(path, "r+b") as file:
        file.seek(end)
        file.write(b"half of a frame")
    status, found = events(options, "verify", data)
    expect_equal(status, 0, "exit status")
    notes = [one["what"] for one in of_kind(found, "note") if one["file"] == str(path)]
    expect(any(f"offset {end}" in note for note in notes), f"notes: {notes}")


@suite.case()
def damaged_snapshots_and_identities_are_told(options):
    data = filled(options, 60, FEW)
    expect_sound(options, data)
    for path in sorted((data / "snap").glob("*.snap"))[-1], data / "identity":
        content = path.read_bytes()
        for offset in (3, len(content) // 2, len(content) - 1):
            damage.flip(path, offset, 5)
            expect_damage(options, data, path)
            path.write_bytes(content)
        damage.cut(path, len(content) - 1)
        expect_damage(options, data, path)
        path.write_bytes(content)
    path.unlink()
    expect_damage(options, data, path, "missing")
    path.write_bytes(content)
    expect_sound(options, data)


@suite.case()
def leftovers_are_notes(options):
    data = filled(options)
    for name in ("wal/0123456789abcdef.tmp", "wal/notes.txt", "snap/x.snap.broken", "other"):
        (data / name).write_bytes(b"anything")
    status, found = events(options, "verify", data)
    expect_equal(status, 0, "exit status")
    named = {one["file"] for one in of_kind(found, "note")}
    expect(named >= {str(data / "wal/notes.txt"), str(data / "other")}, f"notes: {named}")


@suite.case(120)
def no_bytes_make_it_fall_over(options):
    """Whatever the bytes are, it ends with 0 or 1 and uses little memory."""
    data = filled(options, 60, FEW)
    dice = random.Random(4)
    files = [path for path in data.rglob("*") if path.is_file() and path.stat().st_size > 0]
    contents = {path: path.read_bytes() for path in files}
    limit = ["sh", "-c", 'ulimit -v 400000; exec "$0" "$@"']
    binary = str(pathlib.Path(options.bin).resolve() / "quorated")
    seen = set()
    for turn in range(150):
        path = dice.choice(files)
        content = bytearray(contents[path])
        if path.suffix == ".wal":
            content = content[:damage.frames(path)[1] + 200]
        for _ in range(dice.choice((1, 1, 3, 20))):
            at = dice.randrange(len(content))
            content[at:at + dice.choice((1, 4, 8))] = os.urandom(dice.choice((1, 4, 8)))
        path.write_bytes(content)
        command = dice.choice(("verify", "dump"))
        ended = subprocess.run([*limit, binary, command, "--data-dir", str(data), "--json"],
                               capture_output=True, timeout=30, check=False)
        expect(ended.returncode in (0, 1), f"turn {turn}: {ended.returncode}: {ended.stderr}")
        for line in ended.stdout.splitlines():
            json.loads(line)
        seen.add(ended.returncode)
        path.write_bytes(contents[path])
    expect_equal(seen, {0, 1}, "exit statuses")


@suite.case()
def command_line_is_checked(options):
    for words in ((), ("verify",), ("verify", "--data-dir", "/nonexistent"), ("nonsense",),
                  ("verify", "--nonsense"), ("dump", "--data-dir", ".", "--limit", "-1"),
                  ("verify", "--data-dir", ".", "more"), ("verify", "--data-dir", ".", "--values")):
        status, out, err = quorated(options, *words)
        expect_equal(status, 2, f"exit status of {words}")
        expect(err and not out, f"{words} says nothing on standard error")
    for words in (("help",), ("--help",), ("help", "dump"), ("verify", "--help"), ("--version",)):
        status, out, err = quorated(options, *words)
        expect_equal(status, 0, f"exit status of {words}")
        expect(out and not err, f"{words} says nothing")


def main():
    options = parser(__doc__).parse_args()
    if not (pathlib.Path(options.bin) / "quorated").exists():
        print(f"FAIL quorated: no executable in {options.bin}\n0 passed, 1 failed")
        return 1
    return suite.run(options)


if __name__ == "__main__":
    sys.exit(main())
