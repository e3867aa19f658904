"""Disaster recovery, as doc/disaster.md tells it: its commands are run as they stand there.

A cluster is lost and restored from a snapshot; a survivor of three goes on alone; what is damaged,
foreign or another state than the others' is refused.
"""

import base64
import contextlib
import hashlib
import json
import os
import pathlib
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

import cluster
import v3
from suite import REPOSITORY, Suite, expect, expect_equal, parser

suite = Suite()
PAGE = REPOSITORY / "doc/disaster.md"
PATIENCE = 60   # seconds until a cluster must have a leader, on a slow machine


def command(heading):
    """The shell commands below a heading of the page."""
    found = re.search(rf"^#+ {re.escape(heading)}$", PAGE.read_text(), re.MULTILINE)
    expect(found is not None, f"the page has no {heading!r}")
    below = found.string[found.end():].split("```sh\n", 1)
    expect(len(below) == 2, f"the page has no commands below {heading!r}")
    return below[1].split("```", 1)[0]


def environment(extra):
    kept = {name: value for name, value in os.environ.items()
            if not name.startswith(("ETCD_", "QUORATE_"))}
    return {**kept, **extra}


def quorated(options, *words):
    """Runs it to its end; (exit status, standard output, standard error)."""
    ended = subprocess.run([f"{options.bin}/quorated", *words], capture_output=True, text=True,
                           timeout=60, env=environment({}), check=False)
    return ended.returncode, ended.stdout, ended.stderr


class Site:
    """One member's place: ports, a data directory, and the process while there is one."""

    def __init__(self, folder, name, backend):
        self.folder, self.name, self.backend = pathlib.Path(folder), name, backend
        self.port, peer_port = cluster.free_ports(2)
        self.url = f"http://127.0.0.1:{self.port}"
        self.peer_url = f"http://127.0.0.1:{peer_port}"
        self.data = self.folder / name
        self.log = self.folder / f"{name}.log"
        self.process = None

    def ask(self, path, body=None, timeout=5):
        request = urllib.request.Request(self.url + path, json.dumps(body or {}).encode(),
                                         {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=timeout) as answer:
            return json.load(answer)

    def until(self, path, body, wanted):
        """Asks until the answer is wanted; gives it."""
        deadline = time.monotonic() + PATIENCE
        last = None
        while time.monotonic() < deadline:
            try:
                last = self.ask(path, body)
                if wanted(last):
                    return last
            except (OSError, ValueError) as failure:
                last = failure
            expect(self.process.poll() is None,
                   f"{self.name} ended with {self.process.returncode}: {self.tail()}")
            time.sleep(0.1)
        raise AssertionError(f"{self.name}: {path}: last answer {last!r}; {self.tail()}")

    def wait_leader(self):
        return self.until("/v3/maintenance/status", {}, lambda a: a.get("leader", "0") != "0")

    def put(self, key, value):
        body = {"key": encoded(key), "value": encoded(value)}
        return self.until("/v3/kv/put", body, lambda a: "header" in a)

    def kill(self):
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def tail(self):
        return self.log.read_text(errors="replace")[-600:] if self.log.exists() else "(no log)"


class Sites:
    """Three places, and what is typed at each."""

    def __init__(self, options, backend="memory"):
        self.options = options
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="quorate_recovery_"))
        self.sites = [Site(self.folder, f"n{i}", backend) for i in (1, 2, 3)]
        self.file = self.folder / "backup.snapshot"
        self.token = "first"
        self.new_peer_url = ""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for site in self.sites:
            site.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def variables(self, site):
        return environment({
            "PATH": f"{pathlib.Path(self.options.bin).resolve()}:{os.environ['PATH']}",
            "NAME": site.name, "DATA": str(site.data), "PEER_URL": site.peer_url,
            "CLIENT_URL": site.url, "TOKEN": self.token, "FILE": str(self.file),
            "NEW_PEER_URL": self.new_peer_url,
            "CLUSTER": ",".join(f"{one.name}={one.peer_url}" for one in self.sites),
            # What an operator's other flags would be.
            "QUORATE_BACKEND": site.backend, "QUORATE_HEARTBEAT_INTERVAL": "50",
            "QUORATE_ELECTION_TIMEOUT": "500"})

    def type(self, heading, site):
        """Runs the commands of the page to their end."""
        ended = subprocess.run(["bash", "-c", command(heading)], env=self.variables(site),
                               cwd=self.folder, capture_output=True, text=True, timeout=60,
                               check=False)
        expect_equal(ended.returncode, 0, f"{heading!r} says {ended.stdout} {ended.stderr}")
        return ended.stdout

    def serve(self, site, heading="Start a member", extra=""):
        """Starts the server that the page starts; it goes on."""
        text = command(heading).rstrip()
        expect(text.startswith("quorated serve"), f"{heading!r} starts no server: {text}")
        with open(site.log, "ab") as log:
            site.process = subprocess.Popen(["bash", "-c", f"exec {text} {extra}"],
                                            env=self.variables(site), cwd=self.folder, stdout=log,
                                            stderr=log, stdin=subprocess.DEVNULL)

    def serve_all(self):
        for site in self.sites:
            self.serve(site)
        for site in self.sites:
            site.wait_leader()

    def kill_all(self):
        for site in self.sites:
            site.kill()


