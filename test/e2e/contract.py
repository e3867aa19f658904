"""kvstore's contract, case by case: HTTP, flags, membership, stopping, errors."""

import os
import pathlib
import re
import subprocess
import sys
import tempfile
import threading
import time

from cluster import Cluster, NotReady, free_ports, get, get_many, put
from suite import Suite, expect, expect_equal, expect_status, parser
from wire import Broken, Connection, Session, once, request_head

suite = Suite()
METHODS = {"PUT", "GET", "POST", "DELETE"}
FLAGS = ("--id", "--cluster", "--port", "--join", "--data-dir", "--cluster-token",
         "--force-new-cluster", "--listen-address", "--snapshot-count", "--max-request-bytes",
         "--heartbeat-interval", "--election-timeout", "--request-timeout")


def lone(options, *flags):
    """One member: enough for what happens between one client and one server."""
    return Cluster(options.bin, 1, flags)


def expect_round_trip(port, key, value):
    """PUT answers an empty 204; GET then answers 200 with the same bytes."""
    stored = once(port, "PUT", key, value)
    expect_status(stored, 204)
    expect_equal(stored.body, b"", "body of the 204")
    read = once(port, "GET", key)
    expect_status(read, 200)
    expect_equal(read.body, value, f"value of {key!r}")


def expect_error(response, *statuses):
    """An error with one of the statuses and a short text body that says why."""
    expect_status(response, *statuses)
    expect(0 < len(response.body) <= 1000, f"error body of {len(response.body)} bytes")
    kind = response.header("content-type") or ""
    expect(kind.startswith("text/plain"), f"content type of an error is {kind!r}")


def raw(port, data):
    """Sends bytes as they are; the first final response, or None if the server just closes."""
    with Connection(port, 15) as connection:
        try:
            connection.send(data)
        except Broken:
            pass  # Refused before all of it was read; the answer may be there all the same.
        try:
            return connection.read_response()
        except Broken as failure:
            expect("timed out" not in str(failure), f"no answer: {failure}")
            return None


# ---------------------------------------------------------------------- keys and values


@suite.case()
def put_then_get_on_every_member(options):
    with Cluster(options.bin) as cluster:
        for writer in cluster.members:
            key = f"/from-{writer}"
            put(cluster.port(writer), key, f"value {writer}")
            for reader in cluster.members:
                answer = once(cluster.port(reader), "GET", key)
                expect_equal(answer.body, f"value {writer}".encode(), f"{key} on {reader}")


