"""A client of the JSON API v3 that says of each request whether it was done, was not, or may be.

Keys and values are text here and base64 on the wire; 64-bit numbers arrive in quotes.
"""

import base64
import json
import select

import wire

# Refusals after which the request certainly has no effect, now or later; see doc/errors.md.
NOT_DONE = ("no leader", "leader changed", "database space exceeded", "too many requests",
            "server stopped", "not leader", "lease not found", "session is expired",
            "has been compacted",
            "future revision")
OPEN = ("request timed out", "transport is closing")


def b64(text):
    return base64.b64encode(wire.to_bytes(text)).decode()


def text_of(coded):
    return base64.b64decode(coded or "").decode("latin-1")


def number(body, name):
    """A 64-bit number of an answer; zero when it is left out."""
    return int((body or {}).get(name, 0))


def pair(kv):
    """A key with its value as (value, create_revision, mod_revision, version, lease)."""
    return (text_of(kv.get("value")), number(kv, "create_revision"), number(kv, "mod_revision"),
            number(kv, "version"), number(kv, "lease"))


class Outcome:
    """How a request ended: `ok` with a body, `failed` (not done), or `unknown`."""

    def __init__(self, kind, body=None, why=""):
        self.kind = kind
        self.body = body
        self.why = why

    @property
    def revision(self):
        return number(self.body.get("header"), "revision")


class Client:
    """Kept-alive connections to several members. For one thread."""

    def __init__(self, timeout=4.0):
        self.session = wire.Session(timeout)

    def call(self, port, path, body):
        """Posts to a member; raises AssertionError for an answer that nobody may get."""
        try:
            answer = self.session.request(port, "POST", "/v3/" + path, json.dumps(body).encode())
        except wire.Refused as failure:
            return Outcome("failed", why=str(failure))
        except OSError as failure:
            return Outcome("unknown", why=str(failure))
        if answer.status == 200:
            return Outcome("ok", json.loads(answer.body))
        try:
            why = json.loads(answer.body)["message"]
        except (ValueError, KeyError, TypeError):
            why = repr(answer)
        if any(words in why for words in NOT_DONE):
            return Outcome("failed", why=why)
        if any(words in why for words in OPEN):
            return Outcome("unknown", why=why)
        raise AssertionError(f"{path} {body}: {answer!r}")

    def close(self):
        self.session.close()


def ask(port, path, body=None, timeout=10.0):
    """One request over a connection of its own; the parsed body. Raises unless it is a 200."""
    answer = wire.once(port, "POST", "/v3/" + path, json.dumps(body or {}).encode(), (), timeout)
    if answer.status != 200:
        raise AssertionError(f"{path}: {answer!r}")
    return json.loads(answer.body)


class Stream:
    """An answer that goes on, such as that of a watch: one message after the other."""

    def __init__(self, port, path, body, timeout=5.0):
        self.connection = wire.Connection(port, timeout)
        self.data = b""         # not read as chunks yet
        self.lines = b""        # chunks that were read, up to the next message
        self.messages = []
        self.headed = False
        body = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.connection.send_request("POST", "/v3/" + path, body)

    def next(self, seconds):
        """The next message, or None when none came in that time. Broken: the stream has ended."""
        while not self.messages:
            if not select.select([self.connection.socket], [], [], seconds)[0]:
                return None
            try:
                more = self.connection.socket.recv(1 << 18)
            except OSError as failure:
                raise wire.Broken(f"stream: {failure}") from failure
            if not more:
                raise wire.Broken("the stream has ended")
            self._take(more)
        return self.messages.pop(0)

    def _take(self, more):
        self.data += more
        if not self.headed:
            head, end, rest = self.data.partition(b"\r\n\r\n")
            if not end:
                return
            if b" 200 " not in head[:16]:
                raise wire.Broken(f"the stream is refused: {head[:40]!r} {rest[:100]!r}")
            self.headed, self.data = True, rest
        self._unpack()
        *whole, self.lines = self.lines.split(b"\n")
        self.messages += [json.loads(line) for line in whole if line.strip()]

    def _unpack(self):
        """Moves whole chunks from `data` to `lines`."""
        at = 0
        while True:
            end = self.data.find(b"\r\n", at)
            if end < 0:
                break
            size = int(self.data[at:end].split(b";")[0], 16)
            if len(self.data) < end + size + 4:
                break
            if size == 0:
                raise wire.Broken("the stream has ended")
            self.lines += self.data[end + 2:end + 2 + size]
            at = end + size + 4
        self.data = self.data[at:]

    def close(self):
        self.connection.close()
