"""Clients that break the rules of `quorated serve` do not disturb a cluster of three.

Each case attacks one member and then another, the leader among them, while a client that behaves
writes through all three. Nothing of it may fail, nobody may be elected, no member may grow without
bound, and what is refused is refused as the client's fault. What is about HTTP alone comes from
http_abuse.py.
"""

import contextlib
import json
import sys
import threading
import time

import http_abuse
import v3
from http_abuse import connect, open_descriptors, resident_bytes
from server_cluster import ServerCluster
from suite import Suite, expect, expect_equal, expect_status, parser
from wire import Broken, Connection, once, request_head

suite = Suite()

# A busy machine alone shall elect nobody.
PATIENT = ("--heartbeat-interval", "100", "--election-timeout", "3000")
FAULTS = range(400, 500)
STREAMS = 100               # that are never read
LARGE = 100_000             # bytes of a value


class Writer(threading.Thread):
    """The client that behaves: a write and a read through each member in turn, all along, on the
    connections it has had from the beginning."""

    def __init__(self, cluster):
        super().__init__(daemon=True)
        self.ports = [cluster.port(number) for number in sorted(cluster.members)]
        self.client = v3.Client(timeout=15)
        self.turns = 0
        self.failure = None
        self.stopping = threading.Event()

    def run(self):
        try:
            while not self.stopping.wait(0.02):
                self.turn(self.ports[self.turns % len(self.ports)])
        except Exception as failure:    # whatever it is, the test has to hear of it
            self.failure = failure
        self.client.close()

    def turn(self, port):
        self.turns += 1
        key, value = v3.b64("light"), v3.b64(f"load {self.turns}")
        written = self.client.call(port, "kv/put", {"key": key, "value": value})
        expect_equal((written.kind, written.why), ("ok", ""), f"write {self.turns}")
        found = self.client.call(port, "kv/range", {"key": key})
        expect_equal(found.kind == "ok" and found.body["kvs"][0]["value"], value, "value")

    def stop(self):
        self.stopping.set()
        self.join(30)
        expect(not self.is_alive(), "the client that behaves hangs")
        if self.failure:
            raise self.failure


def standing(cluster):
    """Who leads, in which term, as each member sees it."""
    found = [cluster.status(number) for number in sorted(cluster.members)]
    return [(one.get("leader"), one.get("raftTerm")) for one in found]


@contextlib.contextmanager
def undisturbed(options, *flags):
    """A cluster whose members may open few descriptors, and a client that behaves."""
    with http_abuse.many_descriptors(), http_abuse.few_descriptors(
            ServerCluster(options.bin, 3, flags, PATIENT)) as cluster:
        before = standing(cluster)
        expect_equal(len(set(before)), 1, f"views of the leader, {before}")
        writer = Writer(cluster)
        writer.start()
        try:
            wait_until(lambda: writer.turns > 6 or writer.failure, 30, "writes")
            yield cluster
            turns = writer.turns
            wait_until(lambda: writer.turns > turns + 6 or writer.failure, 30, "writes")
            writer.stop()
        finally:
            writer.stopping.set()
        expect_equal(standing(cluster), before, "leader and term")
        expect_equal(set(cluster.stop_all().values()), {0}, "exit statuses")


def wait_until(done, seconds, what):
    deadline = time.monotonic() + seconds
    while not done():
        expect(time.monotonic() < deadline, f"{what}: not within {seconds} s")
        time.sleep(0.05)


def leader_and_follower(cluster):
    lead = cluster.leader()
    return lead, next(number for number in cluster.members if number != lead)


@contextlib.contextmanager
def bounded(cluster, number, most, what):
    """A member grows by no more than so many bytes."""
    before = resident_bytes(cluster, number)
    yield
    grown = resident_bytes(cluster, number) - before
    print(f"  member {number}, {what}: {grown / 1e6:+.0f} MB", flush=True)
    expect(grown < most, f"{what}: {grown / 1e6:.0f} MB more")