@suite.case()
def overwrite_is_seen_at_once_everywhere(options):
    with Cluster(options.bin) as cluster:
        session = Session()
        for turn in range(60):
            writer, reader = 1 + turn % 3, 1 + (turn // 3) % 3
            value = str(turn).encode()
            expect_status(session.request(cluster.port(writer), "PUT", "/same", value), 204)
            answer = session.request(cluster.port(reader), "GET", "/same")
            expect_equal(answer.body, value, f"written on {writer}, read on {reader}")
        session.close()


@suite.case()
def missing_key_is_404(options):
    with lone(options) as cluster:
        expect_error(once(cluster.port(1), "GET", "/nobody-wrote-this"), 404)


@suite.case()
def empty_value_is_200_and_empty(options):
    with lone(options) as cluster:
        expect_round_trip(cluster.port(1), "/empty", b"")
        expect_equal(once(cluster.port(1), "GET", "/empty").header("content-length"), "0", "length")
        expect_status(once(cluster.port(1), "PUT", "/no-length"), 204, 411)


@suite.case()
def values_are_binary_safe(options):
    with lone(options) as cluster:
        every = bytes(range(256))
        for name, value in (("all", every), ("zeros", bytes(1000)), ("crlf", b"\r\n\r\n" * 50),
                            ("http", b"HTTP/1.1 200 OK\r\n\r\n"), ("not-utf8", b"\xff\xfe\xc0")):
            expect_round_trip(cluster.port(1), f"/{name}", value)


@suite.case()
def key_is_the_raw_target(options):
    keys = ["/", "//", "/a", "/a?", "/a?b", "/a?b=c&d", "/a/b", "/a%2Fb", "/a%2fb", "/a//b",
            "/a/./b", "/a/../b", "/a+b", "/a%20b", "/%00", "/%", "/%zz", "/a;b,c:d@e!$'()*",
            "/~-._[]", "/4", "/1?x=/../..", "/" + "long" * 1000]
    with lone(options) as cluster:
        port = cluster.port(1)
        for key in keys:
            expect_status(once(port, "PUT", key, b"value of " + key.encode()), 204)
        for key in keys:
            read = once(port, "GET", key)
            expect_equal(read.body, b"value of " + key.encode(), f"GET {key[:40]}")


@suite.case()
def bytes_above_ascii_in_keys_are_kept_or_refused(options):
    with lone(options) as cluster:
        port = cluster.port(1)
        for key in (b"/caf\xc3\xa9", b"/\xff\xfe", b"/\x80?\xa0"):
            stored = once(port, "PUT", key, b"v" + key)
            expect_status(stored, 204, 400)
            if stored.status == 204:
                expect_equal(once(port, "GET", key).body, b"v" + key, f"GET {key!r}")
        expect_status(once(port, "GET", "/\u00bf"), 404, 400)


@suite.case()
def keys_do_not_collide(options):
    with lone(options) as cluster:
        expect_round_trip(cluster.port(1), "/k", b"one")
        for other in ("/K", "/k/", "/k?", "//k", "/k%00", "/%6b"):
            expect_status(once(cluster.port(1), "GET", other), 404)


# ---------------------------------------------------------------------- sizes


@suite.case()
def value_at_the_limit_and_above(options):
    limit = 100_000
    with Cluster(options.bin, 3, ("--max-request-bytes", str(limit))) as cluster:
        for number in cluster.members:
            value = os.urandom(limit)
            expect_round_trip(cluster.port(number), f"/big-{number}", value)
            expect_error(put_large(cluster.port(number), limit + 1), 413)
            expect_error(put_large(cluster.port(number), limit * 20), 413)
            expect_status(once(cluster.port(number), "GET", "/too-large"), 404)


def put_large(port, size):
    """PUTs a body that should be refused; a server may close before it has read all of it."""
    with Connection(port) as connection:
        connection.send(request_head("PUT", "/too-large", size))
        try:
            connection.send(bytes(size))
        except Broken:
            pass
        return connection.read_response("PUT")


@suite.case()
def default_limit_is_one_and_a_half_mebibytes(options):
    with Cluster(options.bin) as cluster:
        value = os.urandom(1_500_000)
        expect_round_trip(cluster.port(cluster.leader()), "/large", value)
        expect_round_trip(cluster.port(cluster.followers()[0]), "/large-forwarded", value)
        expect_error(put_large(cluster.port(1), 3_000_000), 413)


@suite.case()
def declared_length_is_refused_before_the_body(options):
    with lone(options) as cluster:
        for size in (2_000_000, 1 << 40, (1 << 63) - 1):
            with Connection(cluster.port(1)) as connection:
                connection.send(request_head("PUT", "/huge", size))
                expect_error(connection.read_response(), 413)


@suite.case()
def chunked_bodies_work_within_the_limit(options):
    with lone(options, "--max-request-bytes", "50000") as cluster:
        port = cluster.port(1)
        head = request_head("PUT", "/chunked", None, [("Transfer-Encoding", "chunked")])
        expect_status(raw(port, head + b"5\r\nhello\r\n7;x=y\r\n, world\r\n0\r\n\r\n"), 204)
        expect_equal(once(port, "GET", "/chunked").body, b"hello, world", "chunked value")
        with Connection(port) as connection:
            connection.send(head)
            try:
                for _ in range(60):
                    connection.send(b"3e8\r\n" + bytes(1000) + b"\r\n")
                connection.send(b"0\r\n\r\n")
            except Broken:
                pass
            expect_error(connection.read_response("PUT"), 413)
        expect_equal(once(port, "GET", "/chunked").body, b"hello, world", "value after the 413")


# ---------------------------------------------------------------------- connections


@suite.case()
def connection_is_kept_alive(options):
    with lone(options) as cluster, Connection(cluster.port(1)) as connection:
        for turn in range(50):
            expect_status(connection.request("PUT", f"/{turn}", b"x" * turn), 204)
            expect_equal(connection.request("GET", f"/{turn}").body, b"x" * turn, "value")
            expect_status(connection.request("GET", "/none"), 404)
            expect_status(connection.request("PATCH", "/0", b"body"), 405)


@suite.case()
def connection_close_is_honoured(options):
    with lone(options) as cluster, Connection(cluster.port(1)) as connection:
        answer = connection.request("GET", "/x", None, [("Connection", "close")])
        expect_status(answer, 404)
        expect(connection.at_end(), "the connection stays open")


@suite.case()
def http_1_0_is_answered_and_closed(options):
    with lone(options) as cluster:
        put(cluster.port(1), "/old", "value")
        with Connection(cluster.port(1)) as connection:
            connection.send(b"GET /old HTTP/1.0\r\n\r\n")
            expect_equal(connection.read_response().body, b"value", "value")
            expect(connection.at_end(), "the connection stays open")


@suite.case()
def pipelined_requests_are_answered_in_order(options):
    with Cluster(options.bin) as cluster:
        for number in cluster.members:
            with Connection(cluster.port(number)) as connection:
                parts = []
                for turn in range(20):
                    value = b"%d-%d" % (number, turn)
                    parts.append(request_head("PUT", f"/p{turn % 3}", len(value)) + value)
                    parts.append(request_head("GET", f"/p{turn % 3}"))
                    parts.append(request_head("GET", "/none"))
                connection.send(b"".join(parts))
                for turn in range(20):
                    expect_status(connection.read_response("PUT"), 204)
                    read = connection.read_response()
                    expect_equal(read.body, b"%d-%d" % (number, turn), "value read after its PUT")
                    expect_status(connection.read_response(), 404)


@suite.case()
def request_in_single_bytes(options):
    with lone(options) as cluster, Connection(cluster.port(1)) as connection:
        for byte in request_head("PUT", "/slow", 3) + b"abc":
            connection.send(bytes([byte]))
        expect_status(connection.read_response(), 204)
        expect_equal(connection.request("GET", "/slow").body, b"abc", "value")


@suite.case()
def slow_clients_do_not_hold_up_others(options):
    with lone(options) as cluster:
        stalled = [Connection(cluster.port(1)) for _ in range(50)]
        for turn, connection in enumerate(stalled):
            connection.send(request_head("PUT", f"/stalled-{turn}", 1000)[:10 + turn])
        began = time.monotonic()
        expect_round_trip(cluster.port(1), "/quick", b"value")
        expect(time.monotonic() - began < 2, "a request waited behind stalled ones")
        for connection in stalled:
            connection.close()


@suite.case()
def body_cut_short_is_not_stored(options):
    with lone(options) as cluster:
        with Connection(cluster.port(1)) as connection:
            connection.send(request_head("PUT", "/cut", 100) + b"only this")
        time.sleep(0.3)
        expect_status(once(cluster.port(1), "GET", "/cut"), 404)


@suite.case()
def many_connections(options):
    with lone(options) as cluster:
        crowd = [Connection(cluster.port(1)) for _ in range(300)]
        for turn, connection in enumerate(crowd):
            connection.send_request("PUT", f"/crowd-{turn}", b"%d" % turn)
        for connection in crowd:
            expect_status(connection.read_response("PUT"), 204)
            connection.close()
        values = get_many(cluster.port(1), [f"/crowd-{turn}" for turn in range(300)])
        expect_equal(len([v for v in values.values() if v is not None]), 300, "values stored")


@suite.case()
def expect_continue(options):
    wish = [("Expect", "100-continue")]
    with lone(options) as cluster:
        with Connection(cluster.port(1)) as connection:
            connection.send(request_head("PUT", "/expect", 5, wish))
            expect_status(connection.read_response(interim=True), 100)
            connection.send(b"hello")
            expect_status(connection.read_response(), 204)
            expect_equal(connection.request("GET", "/expect").body, b"hello", "value")
        with Connection(cluster.port(1)) as connection:
            connection.send(request_head("PUT", "/expect", 50_000_000, wish))
            expect_error(connection.read_response(interim=True), 413)


@suite.case()
def expect_with_the_body_already_sent(options):
    with lone(options) as cluster, Connection(cluster.port(1)) as connection:
        connection.send(request_head("PUT", "/e", 5, [("Expect", "100-continue")]) + b"hello")
        expect_status(connection.read_response(), 204)
        expect_equal(connection.request("GET", "/e").body, b"hello", "value")


# ---------------------------------------------------------------------- refusals


@suite.case()
def other_methods_are_405_with_allow(options):
    with lone(options) as cluster:
        put(cluster.port(1), "/m", "v")
        for method in ("PATCH", "OPTIONS", "BREW"):
            answer = once(cluster.port(1), method, "/m", b"")
            expect_error(answer, 405)
            expect_equal(set(answer.tokens("allow")) & METHODS, METHODS, "Allow")
        expect_equal(once(cluster.port(1), "GET", "/m").body, b"v", "value")


@suite.case()
def head_has_no_body(options):
    with lone(options) as cluster:
        put(cluster.port(1), "/h", "value")
        with Connection(cluster.port(1)) as connection:
            answer = connection.request("HEAD", "/h")
            expect_status(answer, 200, 405)
            if answer.status == 405:
                expect_equal(set(answer.tokens("allow")) & METHODS, METHODS, "Allow")
            expect_equal(connection.request("GET", "/h").body, b"value", "GET after HEAD")


@suite.case()
def malformed_requests_are_400(options):
    requests = {
        "no request line": b"hello there\r\n\r\n",
        "binary": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
        "length is a word": b"PUT /m HTTP/1.1\r\nHost: h\r\nContent-Length: five\r\n\r\nhello",
        "length is negative": b"PUT /m HTTP/1.1\r\nHost: h\r\nContent-Length: -5\r\n\r\nhello",
        "two lengths": b"PUT /m HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n"
                       b"Content-Length: 6\r\n\r\nhello!",
        "length and chunked": b"PUT /m HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n"
                              b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "bad chunk size": b"PUT /m HTTP/1.1\r\nHost: h\r\n"
                          b"Transfer-Encoding: chunked\r\n\r\nxyz\r\n",
        "no host": b"GET /m HTTP/1.1\r\n\r\n",
        "space before colon": b"GET /m HTTP/1.1\r\nHost: h\r\nX-Name : v\r\n\r\n",
        "folded header": b"GET /m HTTP/1.1\r\nHost: h\r\nX-Name: v\r\n folded\r\n\r\n",
        "no target": b"GET HTTP/1.1\r\nHost: h\r\n\r\n",
    }
    with lone(options) as cluster:
        for name, data in requests.items():
            answer = raw(cluster.port(1), data)
            expect(answer is not None, f"{name}: closed without an answer")
            expect(answer.status == 400, f"{name}: {answer!r}")
            expect(answer.body, f"{name}: no text in the body")
        expect_status(once(cluster.port(1), "GET", "/m"), 404)


@suite.case()
def headers_are_limited(options):
    with lone(options) as cluster:
        put(cluster.port(1), "/h", "value")
        answer = once(cluster.port(1), "GET", "/h", None, [("X-Some", "y" * 4000)])
        expect_equal(answer.body, b"value", "value")
        answer = raw(cluster.port(1), request_head("GET", "/h", None, [("X-Big", "y" * 5_000_000)]))
        expect(answer is None or answer.status in (400, 413, 431), f"{answer!r}")
        expect_equal(once(cluster.port(1), "GET", "/h").body, b"value", "value afterwards")


@suite.case()
def membership_requests_with_bad_ids_or_urls_are_400(options):
    with Cluster(options.bin) as cluster:
        good = f"http://127.0.0.1:{free_ports(1)[0]}".encode()
        port = cluster.port(1)
        for target in ("/", "/abc", "/0", "/-4", "/4x", "/4/5", "/99999999999999999999999", "/4?x"):
            expect_error(once(port, "POST", target, good), 400)
            expect_error(once(port, "DELETE", target), 400)
        for url in (b"", b"nonsense", b"http://", b"127.0.0.1:4", b"http://h:0x", b"http://h:99999",
                    b"\xff\x00", b"http://a b:1", b"http://h:1," + good, b"x" * 100_000):
            expect_error(once(port, "POST", "/4", url), 400, 413)
        expect_round_trip(port, "/still", b"serving")


# ---------------------------------------------------------------------- membership


@suite.case(90)
def added_member_reads_old_data_and_takes_writes(options):
    with Cluster(options.bin) as cluster:
        for turn in range(50):
            put(cluster.port(1 + turn % 3), f"/old-{turn}", f"value {turn}")
        fourth = cluster.add_slot()
        answer = once(cluster.port(2), "POST", "/4", fourth.url.encode())
        expect_status(answer, 204)
        expect_equal(answer.body, b"", "body of the 204")
        cluster.restart(4)
        values = get_many(fourth.port, [f"/old-{turn}" for turn in range(50)])
        for turn in range(50):
            expect_equal(values[f"/old-{turn}"], f"value {turn}".encode(), f"/old-{turn} on 4")
        expect_round_trip(fourth.port, "/new", b"from 4")
        expect_equal(once(cluster.port(1), "GET", "/new").body, b"from 4", "/new on 1")
        # Four members need three: with one of the old ones gone the new one must do its part.
        cluster.kill(cluster.followers()[0])
        put(fourth.port, "/three-of-four", "yes")
        # A restart without --join finds the membership in the data folder.
        cluster.kill(4)
        fourth.join = False
        cluster.restart(4)
        expect_equal(get(fourth.port, "/three-of-four"), b"yes", "value after a restart of 4")


@suite.case()
def removed_follower_stops_by_itself(options):
    with Cluster(options.bin) as cluster:
        follower = cluster.followers()[0]
        asked = next(n for n in cluster.members if n != follower)
        expect_status(once(cluster.port(asked), "DELETE", f"/{follower}"), 204)
        expect_equal(cluster.wait_exit(follower, 15), 0, "exit status of the removed member")
        for number in cluster.running():
            expect_round_trip(cluster.port(number), f"/after-{number}", b"two left")


@suite.case()
def removed_leader_stops_and_others_go_on(options):
    with Cluster(options.bin) as cluster:
        put(cluster.port(1), "/before", "value")
        leader = cluster.leader()
        asked = cluster.followers()[0]
        expect_status(once(cluster.port(asked), "DELETE", f"/{leader}"), 204, 504)
        expect_equal(cluster.wait_exit(leader, 15), 0, "exit status of the removed leader")
        for number in cluster.running():
            expect_equal(get(cluster.port(number), "/before"), b"value", "old value")
            put(cluster.port(number), f"/after-{number}", "two left")
        # The group of two needs both and can be restarted as such.
        left = cluster.running()
        expect_equal(set(cluster.stop_all().values()), {0}, "exit statuses")
        for number in left:
            cluster.launch(number)
        cluster.wait_ready(left)
        expect_equal(get(cluster.port(left[0]), f"/after-{left[1]}"), b"two left", "value")


@suite.case()
def leader_can_be_asked_to_remove_itself(options):
    with Cluster(options.bin) as cluster:
        leader = cluster.leader()
        try:
            expect_status(once(cluster.port(leader), "DELETE", f"/{leader}"), 204, 504)
        except Broken:
            pass  # It may be gone before its answer is; the outcome shows below.
        expect_equal(cluster.wait_exit(leader, 15), 0, "exit status of the removed leader")
        for number in cluster.running():
            put(cluster.port(number), f"/after-{number}", "two left")


@suite.case()
def grow_from_one_to_three(options):
    with lone(options) as cluster:
        put(cluster.port(1), "/first", "alone")
        for number in (2, 3):
            member = cluster.add_slot()
            expect_status(once(cluster.port(1), "POST", f"/{number}", member.url.encode()), 204)
            cluster.restart(number)
            expect_equal(get(member.port, "/first"), b"alone", f"/first on {number}")
        cluster.kill(cluster.leader())
        left = cluster.running()
        cluster.wait_ready(left)
        put(cluster.port(left[0]), "/later", "two of three")
        expect_equal(get(cluster.port(left[1]), "/later"), b"two of three", "value")


# ---------------------------------------------------------------------- no leader


@suite.case()
def no_leader_is_503_with_retry_after(options):
    with Cluster(options.bin, 3, ("--request-timeout", "2000")) as cluster:
        put(cluster.port(1), "/kept", "value")
        leader, last = cluster.leader(), cluster.followers()[0]
        for number in cluster.members:
            if number != last:
                cluster.kill(number)
        for method, body in (("PUT", b"new"), ("GET", None)):
            refusal = await_refusal(cluster.port(last), method, body)
            expect_error(refusal, 503)
            expect(re.fullmatch(r"\d+", refusal.header("retry-after") or ""),
                   f"Retry-After is {refusal.header('retry-after')!r}")
        cluster.launch(leader)
        cluster.wait_ready([last, leader])
        expect(get(cluster.port(last), "/kept") in (b"value", b"new"), "value lost")


def await_refusal(port, method, body):
    """Repeats a request until 503; until then only 504 (outcome unknown) is honest."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        answer = once(port, method, "/kept", body, timeout=15)
        expect_status(answer, 503, 504)
        if answer.status == 503:
            return answer
    raise NotReady("no 503 within 20 s")


@suite.case()
def leader_without_quorum_acknowledges_nothing(options):
    with Cluster(options.bin, 3, ("--request-timeout", "2000")) as cluster:
        put(cluster.port(1), "/safe", "old")
        leader = cluster.leader()
        for number in cluster.followers():
            cluster.kill(number)
        for turn in range(3):
            expect_status(once(cluster.port(leader), "PUT", "/safe", b"new", timeout=15), 503, 504)
            expect_status(once(cluster.port(leader), "GET", "/safe", timeout=15), 503, 504)


# ---------------------------------------------------------------------- overload

CAREFUL = ("--heartbeat-interval", "100", "--election-timeout", "4000")


@suite.case(90)
def overload_is_refused_and_memory_stays_bounded(options):
    """A leader that cannot commit for seconds takes what fits and refuses the rest."""
    flags = ("--request-timeout", "3000")
    with Cluster(options.bin, 3, flags, timing=CAREFUL) as cluster:
        put(cluster.port(1), "/before", "value")
        leader = cluster.leader()
        for number in cluster.followers():
            cluster.pause(number)
        stop, statuses = time.monotonic() + 3, {}
        body = os.urandom(1_400_000)

        def push(index):
            turn = 0
            while time.monotonic() < stop:
                turn += 1
                try:
                    answer = once(cluster.port(leader), "PUT", f"/push-{index}-{turn}", body)
                    statuses.setdefault(answer.status, []).append(index)
                except OSError:
                    statuses.setdefault("broken", []).append(index)

        crowd = [threading.Thread(target=push, args=(i,), daemon=True) for i in range(200)]
        for thread in crowd:
            thread.start()
        for thread in crowd:
            thread.join(40)
        expect(not any(thread.is_alive() for thread in crowd), "requests were left unanswered")
        used = resident_bytes(cluster.members[leader].process.pid)
        for number in cluster.members:
            if number != leader:
                cluster.resume(number)
        counts = {status: len(which) for status, which in statuses.items()}
        print(f"answers {counts}, {used / 1e6:.0f} MB in use", flush=True)
        expect(set(counts) <= {429, 503, 504, "broken"}, f"answers: {counts}")
        expect(set(counts) != {"broken"}, "no request was answered")
        expect(used < 1.5e9, f"the leader uses {used / 1e6:.0f} MB")
        cluster.wait_ready(seconds=40)
        put(cluster.port(leader), "/after", "value")
        expect_equal(get(cluster.port(leader), "/before"), b"value", "old value")


def resident_bytes(pid):
    """Memory that a process holds."""
    pages = int(pathlib.Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


# ---------------------------------------------------------------------- stopping and starting


@suite.case(90)
def sigterm_under_load_exits_0_and_loses_nothing(options):
    with Cluster(options.bin) as cluster:
        stop = threading.Event()
        acknowledged = [{} for _ in range(6)]
        ports = [cluster.port(number) for number in cluster.members]

        def write(index):
            session, turn = Session(), 0
            while not stop.is_set():
                turn += 1
                try:
                    key = f"/w{index}-{turn}"
                    if session.request(ports[(index + turn) % 3], "PUT", key, b"x").status == 204:
                        acknowledged[index][key] = b"x"
                except OSError:
                    time.sleep(0.01)
            session.close()

        writers = [threading.Thread(target=write, args=(i,), daemon=True) for i in range(6)]
        for writer in writers:
            writer.start()
        try:
            time.sleep(0.7)
            leader = cluster.leader()
            expect_equal(cluster.terminate(leader), 0, "exit status of the leader")
            time.sleep(0.7)
            cluster.restart(leader)
            time.sleep(0.3)
            statuses = cluster.stop_all()
        finally:
            stop.set()
        expect_equal(set(statuses.values()), {0}, "exit statuses")
        for writer in writers:
            writer.join(20)
        for number in cluster.members:
            cluster.launch(number)
        cluster.wait_ready()
        keys = [key for part in acknowledged for key in part]
        expect(len(keys) > 100, f"only {len(keys)} writes were acknowledged")
        for number in cluster.members:
            values = get_many(cluster.port(number), keys)
            lost = [key for key in keys if values[key] != b"x"]
            expect(not lost, f"{len(lost)} of {len(keys)} lost on {number}: {lost[:3]}")


@suite.case()
def idle_keep_alive_connections_do_not_delay_sigterm(options):
    with lone(options) as cluster:
        idle = [Connection(cluster.port(1)) for _ in range(20)]
        for connection in idle[:10]:
            expect_status(connection.request("GET", "/x"), 404)
        began = time.monotonic()
        expect_equal(cluster.terminate(1), 0, "exit status")
        expect(time.monotonic() - began < 8, "stopping waited for idle connections")
        for connection in idle:
            connection.close()


@suite.case()
def data_survives_kill_and_restart(options):
    with lone(options) as cluster:
        for turn in range(100):
            put(cluster.port(1), f"/k{turn}", f"v{turn}")
        cluster.kill(1)
        cluster.restart(1)
        values = get_many(cluster.port(1), [f"/k{turn}" for turn in range(100)])
        for turn in range(100):
            expect_equal(values[f"/k{turn}"], f"v{turn}".encode(), f"/k{turn}")


@suite.case()
def data_folder_in_use_is_refused(options):
    with lone(options) as cluster:
        other, _ = free_ports(2)
        words = cluster.command(1)
        words[words.index("--port") + 1] = str(other)
        status, text = run(words)
        expect_equal(status, 1, "exit status")
        expect("data-1" in text, f"the message does not name the folder: {text!r}")
        expect_round_trip(cluster.port(1), "/undisturbed", b"value")


@suite.case()
def data_folder_of_another_member_is_refused(options):
    with Cluster(options.bin) as cluster:
        put(cluster.port(1), "/k", "v")
        cluster.kill(1)
        cluster.kill(2)
        words = cluster.command(1)
        words[words.index("--data-dir") + 1] = str(cluster.members[2].data)
        status, text = run(words)
        expect_equal(status, 1, "exit status")
        expect("data-2" in text, f"the message does not name the folder: {text!r}")
        cluster.launch(1)
        cluster.launch(2)
        cluster.wait_ready()
        expect_equal(get(cluster.port(2), "/k"), b"v", "value")


@suite.case()
def port_in_use_is_refused(options):
    with lone(options) as cluster, tempfile.TemporaryDirectory() as folder:
        words = cluster.command(1)
        words[words.index("--data-dir") + 1] = str(pathlib.Path(folder) / "other")
        words[words.index("--cluster") + 1] = f"http://127.0.0.1:{free_ports(1)[0]}"
        status, text = run(words)
        expect_equal(status, 1, "exit status")
        expect(str(cluster.port(1)) in text, f"the message does not name the port: {text!r}")


@suite.case()
def default_data_folder_is_named_after_the_id(options):
    with tempfile.TemporaryDirectory() as folder:
        port, peer = free_ports(2)
        process = subprocess.Popen(
            [str(pathlib.Path(options.bin).resolve() / "kvstore"), "--id", "1", "--cluster",
             f"http://127.0.0.1:{peer}", "--port", str(port)],
            cwd=folder, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        try:
            put(port, "/k", "v")
            expect(any((pathlib.Path(folder) / "kvstore-1").iterdir()), "kvstore-1 is empty")
            process.terminate()
            expect_equal(process.wait(15), 0, "exit status")
        finally:
            process.kill()
            process.wait()


# ---------------------------------------------------------------------- flags


def run(words, seconds=15):
    """Runs a command that should end by itself; (exit status, both outputs)."""
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(words, cwd=folder, stdin=subprocess.DEVNULL, text=True,
                              capture_output=True, timeout=seconds, check=False)
    return done.returncode, done.stdout + done.stderr


@suite.case()
def help_names_every_flag(options):
    status, text = run([f"{pathlib.Path(options.bin).resolve()}/kvstore", "--help"])
    expect_equal(status, 0, "exit status")
    missing = [flag for flag in FLAGS if flag not in text]
    expect(not missing, f"--help does not name {missing}")


@suite.case()
def wrong_flags_exit_2_with_a_message(options):
    program = f"{pathlib.Path(options.bin).resolve()}/kvstore"
    three = "http://127.0.0.1:1,http://127.0.0.1:2,http://127.0.0.1:3"
    for words in (["--nonsense"], ["--id"], ["--id", "0"], ["--id", "-1"], ["--id", "one"],
                  ["--id", "4", "--cluster", three], ["--id", "1x"], ["--port", "abc"],
                  ["--port", "70000"], ["--port", "-1"], ["--cluster", "nonsense"],
                  ["--cluster", ""], ["--cluster", "http://127.0.0.1:1,,http://127.0.0.1:2"],
                  ["--cluster", "http://127.0.0.1:99999"], ["stray"], ["--snapshot-count", "many"],
                  ["--max-request-bytes", "-5"], ["--election-timeout", "never"]):
        status, text = run([program, *words])
        expect_equal(status, 2, f"exit status of {words}")
        expect(len(text.strip()) > 10, f"{words}: no message")


if __name__ == "__main__":
    sys.exit(suite.run(parser(__doc__).parse_args()))
