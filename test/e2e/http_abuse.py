"""Clients that break the rules, or keep to them in bad faith: the server serves the others.

Every case ends with a write and a read by a client that behaves.
"""

import contextlib
import os
import pathlib
import random
import resource
import sys
import time

from cluster import Cluster, put
from suite import Suite, expect, expect_equal, expect_status, parser
from wire import Broken, Connection, once, request_head

suite = Suite()

DESCRIPTORS = 1024
IDLE = 5000
HEAD_LIMIT = 10             # seconds for the head of a request
INNER = b"PUT /smuggled HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\nx"


@contextlib.contextmanager
def many_descriptors():
    """This process may open as many descriptors as the system allows; those it starts, too."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    try:
        yield hard
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def few_descriptors(cluster, most=DESCRIPTORS):
    """Members of a cluster that is not started yet may open only so many."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    cluster.limits[resource.RLIMIT_NOFILE] = min(most, hard)
    return cluster


@contextlib.contextmanager
def lone(options, *flags, descriptors=DESCRIPTORS):
    """One member that may open few descriptors, while this process may open many."""
    with many_descriptors(), \
            few_descriptors(Cluster(options.bin, 1, flags), descriptors) as cluster:
        yield cluster
        expect(cluster.members[1].running, "the member has ended")
        put(cluster.port(1), "/after", "still here")
        expect_equal(once(cluster.port(1), "GET", "/after").body, b"still here", "value after")


def process_of(cluster, number=1):
    return pathlib.Path(f"/proc/{cluster.members[number].process.pid}")


def open_descriptors(cluster, number=1):
    return len(os.listdir(process_of(cluster, number) / "fd"))


