"""What operators and clients of a cluster of `quorated serve` see: members without a leader,
clients that leave, metrics, log files that are moved away.

Where `etcd` 3.4 is on the path, a cluster of it is asked the same, and has to answer the same.
"""

import contextlib
import json
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import cluster
import v3
import wire
from json_api import b64
from suite import REPOSITORY, Suite, expect, expect_equal, parser

suite = Suite()

JSON = (("Content-Type", "application/json"),)
WANTS_LEADER = (*JSON, ("Grpc-Metadata-hasleader", "true"))
NO_LEADER = "etcdserver: no leader"
PATIENCE = 60       # seconds; only a test that fails takes them


def eventually(what, condition):
    """What the condition gives once that is true."""
    until = time.monotonic() + PATIENCE
    while True:
        with contextlib.suppress(OSError):
            if found := condition():
                return found
        expect(time.monotonic() < until, f"not within {PATIENCE} s: {what}")
        time.sleep(0.1)


class Members:
    """A cluster of one of the two programs. A context manager."""

    def __init__(self, words, count=3, flags=()):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="quorate-operating-"))
        self.ports = cluster.free_ports(count)
        self.peers = cluster.free_ports(count)
        self.processes = []
        initial = ",".join(f"m{at}=http://{wire.HOST}:{port}" for at, port in enumerate(self.peers))
        for at, (port, peer) in enumerate(zip(self.ports, self.peers)):
            client, peer = f"http://{wire.HOST}:{port}", f"http://{wire.HOST}:{peer}"
            member = [*words, "--name", f"m{at}", "--data-dir", str(self.folder / f"data-{at}"),
                      "--listen-client-urls", client, "--advertise-client-urls", client,
                      "--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer,
                      "--initial-cluster", initial, *flags]
            with open(self.folder / f"log-{at}", "wb") as log:
                self.processes.append(subprocess.Popen(member, stdin=subprocess.DEVNULL,
                                                       stdout=log, stderr=log))

    def __enter__(self):
        try:
            for at in range(len(self.ports)):
                eventually(f"member {at} serves", lambda at=at: self.ask(
                    at, "/v3/kv/range", {"key": b64("a")})[0] == 200)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for process in self.processes:
            process.send_signal(signal.SIGCONT)
            process.terminate()
        for process in self.processes:
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def ask(self, at, path, body, headers=JSON):
        """(status, parsed answer)"""
        found = wire.once(self.ports[at], "POST", path, json.dumps(body).encode(), headers, 30)
        return found.status, json.loads(found.body)

    def page(self, at, path):
        return wire.once(self.ports[at], "GET", path).body.decode()

    def begin(self, at, path, body, headers=JSON):
        """A connection on which the request is sent, and nothing is read yet."""
        connection = wire.Connection(self.ports[at], PATIENCE)
        connection.send_request("POST", path, json.dumps(body).encode(), headers)
        return connection

    def pause(self, at):
        self.processes[at].send_signal(signal.SIGSTOP)


def quorated(options):
    return [str(pathlib.Path(options.bin).resolve() / "quorated"), "serve"]


def both(options):
    """The programs to ask, etcd first, where it is there."""
    yield from ((["etcd"],) if shutil.which("etcd") else ())
    yield quorated(options)


@suite.case(150)
def without_a_leader_nobody_waits_who_does_not_want_to(options):
    told = []
    for words in both(options):
        with Members(words) as members:
            watch = {"create_request": {"key": b64("a")}}
            with members.begin(0, "/v3/watch", watch, WANTS_LEADER) as bound, \
                    members.begin(0, "/v3/watch", watch) as free:
                members.pause(1)
                members.pause(2)
                read = {"key": b64("a"), "serializable": True}
                eventually("a read is refused", lambda: members.ask(
                    0, "/v3/kv/range", read, WANTS_LEADER)[0] == 503)
                told.append(members.ask(0, "/v3/kv/range", read, WANTS_LEADER))
                told.append(members.ask(0, "/v3/kv/range", read)[0])
                lines = bound.read_response().body.decode().strip().splitlines()
                told.append(json.loads(lines[-1]))
                # One that asked for nothing goes on: what it hears of is the change, not the end.
                for process in members.processes:
                    process.send_signal(signal.SIGCONT)
                eventually("a write", lambda: members.ask(
                    0, "/v3/kv/put", {"key": b64("a"), "value": b64("1")})[0] == 200)
                expect(read_until(free, b'"events"'), "the other watch has ended")
    half = len(told) // 2
    expect_equal(told[-3][1]["message"], NO_LEADER, "answer")
    expect_equal(told[-1]["error"]["message"], NO_LEADER, "last line of the stream")
    if half != 1:
        expect_equal(told[half:], told[:half], "answers of quorated and of etcd")