@suite.case(120)
def idle_and_slow_connections(options):
    """Five times as many as there are descriptors; heads that never end; bodies that never come."""
    with undisturbed(options) as cluster:
        for number in leader_and_follower(cluster):
            port = cluster.port(number)
            with contextlib.ExitStack() as crowd, bounded(cluster, number, 100e6, "idle"):
                for _ in range(http_abuse.idle_count() // 2):
                    connect(port, crowd)
                most = open_descriptors(cluster, number)
                expect(most < http_abuse.DESCRIPTORS * 0.9, f"{most} descriptors in use")
            with contextlib.ExitStack() as crowd, bounded(cluster, number, 100e6, "bodies"):
                for _ in range(600):
                    upload = connect(port, crowd)
                    with contextlib.suppress(Broken):   # it may have had to make way already
                        upload.send(request_head("POST", "/v3/kv/put", 1_500_000) + b"{")
                expect_status(once(port, "POST", "/v3/kv/range", b'{"key":"AA=="}'), 200)
        with contextlib.ExitStack() as crowd:
            port = cluster.port(cluster.leader())
            http_abuse.expect_slow_heads_given_up(port, crowd, lambda turn: None)


def nested(opening, closing, depth):
    return (opening * depth + "1" + closing * depth).encode()


def wrong_bodies():
    """(what, path, body): none of them is a request that can be done."""
    put, txn, long = "kv/put", "kv/txn", 1_400_000
    condition = '{"target":"VERSION","key":"YQ=="}'
    return (
        ("deep lists", put, b'{"key":' + b"[" * 700_000),
        ("deep lists that end", put, nested("[", "]", 500_000)),
        ("deep objects", put, nested('{"a":', "}", 200_000)),
        ("deep unknown fields", put, b'{"x":' + nested('{"a":', "}", 100_000) + b"}"),
        ("deep transactions", txn, nested('{"success":[{"request_txn":', "}]}", 30_000)),
        ("no end", put, b'{"key":"YQ=="'),
        ("no end of a text", put, b'{"key":"' + b"Y" * long),
        ("nothing but blanks and a brace", put, b" " * long + b"}"),
        ("a list", put, b"[]"),
        ("a number", put, b"17"),
        ("zero bytes", put, b"\0" * 1000),
        ("all bytes", put, bytes(range(256)) * 1000),
        ("a wrong escape", put, b'{"key":"\\x41"}'),
        ("half an escape", put, b'{"key":"\\ud8'),
        ("bad base64", put, b'{"key":"%%%%"}'),
        ("base64 without padding", put, b'{"key":"YQ"}'),
        ("long bad base64", put, b'{"key":"' + b"YQ==" * 300_000 + b'"}'),
        ("a key that is a number", put, b'{"key":1}'),
        ("a key of large numbers", put, b'{"key":[1,256,100000]}'),
        ("no key", put, b"{}"),
        ("a lease beyond 64 bits", put, b'{"key":"YQ==","lease":"99999999999999999999"}'),
        ("a lease with a fraction", put, b'{"key":"YQ==","lease":1.5}'),
        ("a number of a million digits", put, b'{"key":"YQ==","lease":' + b"9" * long + b"}"),
        ("an exponent", put, b'{"key":"YQ==","lease":1e999999999}'),
        ("an unknown lease", put, b'{"key":"YQ==","lease":"123"}'),
        ("60,000 operations", txn, b'{"success":[' + b'{"request_put":{}},' * 60_000 + b"{}]}"),
        ("40,000 conditions", txn, f'{{"compare":[{",".join([condition] * 40_000)}]}}'.encode()),
        ("an operation that is none", txn, b'{"success":[{}]}'),
        ("a key twice", txn, b'{"success":[{"request_put":{"key":"YQ=="}},'
                             b'{"request_put":{"key":"YQ=="}}]}'),
        ("a sort order that is none", "kv/range", b'{"key":"YQ==","sort_order":"SIDEWAYS"}'),
        ("a revision to come", "kv/range", b'{"key":"YQ==","revision":"9000000000000000000"}'),
        ("a compaction to come", "kv/compaction", b'{"revision":"9000000000000000000"}'),
        ("the longest lease", "lease/grant", b'{"TTL":"9223372036854775807"}'),
        ("a lease that is not there", "lease/revoke", b'{"ID":"77"}'),
        ("an alarm that is none", "maintenance/alarm", b'{"action":77}'),
        ("a member that is none", "cluster/member/remove", b'{"ID":"77"}'),
        ("a member without a place", "cluster/member/add", b'{"peerURLs":["nowhere"]}'),
        ("more than a request may have", put, b'{"key":"YQ==","value":"' + b"Y" * 2_200_000 +
         b'"}'),
        ("much more", put, b'{"key":"YQ==","value":"' + b"Y" * 20_000_000 + b'"}'),
    )


def expect_client_fault(port, method, path, body, what):
    """The answer says that the client is wrong."""
    with Connection(port, 20) as connection:
        with contextlib.suppress(Broken):       # it may be refused before all of it was read
            connection.send_request(method, path, body)
        answer = connection.read_response(method)
    expect(answer.status in FAULTS, f"{what}: {answer!r}")
    return answer


@suite.case(120)
def requests_that_are_wrong(options):
    """Bodies, paths, methods and framings; each is told so, and costs little."""
    inner = (b"POST /v3/kv/put HTTP/1.1\r\nHost: h\r\nContent-Length: 18\r\n\r\n"
             b'{"key":"c211Zw=="}')
    good = tuple(request_head("POST", f"/v3/{path}", len(body)) + body for path, body in (
        ("kv/put", b'{"key":"cg==","value":"cg=="}'), ("kv/range", b'{"key":"cg=="}'),
        ("watch", b'{"create_request":{"key":"cg=="}}'), ("lease/grant", b'{"TTL":5}')))
    with undisturbed(options) as cluster:
        for number in leader_and_follower(cluster):
            port = cluster.port(number)
            with bounded(cluster, number, 150e6, "wrong bodies"):
                for what, path, body in wrong_bodies():
                    expect_client_fault(port, "POST", f"/v3/{path}", body, what)
            for path in ("/v3/nothing", "/v3", "/v3/", "/v3/kv/put/", "/v3//kv/put", "/v3/kv/../kv",
                         "/..%2f..%2fetc/passwd", "/../../etc/passwd", "/%00", "/v2/keys/a", "/" +
                         "a" * 5000):
                expect_client_fault(port, "POST", path, b"{}", path[:40])
            for method in ("GET", "PUT", "DELETE", "PATCH", "TRACE", "post", "PRI", "X" * 20):
                expect_client_fault(port, method, "/v3/kv/put", b"{}", method)
            line = b"POST /v3/kv/put HTTP/1.1\r\nHost: h\r\n"
            with bounded(cluster, number, 50e6, "endless requests"):
                for what, (data, status) in http_abuse.endless(line).items():
                    http_abuse.expect_refused(port, data, what, status)
            http_abuse.expect_no_smuggling(port, b"POST /v3/kv/put", inner)
            found = v3.ask(port, "kv/range", {"key": "c211Zw=="})
            expect("kvs" not in found, f"smuggled: {found}")
            with bounded(cluster, number, 50e6, "rubbish"):
                http_abuse.expect_rubbish_survived(cluster, number, options.seed, good, 800)


def watch_head(create):
    body = json.dumps({"create_request": create}).encode()
    return request_head("POST", "/v3/watch", len(body)) + body


def watchers(port):
    """How many watches a member says that it has."""
    for line in once(port, "GET", "/metrics").body.decode().splitlines():
        if line.startswith("etcd_debugging_mvcc_watcher_total "):
            return float(line.split()[1])
    raise AssertionError("no figure of the watches")


@suite.case(120)
def streams_that_are_never_read(options):
    """Many watches, whose events pile up nowhere; one is read in the end and has them all."""
    with undisturbed(options) as cluster, contextlib.ExitStack() as crowd:
        lead, follower = leader_and_follower(cluster)
        for number in (lead, follower):
            for _ in range(STREAMS):
                connect(cluster.port(number), crowd).send(
                    watch_head({"key": v3.b64("large"), "prev_kv": True}))
        late = v3.Stream(cluster.port(follower), "watch",
                         {"create_request": {"key": v3.b64("large")}})
        expect(late.next(20)["result"]["created"], "no watch")
        value = v3.b64("v" * LARGE)
        v3.ask(cluster.port(lead), "kv/put", {"key": v3.b64("large"), "value": value})
        before = {number: resident_bytes(cluster, number) for number in (lead, follower)}
        wanted = 300
        for _ in range(wanted):
            v3.ask(cluster.port(lead), "kv/put", {"key": v3.b64("large"), "value": value}, 30)
        # The values stand in the store, in the log that is kept at hand, and once in each queue.
        for number, was in before.items():
            grown = resident_bytes(cluster, number) - was
            print(f"  member {number}: {grown / 1e6:+.0f} MB for {wanted * LARGE / 1e6:.0f} MB of "
                  f"values and {STREAMS} streams", flush=True)
            expect(grown < 200e6, f"member {number} has grown by {grown / 1e6:.0f} MB")
        seen = 0
        while seen <= wanted:
            message = late.next(20)
            expect(message is not None, f"{seen} of {wanted + 1} events, and no more")
            seen += len(message["result"].get("events", ()))
        late.close()


@suite.case(120)
def more_streams_than_there_is_room_for(options):
    """Streams are not idle, and yet others must be served; watches end with their clients."""
    with undisturbed(options) as cluster:
        for number in leader_and_follower(cluster):
            port = cluster.port(number)
            with contextlib.ExitStack() as crowd, bounded(cluster, number, 150e6, "streams"):
                for turn in range(1500):
                    with contextlib.suppress(OSError):
                        connect(port, crowd).send(watch_head({"key": v3.b64(f"k{turn}")}))
                most = open_descriptors(cluster, number)
                expect(most < http_abuse.DESCRIPTORS * 0.95, f"{most} descriptors in use")
            wait_until(lambda at=port: watchers(at) == 0, 20, "watches without clients")
            with bounded(cluster, number, 200e6, "watches of one stream"):
                many = b'{"create_request":{"key":"YQ==","range_end":"Yg=="}}' * 20_000
                with Connection(port, 20) as connection:
                    connection.send_request("POST", "/v3/watch", many)
                    expect(connection.stream.readline().split()[1] == b"200", "refused")
                    v3.ask(port, "kv/put", {"key": "YWE="}, 20)
                wait_until(lambda at=port: watchers(at) == 0, 20, "watches of one stream")


def main():
    options = parser(__doc__)
    options.add_argument("--seed", type=int, help="repeat the rubbish of an earlier run")
    return suite.run(options.parse_args())


if __name__ == "__main__":
    sys.exit(main())
