"""kvstore refuses membership changes that would end its service, and has a way back from others."""

import subprocess
import sys

from cluster import Cluster, free_ports, get, put
from suite import Suite, expect, expect_equal, expect_status, parser
from wire import once

suite = Suite()


def lone(options):
    return Cluster(options.bin, 1)


def expect_refused(answer, status, sentence):
    """An answer with this status, whose body has the sentence."""
    expect_status(answer, status)
    expect(sentence in answer.body, f"{answer.body!r} lacks {sentence!r}")


def expect_serving(port):
    expect_status(once(port, "PUT", "/still", b"serving"), 204)
    expect_equal(once(port, "GET", "/still").body, b"serving", "value")


@suite.case()
def a_peer_url_that_another_member_has_is_409(options):
    with lone(options) as cluster:
        put(cluster.port(1), "/kept", "value")
        own = cluster.members[1].url
        for url in (own, own.replace("127.0.0.1", "LocalHost")):
            refused = once(cluster.port(1), "POST", "/2", url.encode())
            expect_refused(refused, 409, b"another member has that peer URL")
        expect_serving(cluster.port(1))
        expect_equal(cluster.terminate(1), 0, "exit status")
        urls = own + "," + own.replace("127.0.0.1", "localhost")
        twice = subprocess.run([cluster.binary, "--cluster", urls], capture_output=True, text=True,
                               check=False)
        expect_equal(twice.returncode, 2, "exit status with one URL for two members")
        expect("twice" in twice.stderr, twice.stderr)


@suite.case(90)
def a_change_without_a_reachable_quorum_is_refused_with_a_sentence(options):
    with Cluster(options.bin) as cluster:
        urls = [f"http://127.0.0.1:{port}".encode() for port in free_ports(3)]
        for number, url in ((4, urls[0]), (5, urls[1])):
            expect_status(once(cluster.port(1), "POST", f"/{number}", url), 204)
        for asked in (1, 2, 3):
            refused = once(cluster.port(asked), "POST", "/6", urls[2])
            expect_refused(refused, 409, b"too few members have started")
        expect_serving(cluster.port(1))


@suite.case(90)
def a_member_without_a_quorum_goes_on_with_force_new_cluster(options):
    with lone(options) as cluster:
        put(cluster.port(1), "/kept", "value")
        url = f"http://127.0.0.1:{free_ports(1)[0]}".encode()
        expect_status(once(cluster.port(1), "POST", "/2", url), 204)
        expect_status(once(cluster.port(1), "PUT", "/lost", b"", timeout=30), 503, 504)
        cluster.kill(1)
        flags = list(cluster.flags)
        cluster.flags = flags + ["--force-new-cluster"]
        cluster.restart(1)
        expect_equal(once(cluster.port(1), "GET", "/kept").body, b"value", "value afterwards")
        put(cluster.port(1), "/again", "serving")
        expect_refused(once(cluster.port(1), "POST", "/2", url), 409, b"removed")  # for good
        expect_equal(cluster.terminate(1), 0, "exit status")
        cluster.flags = flags
        cluster.restart(1)
        expect_equal(once(cluster.port(1), "GET", "/again").body, b"serving", "after a restart")
        both = subprocess.run([cluster.binary, "--join", "--force-new-cluster"],
                              capture_output=True, text=True, check=False)
        expect_equal(both.returncode, 2, "exit status with --join and --force-new-cluster")


@suite.case(90)
def a_member_at_another_port_takes_part(options):
    with Cluster(options.bin) as cluster:
        put(cluster.port(1), "/kept", "value")
        cluster.stop_all()
        former = {number: cluster.command(number) for number in (1, 2)}
        cluster.members[3].url = f"http://127.0.0.1:{free_ports(1)[0]}"
        command = cluster.command
        cluster.command = lambda number: former.get(number) or command(number)
        for number in cluster.members:
            cluster.launch(number)
        cluster.wait_ready()
        expect_equal(get(cluster.port(3), "/kept"), b"value", "the value at the moved member")
        cluster.kill(cluster.followers()[0])    # each of the others is needed for a write now
        put(cluster.port(cluster.leader()), "/again", "value", 40)
        words = f"announces the peer URLs {cluster.members[3].url}"
        told = [number for number in (1, 2) if words in cluster.members[number].log.read_text()]
        expect(told, f"no member logs {words!r}")


if __name__ == "__main__":
    sys.exit(suite.run(parser(__doc__).parse_args()))
