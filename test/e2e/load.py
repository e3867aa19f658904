"""quorate_load: counts what it did, against servers that keep their word and against some that lie.

The lying ones are small servers of this file; each has an honest twin, which must not be blamed.
"""

import base64
import http.server
import json
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile
import threading
import time

import cluster
import etcd_differential
import wire
from suite import Suite, expect, expect_equal, parser

suite = Suite()
KEYS = ("--key-space", "20")


def load(options, ports, *words, seconds=40):
    """Runs it with --json; (exit status, result or None, standard error)."""
    urls = ",".join(f"http://{wire.HOST}:{port}" for port in ports)
    ended = subprocess.run([pathlib.Path(options.bin).resolve() / "quorate_load", "--json",
                            "--endpoints", urls, *words],
                           capture_output=True, text=True, timeout=seconds, check=False)
    return ended.returncode, json.loads(ended.stdout) if ended.stdout else None, ended.stderr


def expect_good(found, total=None):
    """Everything was answered rightly, and the figures fit together."""
    status, result, errors = found
    expect_equal((status, result and result["failed"], result and result["wrong"]), (0, 0, 0),
                 f"status, failed, wrong; said {errors}; {result}")
    if total is not None:
        expect_equal(result["answered"], total, "answered")
    latency = result["latency_us"]
    expect_equal(latency["count"], result["answered"], "latencies")
    expect_equal(sum(row["count"] for row in latency["histogram"]), result["answered"], "rows")
    expect_equal(result["put_us"]["count"] + result["get_us"]["count"], result["answered"], "kinds")
    marks = [latency["fastest"], *latency["percentiles"].values(), latency["slowest"]]
    expect_equal(marks, sorted(marks), "percentiles")
    rate = result["answered"] / result["seconds"]
    expect(abs(rate - result["throughput"]) <= 0.01 * rate + 1, "throughput")
    return result


# ---- servers that keep their word --------------------------------------------------------------

@suite.case()
def a_cluster_is_right_and_figures_fit(options):
    with cluster.Cluster(options.bin) as members:
        ports = [members.port(number) for number in members.members]
        result = expect_good(load(options, ports, "--total", "5000", "--mix", "0.3", *KEYS,
                                  "--connections", "9", "--clients", "100", "--threads", "2",
                                  "--fill"), 5000)
        expect_equal(result["absent"], 0, "keys that --fill has not written")
        share = result["put_us"]["count"] / result["answered"]
        expect(0.25 < share < 0.35, f"share of PUTs {share}")
        gets = expect_good(load(options, ports, "--total", "301", "--workload", "get", *KEYS), 301)
        expect_equal(gets["get_us"]["count"], 301, "GETs")
        expect_equal(gets["absent"], 0, "keys of the run before")
        puts = expect_good(load(options, ports, "--total", "40", "--sequential-keys",
                                "--key-space", "40", "--key-size", "3", "--value-size", "28"), 40)
        expect_equal(puts["put_us"]["count"], 40, "PUTs")
        values = cluster.get_many(ports[0], [f"/{number:02}" for number in range(40)])
        expect_equal({len(value or b"") for value in values.values()}, {28}, "sizes of values")


@suite.case()
def rate_duration_and_warm_up_are_kept(options):
    with cluster.Cluster(options.bin, size=1) as members:
        began = time.monotonic()
        result = expect_good(load(options, [members.port(1)], "--rate", "300", "--duration", "2",
                                  "--warmup", "1", "--workload", "mixed", "--progress", "always"))
        took = time.monotonic() - began
        expect(300 <= result["answered"] <= 620, f"{result['answered']} in two seconds")
        expect(2.9 <= took <= 20, f"took {took} s")


@suite.case()
def a_killed_leader_costs_requests_and_no_promise(options):
    with cluster.Cluster(options.bin) as members:
        ports = [members.port(number) for number in members.members]

        def kill():
            time.sleep(1.5)
            members.kill(members.leader())

        killer = threading.Thread(target=kill)
        killer.start()
        status, result, errors = load(options, ports, "--mix", "0.5", *KEYS, "--duration", "5",
                                      "--connections", "12", "--timeout", "3")
        killer.join()
        expect_equal((status, result["violations"]), (0, {}), f"status, violations; said {errors}")
        expect(result["answered"] > 100, f"{result['answered']} answered")
        expect({"connection lost", "no connection"} & set(result["errors"]), f"{result['errors']}")


