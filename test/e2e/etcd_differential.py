"""The key-value store against etcd: the same random requests to both, and every answer compared.

Needs `etcd` on the path and quorate_differential (test/differential) in the --bin folder; without
etcd there is nothing to compare with, and nothing is tested. Requests reach etcd through its JSON
gateway. Each round starts both with an empty store; its seed is printed, and `--seed N --rounds 1`
repeats it. Now and then our side goes on from a snapshot of itself, and the whole state is read at
every revision that is left.
"""

import argparse
import base64
import http.client
import json
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile
import time

import cluster
import wire

NAMES = {
    "etcdserver: key is not provided": "key_empty",
    "etcdserver: key not found": "key_not_found",
    "etcdserver: value is provided": "value_provided",
    "etcdserver: lease is provided": "lease_provided",
    "etcdserver: too many operations in txn request": "too_many_operations",
    "etcdserver: duplicate key given in txn request": "duplicate_key",
    "etcdserver: requested lease not found": "lease_not_found",
    "etcdserver: lease already exists": "lease_exists",
    "etcdserver: too large lease TTL": "ttl_too_large",
    "etcdserver: mvcc: required revision has been compacted": "revision_compacted",
    "etcdserver: mvcc: required revision is a future revision": "revision_in_future",
}
LEASES = (0, 7001, 7002, 7003)
TTLS = (1000000, 1000001, 9000000000, 9000000001)
TARGETS = ("VERSION", "CREATE", "MOD", "VALUE", "LEASE")
RESULTS = ("EQUAL", "GREATER", "LESS", "NOT_EQUAL")
ORDERS = ("NONE", "ASCEND", "DESCEND")
SORTS = ("KEY", "VERSION", "CREATE", "MOD", "VALUE")
OPERANDS = ("version", "create_revision", "mod_revision", "value", "lease")
BYTES = {"key", "range_end", "value"}
REQUESTS = {"put": "request_put", "range": "request_range", "delete_range": "request_delete_range",
            "txn": "request_txn"}
PATHS = {"put": "kv/put", "range": "kv/range", "delete_range": "kv/deleterange", "txn": "kv/txn",
         "compact": "kv/compaction", "lease_grant": "lease/grant", "lease_revoke": "lease/revoke",
         "lease_keys": "lease/timetolive"}
LEASE_REQUESTS = ("lease_grant", "lease_revoke", "lease_keys")
# Go sorts up to this many rows by insertion, so that ties stay in the order of the keys; of more
# rows it does not say how ties end up.
STABLE_ROWS = 12


class Failure(Exception):
    """The two stores disagree."""


class Etcd:
    """One etcd process with an empty data directory."""

    arguments = ()      # more of them, for those that derive from it

    def __init__(self, folder):
        port, peer_port = cluster.free_ports(2)
        client, peer = (f"http://{wire.HOST}:{number}" for number in (port, peer_port))
        with open(folder / "etcd.log", "wb") as log:
            self.process = subprocess.Popen(
                ["etcd", "--name", "one", "--data-dir", str(folder / "etcd"),
                 "--listen-client-urls", client, "--advertise-client-urls", client,
                 "--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer,
                 "--initial-cluster", f"one={peer}", "--logger", "zap", "--log-level", "error",
                 *self.arguments],
                stdout=log, stderr=log)
        self.port = port
        self.wire = None
        deadline = time.monotonic() + 30
        while True:
            try:
                if "header" in self.post("/v3/kv/range", {"key": "AA=="}):
                    break
            except OSError:
                self.wire = None
            if time.monotonic() > deadline:
                self.stop()
                raise TimeoutError("etcd does not answer")
            time.sleep(0.1)

    def post(self, path, body):
        if self.wire is None:
            self.wire = http.client.HTTPConnection(wire.HOST, self.port, timeout=30)
        self.wire.request("POST", path, json.dumps(body))
        return json.loads(self.wire.getresponse().read())

    def ask(self, name, body):
        reply = self.post(f"/v3/{PATHS[name]}", for_etcd(name, body))
        if "error" in reply:
            return {"error": NAMES.get(reply["error"], reply["error"])}
        return {"revision": int(reply["header"]["revision"]), "reply": from_etcd(name, reply)}

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