def resident_bytes(cluster, number=1):
    pages = int((process_of(cluster, number) / "statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def connect(port, crowd, timeout=15.0):
    """A connection that lives as long as the crowd does."""
    return crowd.enter_context(contextlib.closing(Connection(port, timeout)))


def idle_count():
    """How many idle connections this process can have."""
    room = resource.getrlimit(resource.RLIMIT_NOFILE)[0] - 200
    expect(room > DESCRIPTORS, f"this process may open {room} descriptors only")
    return min(IDLE, room)


def expect_refused(port, data, what, *statuses):
    """The first answer refuses and is the last; the server closes."""
    with Connection(port, 15) as connection:
        try:
            connection.send(data)
        except Broken:
            pass  # Refused before all of it was read; the answer may be there all the same.
        answer = connection.read_response()
        expect(answer.status in statuses, f"{what}: {answer!r}")
        expect_equal((answer.header("connection") or "").lower(), "close", f"{what}: connection")
        expect(connection.at_end(), f"{what}: not closed after the refusal")


def write_and_read(session, turn):
    """A round trip of the client that behaves, on the connection it has had all along."""
    value = str(turn).encode()
    expect_status(session.request("PUT", f"/busy-{turn}", value), 204)
    expect_equal(session.request("GET", f"/busy-{turn}").body, value, "value")


@suite.case(120)
def idle_connections_make_way(options):
    """Five times as many connections as the server has descriptors, none of which says a word."""
    with lone(options, "--snapshot-count", "20") as cluster, contextlib.ExitStack() as crowd:
        port = cluster.port(1)
        count = idle_count()
        session = connect(port, crowd)
        for turn in range(count):
            connect(port, crowd)
            if turn % 100 == 0:
                write_and_read(session, turn)   # snapshots and segments need descriptors, too
        most = open_descriptors(cluster)
        began, answer = time.monotonic(), None
        while answer is None or answer.status != 204:
            try:
                answer = once(port, "PUT", "/new", b"client")
            except OSError:
                pass
            expect(time.monotonic() - began < 10, f"no room for a new client: {answer!r}")
            time.sleep(0.05)
        took = time.monotonic() - began
        print(f"{count} idle connections, {most} descriptors in use, a new client after "
              f"{took:.2f} s", flush=True)
        expect(most < DESCRIPTORS * 0.9, f"{most} descriptors in use")
        for turn in range(count, count + 50):
            write_and_read(session, turn)


def expect_slow_heads_given_up(port, crowd, meanwhile):
    """Heads that never end, byte by byte; `meanwhile(turn)` is called now and then."""
    slow = [connect(port, crowd, 30) for _ in range(300)]
    began = time.monotonic()
    for connection in slow:
        connection.send(b"GET /slow HTTP/1.1\r\nHost: h\r\n")
    while time.monotonic() - began < HEAD_LIMIT - 2:
        for connection in slow:
            connection.send(b"X: y\r\n")
        meanwhile(int(time.monotonic()))
        time.sleep(1)
    for connection in slow:
        expect_status(connection.read_response(), 408)
    return time.monotonic() - began


@suite.case(90)
def slow_heads_are_given_up(options):
    """They hold a connection for ten seconds, not for ever."""
    with lone(options) as cluster, contextlib.ExitStack() as crowd:
        session = connect(cluster.port(1), crowd)
        took = expect_slow_heads_given_up(cluster.port(1), crowd,
                                          lambda turn: write_and_read(session, turn))
        expect(HEAD_LIMIT <= took < HEAD_LIMIT + 5, f"given up after {took:.1f} s")


@suite.case(90)
def unfinished_bodies_cost_little(options):
    """Uploads that declare much and send little."""
    with lone(options) as cluster, contextlib.ExitStack() as crowd:
        port = cluster.port(1)
        session = connect(port, crowd)
        before = resident_bytes(cluster)
        for turn in range(600):
            upload = connect(port, crowd)
            upload.send(request_head("PUT", f"/upload-{turn}", 1_500_000) + b"x")
        write_and_read(session, 1)
        used = resident_bytes(cluster) - before
        expect(used < 100e6, f"{used / 1e6:.0f} MB for 600 bodies of one byte")


def endless(line):
    """Requests with too much of something, each with the status of its refusal. `line`: the first
    line of a request with a body, and its Host."""
    chunked = line + b"Transfer-Encoding: chunked\r\n\r\n"
    return {
        "100,000 headers": (line + b"A: b\r\n" * 100_000 + b"\r\n", 431),
        "100,000 headers of one byte": (line + b"A:\r\n" * 100_000 + b"\r\n", 431),
        "1,000 headers": (line + b"A: b\r\n" * 1_000 + b"\r\n", 431),
        "a long target": (b"GET /" + b"x" * 1_000_000 + b" HTTP/1.1\r\nHost: h\r\n\r\n", 414),
        "a long header": (line + b"A: " + b"x" * 1_000_000 + b"\r\n\r\n", 431),
        "a huge length": (line + b"Content-Length: 999999999999\r\n\r\n", 413),
        "a length beyond 64 bits": (line + b"Content-Length: 18446744073709551616\r\n\r\n",
                                    400),
        "a huge chunk": (chunked + b"7fffffffffffffff\r\nabc", 413),
        "a chunk beyond 64 bits": (chunked + b"10000000000000000\r\nabc", 400),
        "a long chunk extension": (chunked + b"1;" + b"x" * 100_000 + b"\r\na\r\n", 400),
        "long trailers": (chunked + b"0\r\n" + b"A: b\r\n" * 100_000 + b"\r\n", 400),
    }


@suite.case()
def endless_heads_and_sizes_are_refused(options):
    with lone(options) as cluster:
        line = b"PUT /big HTTP/1.1\r\nHost: h\r\n"
        for what, (data, status) in endless(line).items():
            expect_refused(cluster.port(1), data, what, status)


def expect_no_smuggling(port, request, inner):
    """Whatever two parsers could read differently is refused, and what follows is not read.
    `request`: method and target."""
    line = request + b" HTTP/1.1\r\nHost: h\r\n"
    length, chunked = b"Content-Length: 5\r\n", b"Transfer-Encoding: chunked\r\n"
    last = b"0\r\n\r\n"
    framings = {
        "length and chunked": length + chunked,
        "chunked and length": chunked + length,
        "two lengths": b"Content-Length: 5\r\nContent-Length: 0\r\n",
        "the same length twice": length + length,
        "a list of lengths": b"Content-Length: 5, 5\r\n",
        "a length with a sign": b"Content-Length: +5\r\n",
        "a negative length": b"Content-Length: -5\r\n",
        "a hexadecimal length": b"Content-Length: 0x5\r\n",
        "a length with a blank": b"Content-Length: 5 0\r\n",
        "an empty length": b"Content-Length:\r\n",
        "chunked twice": chunked + chunked,
        "another coding": b"Transfer-Encoding: gzip, chunked\r\n",
        "chunked not last": b"Transfer-Encoding: chunked, identity\r\n",
        "a coding like chunked": b"Transfer-Encoding: xchunked\r\n",
        "a quoted coding": b"Transfer-Encoding: \"chunked\"\r\n",
        "a blank before the colon": b"Transfer-Encoding : chunked\r\n",
        "a tab before the colon": b"Transfer-Encoding\t: chunked\r\n",
        "a folded coding": b"Transfer-Encoding:\r\n chunked\r\n",
        "a bare line feed": b"A: b\nContent-Length: 5\r\n",
        "a bare carriage return": b"A: b\rTransfer-Encoding: chunked\r\n",
        "a zero byte": b"A: b\0Transfer-Encoding: chunked\r\n",
        "a name with a zero byte": b"Transfer\0-Encoding: chunked\r\n",
    }
    bodies = {
        "a chunk size with a sign": b"+5\r\nhello\r\n",
        "a hexadecimal prefix": b"0x5\r\nhello\r\n",
        "a bare line feed after the size": b"5\nhello\r\n",
        "no line end after the chunk": b"5\r\nhelloX",
        "a negative chunk size": b"-1\r\nhello\r\n",
    }
    for what, framing in framings.items():
        expect_refused(port, line + framing + b"\r\n" + last + inner, what, 400, 501)
    for what, body in bodies.items():
        expect_refused(port, line + chunked + b"\r\n" + body + last + inner, what, 400)
    old = request + b" HTTP/1.0\r\n" + chunked + b"\r\n" + last + inner
    expect_refused(port, old, "chunked HTTP/1.0", 400)


@suite.case()
def requests_cannot_be_smuggled(options):
    with lone(options) as cluster:
        port = cluster.port(1)
        expect_no_smuggling(port, b"PUT /outer", INNER)
        expect_status(once(port, "GET", "/smuggled"), 404)
        expect_status(once(port, "GET", "/outer"), 404)


def expect_rubbish_survived(cluster, number, seed, good, turns=1500):
    """Random bytes, and good requests with some bytes wrong."""
    seed = seed if seed is not None else random.SystemRandom().randrange(1 << 32)
    print(f"seed {seed}", flush=True)
    dice = random.Random(seed)
    for turn in range(turns):
        data = bytearray(b"".join(dice.choice(good) for _ in range(dice.randrange(1, 4))))
        if turn % 5 == 0:
            data = bytearray(dice.randbytes(dice.randrange(1, 2000)))
        for _ in range(dice.randrange(1, 6)):
            data[dice.randrange(len(data))] = dice.choice(b"\0\r\n :;0159afGP/\xff")
        with contextlib.suppress(OSError), Connection(cluster.port(number), 5) as connection:
            connection.send(bytes(data[:dice.randrange(1, len(data) + 1)]))
            if turn % 50 == 0:
                connection.socket.settimeout(0.05)
                connection.read_response()
    deadline = time.monotonic() + 10
    while open_descriptors(cluster, number) > 100 and time.monotonic() < deadline:
        time.sleep(0.1)
    left = open_descriptors(cluster, number)
    expect(left <= 100, f"{left} descriptors left")


@suite.case(90)
def rubbish_is_survived(options):
    good = (request_head("PUT", "/rubbish", 5) + b"hello", request_head("GET", "/rubbish"),
            request_head("PUT", "/rubbish", None, [("Transfer-Encoding", "chunked")]) +
            b"5\r\nhello\r\n0\r\n\r\n", request_head("DELETE", "/x"))
    with lone(options) as cluster:
        expect_rubbish_survived(cluster, 1, options.seed, good)


def main():
    options = parser(__doc__)
    options.add_argument("--seed", type=int, help="repeat the rubbish of an earlier run")
    return suite.run(options.parse_args())


if __name__ == "__main__":
    sys.exit(main())