def encoded(text):
    return base64.b64encode(text.encode()).decode()


def number(answer, *path):
    for name in path:
        answer = answer.get(name, 0)
    return int(answer)


def keys_at(site):
    """All keys with what is known of each."""
    answer = site.until("/v3/kv/range", {"key": "AA==", "range_end": "AA=="},
                        lambda a: "header" in a)
    return answer.get("kvs", []), number(answer, "header", "revision")


def hash_at(site):
    return number(site.ask("/v3/maintenance/hashkv", {}), "hash")


def backends(options):
    """memory, and lmdb where it was built in."""
    said = quorated(options, "serve", "--backend=lmdb", "--error-dialect=none")[2]
    return ("memory",) if "without LMDB" in said else ("memory", "lmdb")


def fill(site, count=60):
    """Keys, an old revision that was compacted, a lease with a key, a user."""
    for turn in range(count):
        site.put(f"/key/{turn % 40}", f"value {turn}" * 20)
    site.until("/v3/kv/compaction", {"revision": str(count // 2)}, lambda a: "header" in a)
    site.until("/v3/lease/grant", {"ID": "77", "TTL": "3000"}, lambda a: "header" in a)
    site.until("/v3/kv/put", {"key": encoded("/leased"), "value": "", "lease": "77"},
               lambda a: "header" in a)
    site.until("/v3/auth/user/add", {"name": "somebody", "password": "secret"},
               lambda a: "header" in a)


def lost_cluster(place, backend):
    """Runs three members, saves a snapshot and loses all; (keys, revision, hash, cluster id)."""
    first = place.sites[0]
    place.serve_all()
    fill(first)
    keys, revision = keys_at(first)
    checksum = hash_at(first)
    place.type("Save a snapshot", first)
    old_id = first.ask("/v3/maintenance/status")["header"]["cluster_id"]
    expect_equal(number(first.ask("/v3/maintenance/status"), "header", "revision"), revision,
                 f"revision ({backend})")
    place.kill_all()
    return keys, revision, checksum, old_id


@suite.case(seconds=400)
def a_lost_cluster_is_restored_from_a_snapshot(options):
    for backend in backends(options):
        with Sites(options, backend) as place:
            keys, revision, checksum, old_id = lost_cluster(place, backend)
            said = place.type("Look into it", place.sites[0])
            expect(f"{checksum:x}, {revision}, " in said, f"status says {said}, hash {checksum:x}")
            for site in place.sites:
                shutil.rmtree(site.data)
            place.token = "second"
            for site in place.sites:
                place.type("Restore each member", site)
            place.serve_all()
            ids = set()
            for site in place.sites:
                expect_equal(keys_at(site), (keys, revision), f"keys at {site.name}, {backend}")
                expect_equal(hash_at(site), checksum, f"hash at {site.name}")
                status = site.ask("/v3/maintenance/status")
                ids.add(status["header"]["cluster_id"])
            expect(len(ids) == 1 and old_id not in ids, f"cluster ids {ids}, before {old_id}")
            members = place.sites[1].ask("/v3/cluster/member/list")["members"]
            expect_equal(sorted(m["name"] for m in members), ["n1", "n2", "n3"], "members")
            lease = place.sites[2].ask("/v3/kv/lease/timetolive", {"ID": "77", "keys": True})
            expect_equal((lease.get("grantedTTL"), lease.get("keys")),
                         ("3000", [encoded("/leased")]), "lease")
            users = place.sites[0].ask("/v3/auth/user/list").get("users")
            expect_equal(users, ["somebody"], "users")
            # Leases run on under a leader of the new cluster.
            place.sites[0].until("/v3/lease/grant", {"ID": "78", "TTL": "1"},
                                 lambda a: "header" in a)
            place.sites[1].until("/v3/lease/leases", {},
                                 lambda a: [one["ID"] for one in a["leases"]] == ["77"])
            made = place.sites[2].put("/after", "restore")
            expect_equal(number(made, "header", "revision"), revision + 1, "next revision")
            # And once more from its own disk.
            place.kill_all()
            place.serve_all()
            expect_equal(keys_at(place.sites[1])[1], revision + 1, "revision after a restart")


@suite.case(seconds=200)
def old_members_do_not_reach_a_restored_cluster(options):
    with Sites(options) as place:
        keys, revision, _, old_id = lost_cluster(place, "memory")
        old = place.sites[2]
        kept = place.folder / "kept"
        os.rename(old.data, kept)
        for site in place.sites[:2]:
            shutil.rmtree(site.data)
        first, place.token = place.token, "second"
        for site in place.sites:
            place.type("Restore each member", site)
        for site in place.sites[:2]:
            place.serve(site)
        for site in place.sites[:2]:
            site.wait_leader()
        # The third comes up with its old directory and flags, where the others look for it.
        restored, old.data = old.data, kept
        place.token = first
        place.serve(old)
        place.sites[0].put("/new", "only")
        deadline = time.monotonic() + 3
        status = {}
        while time.monotonic() < deadline:
            with contextlib.suppress(OSError, ValueError):
                status = old.ask("/v3/maintenance/status")
                expect_equal(status["header"]["cluster_id"], old_id, "cluster of the old member")
                expect_equal(status.get("leader", "0"), "0", "leader of the old member")
            expect(old.process.poll() is None, f"the old member ended: {old.tail()}")
            time.sleep(0.2)
        expect_equal(number(place.sites[1].put("/new", "more"), "header", "revision"),
                     revision + 2, "revision of the new cluster")
        expect_equal(place.sites[0].ask("/v3/maintenance/status")["header"]["cluster_id"] == old_id,
                     False, "whether the new cluster has the old id")
        old.kill()
        old.data = restored
        place.token = "second"
        place.serve(old)
        old.until("/v3/kv/range", {"key": encoded("/new")},
                  lambda a: number(a, "header", "revision") == revision + 2)
        expect_equal(len(keys_at(old)[0]), len(keys) + 1, "keys at the restored third")


def saved_snapshot(place):
    """A small cluster of one, saved; the bytes of the file."""
    site = place.sites[0]
    place.sites = [site]
    place.serve(site)
    site.wait_leader()
    fill(site, 45)
    place.type("Save a snapshot", site)
    site.kill()
    return place.file.read_bytes()


def restore_words(place, file, data):
    site = place.sites[0]
    return ("snapshot", "restore", str(file), f"--data-dir={data}", f"--name={site.name}",
            f"--initial-cluster={site.name}={site.peer_url}",
            f"--initial-advertise-peer-urls={site.peer_url}", "--initial-cluster-token=new")


@suite.case(seconds=200)
def damaged_cut_and_foreign_files_are_refused(options):
    with Sites(options) as place:
        whole = saved_snapshot(place)
        data, file = place.folder / "restored", place.folder / "damaged"
        rng = random.Random(7)

        def expect_refused(content, what, *more):
            file.write_bytes(content)
            status, out, err = quorated(options, *restore_words(place, file, data), *more)
            expect_equal((status, out, data.exists()), (1, "", False), f"{what}; said {err}")
            expect(err.startswith(f"quorated: {file}: ") and err.count("\n") == 1,
                   f"{what}: {err}")
            status, out, _ = quorated(options, "snapshot", "status", str(file), *more)
            expect_equal((status, out), (1, ""), f"status of {what}")

        summed = hashlib.sha256(whole[:-32]).digest() == whole[-32:]
        expect(summed or "without OpenSSL" in quorated(options, *restore_words(
            place, place.file, data))[2], "the file ends with no sum")
        for turn in range(50 if summed else 0):
            place_of_it = rng.randrange(len(whole))
            damaged = bytearray(whole)
            damaged[place_of_it] ^= 1 << rng.randrange(8)
            expect_refused(bytes(damaged), f"a bit at {place_of_it}")
            if turn % 5 == 0:
                expect_refused(whole[:rng.randrange(1, len(whole))], f"cut, turn {turn}")
        skip = "--skip-hash-check"
        for size in (1, 3, 7, 50, len(whole) // 2, len(whole) - 33):
            expect_refused(whole[:size], f"cut to {size}", skip)
        expect_refused(b"", "an empty file", skip)
        expect_refused(b"something else\n" * 100, "a foreign file", skip)
        expect_refused(b'{"result":{"blob":"AAAA"}}\n', "an answer as it came", skip)
        expect_refused(whole + whole, "two files in one", skip)
        for other in (place.folder, place.folder / "none"):
            status, _, err = quorated(options, *restore_words(place, other, data))
            expect_equal(status, 1, f"restoring {other}: {err}")
        # Whatever is damaged: with the check skipped it is a restored state or a refusal.
        for turn in range(20):
            damaged = bytearray(whole)
            damaged[rng.randrange(len(whole))] ^= 1 << rng.randrange(8)
            file.write_bytes(bytes(damaged))
            status, _, err = quorated(options, *restore_words(place, file, data), skip)
            expect(status in (0, 1), f"status {status}: {err}")
            shutil.rmtree(data, ignore_errors=True)
        # Without a sum, as programs write it that were built without OpenSSL.
        file.write_bytes(whole[:-32] if summed else whole)
        expect_equal(quorated(options, *restore_words(place, file, data))[0], 1, "without a sum")
        expect_equal(quorated(options, *restore_words(place, file, data), skip)[0], 0,
                     "without a sum, and not checked")


@suite.case(seconds=120)
def wrong_flags_restore_nothing(options):
    with Sites(options) as place:
        saved_snapshot(place)
        data = place.folder / "restored"
        good = restore_words(place, place.file, data)
        for more, complaint in (
                (("--name=other",), "--initial-cluster: does not name this member"),
                (("--initial-advertise-peer-urls=http://127.0.0.1:1",), "--initial-cluster: has"),
                (("--initial-cluster=n1",), "--initial-cluster: 'n1' is not of the form"),
                (("--backend=floppy",), "--backend: "),
                (("--bump-revision=5",), "--mark-compacted is required"),
                (("--mark-compacted",), "--mark-compacted is required"),
                (("--bump-revision=0", "--mark-compacted"), "--mark-compacted is required"),
                (("--bump-revision=-5", "--mark-compacted"), "--bump-revision: '-5'"),
                (("--no-such-flag",), "unrecognised option"),
                (("second-file",), "one file is wanted")):
            status, out, err = quorated(options, *[word for word in good if not any(
                word.startswith(one.split("=")[0] + "=") for one in more)], *more)
            expect_equal((status, out, data.exists()), (2, "", False), f"{more}: {err}")
            expect(complaint in err, f"{more}: {err}")
        expect_equal(quorated(options, "snapshot")[0], 2, "snapshot alone")
        expect_equal(quorated(options, "snapshot", "save")[0], 2, "snapshot save")
        data.mkdir()
        (data / "file").write_text("mine")
        status, _, err = quorated(options, *good)
        expect(status == 1 and "not empty" in err, f"{status}: {err}")
        expect_equal((data / "file").read_text(), "mine", "what was there")
        (data / "file").unlink()
        status, out, err = quorated(options, *good)
        expect(status == 0 and "restored revision" in out, f"into an empty directory: {err}")


@suite.case(seconds=120)
def log_of_a_restored_member_lives_in_wal_dir(options):
    with Sites(options) as place:
        saved_snapshot(place)
        data, wal = place.folder / "restored", place.folder / "wal"
        more = f"--wal-dir={wal}"
        status, _, err = quorated(options, *restore_words(place, place.file, data), more)
        expect_equal(status, 0, f"exit status: {err}")
        expect(list(wal.glob("*.wal")), f"no log in {wal}")
        expect_equal((data / "wal").resolve(), wal.resolve(), "where wal leads")
        expect_equal(quorated(options, "verify", "--data-dir", str(data))[0], 0, "verify")
        before = sorted(wal.iterdir())
        second = place.folder / "second"
        status, _, err = quorated(options, *restore_words(place, place.file, second), more)
        expect(status == 1 and "no log of this data directory" in err, f"{status}: {err}")
        expect_equal(sorted(wal.iterdir()), before, "the log of the first")


@suite.case(seconds=200)
def watches_resumed_at_a_restored_cluster_with_a_bumped_revision_end(options):
    for backend in backends(options):
        with Sites(options, backend) as place:
            saved_snapshot(place)
            site = place.sites[0]
            place.serve(site)
            site.wait_leader()
            before, revision = keys_at(site)
            site.kill()
            shutil.rmtree(site.data)
            status, _, err = quorated(options, *restore_words(place, place.file, site.data),
                                      f"--backend={backend}", "--bump-revision=1000",
                                      "--mark-compacted")
            expect_equal(status, 0, f"restore: {err}")
            place.token = "new"
            place.serve(site)
            site.wait_leader()
            expect_equal(keys_at(site), (before, revision + 1000), f"keys, {backend}")
            resumed = {"create_request": {"key": "AA==", "range_end": "AA==",
                                          "start_revision": revision + 10}}
            port = int(site.url.rsplit(":", 1)[1])
            with contextlib.closing(v3.Stream(port, "watch", resumed)) as stream:
                told = [stream.next(10)["result"] for _ in range(2)]
            expect(told[0].get("created"), f"a watch: {told}")
            expect_equal((told[1].get("canceled"), told[1].get("compact_revision")),
                         (True, str(revision + 1000)), f"its end, {backend}")
            expect_equal(number(site.put("/new", "1"), "header", "revision"), revision + 1001,
                         "next revision")


@suite.case(seconds=60)
def status_is_told_as_etcd_tells_it(options):
    with Sites(options) as place:
        size = len(saved_snapshot(place))
        words = ("snapshot", "status", str(place.file))
        status, out, _ = quorated(options, *words, "-w", "json")
        told = json.loads(out)
        expect_equal((status, sorted(told)), (0, ["hash", "revision", "totalKey", "totalSize"]),
                     "JSON")
        expect(told["totalSize"] in (size, size - 32), f"size {told}, of the file {size}")
        expect(told["totalKey"] > 20 and told["revision"] > 45, f"{told}")
        simple = quorated(options, *words)[1]
        expect(simple.startswith(f"{told['hash']:x}, {told['revision']}, {told['totalKey']}, "),
               simple)
        table = quorated(options, *words, "--write-out=table")[1].splitlines()
        expect_equal(len({len(line) for line in table}), 1, f"widths of {table}")
        expect_equal([cell.strip() for cell in table[1].split("|")[1:-1]],
                     ["HASH", "REVISION", "TOTAL KEYS", "TOTAL SIZE"], "titles")
        expect_equal([cell.strip() for cell in table[3].split("|")[1:-1]],
                     simple.strip().split(", "), "cells")


@suite.case(seconds=400)
def a_survivor_of_three_goes_on_alone(options):
    for backend in backends(options):
        with Sites(options, backend) as place:
            place.serve_all()
            survivor = place.sites[1]
            fill(survivor)
            keys, revision = keys_at(survivor)
            checksum = hash_at(survivor)
            before = survivor.ask("/v3/maintenance/status")["header"]
            place.kill_all()
            for lost in (place.sites[0], place.sites[2]):
                shutil.rmtree(lost.data)
            said = place.type("How far a survivor got", survivor)
            expect(re.search(r" last_term=[1-9]\d* last_index=[1-9]\d* ", said), said)
            place.serve(survivor, "Force a new cluster")
            survivor.wait_leader()
            expect_equal(keys_at(survivor), (keys, revision), f"keys, {backend}")
            expect_equal(hash_at(survivor), checksum, "hash")
            after = survivor.ask("/v3/maintenance/status")["header"]
            for name in ("cluster_id", "member_id"):
                expect_equal(after[name], before[name], name)
            members = survivor.ask("/v3/cluster/member/list")["members"]
            expect_equal([m["name"] for m in members], ["n2"], "members")
            survivor.put("/alone", "1")
            survivor.process.terminate()
            expect_equal(survivor.process.wait(20), 0, "exit status")
            place.serve(survivor)
            survivor.wait_leader()
            expect_equal(number(survivor.put("/alone", "2"), "header", "revision"), revision + 2,
                         "revision after a start without the flag")


@suite.case(seconds=200)
def a_survivor_takes_new_members_in(options):
    with Sites(options) as place:
        newcomer, survivor, third = place.sites
        place.serve_all()
        fill(survivor)
        place.kill_all()
        shutil.rmtree(newcomer.data)
        place.serve(survivor, "Force a new cluster")
        survivor.wait_leader()
        keys, revision = keys_at(survivor)
        survivor.kill()
        place.serve(survivor)
        survivor.wait_leader()
        place.new_peer_url = newcomer.peer_url
        survivor.until("/v3/cluster/member/list", {}, lambda a: len(a["members"]) == 1)
        place.type("Add a member", survivor)
        place.sites = [newcomer, survivor]
        place.serve(newcomer, "Start a new member")
        try:
            expect_equal(keys_at(newcomer), (keys, revision), "keys at the new member")
        except AssertionError:
            if "a new member cannot join a running cluster yet" in newcomer.tail():
                return  # not built into this program
            raise
        expect_equal(number(newcomer.put("/two", "of us"), "header", "revision"), revision + 1,
                     "next revision")
        # The third still has its disk, and is told that it was removed.
        place.sites = [newcomer, survivor, third]
        place.serve(third)
        time.sleep(2)
        members = survivor.ask("/v3/cluster/member/list")["members"]
        expect_equal(sorted(m["name"] for m in members), ["n1", "n2"], "members")
        survivor.put("/two", "still")


@suite.case(seconds=200)
def cluster_whose_directories_are_all_copies_starts_when_told_to(options):
    with Sites(options) as place:
        place.serve_all()
        fill(place.sites[0])
        keys, revision = keys_at(place.sites[0])
        place.kill_all()
        for site in place.sites:
            copy = site.data.with_suffix(".copy")
            shutil.copytree(site.data, copy)
            shutil.rmtree(site.data)
            copy.rename(site.data)
        for site in place.sites:
            place.serve(site)
        time.sleep(4)
        for site in place.sites:
            said = site.log.read_text(errors="replace").rpartition("is a copy")[2]
            expect("--accept-data-loss" in said, said)
            expect("became leader" not in said, f"{site.name} leads with a copy")
        place.kill_all()
        for heading in ("Accept the copies", "Start a member"):
            for site in place.sites:
                place.serve(site, heading)
            for site in place.sites:
                site.wait_leader()
                expect_equal(keys_at(site), (keys, revision), f"keys at {site.name}")
            place.kill_all()


@suite.case(seconds=200)
def a_member_with_another_state_does_not_serve(options):
    flag = "--experimental-initial-corrupt-check"
    with Sites(options) as place:
        sites = place.sites
        files = []
        for turn in ("one", "other"):   # two states of the same revision
            place.sites = sites[:1]
            place.serve(sites[0])
            sites[0].wait_leader()
            sites[0].put("/key", turn)
            place.file = place.folder / turn
            files.append(place.file)
            place.type("Save a snapshot", sites[0])
            sites[0].kill()
            shutil.rmtree(sites[0].data)
        place.sites = sites

        def restore_all(third_file):
            for site in sites:
                site.kill()
                shutil.rmtree(site.data, ignore_errors=True)
                place.file = third_file if site is sites[2] else files[0]
                place.type("Restore each member", site)
            for site in sites[:2]:
                place.serve(site, extra=flag)
            for site in sites[:2]:
                site.wait_leader()
            place.serve(sites[2], extra=flag)

        place.token = "second"
        restore_all(files[0])
        sites[2].wait_leader()
        expect("the state is that of 2 of 2 other members" in sites[2].log.read_text(),
               sites[2].tail())
        place.token = "third"
        restore_all(files[1])
        expect_equal(sites[2].process.wait(PATIENCE), 1, "exit status")
        expect("at the same revision" in sites[2].tail(), sites[2].tail())


@suite.case()
def an_empty_directory_is_no_survivor(options):
    with Sites(options) as place:
        site = place.sites[0]
        place.serve(site, "Force a new cluster")
        expect_equal(site.process.wait(20), 2, "exit status")
        expect("holds no member's data" in site.tail(), site.tail())
        expect(not site.data.exists(), "a directory was made")


def main():
    options = parser(__doc__).parse_args()
    return suite.run(options)


if __name__ == "__main__":
    sys.exit(main())