def read_until(connection, wanted):
    """Whether that comes before the end."""
    seen = b""
    while wanted not in seen:
        piece = connection.socket.recv(65536)
        if not piece:
            return False
        seen += piece
    return True


@suite.case(120)
def a_client_that_leaves_any_member_gives_its_place_up(options):
    with Members(quorated(options)) as members:
        for lease in (1, 2, 3):
            members.ask(0, "/v3/lease/grant", {"ID": lease, "TTL": 5000})
        name = b64("l")
        places = {"key": b64("l/"), "range_end": b64("l0"), "count_only": True}
        expect_equal(members.ask(0, "/v3/lock/lock", {"name": name, "lease": 1})[0], 200, "lock")
        for at in range(3):
            with members.begin(at, "/v3/lock/lock", {"name": name, "lease": 2}):
                eventually("it waits", lambda: members.ask(
                    0, "/v3/kv/range", places)[1].get("count") == "2")
            eventually("its place is given up", lambda: members.ask(
                0, "/v3/kv/range", places)[1].get("count") == "1")
        expect_equal(members.ask(0, "/v3/lock/unlock", {"key": b64("l/1")})[0], 200, "unlock")
        expect_equal(members.ask(2, "/v3/lock/lock", {"name": name, "lease": 3})[0], 200, "lock")


@suite.case(60)
def who_waits_for_a_lock_is_told_when_its_member_ends(options):
    with Members(quorated(options)) as members:
        name = b64("l")
        for lease in (1, 2):
            members.ask(0, "/v3/lease/grant", {"ID": lease, "TTL": 5000})
        members.ask(0, "/v3/lock/lock", {"name": name, "lease": 1})
        places = {"key": b64("l/"), "range_end": b64("l0"), "count_only": True}
        with members.begin(1, "/v3/lock/lock", {"name": name, "lease": 2}) as waiting:
            eventually("it waits", lambda: members.ask(
                0, "/v3/kv/range", places)[1].get("count") == "2")
            members.processes[1].terminate()
            answer = waiting.read_response()
            expect_equal(json.loads(answer.body)["message"], "transport is closing", "answer")
        eventually("its place is given up", lambda: members.ask(
            0, "/v3/kv/range", places)[1].get("count") == "1")


@suite.case(60)
def waiters_whose_lease_ends_get_an_error_and_no_lock(options):
    with Members(quorated(options), 1) as members:
        members.ask(0, "/v3/lease/grant", {"ID": 1, "TTL": 5000})
        for call, word in (("lock/lock", "mutex"), ("election/campaign", "election")):
            held = {"name": b64(word), "lease": 1}
            expect_equal(members.ask(0, f"/v3/{call}", held)[0], 200, "the first one")
            members.ask(0, "/v3/lease/grant", {"ID": 2, "TTL": 5000})
            places = {"key": b64(f"{word}/"), "range_end": b64(f"{word}0"), "count_only": True}
            with members.begin(0, f"/v3/{call}", {**held, "lease": 2}) as waiting:
                eventually("it waits", lambda: members.ask(
                    0, "/v3/kv/range", places)[1].get("count") == "2")
                members.ask(0, "/v3/lease/revoke", {"ID": 2})
                answer = waiting.read_response()
                expect_equal((answer.status, json.loads(answer.body)["message"]),
                             (500, f"{word}: session is expired"), "answer")


def enable_users(members):
    """Enables authentication for root and for ann, who may read `k`; the token of root."""
    for name in ("root", "ann"):
        members.ask(0, "/v3/auth/user/add", {"name": name, "password": "word"})
    members.ask(0, "/v3/auth/user/grant", {"user": "root", "role": "root"})
    members.ask(0, "/v3/auth/role/add", {"name": "reader"})
    members.ask(0, "/v3/auth/role/grant",
                {"name": "reader", "perm": {"permType": "READ", "key": b64("k")}})
    members.ask(0, "/v3/auth/user/grant", {"user": "ann", "role": "reader"})
    expect_equal(members.ask(0, "/v3/auth/enable", {})[0], 200, "enable")
    return token_of(members, "root")


def token_of(members, name):
    told = members.ask(0, "/v3/auth/authenticate", {"name": name, "password": "word"})[1]
    return (*JSON, ("Authorization", told["token"]))


@suite.case(60)
def watch_ends_with_the_permission_of_its_user(options):
    with Members(quorated(options), 1) as members:
        root = enable_users(members)
        watch = {"create_request": {"key": b64("k")}}
        with members.begin(0, "/v3/watch", watch, token_of(members, "ann")) as watching:
            expect(read_until(watching, b'"created":true'), "a watch")
            put = {"key": b64("k"), "value": b64("1")}
            members.ask(0, "/v3/kv/put", put, root)
            expect(read_until(watching, b'"events"'), "an event")
            members.ask(0, "/v3/auth/user/revoke", {"name": "ann", "role": "reader"}, root)
            expect(read_until(watching, b'"canceled":true,"cancel_reason":"rpc error: code = '
                              b'PermissionDenied desc = etcdserver: permission denied"'),
                   "the end of the watch")


