"""Limits of `quorated serve` for its clients, its stop, and its HTTP: health is served at any
limit, refused clients get an answer, and answers that are cut off look so.
"""

import contextlib
import json
import os
import re
import socket
import sys
import threading
import time

import http_abuse
import v3
from http_abuse import connect, many_descriptors, resident_bytes
from server_cluster import ServerCluster
from suite import Suite, expect, expect_equal, expect_status, parser
from wire import Broken, Connection, once, request_head

suite = Suite()

CALM = ("--heartbeat-interval", "100", "--election-timeout", "1000")
WATCHES = 10_000


@contextlib.contextmanager
def lone(options, *flags, descriptors=None):
    """One member; this process may open many descriptors."""
    with many_descriptors():
        cluster = ServerCluster(options.bin, 1, flags, CALM)
        if descriptors:
            http_abuse.few_descriptors(cluster, descriptors)
        with cluster:
            yield cluster, cluster.port(1)
            expect(cluster.members[1].running, "the member has ended")


def post(path, body):
    body = json.dumps(body).encode()
    return request_head("POST", f"/v3/{path}", len(body)) + body


def watch(key="k"):
    return post("watch", {"create_request": {"key": v3.b64(key)}})


def first_line(connection):
    """The status of an answer that may go on."""
    return int(connection.stream.readline().split()[1])


def lines_of(cluster, text):
    log = cluster.members[1].log.read_text(errors="replace")
    return [line for line in log.splitlines() if text in line]


def expect_served(port):
    """Health, metrics, and a write on a new connection."""
    expect_equal(once(port, "GET", "/health").body, b'{"health":"true"}', "health")
    expect_status(once(port, "GET", "/readyz"), 200)
    expect(b"etcd_server_has_leader 1" in once(port, "GET", "/metrics").body, "metrics")
    v3.ask(port, "kv/put", {"key": v3.b64("served")})


# ---------------------------------------------------------------------- limits

@suite.case()
def watches_leave_connections_for_requests(options):
    with lone(options, "--max-connections", "64") as (cluster, port), \
            contextlib.ExitStack() as crowd:
        refused = 0
        for _ in range(60):
            stream = connect(port, crowd)
            stream.send(watch())
            if first_line(stream) == 200:
                continue
            refused += 1
        expect_equal(refused, 4, "watches refused, with seven eighths of 64 connections")
        answer = once(port, "POST", "/v3/watch", b'{"create_request":{"key":"YQ=="}}')
        expect_equal((answer.status, answer.header("content-type"), answer.header("retry-after"),
                      json.loads(answer.body)["code"]), (503, "application/json", "1", 14), "watch")
        lease = v3.ask(port, "lease/grant", {"TTL": 60})["ID"]
        waits = once(port, "POST", "/v3/lock/lock",
                     json.dumps({"name": "YQ==", "lease": lease}).encode())
        expect_equal((waits.status, json.loads(waits.body)["code"]), (503, 14), "a wait for a lock")
        expect_served(port)
        expect_equal(len(lines_of(cluster, "streams and waiting requests: the limit of 56")), 1,
                     "log lines")


@suite.case()
def health_is_served_when_all_connections_are_taken(options):
    """Requests that wait, for a leader that is not there, take every connection there is."""
    with many_descriptors(), \
            ServerCluster(options.bin, 3, ("--max-connections", "64"), CALM) as cluster, \
            contextlib.ExitStack() as crowd:
        port = cluster.port(1)
        for number in (2, 3):
            cluster.kill(number)
        for _ in range(90):
            connect(port, crowd).send(post("kv/range", {"key": "YQ=="}))
        late = once(port, "POST", "/v3/kv/range", b'{"key":"YQ=="}')
        expect_status(late, 503)
        expect_equal(json.loads(late.body)["message"], "quorate: too many connections", "refusal")
        for _ in range(40):
            expect_status(once(port, "GET", "/metrics"), 200)
            expect_status(once(port, "GET", "/livez"), 200)
        expect(lines_of(cluster, "connections of clients: the limit of 64 is reached"), "no line")


@suite.case(180)
def ten_thousand_watches_work_by_default(options):
    with lone(options) as (cluster, port), contextlib.ExitStack() as crowd:
        room = http_abuse.resource.getrlimit(http_abuse.resource.RLIMIT_NOFILE)[1]
        if room < 16_000:
            print(f"skipped: {room} descriptors allow fewer", flush=True)
            expect(lines_of(cluster, "file descriptors allows"), "no warning of few descriptors")
            return
        streams = []
        for _ in range(WATCHES):
            stream = crowd.enter_context(contextlib.closing(socket.create_connection(
                ("127.0.0.1", port), 30)))
            stream.sendall(watch("many"))
            streams.append(stream)
        for stream in streams:
            expect(b"created" in read_until(stream, b"created"), "no watch")
        v3.ask(port, "kv/put", {"key": v3.b64("many"), "value": "YQ=="}, 60)
        for stream in streams:
            read_until(stream, b"mod_revision")
        print(f"  {resident_bytes(cluster) / 1e6:.0f} MB", flush=True)
        expect_served(port)


