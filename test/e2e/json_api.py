"""Servers that speak etcd's JSON API v3: starting one, asking it, and comparing two of them.

A request is asked of both sides, and the two answers must be equal: status, the headers that
matter, and the body as parsed JSON. What each server chooses for itself is replaced first; the
rules for that stand in `Normal`, each with its reason.
"""

import base64
import concurrent.futures
import dataclasses
import hashlib
import json
import pathlib
import re
import select
import shutil
import socket
import subprocess
import tempfile
import time

import cluster
import wire

HEADERS = ("content-type", "allow", "x-content-type-options", "access-control-allow-origin",
           "access-control-allow-methods", "access-control-allow-headers",
           "grpc-metadata-content-type", "www-authenticate")


@dataclasses.dataclass
class Ask:
    """One request, and what to do with its answer."""
    path: str
    body: object = None             # a dictionary, or the bytes themselves
    method: str = "POST"
    headers: tuple = ()
    save: dict = dataclasses.field(default_factory=dict)    # name -> path of a value in the answer
    stream: bool = False            # read until nothing has come for `quiet` seconds
    during: tuple = ()              # requests that are asked while this one waits for its answer
    quiet: float = 0.45
    pause: float = 0                # seconds to wait before asking
    leaves: str = ""                # "half": ends its half and reads the answer; "all": reads none
    until: tuple = ()               # (place, value): asks again until the answer has that

    def __str__(self):
        body = self.body if isinstance(self.body, bytes) else json.dumps(self.body, default=str)
        text = f"{self.method} {self.path} {body if self.body is not None else ''}"
        return text if len(text) < 300 else text[:280] + "..."


RESTART = Ask("", method="RESTART")     # ends the server and starts it again on the same data


class Var:
    """Stands in a body for a value that was saved from an earlier answer of the same side."""

    def __init__(self, name):
        self.name = name

    def __repr__(self):
        return f"<{self.name}>"


def b64(text):
    """Bytes as the API takes them."""
    return base64.b64encode(wire.to_bytes(text)).decode()


@dataclasses.dataclass
class Answer:
    status: int
    headers: dict
    body: object        # parsed JSON, a list of it for streams, or text


class Side:
    """One single-member server, with a data directory of its own. A context manager."""

    def __init__(self, name, words, flags=()):
        self.name = name
        self.words = [str(word) for word in words]
        self.flags = list(flags)
        self.saved = {}
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix=f"quorate-json-{name}-"))
        self.process = None
        self.port = 0

    def __enter__(self):
        try:
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def stop(self):
        if self.process is None:
            return
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process = None

    def start(self):
        """Chooses ports, starts it, and waits until it answers a linearizable read."""
        self.port, peer_port = cluster.free_ports(2)
        client, peer = (f"http://{wire.HOST}:{number}" for number in (self.port, peer_port))
        self.words += ["--name", "n1", "--data-dir", str(self.folder / "data"),
                       "--listen-client-urls", client, "--advertise-client-urls", client,
                       "--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer,
                       "--initial-cluster", f"n1={peer}", *self.flags]
        self.saved = {"client url": client, "peer url": peer}
        self.launch()
        self.learn_ids()

    def launch(self):
        with open(self.folder / "log", "ab") as log:
            self.process = subprocess.Popen(self.words, cwd=self.folder, stdout=log, stderr=log,
                                            stdin=subprocess.DEVNULL)
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                # Once there are users, nobody may read without a name, which is an answer too.
                if self.ask(Ask("/v3/kv/range", {"key": "AA=="})).status in (200, 400):
                    return
            except OSError:
                pass
            time.sleep(0.05)
        raise TimeoutError(f"{self.name} does not serve: {self.tail()}")

    def learn_ids(self):
        """What the ids are is each cluster's own affair; that they stay the same is not."""
        found = self.ask(Ask("/v3/cluster/member/list", {})).body
        self.saved["cluster id"] = found["header"]["cluster_id"]
        self.saved["member id"] = found["members"][0]["ID"]

    # ------------------------------------------------------------------ asking

    def ask(self, one):
        """Asks, again where it says until when; an Answer."""
        time.sleep(one.pause)
        deadline = time.monotonic() + 15
        answer = self.ask_once(one)
        while (one.until and str(pick(answer.body, one.until[0])) != one.until[1]
               and time.monotonic() < deadline):
            time.sleep(0.05)
            answer = self.ask_once(one)
        return answer

    def ask_once(self, one):
        """Asks, with the saved values in place; an Answer."""
        if one is RESTART:
            self.stop()
            self.launch()
            return Answer(200, {}, "started again")
        body = self.resolve(one.body)
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        headers = [(name, self.resolve(value)) for name, value in one.headers]
        if one.method == "POST" and not any(name == "Content-Type" for name, _ in headers):
            headers.append(("Content-Type", "application/json"))
        size = None if data is None else len(data)
        if one.method == "POST" and data is None:
            size, data = 0, b""
        request = wire.request_head(one.method, one.path, size, headers) + (data or b"")
        with socket.create_connection((wire.HOST, self.port), 10) as connection:
            connection.sendall(request)
            if one.during:
                # It has to be there before what happens next: a stream says when it is.
                select.select([connection], [], [], 2 if one.stream else 0.2)
            for other in one.during:
                self.ask(other)
            if one.leaves == "all":
                return Answer(0, {}, "left")
            if one.leaves == "half":
                connection.shutdown(socket.SHUT_WR)
            answer = parse(*receive(connection, one))
        for name, place in one.save.items():
            self.saved[name] = pick(answer.body, place)
        return answer

    def answer(self, one):
        """Asks; a server that has ended is told with the end of its log."""
        try:
            return self.ask(one)
        except OSError as failure:
            raise OSError(f"{self.name}, asked {one}: {failure}; {self.tail()}") from failure

    def tail(self):
        return (self.folder / "log").read_text(errors="replace")[-600:]

    def resolve(self, body):
        if isinstance(body, Var):
            return self.saved.get(body.name, "0")
        if isinstance(body, dict):
            return {name: self.resolve(value) for name, value in body.items()}
        if isinstance(body, list):
            return [self.resolve(value) for value in body]
        return body