def messages(stream, count):
    """So many messages of a stream, without their headers."""
    found = [stream.next(PATIENCE)["result"] for _ in range(count)]
    return [{name: value for name, value in one.items() if name != "header"} for one in found]


@suite.case(60)
def watch_from_a_negative_revision_ends_alone_and_with_a_reason(options):
    reason = "rpc error: code = OutOfRange desc = " \
             "etcdserver: mvcc: required revision has been compacted"
    creations = [{"create_request": {"key": b64("k")}},
                 {"create_request": {"key": b64("k"), "start_revision": -5}},
                 {"create_request": {"key": b64("b"), "range_end": b64("a"), "start_revision": -5}}]
    with Members(quorated(options), 1) as members:
        for revision in (None, 2):
            if revision:
                members.ask(0, "/v3/kv/compaction", {"revision": revision})
            stream = v3.Stream(members.ports[0], "watch",
                               "".join(map(json.dumps, creations)).encode(), PATIENCE)
            with contextlib.closing(stream):
                ended = {"compact_revision": str(revision)} if revision else {
                    "cancel_reason": reason}
                expect_equal(messages(stream, 4),
                             [{"created": True}, {"watch_id": "1", "created": True},
                              {"watch_id": "1", "canceled": True, **ended},
                              {"watch_id": "-1", "created": True, "canceled": True,
                               "cancel_reason": "mvcc: watcher range is empty"}], "messages")
                members.ask(0, "/v3/kv/put", {"key": b64("k"), "value": b64("1")})
                expect("watch_id" not in messages(stream, 1)[0], "an event of the first watch")


@suite.case(60)
def password_of_an_unknown_client_is_not_hashed(options):
    with Members(quorated(options), 1) as members:
        enable_users(members)
        longer = {"name": "bob", "password": "x" * 100}     # hashing it would fail
        for path in ("/v3/auth/user/add", "/v3/auth/user/changepw"):
            status, told = members.ask(0, path, longer)
            expect_equal((status, told["message"]), (400, "etcdserver: user name is empty"), path)


@suite.case(120)
def observer_of_an_election_learns_a_value_after_a_failed_look_up(options):
    with Members(quorated(options)) as members:
        def leads(at):
            status = members.ask(at, "/v3/maintenance/status", {})[1]
            return status["leader"] == status["header"]["member_id"]
        observer = next(at for at in range(3) if not leads(at))
        others = [at for at in range(3) if at != observer]
        members.ask(observer, "/v3/lease/grant", {"ID": 1, "TTL": 5000})
        wish = {"name": b64("e"), "lease": 1, "value": b64("1")}
        won = members.ask(observer, "/v3/election/campaign", wish)[1]["leader"]
        with contextlib.closing(v3.Stream(members.ports[observer], "election/observe",
                                          {"name": b64("e")}, PATIENCE)) as stream:
            expect_equal(stream.next(PATIENCE)["result"]["kv"]["value"], b64("1"), "first value")
            # It applies what the others have written when none of them can confirm a read.
            members.pause(observer)
            members.ask(others[0], "/v3/election/proclaim", {"leader": won, "value": b64("2")})
            for value in "abcde":
                members.ask(others[0], "/v3/kv/put", {"key": b64("k"), "value": b64(value)})
            for at in others:
                members.pause(at)
            members.processes[observer].send_signal(signal.SIGCONT)
            eventually("a look-up fails", lambda: re.search(
                r"^etcd_server_read_indexes_failed_total [1-9]",
                members.page(observer, "/metrics"), re.MULTILINE))
            for at in others:
                members.processes[at].send_signal(signal.SIGCONT)
            expect_equal(stream.next(PATIENCE)["result"]["kv"]["value"], b64("2"), "second value")


def families(page):
    """{name: type} of a scrape."""
    return dict(re.findall(r"^# TYPE (\S+) (\S+)$", page, re.MULTILINE))


def labels_of(page, name):
    """The names of the labels of a family's samples."""
    found = re.search(rf"^{name}(?:_count)?{{(.*)}} ", page, re.MULTILINE)
    return found and sorted(re.findall(r'(\w+)="', found[1]))