def read_until(stream, text):
    data = b""
    while text not in data:
        more = stream.recv(65536)
        expect(more, f"the end after {data[-100:]!r}")
        data += more
    return data


@suite.case()
def dripping_connections_make_way(options):
    with lone(options, descriptors=1024) as (cluster, port), contextlib.ExitStack() as crowd:
        session = connect(port, crowd)
        expect_status(session.request("POST", "/v3/kv/range", b'{"key":"YQ=="}'), 200)
        slow = []
        for turn in range(3000):
            with contextlib.suppress(OSError):
                slow.append(connect(port, crowd))
                slow[-1].send(b"POST /v3/kv/put HTTP/1.1\r\nX: ")
            if turn % 100 == 99:
                for one in slow:
                    with contextlib.suppress(OSError):
                        one.send(b"y")
                expect_served(port)
                expect_status(session.request("POST", "/v3/kv/range", b'{"key":"YQ=="}'), 200)
        used = http_abuse.open_descriptors(cluster)
        expect(used < 1024 * 0.8, f"{used} descriptors")
        expect(lines_of(cluster, "file descriptors allows 768 connections"), "no warning")


@suite.case(120)
def memory_of_unfinished_bodies_is_bounded(options):
    with lone(options, "--max-unfinished-bytes", "50000000") as (cluster, port), \
            contextlib.ExitStack() as crowd:
        before = resident_bytes(cluster)
        for _ in range(300):
            upload = connect(port, crowd)
            with contextlib.suppress(Broken):
                upload.send(request_head("POST", "/v3/kv/put", 1_500_000) + b"{" * 1_400_000)
        grown = resident_bytes(cluster) - before
        print(f"  {grown / 1e6:+.0f} MB for 420 MB", flush=True)
        expect(grown < 150e6, f"{grown / 1e6:.0f} MB")
        value = v3.b64("x" * 900_000)
        v3.ask(port, "kv/put", {"key": "YQ==", "value": value}, 30)
        expect(lines_of(cluster, "memory of requests: the limit of 50000000 bytes"), "no log line")
        expect_served(port)


# ---------------------------------------------------------------------- HTTP

HIDDEN = post("kv/put", {"key": v3.b64("hidden")})


@suite.case()
def targets_are_paths_or_refused(options):
    with lone(options) as (_, port):
        body = b'{"key":"YQ=="}'
        for target in ("http://127.0.0.1/v3/kv/range", "HTTP://h:1/v3/kv/range?x",
                       "https://h/v3/kv/%72ange", "/v3%2fkv/range"):
            expect_status(once(port, "POST", target, body), 200)
        expect_equal(once(port, "GET", "http://h/health").body, b'{"health":"true"}', "health")
        for target in ("v3/kv/put", "a:80", "*", "http:///v3/kv/put", "ftp://h/v3/kv/put",
                       "http://u:p@h/v3/kv/put", "/v3/kv/p%zzt", "/v3/kv/put%4"):
            head = request_head("POST", target, len(HIDDEN))
            http_abuse.expect_refused(port, head + HIDDEN, target, 400)
        expect("kvs" not in v3.ask(port, "kv/range", {"key": v3.b64("hidden")}), "smuggled")
        expect_status(once(port, "OPTIONS", "*"), 200)
        http_abuse.expect_refused(port, request_head("CONNECT", "h:80"), "CONNECT", 501)


@suite.case()
def too_long_bodies_are_errors_of_the_api(options):
    with lone(options) as (_, port):
        for framing in ("Content-Length: 5000000", "Transfer-Encoding: chunked"):
            with Connection(port) as connection:
                head = f"POST /v3/kv/put HTTP/1.1\r\nHost: h\r\n{framing}\r\n\r\n"
                with contextlib.suppress(Broken):
                    connection.send(head.encode() + b"4c4b40\r\n" + b"x" * 5_000_000)
                answer = connection.read_response()
            expect_equal((answer.status, answer.header("content-type"), json.loads(answer.body)),
                         (413, "application/json",
                          {"error": "etcdserver: request is too large",
                           "message": "etcdserver: request is too large", "code": 3}), framing)
            date = answer.header("date") or ""
            expect(re.fullmatch(r"\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT", date), date)