@suite.case()
def etcd_is_right(options):
    if shutil.which("etcd") is None:
        print("  etcd is not installed: not asked", flush=True)
        return
    folder = pathlib.Path(tempfile.mkdtemp(prefix="quorate-load-"))
    etcd = etcd_differential.Etcd(folder)
    try:
        for words in (("--mix", "0.5"), ("--mix", "0.5", "--serializable"),
                      ("--mix", "0.5", "--clients", "40", "--value-size", "29")):
            result = expect_good(load(options, [etcd.port], "--api", "json", "--total", "1500",
                                      "--connections", "10", *KEYS, *words), 1500)
            expect(result["absent"] < 200, f"{result['absent']} absent")
        gets = expect_good(load(options, [etcd.port], "--api", "json", "--workload", "get",
                                "--total", "100", *KEYS), 100)
        expect_equal(gets["absent"], 0, "keys of the run before")
    finally:
        etcd.stop()
        shutil.rmtree(folder, ignore_errors=True)


# ---- servers that lie --------------------------------------------------------------------------

class Store:
    """Keys and their values, newest last; how it answers is up to those that derive from it."""

    def __init__(self):
        self.values = {}
        self.random = random.Random(1)
        self.lock = threading.Lock()

    def put(self, key, value):
        self.values.setdefault(key, []).append(value)

    def get(self, key):
        return self.values.get(key, [None])[-1]

    def unlucky(self):
        return self.random.random() < 0.05


class ForgetsWrites(Store):
    """Acknowledges some writes and does not do them."""
    says = {"stale", "lost"}

    def put(self, key, value):
        if not self.unlucky():
            super().put(key, value)


class AnswersOldValues(Store):
    """Reads as a follower that lags does."""
    says = {"stale"}

    def get(self, key):
        values = self.values.get(key, [None])
        return values[-2] if self.unlucky() and len(values) > 1 else values[-1]


class LosesKeys(Store):
    """Now and then says that a key is not there."""
    says = {"lost"}

    def get(self, key):
        return None if self.unlucky() else super().get(key)


class FlipsBits(Store):
    """Changes one bit of some values."""
    says = {"damaged"}

    def get(self, key):
        value = super().get(key)
        if value and self.unlucky():
            place = self.random.randrange(len(value))
            value = value[:place] + bytes([value[place] ^ 16]) + value[place + 1:]
        return value


class MixesKeysUp(Store):
    """Answers with the value of another key."""
    says = {"of another key"}

    def get(self, key):
        others = [other for other in self.values if other != key]
        return super().get(self.random.choice(others) if others and self.unlucky() else key)


LIARS = (ForgetsWrites, AnswersOldValues, LosesKeys, FlipsBits, MixesKeysUp)


class Handler(http.server.BaseHTTPRequestHandler):
    """kvstore's interface and the JSON API's put and range, on top of the server's `store`."""
    protocol_version = "HTTP/1.1"
    wbufsize = -1       # one segment for each answer

    def log_message(self, *_):
        pass

    def answer(self, status, body=b""):
        self.send_response(status)
        if status != 204:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()

    def body(self):
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def do_PUT(self):
        with self.server.store.lock:
            self.server.store.put(self.path, self.body())
        self.answer(204)

    def do_GET(self):
        with self.server.store.lock:
            value = self.server.store.get(self.path)
        self.answer(404 if value is None else 200, value or b"")

    def do_POST(self):
        asked = json.loads(self.body())
        reply = {"header": {"revision": "1"}}
        with self.server.store.lock:
            if self.path.endswith("/put"):
                self.server.store.put(asked["key"], base64.b64decode(asked["value"]))
            else:
                value = self.server.store.get(asked["key"])
                if value is not None:
                    # Blanks, as newer gateways write them.
                    kv = {"key": asked["key"], "value": base64.b64encode(value).decode()}
                    reply["kvs"] = [kv]
        self.answer(200, json.dumps(reply, indent=1).encode())


class Serving:
    """A context manager: `store` behind HTTP on a free port of its own."""

    def __init__(self, store, handler=Handler):
        self.server = http.server.ThreadingHTTPServer((wire.HOST, 0), handler)
        self.server.daemon_threads = True
        self.server.store = store

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()
        return self.server.server_address[1]

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()