@suite.case(150)
def the_wire_to_each_peer_is_measured(options):
    names = ("etcd_network_peer_sent_bytes_total", "etcd_network_peer_received_bytes_total",
             "etcd_network_peer_round_trip_time_seconds", "etcd_network_active_peers")
    told = []
    for words in both(options):
        with Members(words) as members:
            members.page(0, "/health")
            members.ask(0, "/v3/kv/put", {"key": b64("a"), "value": b64("1" * 10_000)})
            page = eventually("all that is measured", lambda: all(
                name in members.page(0, "/metrics") for name in names)
                and members.page(0, "/metrics"))
            types = families(page)
            buckets = re.findall(r'round_trip_time_seconds_bucket{To="\w+",le="(.*?)"}', page)
            told.append([(name, types.get(name), labels_of(page, name)) for name in names]
                        + [sorted(float(bound) for bound in set(buckets))])
            count = re.search(r"^etcd_server_health_success (\d+)", page, re.MULTILINE)
            expect(int(count[1]) > 0, "no check of its health is counted")
            sent = re.findall(r"^etcd_network_peer_sent_bytes_total{.*} (\S+)$", page, re.MULTILINE)
            expect_equal(len(sent), 2, "peers")
            expect(all(float(one) > 0 for one in sent), f"nothing is sent: {sent}")
            active = re.findall(r"^etcd_network_active_peers{.*} (\S+)$", page, re.MULTILINE)
            expect_equal(active, ["1", "1"], "connected peers")
            members.processes[2].kill()
            eventually("one less is connected", lambda: sorted(re.findall(
                r"^etcd_network_active_peers{.*} (\S+)$", members.page(0, "/metrics"),
                re.MULTILINE)) == ["0", "1"])
    expect_equal(told[-1], told[0], "metrics of quorated and of etcd")


def left_out():
    """What doc/metrics.md says that etcd has and quorate has not, as a regular expression."""
    text = (REPOSITORY / "doc/metrics.md").read_text()
    part = text.split("### What etcd 3.4 has and quorate does not")[1].split("\n## ")[0]
    cells = re.findall(r"^\| (`.*?) \|", part, re.MULTILINE)
    names = re.findall(r"`([a-z0-9_*]+)`", " ".join(cells))
    return re.compile("|".join(name.replace("*", ".*") for name in names))


def documented():
    """What doc/metrics.md says that quorate has."""
    text = (REPOSITORY / "doc/metrics.md").read_text().split("### What etcd 3.4 has")[0]
    names = set()
    for name in re.findall(r"`([a-z0-9_]+(?:{[a-z,]+}[a-z0-9_]+)?)", text):
        head, _, rest = name.partition("{")
        choices, _, tail = rest.partition("}")
        names |= {head + one + tail for one in choices.split(",")} if rest else {name}
    return names


@suite.case(90)
def every_metric_of_etcd_is_told_or_said_to_be_missing(options):
    with Members(quorated(options), 1) as members:
        members.ask(0, "/v3/kv/put", {"key": b64("a"), "value": b64("1")})
        ours = families(members.page(0, "/metrics"))
    known = documented()
    missing = [name for name in ours if name not in known
               and name.replace("etcd_debugging_mvcc_", "etcd_mvcc_") not in known]
    expect_equal(missing, [], "metrics that doc/metrics.md lacks")
    if shutil.which("etcd") is None:
        print("skipped: etcd is not installed")
        return
    with Members(["etcd"], 1) as members:
        theirs = families(members.page(0, "/metrics"))
    gone = left_out()
    unsaid = [name for name in theirs
              if name not in ours and name not in known and not gone.fullmatch(name)]
    expect_equal(unsaid, [], "metrics of etcd that are neither told nor said to be missing")
    wrong = [name for name in ours if gone.fullmatch(name)]
    expect_equal(wrong, [], "metrics that are there, and said to be missing")
    types = {name: (ours[name], theirs[name]) for name in ours
             if name in theirs and ours[name] != theirs[name]}
    expect_equal(types, {}, "types")


@suite.case(60)
def log_files_that_are_moved_away_are_opened_anew(options):
    with tempfile.TemporaryDirectory(prefix="quorate-log-") as folder:
        log, old = pathlib.Path(folder) / "log", pathlib.Path(folder) / "log.1"
        with Members(quorated(options), 1, ("--log-outputs", str(log))) as members:
            for turn in (1, 2):
                log.rename(old)
                members.processes[0].send_signal(signal.SIGHUP)
                text = eventually(f"a new file, turn {turn}", lambda: log.exists()
                                  and "open anew" in log.read_text() and log.read_text())
                expect("serving clients" not in text, "an old line is in the new file")
                expect("open anew" not in old.read_text() or turn == 2, "the old file has it too")
            expect_equal(members.ask(0, "/v3/kv/range", {"key": b64("a")})[0], 200, "status")


if __name__ == "__main__":
    sys.exit(suite.run(parser(__doc__).parse_args()))