@suite.case()
def malformed_chunks_are_errors_of_the_api_and_not_called_late(options):
    text = "quorate: malformed request body"
    with lone(options) as (_, port):
        for path in ("/v3/kv/put", "/v3/watch"):
            for body in (b"zz\r\n{}\r\n0\r\n\r\n", b"2\r\n{}XY0\r\n\r\n",
                         b"2\r\n{}\r\n0\r\nContent-Length: 5\r\n\r\n"):
                with Connection(port) as connection:
                    connection.send(f"POST {path} HTTP/1.1\r\nHost: h\r\n".encode() +
                                    b"Transfer-Encoding: chunked\r\n\r\n" + body)
                    answer = connection.read_response()
                expect_equal((answer.status, json.loads(answer.body)),
                             (400, {"error": text, "message": text, "code": 3}), body)


@suite.case(150)
def idle_and_unread_connections_live_on(options):
    """As in etcd, a minute without a request, or without reading, costs nothing."""
    pause, values = 66, 60
    with lone(options) as (_, port), contextlib.ExitStack() as crowd:
        idle = connect(port, crowd)
        expect_status(idle.request("GET", "/health"), 200)
        stream = v3.Stream(port, "watch", {"create_request": {"key": v3.b64("unread")}}, 30)
        for _ in range(values):
            v3.ask(port, "kv/put", {"key": v3.b64("unread"), "value": v3.b64("v" * 200_000)})
        time.sleep(pause)
        expect_status(idle.request("GET", "/health"), 200)
        seen = 0
        while seen < values:
            message = stream.next(20)
            expect(message is not None, f"{seen} of {values} events")
            seen += len(message["result"].get("events", ()))
        stream.close()


# ---------------------------------------------------------------------- the stop

def rest_of(connection, found, name):
    """Reads to the end, in a thread."""
    def read():
        data = b""
        try:
            while more := connection.socket.recv(65536):
                data += more
            found[name] = ("end", data)
        except OSError:
            found[name] = ("reset", data)
    thread = threading.Thread(target=read, daemon=True)
    thread.start()
    return thread


@suite.case()
def stop_ends_streams_with_an_error_and_waits_little(options):
    closing = {"grpc_code": 14, "http_code": 503, "message": "transport is closing",
               "http_status": "Service Unavailable"}
    with many_descriptors(), ServerCluster(options.bin, 1, (), CALM) as cluster, \
            contextlib.ExitStack() as crowd:
        port = cluster.port(1)
        leases = [v3.ask(port, "lease/grant", {"TTL": 600})["ID"] for _ in range(2)]
        v3.ask(port, "lock/lock", {"name": "YQ==", "lease": leases[0]})
        v3.ask(port, "election/campaign", {"name": "Yg==", "lease": leases[0]})
        for turn in range(40):
            v3.ask(port, "kv/put", {"key": v3.b64(f"l{turn}"), "value": v3.b64("x" * 900_000)})
        requests = {
            "watch": watch(),
            "observe": post("election/observe", {"name": "Yg=="}),
            "snapshot": post("maintenance/snapshot", {}),
            "lock": post("lock/lock", {"name": "YQ==", "lease": leases[1]}),
            "half head": b"POST /v3/kv/put HT",
            "half body": request_head("POST", "/v3/kv/put", 100) + b"{",
            "unread": post("maintenance/snapshot", {}),
        }
        connections = {}
        for name, data in requests.items():
            connections[name] = connect(port, crowd, 30)
            connections[name].send(data)
        time.sleep(1)           # all are under way
        found = {}
        began = time.monotonic()
        threads = [rest_of(connections[name], found, name) for name in requests
                   if name not in ("unread", "snapshot")]
        cluster.members[1].process.terminate()
        time.sleep(0.3)
        threads.append(rest_of(connections["snapshot"], found, "snapshot"))
        expect_equal(cluster.wait_exit(1, 30), 0, "exit status")
        took = time.monotonic() - began
        print(f"  stopped after {took:.1f} s", flush=True)
        expect(took < 8, f"half requests and an unread stream held the process for {took:.1f} s")
        for thread in threads:
            thread.join(10)
        for name in ("watch", "observe", "snapshot"):
            how, data = found[name]
            expect(how == "end" and data.endswith(b"\r\n0\r\n\r\n"),
                   f"{name}: no last chunk, {how} after {data[-200:]!r}")
            expect_equal(json.loads(data.split(b"\r\n")[-4])["error"], closing, name)
        status, body = found["lock"][1].split(b"\r\n", 1)
        expect(b"503" in status and b'"message":"transport is closing","code":14' in body,
               f"a wait for a lock: {found['lock']}")
        expect_equal(rest_after(connections["unread"]), "reset", "the end of an unread snapshot")


def rest_after(connection):
    try:
        while connection.socket.recv(1 << 20):
            pass
        return "end"
    except OSError:
        return "reset"


def main():
    return suite.run(parser(__doc__).parse_args())


if __name__ == "__main__":
    sys.exit(main())