class Ours:
    """One quorate_differential process."""

    def __init__(self, program):
        self.process = subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        text=True)

    def line(self, parcel):
        self.process.stdin.write(json.dumps(parcel) + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            raise Failure("our side has ended")
        return json.loads(answer)

    def ask(self, name, body):
        answer = self.line({name: for_ours(name, body)})
        if "error" in answer:
            return {"error": answer["error"]}
        return {"revision": answer["revision"], "reply": from_ours(answer["reply"])}

    def restart(self):
        answer = self.line({"restart": True})
        if "error" in answer:
            raise Failure(answer["error"])

    def stop(self):
        self.process.stdin.close()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


# ---- requests for either side ------------------------------------------------------------------

def fields(body, as_bytes):
    return {name: as_bytes(value) if name in BYTES else value for name, value in body.items()
            if name not in ("compare", "success", "failure")}


def for_etcd(name, body):
    def text(value):
        return base64.b64encode(value).decode()
    made = fields(body, text)
    if name in LEASE_REQUESTS:
        return {"ID": body["id"], "TTL": body.get("ttl", 0), "keys": True}
    if name != "txn":
        return made
    made["compare"] = []
    for one in body["compare"]:
        operand = OPERANDS[one["target"]]
        made["compare"].append({
            "target": one["target"], "result": one["result"], "key": text(one["key"]),
            "range_end": text(one["range_end"]),
            operand: text(one["value"]) if operand == "value" else one["number"]})
    for branch in ("success", "failure"):
        made[branch] = [{REQUESTS[kind]: for_etcd(kind, op)} if kind else {}
                        for kind, op in body[branch]]
    return made


def for_ours(name, body):
    made = fields(body, bytes.hex)
    if name != "txn":
        return made
    made["compare"] = [fields(one, bytes.hex) for one in body["compare"]]
    for branch in ("success", "failure"):
        made[branch] = [{kind: for_ours(kind, op)} if kind else {} for kind, op in body[branch]]
    return made


# ---- answers in one form -----------------------------------------------------------------------

def kv_of_etcd(kv):
    numbers = ("create_revision", "mod_revision", "version", "lease")
    return {**{name: int(kv.get(name, 0)) for name in numbers},
            **{name: base64.b64decode(kv.get(name, "")) for name in ("key", "value")}}


def from_etcd(name, reply):
    if name == "put":
        return {"prev_kv": kv_of_etcd(reply["prev_kv"])} if "prev_kv" in reply else {}
    if name == "range":
        return {"kvs": [kv_of_etcd(kv) for kv in reply.get("kvs", [])],
                "more": reply.get("more", False), "count": int(reply.get("count", 0))}
    if name == "delete_range":
        return {"deleted": int(reply.get("deleted", 0)),
                "prev_kvs": [kv_of_etcd(kv) for kv in reply.get("prev_kvs", [])]}
    if name == "lease_grant":
        return {"id": int(reply["ID"]), "ttl": int(reply["TTL"])}
    if name == "lease_keys":
        if int(reply["TTL"]) < 0:
            return {}
        return {"ttl": int(reply["grantedTTL"]),
                "keys": sorted(base64.b64decode(key) for key in reply.get("keys", []))}
    if name in ("compact", "lease_revoke"):
        return {}
    responses = []
    for one in reply.get("responses", []):
        (kind, body), = one.items()
        kind = kind.removeprefix("response_")
        responses.append({"revision": int(body.get("header", {}).get("revision", 0)),
                          "reply": from_etcd(kind, body)})
    return {"succeeded": reply.get("succeeded", False), "responses": responses}


def from_ours(value):
    if isinstance(value, list):
        return [from_ours(one) for one in value]
    if isinstance(value, dict):
        return {name: bytes.fromhex(one) if name in BYTES else
                      [bytes.fromhex(key) for key in one] if name == "keys" else from_ours(one)
                for name, one in value.items()}
    return value


# ---- random requests ---------------------------------------------------------------------------

class Generator:
    """Few keys, so that requests meet often, with bytes at both ends of the order among them."""

    KEYS = (b"a", b"b", b"ba", b"bb", b"c", b"\0", b"\x7f", b"\x80", b"\xff", b"\xff\xff")

    def __init__(self, seed, many_keys):
        self.random = random.Random(seed)
        self.keys = self.KEYS
        if many_keys:
            self.keys += tuple(f"k{number:02}".encode() for number in range(60))
        self.current = 1
        self.compacted = 0

    def chance(self, share):
        return self.random.random() < share

    def key(self):
        return b"" if self.chance(0.01) else self.random.choice(self.keys)

    def end(self):
        dice = self.random.random()
        if dice < 0.5:
            return b""
        return b"\0" if dice < 0.65 else self.random.choice(self.keys)

    def revision(self):
        """Near the readable ones, sometimes just outside."""
        return self.random.randint(max(self.compacted - 1, 0), self.current + 1)

    def value(self):
        length = self.random.choice((0, 1, 1, 2, 30))
        return bytes(self.random.choice(b"xyz\0\xff") for _ in range(length))

    def put(self):
        body = {"key": self.key(), "value": self.value()}
        if self.chance(0.2):
            body["lease"] = self.random.choice(LEASES)
        if self.chance(0.1):
            body["ignore_value"] = True
            if self.chance(0.9):
                body["value"] = b""
        if self.chance(0.1):
            body["ignore_lease"] = True
            if self.chance(0.9):
                body["lease"] = 0
        body["prev_kv"] = self.chance(0.4)
        return body

    def range(self):
        body = {"key": self.key(), "range_end": self.end()}
        if self.chance(0.4):
            body["revision"] = self.revision()
        if self.chance(0.4):
            body["limit"] = self.random.randint(0, 4)
        if self.chance(0.4):
            body["sort_order"] = self.random.randrange(len(ORDERS))
            body["sort_target"] = self.random.randrange(len(SORTS))
        for name in ("min_mod", "max_mod", "min_create", "max_create"):
            if self.chance(0.1):
                body[f"{name}_revision"] = self.revision()
        body["keys_only"] = self.chance(0.1)
        body["count_only"] = self.chance(0.1)
        return body

    def delete_range(self):
        return {"key": self.key(), "range_end": self.end(), "prev_kv": self.chance(0.4)}

    def compare(self):
        body = {"target": self.random.randrange(len(TARGETS)),
                "result": self.random.randrange(len(RESULTS)),
                "key": self.key(), "range_end": self.end() if self.chance(0.3) else b""}
        if TARGETS[body["target"]] == "VALUE":
            body["value"] = self.value()
        elif TARGETS[body["target"]] == "LEASE":
            body["number"] = self.random.choice(LEASES)
        elif TARGETS[body["target"]] == "VERSION":
            body["number"] = self.random.randint(-1, 4)
        else:
            body["number"] = self.random.choice((0, self.revision()))
        return body

    def operation(self, depth):
        dice = self.random.random()
        if dice < 0.005:
            return (None, {})
        if dice < 0.4:
            return ("put", self.put())
        if dice < 0.7:
            return ("range", self.range())
        if dice < 0.85 or depth == 3:
            return ("delete_range", self.delete_range())
        return ("txn", self.txn(depth + 1))

    def txn(self, depth=1):
        def some(make, most):
            count = self.random.randint(0, most)
            if self.chance(0.003):
                count = self.random.randint(60, 130)
            return [make() for _ in range(count)]
        body = {"compare": some(self.compare, 2)}
        for branch in ("success", "failure"):
            body[branch] = some(lambda: self.operation(depth), 4 if depth == 1 else 2)
        return body

    def lease_request(self):
        name = self.random.choice(LEASE_REQUESTS)
        body = {"id": self.random.choice(LEASES[1:])}
        if name == "lease_grant":
            body["ttl"] = self.random.choice(TTLS)
        return name, body

    def request(self):
        dice = self.random.random()
        if dice < 0.3:
            return "put", self.put()
        if dice < 0.5:
            return "range", self.range()
        if dice < 0.6:
            return "delete_range", self.delete_range()
        if dice < 0.68:
            return self.lease_request()
        if dice < 0.97:
            return "txn", self.txn()
        return "compact", {"revision": self.random.randint(max(self.compacted - 1, 0),
                                                           self.current + 1),
                           "physical": self.chance(0.2)}


def replaces_in_one_write(body):
    """Whether a deletion up to the last key stands beside a put of one of its keys.

    etcd lets this through by mistake, and then loses the key when it compacts at that revision, or
    stops for good when the put was to keep the old value; nothing can be compared afterwards.
    """
    def puts(branch):
        for kind, op in branch:
            if kind == "put":
                yield op["key"]
            elif kind == "txn":
                yield from puts(op["success"])
                yield from puts(op["failure"])
    for branch in (body["success"], body["failure"]):
        spans = [op["key"] for kind, op in branch_deletes(branch) if op["range_end"] == b"\0"]
        if any(key >= first for key in puts(branch) for first in spans):
            return True
    return False


def branch_deletes(branch):
    for kind, op in branch:
        if kind == "delete_range":
            yield kind, op
        elif kind == "txn":
            yield from branch_deletes(op["success"])
            yield from branch_deletes(op["failure"])


# ---- comparing ---------------------------------------------------------------------------------

def ties_may_differ(body):
    return SORTS[body.get("sort_target", 0)] != "KEY"


def settle(body, left, right):
    """Makes two range replies comparable whose rows may tie in more ways than one."""
    if not ties_may_differ(body) or max(left["count"], right["count"]) <= STABLE_ROWS:
        return left, right
    name = ("key", "version", "create_revision", "mod_revision", "value")[body["sort_target"]]
    def form(reply):
        return {**reply, "kvs": [kv[name] for kv in reply["kvs"]]}
    if body.get("keys_only") and name == "value":
        return {**left, "kvs": len(left["kvs"])}, {**right, "kvs": len(right["kvs"])}
    return form(left), form(right)


def same(name, body, left, right):
    if "error" in left or "error" in right:
        return left == right
    if left["revision"] != right["revision"]:
        return False
    return same_reply(name, body, left["reply"], right["reply"])


def same_reply(name, body, left, right):
    if name == "range":
        left, right = settle(body, left, right)
        return left == right
    if name != "txn":
        return left == right
    if left["succeeded"] != right["succeeded"]:
        return False
    operations = body["success" if left["succeeded"] else "failure"]
    if not len(left["responses"]) == len(right["responses"]) == len(operations):
        return False
    return all(one["revision"] == other["revision"] and
               same_reply(kind, op, one["reply"], other["reply"])
               for (kind, op), one, other in zip(operations, left["responses"],
                                                 right["responses"]))


class Round:
    """One seed: both stores from empty to the end."""

    def __init__(self, options, seed, folder):
        self.seed = seed
        self.steps = options.steps
        self.generator = Generator(seed, many_keys=seed % 4 == 0)
        self.etcd = Etcd(folder)
        self.ours = Ours(str(pathlib.Path(options.bin) / "quorate_differential"))
        self.log = []

    def ask(self, name, body):
        self.log.append((name, body))
        theirs = self.etcd.ask(name, body)
        ours = self.ours.ask(name, body)
        if not same(name, body, theirs, ours):
            history = "\n".join(f"    {one}" for one in self.log[-8:])
            raise Failure(f"seed {self.seed}, request {len(self.log)}:\n{history}\n"
                          f"  etcd: {theirs}\n  ours: {ours}")
        if "error" not in ours:
            self.generator.current = ours["revision"]
            if name == "compact":
                self.generator.compacted = body["revision"]
        return ours

    def read_everything(self):
        everything = {"key": b"\0", "range_end": b"\0"}
        self.ask("range", everything)
        for lease in LEASES[1:]:
            self.ask("lease_keys", {"id": lease})
        first = max(self.generator.compacted - 1, 0)
        for revision in range(max(first, self.generator.current - 150), self.generator.current + 2):
            self.ask("range", {**everything, "revision": revision})

    def run(self):
        for step in range(self.steps):
            name, body = self.generator.request()
            if name == "txn" and replaces_in_one_write(body):
                continue
            self.ask(name, body)
            if step % 97 == 96:
                self.ours.restart()
            if step % 500 == 499:
                self.read_everything()
        self.read_everything()
        return len(self.log)

    def stop(self):
        self.ours.stop()
        self.etcd.stop()


def play(description, rounds, play_round):
    """Runs rounds as the command line asks, each in a folder of its own, and prints what came of
    them. `play_round(options, seed, folder)` returns what to say, or raises Failure."""
    options = argparse.ArgumentParser(description=description,
                                      formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--bin", default="build/release/bin", metavar="DIR",
                         help="folder of quorate_differential (default: build/release/bin)")
    options.add_argument("--seed", type=int, default=1, help="of the first round (default: 1)")
    options.add_argument("--rounds", type=int, default=rounds,
                         help=f"how many seeds (default: {rounds})")
    options.add_argument("--steps", type=int, default=1500, help="requests a round (default: 1500)")
    options = options.parse_args()
    if shutil.which("etcd") is None:
        print("etcd is not installed: nothing to compare with")
        print("0 passed, 0 failed")
        return 0
    passed = failed = 0
    for seed in range(options.seed, options.seed + options.rounds):
        with tempfile.TemporaryDirectory(prefix="quorate-etcd-") as folder:
            try:
                said = play_round(options, seed, pathlib.Path(folder))
                print(f"PASS seed {seed}: {said}", flush=True)
                passed += 1
            except Failure as difference:
                print(f"FAIL {difference}", flush=True)
                failed += 1
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


def play_round(options, seed, folder):
    one = Round(options, seed, folder)
    try:
        return f"{one.run()} requests answered alike"
    finally:
        one.stop()


if __name__ == "__main__":
    sys.exit(play(__doc__, 4, play_round))