@suite.case()
def an_honest_server_is_not_blamed(options):
    for api in ("kvstore", "json"):
        for clients in ("6", "24"):
            with Serving(Store()) as port:
                expect_good(load(options, [port], "--api", api, "--total", "1500", "--mix", "0.5",
                                 *KEYS, "--connections", "6", "--clients", clients), 1500)


@suite.case()
def every_lie_is_caught(options):
    for api in ("kvstore", "json"):
        for liar in LIARS:
            with Serving(liar()) as port:
                status, result, errors = load(options, [port], "--api", api, "--total", "1500",
                                              "--mix", "0.5", *KEYS, "--connections", "4")
            name = f"{liar.__name__}, {api}"
            expect_equal(status, 1, f"{name}: exit status")
            expect(result["violations"] and set(result["violations"]) <= liar.says,
                   f"{name}: {result['violations']}")
            expect(result["wrong"] == sum(result["violations"].values()) > 3, f"{name}: {result}")
            expect("wrong answer to GET /" in errors, f"{name}: said {errors}")


@suite.case()
def old_values_are_right_when_they_were_asked_for(options):
    with Serving(AnswersOldValues()) as port:
        expect_good(load(options, [port], "--api", "json", "--total", "800", "--mix", "0.5", *KEYS,
                         "--serializable", "--connections", "4"), 800)


# ---- failures ----------------------------------------------------------------------------------

class Refusing(Handler):
    """Answers each third request with 503."""

    def answer(self, status, body=b""):
        self.server.count = getattr(self.server, "count", 0) + 1
        super().answer(503 if self.server.count % 3 == 0 else status, body)


class Hanging(Handler):
    """Does not answer GETs."""

    def do_GET(self):
        time.sleep(3)


class Babbling(Handler):
    """Speaks no HTTP."""

    def do_GET(self):
        self.wfile.write(b"what?\r\n\r\n")
        self.wfile.flush()


@suite.case()
def failures_are_counted_by_kind(options):
    few = ("--connections", "3", *KEYS)
    with Serving(Store(), Refusing) as port:
        status, result, _ = load(options, [port], "--total", "300", *few)
        expect_equal((status, result["answered"], result["errors"]), (0, 200, {"status 503": 100}),
                     "refused")
    for handler, why in ((Hanging, "timeout"), (Babbling, "malformed answer")):
        with Serving(Store(), handler) as port:
            status, result, _ = load(options, [port], "--total", "6", "--workload", "get",
                                     "--timeout", "0.3", *few)
            expect_equal((status, result["answered"], result["errors"]), (1, 0, {why: 6}), why)
    port, = cluster.free_ports(1)
    status, result, _ = load(options, [port], "--total", "5", *few)
    expect_equal((status, result["errors"]), (1, {"no connection": 5}), "nobody listens")


@suite.case()
def wrong_options_are_named(options):
    for words, told in ((("--api", "grpc"), "grpc"), (("--api", "x"), "--api"),
                        (("--serializable",), "--serializable"), (("--clients", "3"), "--clients"),
                        (("--mix", "1.5"), "--mix"), (("--workload", "x"), "--workload"),
                        (("--value-size", "27"), "--value-size"), (("--rate", "-1"), "--rate"),
                        (("--key-space", "1000", "--key-size", "3"), "--key-size"),
                        (("--timeout", "0"), "--timeout"), (("--duration", "nan"), "--duration"),
                        (("--total", "-5"), "--total"), (("--threads", "100"), "--threads"),
                        (("--frobnicate",), "frobnicate"), (("surplus",), "too many")):
        status, result, errors = load(options, [9], *words)
        expect_equal((status, result), (2, None), f"{words}: status and output")
        expect(told in errors, f"{words}: said {errors}")
    binary = pathlib.Path(options.bin).resolve() / "quorate_load"
    for url in ("https://127.0.0.1:1", "127.0.0.1", "http://", "http://127.0.0.1:1/x"):
        ended = subprocess.run([binary, "--endpoints", url], capture_output=True, text=True,
                               timeout=10, check=False)
        expect_equal(ended.returncode, 2, url)
        expect("--endpoints" in ended.stderr, f"{url}: said {ended.stderr}")


if __name__ == "__main__":
    sys.exit(suite.run(parser(__doc__).parse_args()))
