"""The procedures that raftexample's README describes, done with its own commands.

kvstore keeps that program's HTTP interface, so what its readers learned must work here. curl is
used as the README does where it is installed, with an equal request otherwise.
"""

import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

import wire
from cluster import FAST, Cluster, get, put
from suite import Suite, expect, expect_equal, parser

suite = Suite()


def curl(port, target, method="GET", data=None):
    """`curl -L URL [-XMETHOD] [-d DATA]`; (status, body)."""
    if shutil.which("curl") is None:
        kind = [("Content-Type", "application/x-www-form-urlencoded")] if data else []
        answer = wire.once(port, method, target, data.encode() if data else None, kind)
        return answer.status, answer.body
    words = ["curl", "-sS", "-L", f"http://127.0.0.1:{port}{target}", "-w", "%{stderr}%{http_code}",
             "--max-time", "15"]
    words += [f"-X{method}"] if method != "GET" else []
    words += ["-d", data] if data is not None else []
    done = subprocess.run(words, capture_output=True, timeout=30, check=True)
    return int(done.stderr), done.stdout


@suite.case()
def single_node_put_and_get(options):
    with Cluster(options.bin, 1) as cluster:
        port = cluster.port(1)
        expect_equal(curl(port, "/my-key", "PUT", "hello"), (204, b""), "PUT")
        expect_equal(curl(port, "/my-key"), (200, b"hello"), "GET")


@suite.case()
def three_node_cluster(options):
    with Cluster(options.bin) as cluster:
        expect_equal(curl(cluster.port(1), "/my-key", "PUT", "hello")[0], 204, "PUT on 1")
        for number in cluster.members:
            expect_equal(curl(cluster.port(number), "/my-key"), (200, b"hello"), f"GET on {number}")


@suite.case()
def a_killed_member_catches_up(options):
    with Cluster(options.bin) as cluster:
        put(cluster.port(1), "/my-key", "hello")
        cluster.kill(2)
        # Member 2 may have led: until another does, the README's reader would try again.
        put(cluster.port(1), "/my-key", "foo")
        expect_equal(curl(cluster.port(1), "/my-key"), (200, b"foo"), "GET on 1 while 2 is down")
        cluster.restart(2)
        expect_equal(curl(cluster.port(2), "/my-key"), (200, b"foo"), "GET on the restarted 2")


@suite.case()
def the_cluster_is_reconfigured(options):
    with Cluster(options.bin) as cluster:
        put(cluster.port(1), "/my-key", "foo")
        fourth = cluster.add_slot()
        expect_equal(curl(cluster.port(1), "/4", "POST", fourth.url), (204, b""), "POST /4")
        cluster.restart(4)
        expect_equal(curl(fourth.port, "/my-key"), (200, b"foo"), "GET on 4")
        expect_equal(curl(fourth.port, "/my-key", "PUT", "bar")[0], 204, "PUT on 4")
        expect_equal(curl(cluster.port(1), "/my-key"), (200, b"bar"), "GET on 1")
        expect_equal(curl(cluster.port(1), "/3", "DELETE")[0], 204, "DELETE /3")
        expect_equal(cluster.wait_exit(3, 15), 0, "exit status of member 3")
        put(cluster.port(1), "/my-key", "baz")
        expect_equal(get(fourth.port, "/my-key"), b"baz", "GET on 4 after 3 left")


@suite.case()
def a_key_is_not_deleted_by_delete(options):
    """There is no deletion of keys: DELETE takes member ids only."""
    with Cluster(options.bin, 1) as cluster:
        put(cluster.port(1), "/my-key", "hello")
        expect_equal(curl(cluster.port(1), "/my-key", "DELETE")[0], 400, "DELETE of a key")
        expect_equal(curl(cluster.port(1), "/my-key"), (200, b"hello"), "GET")


@suite.case()
def the_defaults_give_a_lone_member(options):
    """The README's first command gives id, cluster and port only; data lands beside it."""
    with tempfile.TemporaryDirectory() as folder:
        cluster = Cluster(options.bin, 1)
        cluster.start()
        port, url = cluster.port(1), cluster.members[1].url
        cluster.kill(1)
        process = subprocess.Popen([cluster.binary, "--id", "1", "--cluster", url, "--port",
                                    str(port), *FAST], cwd=folder, stderr=subprocess.DEVNULL)
        try:
            put(port, "/my-key", "hello")
            expect_equal(curl(port, "/my-key"), (200, b"hello"), "GET")
            process.kill()
            process.wait()
            expect((pathlib.Path(folder) / "kvstore-1").is_dir(), "no folder kvstore-1")
        finally:
            process.kill()
            process.wait()
        cluster.remove()


@suite.case()
def a_put_is_readable_when_it_is_acknowledged(options):
    """raftexample's own test sleeps between the two, as it answers before the commit."""
    with Cluster(options.bin) as cluster:
        for turn in range(20):
            put(cluster.port(1 + turn % 3), f"/key-{turn}", f"value {turn}")
            found = wire.once(cluster.port(1 + (turn + 1) % 3), "GET", f"/key-{turn}")
            expect_equal((found.status, found.body), (200, f"value {turn}".encode()), "GET")


@suite.case()
def writes_while_a_member_is_added(options):
    with Cluster(options.bin, 1) as cluster:
        second = cluster.add_slot()
        expect_equal(curl(cluster.port(1), "/2", "POST", second.url)[0], 204, "POST /2")
        # Two members need both, so this write waits for the new one or is refused until then.
        cluster.launch(2)
        began = time.monotonic()
        put(cluster.port(1), "/my-key", "hello")
        expect(time.monotonic() - began < 20, "the new member took too long")
        cluster.wait_ready([2])
        expect_equal(get(second.port, "/my-key"), b"hello", "GET on 2")


if __name__ == "__main__":
    sys.exit(suite.run(parser(__doc__).parse_args()))