def pick(body, place):
    """A value inside of parsed JSON, by names and numbers joined with dots; "0" when absent."""
    for part in place.split("."):
        try:
            body = body[int(part) if isinstance(body, list) else part]
        except (KeyError, IndexError, TypeError):
            return "0"
    return body


def receive(connection, one):
    """Reads a response to its end, or a stream until it is quiet; (head, body bytes)."""
    data = b""
    deadline = time.monotonic() + 15
    while time.monotonic() < deadline:
        head, _, rest = data.partition(b"\r\n\r\n")
        if rest or data.endswith(b"\r\n\r\n"):
            body, whole = unpack(head, rest)
            if whole:
                return head, body
        wait = 15 if not one.stream else one.quiet if data else 2
        if not select.select([connection], [], [], wait)[0]:
            break
        more = connection.recv(1 << 20)
        if not more:
            break
        data += more
    head, _, rest = data.partition(b"\r\n\r\n")
    return head, unpack(head, rest)[0]


def unpack(head, rest):
    """The body as far as it has come, without chunks; and whether it is whole."""
    fields = dict(line.lower().split(b":", 1) for line in head.split(b"\r\n")[1:] if b":" in line)
    if b"chunked" not in fields.get(b"transfer-encoding", b""):
        size = int(fields.get(b"content-length", b"0" if b" 204 " in head[:16] else b"-1"))
        return rest, size >= 0 and len(rest) >= size
    body = b""
    while True:
        line, end, after = rest.partition(b"\r\n")
        if not end:
            return body, False
        size = int(line.split(b";")[0], 16)
        if size == 0:
            return body, after.endswith(b"\r\n")
        if len(after) < size + 2:
            return body + after[:size], False
        body, rest = body + after[:size], after[size + 2:]


def parse(head, body):
    lines = head.decode("latin-1").split("\r\n")
    if len(lines[0].split()) < 2:
        return Answer(0, {}, "no answer")
    headers = {}
    for line in lines[1:]:
        name, _, value = line.partition(":")
        if name.lower() in HEADERS:
            headers[name.lower()] = value.strip().lower()
    text = body.decode("utf-8", "replace")
    return Answer(int(lines[0].split()[1]), headers, read_json(text))


def read_json(text):
    """One value, a list of several, or the text itself when it is not JSON."""
    decoder = json.JSONDecoder()
    found = []
    rest = text.strip()
    while rest:
        try:
            value, end = decoder.raw_decode(rest)
        except ValueError:
            return text
        found.append(value)
        rest = rest[end:].strip()
    return found[0] if len(found) == 1 else found


# ---- what may differ ---------------------------------------------------------------------------

