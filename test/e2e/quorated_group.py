"""A cluster of `quorated` processes on 127.0.0.1 whose members come and go, and a writer.

The cluster owns one temporary folder. Leaving it, or the program, ends its processes (by process
id) and removes its folder; see cluster.py, whose list of what is alive it shares.
"""

import base64
import http.client
import itertools
import json
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time

import cluster
from cluster import NotReady
from flags import clean_environment

FAST = ("--heartbeat-interval=50", "--election-timeout=500", "--log-format=text")


def b64(text):
    return base64.b64encode(text.encode()).decode()


class Answer:
    """Status and parsed body of a request."""

    def __init__(self, status, body):
        self.status = status
        self.body = body

    @property
    def message(self):
        return self.body.get("message", "") if isinstance(self.body, dict) else ""

    def __repr__(self):
        return f"<{self.status} {str(self.body)[:200]}>"


def ask(port, path, body=None, timeout=10):
    """POSTs JSON. Raises OSError when there is no answer."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    try:
        connection.request("POST", "/v3/" + path, json.dumps(body or {}))
        answer = connection.getresponse()
        data = answer.read()
        return Answer(answer.status, json.loads(data) if data else {})
    except (http.client.HTTPException, ValueError) as broken:
        raise OSError(f"no whole answer: {broken!r}") from broken
    finally:
        connection.close()


class Member:
    """One quorated process, or the place where it was and will be."""

    def __init__(self, group, name):
        self.id = name          # as cluster.tails() calls it
        self.name = name
        self.folder = group.folder
        self.port, self.peer_port = cluster.free_ports(2)
        self.listen_port = self.peer_port
        self.data = group.folder / name
        self.log = group.folder / f"{name}.log"
        self.process = None

    @property
    def peer_url(self):
        return f"http://127.0.0.1:{self.peer_port}"

    @property
    def running(self):
        return self.process is not None and self.process.poll() is None

    def said(self):
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def tail(self, lines=12):
        return "\n".join(self.said().splitlines()[-lines:])

    def ask(self, path, body=None, timeout=10):
        return ask(self.port, path, body, timeout)

    def put(self, key, value):
        return self.ask("kv/put", {"key": b64(key), "value": b64(value)})

    def status(self):
        return self.ask("maintenance/status", timeout=5).body

    def member_id(self):
        return self.status()["header"]["member_id"]

    def wait_port(self, seconds=20):
        """Until the member accepts connections of clients."""
        deadline = time.monotonic() + seconds
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), 5).close()
                return
            except OSError as failure:
                if time.monotonic() > deadline:
                    raise NotReady(f"{self.name} accepts no clients: {failure}") from failure
            time.sleep(0.05)

    def range_all(self, serializable=False):
        """Every key and value, decoded."""
        answer = self.ask("kv/range", {"key": "AA==", "range_end": "AA==",
                                       "serializable": serializable}, timeout=20)
        if answer.status != 200:
            raise NotReady(f"range at {self.name}: {answer}")
        return {base64.b64decode(one["key"]).decode(): base64.b64decode(one["value"]).decode()
                for one in answer.body.get("kvs", [])}


class Group:
    """Members by name, made as they are needed."""

    def __init__(self, bin_dir, names="abc", flags=()):
        self.binary = str(pathlib.Path(bin_dir).resolve() / "quorated")
        self.flags = [*FAST, *flags]
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="quorate-group-"))
        self.members = {}
        self.first = names
        self.writers = []
        cluster.ALIVE.append(self)

    def __enter__(self):
        for name in self.first:
            self.slot(name)
        for name in self.first:
            self.launch(name, self.first)
        for name in self.first:
            self.wait_serving(name)
        return self

    def __exit__(self, kind, *_):
        self.stop_writers()
        if kind is None:
            self.remove()

    def __getitem__(self, name):
        return self.members[name]

    def slot(self, name):
        self.members[name] = Member(self, name)
        return self.members[name]

    def words(self, name, listed, state="new", extra=()):
        one = self.members[name]
        client = f"http://127.0.0.1:{one.port}"
        peers = ",".join(f"{n}={self.members[n].peer_url}" for n in listed)
        return [self.binary, "serve", f"--name={name}", f"--data-dir={one.data}",
                f"--listen-peer-urls=http://127.0.0.1:{one.listen_port}",
                f"--initial-advertise-peer-urls={one.peer_url}",
                f"--listen-client-urls={client}", f"--advertise-client-urls={client}",
                f"--initial-cluster={peers}", f"--initial-cluster-state={state}",
                *self.flags, *extra]

    def launch(self, name, listed, state="new", extra=()):
        """Starts a process without waiting for it."""
        one = self.members[name]
        with open(one.log, "ab") as log:
            one.process = subprocess.Popen(self.words(name, listed, state, extra), stdout=log,
                                           stderr=log, stdin=subprocess.DEVNULL, cwd=self.folder,
                                           env=clean_environment())

    def refused(self, name, listed, state="new", extra=(), seconds=40):
        """Runs a process that ends by itself; (exit status, what it said)."""
        ended = subprocess.run(self.words(name, listed, state, extra), text=True, timeout=seconds,
                               stdin=subprocess.DEVNULL, capture_output=True, cwd=self.folder,
                               env=clean_environment(), check=False)
        return ended.returncode, ended.stdout + ended.stderr

    def wait_serving(self, name, seconds=40):
        """Until the member answers a linearizable read."""
        one = self.members[name]
        last = "nothing"
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if not one.running:
                raise NotReady(f"{name} ended with {one.process.returncode}: {one.tail(3)}")
            try:
                last = one.ask("kv/range", {"key": b64("ready?")})
                if last.status == 200:
                    return
            except OSError as failure:
                last = failure
            time.sleep(0.05)
        raise NotReady(f"{name} does not serve; last: {last}")

    def running(self):
        return [name for name, one in self.members.items() if one.running]

    def leader(self, seconds=20):
        """The name of the running member that most recently leads, by its own word."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            best = (0, "")
            for name in self.running():
                try:
                    told = self.members[name].status()
                    if told.get("leader") == told["header"]["member_id"]:
                        best = max(best, (int(told.get("raftTerm", 0)), name))
                except (OSError, KeyError):
                    pass
            if best[1]:
                return best[1]
            time.sleep(0.05)
        raise NotReady(f"no running leader after {seconds} s")

    def change(self, path, body, at=None, seconds=30):
        """Asks for a change of members until it is done: for preparations."""
        deadline = time.monotonic() + seconds
        last = "nothing"
        while time.monotonic() < deadline:
            try:
                last = self.members[at or self.leader()].ask("cluster/member/" + path, body)
                if last.status == 200:
                    return last.body
            except OSError as failure:
                last = failure
            time.sleep(0.2)
        raise NotReady(f"member {path}: {last}")

    def add(self, name, learner=False):
        """Makes a slot and tells the cluster of it; the id."""
        one = self.slot(name)
        told = self.change("add", {"peerURLs": [one.peer_url], "isLearner": learner})
        return told["member"]["ID"]

    def wait_exit(self, name, seconds=30):
        try:
            return self.members[name].process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise NotReady(f"{name} still runs after {seconds} s") from None

    def terminate(self, name, seconds=30):
        self.members[name].process.send_signal(signal.SIGTERM)
        return self.wait_exit(name, seconds)

    def kill(self, name):
        one = self.members[name]
        if one.running:
            one.process.kill()
        if one.process is not None:
            one.process.wait()

    def write(self, names):
        """Begins to write at these members, in turn; see Writer."""
        self.writers.append(Writer([self.members[name] for name in names]))
        return self.writers[-1]

    def stop_writers(self):
        for one in self.writers:
            one.stop()

    def expect_kept(self, names, seconds=40):
        """Every member has all that was ever acknowledged to a writer."""
        self.stop_writers()
        acknowledged = {key: value for one in self.writers for key, value in one.kept.items()}
        if not acknowledged:
            raise AssertionError("nothing was ever acknowledged")
        for name in names:
            self.wait_serving(name, seconds)
            held = self.members[name].range_all()
            lost = [key for key, value in acknowledged.items() if held.get(key) != value]
            if lost:
                raise AssertionError(f"{name} lost {len(lost)} of {len(acknowledged)}: {lost[:3]}")

    def remove(self, keep=False):
        """Ends all processes and removes the folder."""
        self.stop_writers()
        for name in self.members:
            self.kill(name)
        if not keep:
            shutil.rmtree(self.folder, ignore_errors=True)
        elif self.folder.exists():
            print(f"kept: {self.folder}", flush=True)
        if self in cluster.ALIVE:
            cluster.ALIVE.remove(self)


class Writer:
    """A thread that writes keys of its own at some members, and records what was acknowledged."""

    numbers = itertools.count(1)

    def __init__(self, members):
        self.members = members
        self.kept = {}
        self.refusals = []      # (member, answer or failure)
        self.number = next(Writer.numbers)
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self):
        for turn in itertools.count():
            if self.ended.is_set():
                return
            one = self.members[turn % len(self.members)]
            key, value = f"w{self.number}/{turn}", f"{one.name}-{turn}"
            try:
                answer = one.put(key, value)
                if answer.status == 200:
                    self.kept[key] = value
                else:
                    self.refusals.append((one.name, answer))
            except (OSError, socket.timeout) as failure:
                self.refusals.append((one.name, failure))
            time.sleep(0.005)

    def wait_for(self, count, seconds=30):
        """Until so many more writes were acknowledged."""
        wanted = len(self.kept) + count
        deadline = time.monotonic() + seconds
        while len(self.kept) < wanted:
            if time.monotonic() > deadline:
                raise NotReady(f"writes stopped; last: {self.refusals[-1:]}")
            time.sleep(0.02)

    def stop(self):
        self.ended.set()
        self.thread.join()