class Normal:
    """An answer without what each server chooses for itself."""

    # Numbers of the log and sizes of files: how many entries a server writes is its own affair.
    OWN = {"raft_term": "term", "raftTerm": "term", "raftIndex": "index", "dbSize": "size",
           "raftAppliedIndex": "index", "dbSizeInUse": "size", "hash": "hash"}
    # Versions of programs; those of keys are whole numbers.
    VERSION = re.compile(r"^\d+\.\d+\.\d+\S*$")
    # Simple tokens are random letters and a number of the log.
    TOKEN = re.compile(r"^[A-Za-z]{16}\.\d+$")
    # Elections and locks on a lease that the server chose have its id at the end of their keys.
    LEASE_KEY = re.compile(rb"/[0-9a-f]{10,16}$")
    # How long a lease lasts still, depends on when it was asked.
    TTL_SLACK = 20

    def __init__(self, side):
        self.names = {value: f"<{name}>" for name, value in side.saved.items()
                      if isinstance(value, str) and value != "0"}

    def answer(self, answer, stream):
        body = answer.body
        if stream:
            body = self.messages(body if isinstance(body, list) else [body])
        return {"status": answer.status, "headers": answer.headers, "body": self.value(body)}

    def value(self, value, name=""):
        if isinstance(value, dict):
            made = {key: self.value(inner, key) for key, inner in value.items()}
            if "grantedTTL" in value:
                made["TTL"] = self.ttl(value)
            if "lease" in value and str(made.get("key")).endswith("/lease>"):
                made["lease"] = "<as in the key>"
            return made
        if isinstance(value, list):
            made = [self.value(inner, name) for inner in value]
            # Members and alarms are told in the order of their ids, and keys of leases in none.
            unordered = name in ("members", "alarms", "errors", "keys")
            return sorted(made, key=json.dumps) if unordered else made
        if name in self.OWN and value not in (0, "0", ""):
            return f"<{self.OWN[name]}>"
        if isinstance(value, str):
            return self.text(value, name)
        return value

    def text(self, value, name):
        if value in self.names:
            return self.names[value]
        if name == "token" and self.TOKEN.match(value):
            return "<token>"
        if self.VERSION.match(value):
            return "<version>"
        if name == "key":
            try:
                key = base64.b64decode(value, validate=True)
            except ValueError:
                return value
            if self.LEASE_KEY.search(key):
                return "<" + self.LEASE_KEY.sub(b"/lease", key).decode() + ">"
        for own, symbol in self.names.items():
            if len(own) > 12:   # long enough to be nothing else
                value = value.replace(own, symbol)
        return value

    def ttl(self, reply):
        left, granted = int(reply.get("TTL", 0)), int(reply["grantedTTL"])
        return "<nearly all>" if granted - self.TTL_SLACK <= left <= granted else left

    @staticmethod
    def messages(parts):
        """Messages of a stream by watcher: which of two watchers is told first, is not promised.

        Events of several revisions may come in one message or in several, so runs of them are
        joined; the revision that stays is that of the last message.
        """
        watchers, blobs = {}, []
        for part in parts:
            result = part.get("result") if isinstance(part, dict) else None
            if not isinstance(result, dict):
                watchers.setdefault("error", []).append(part)
                continue
            if "blob" in result:
                blobs.append(base64.b64decode(result["blob"]))
                continue
            told = watchers.setdefault(result.get("watch_id", "0"), [])
            plain = set(result) <= {"header", "watch_id", "events"} and "events" in result
            if plain and told and "joined" in told[-1]:
                told[-1]["joined"] += result["events"]
                told[-1]["header"] = result.get("header")
            elif plain:
                told.append({"joined": list(result["events"]), "header": result.get("header")})
            else:
                told.append(result)
        if blobs:
            # The form of the database is each server's own; its last 32 bytes are its sum.
            data = b"".join(blobs)
            watchers["snapshot"] = {
                "has data": len(data) > 32,
                "sum fits": hashlib.sha256(data[:-32]).digest() == data[-32:]}
        return watchers


def differences(left, right, place="answer"):
    """Every place where two values differ, in words."""
    if type(left) is type(right) and isinstance(left, dict):
        for name in sorted(set(left) | set(right), key=str):
            if name not in left or name not in right:
                have, lack = ("first", left) if name in left else ("second", right)
                yield f"{place}.{name}: only the {have} has it: {lack[name]!r}"
            else:
                yield from differences(left[name], right[name], f"{place}.{name}")
    elif type(left) is type(right) and isinstance(left, list) and len(left) == len(right):
        for number, (one, other) in enumerate(zip(left, right)):
            yield from differences(one, other, f"{place}[{number}]")
    elif left != right or type(left) is not type(right):
        yield f"{place}: {left!r} and {right!r}"


def compare(pair, one, change=None):
    """Asks both sides; the differences in words. `change` alters the second answer."""
    with concurrent.futures.ThreadPoolExecutor(2) as threads:
        answers = list(threads.map(lambda side: side.answer(one), pair))
    if change is not None:
        change(answers[1])
    # A stream may have nothing to say, and who has left does not hear it.
    if answers[0].status == 0 and not one.stream and one.leaves != "all":
        raise TimeoutError(f"the first side does not answer {one}")
    left, right = (Normal(side).answer(answer, one.stream) for side, answer in zip(pair, answers))
    return list(differences(left, right))
