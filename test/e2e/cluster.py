"""Starts, stops, kills, pauses and restarts kvstore processes on 127.0.0.1 and finds their leader.

Every cluster owns one temporary folder with the members' data and logs. Whatever happens, leaving
the program ends its processes (by process id) and removes its folders.
"""

import atexit
import os
import pathlib
import random
import re
import resource
import shutil
import signal
import socket
import subprocess
import tempfile
import time

import wire

# Faster than the defaults, so that a test with many elections stays short; slow enough for a busy
# machine with two cores whose disk sometimes takes 100 ms for a sync.
FAST = ("--heartbeat-interval", "50", "--election-timeout", "500")

OWNER = os.getpid()
ALIVE = []

LEADER_LINE = re.compile(r"term\D{0,3}(\d+).*became leader|became leader\D*(\d+)")


class NotReady(Exception):
    """A member did not start, stop or answer in time."""


def own_ports():
    """The range of ports that this test program may take.

    Tests that run side by side are given a part each (`QUORATE_E2E_PLACE=1/4`): a member that is
    down for a restart would else find its port taken by a member of another test.
    """
    place, places = map(int, os.environ.get("QUORATE_E2E_PLACE", "0/1").split("/"))
    size = (32000 - 10000) // places
    return range(10000 + place * size, 10000 + (place + 1) * size)


def free_ports(count):
    """Ports that nothing listens on, outside the range that outgoing connections are given.

    A port in that range could be taken by any connection while its member is down for a restart.
    """
    ports = []
    while len(ports) < count:
        port = random.SystemRandom().choice(own_ports())
        with socket.socket() as probe:
            try:
                probe.bind((wire.HOST, port))
            except OSError:
                continue
        if port not in ports:
            ports.append(port)
    return ports


class Member:
    """One kvstore process (or the place where it was and will be)."""

    def __init__(self, number, port, peer_port, folder):
        self.id = number
        self.port = port
        self.url = f"http://{wire.HOST}:{peer_port}"
        self.data = folder / f"data-{number}"
        self.log = folder / f"member-{number}.log"
        self.join = False
        self.process = None
        self.paused = False

    @property
    def running(self):
        return self.process is not None and self.process.poll() is None

    def tail(self, lines=12):
        if not self.log.exists():
            return "(no log)"
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])


class Cluster:
    """`size` members with ids 1..size. A context manager: leaving it stops and removes all."""

    def __init__(self, bin_dir, size=3, flags=(), timing=FAST, parent=None):
        self.binary = str(pathlib.Path(bin_dir).resolve() / "kvstore")
        self.flags = list(timing) + list(flags)
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="quorate-e2e-", dir=parent))
        self.members = {}
        self.size = size
        self.limits = {}        # of members' processes: resource.RLIMIT_... and both its values
        ALIVE.append(self)

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, kind, *_):
        # A failed case keeps everything until its logs have been shown; see suite.py.
        if kind is None:
            self.remove()

    # ------------------------------------------------------------------ processes

    def start(self, attempts=3):
        """Starts all members and waits until each serves; takes other ports when some are taken."""
        for attempt in range(attempts):
            self.members = self.new_members()
            try:
                for number in self.members:
                    self.launch(number)
                self.wait_ready()
                return
            except NotReady:
                taken = any("in use" in member.tail() for member in self.members.values())
                if not taken or attempt + 1 == attempts:
                    raise
                for member in self.members.values():
                    self.kill(member.id)
                    shutil.rmtree(member.data, ignore_errors=True)
                    member.log.unlink(missing_ok=True)

    def new_members(self):
        """The members of a new cluster with their ports, by number."""
        ports = free_ports(2 * self.size)
        return {i + 1: Member(i + 1, ports[2 * i], ports[2 * i + 1], self.folder)
                for i in range(self.size)}

    def command(self, number, extra=()):
        """The command line of a member."""
        member = self.members[number]
        urls = [self.members[i].url for i in sorted(self.members)]
        words = [self.binary, "--id", str(number), "--cluster", ",".join(urls), "--port",
                 str(member.port), "--data-dir", str(member.data), *self.flags, *extra]
        return words + (["--join"] if member.join else [])

    def launch(self, number):
        """Starts a member's process without waiting for it."""
        member = self.members[number]
        with open(member.log, "ab") as log:
            member.process = subprocess.Popen(self.command(number), cwd=self.folder, stdout=log,
                                              stderr=log, stdin=subprocess.DEVNULL,
                                              preexec_fn=self._limit if self.limits else None,
                                              **self.surroundings(number))
        member.paused = False

    def _limit(self):
        for kind, most in self.limits.items():
            resource.setrlimit(kind, (most, most))

    def surroundings(self, number):
        """What else a member's process is started with, as arguments of Popen."""
        return {}

    def restart(self, number, seconds=30):
        """Starts a stopped member and waits until it serves."""
        self.launch(number)
        self.wait_ready([number], seconds)

    def add_slot(self):
        """Makes room for one more member (ids go on counting); returns it, not started."""
        number = max(self.members) + 1
        port, peer_port = free_ports(2)
        self.members[number] = Member(number, port, peer_port, self.folder)
        self.members[number].join = True
        return self.members[number]

    def kill(self, number):
        """SIGKILL, and waits for the end."""
        member = self.members[number]
        if member.running:
            member.process.kill()
        if member.process is not None:
            member.process.wait()
        member.paused = False

    def terminate(self, number, seconds=20):
        """SIGTERM; returns the exit status."""
        self.members[number].process.terminate()
        return self.wait_exit(number, seconds)

    def stop_all(self, seconds=20):
        """SIGTERM to all that run, at once; returns {id: exit status}."""
        numbers = [number for number, member in self.members.items() if member.running]
        for number in numbers:
            self.members[number].process.terminate()
        return {number: self.wait_exit(number, seconds) for number in numbers}

    def wait_exit(self, number, seconds=20):
        """Waits until a member ends by itself; returns the exit status."""
        try:
            return self.members[number].process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise NotReady(f"member {number} still runs after {seconds} s") from None

    def pause(self, number):
        self.members[number].process.send_signal(signal.SIGSTOP)
        self.members[number].paused = True

    def resume(self, number):
        self.members[number].process.send_signal(signal.SIGCONT)
        self.members[number].paused = False

    def remove(self, keep=False):
        """Ends all processes and removes the folder."""
        for number in self.members:
            self.kill(number)
        if not keep:
            shutil.rmtree(self.folder, ignore_errors=True)
        elif self.folder.exists():
            print(f"kept: {self.folder}", flush=True)
        if self in ALIVE:
            ALIVE.remove(self)

    # ------------------------------------------------------------------ state

    def wait_ready(self, numbers=None, seconds=30):
        """Waits until each member answers a GET with 200 or 404, so until a leader is reachable."""
        deadline = time.monotonic() + seconds
        for number in numbers or list(self.members):
            self._wait_serving(self.members[number], deadline)

    def _wait_serving(self, member, deadline):
        last = "nothing"
        while time.monotonic() < deadline:
            if not member.running:
                raise NotReady(f"member {member.id} ended with {member.process.returncode}: "
                               f"{member.tail(3)}")
            try:
                last = self.probe(member)
                if last.status in (200, 404):
                    return
            except OSError as failure:
                last = failure
            time.sleep(0.02)
        raise NotReady(f"member {member.id} does not serve; last: {last}")

    def probe(self, member):
        """A read that needs a leader; 200 or 404 when there is one."""
        return wire.once(member.port, "GET", "/ready?", timeout=5.0)

    def port(self, number):
        return self.members[number].port

    def running(self):
        """Ids of the members that run and are not paused."""
        return [i for i, member in self.members.items() if member.running and not member.paused]

    def newest_leader(self):
        """(term, id) of the last election won, by the members' logs; (0, 0) before the first."""
        best = (0, 0)
        for number, member in self.members.items():
            if member.log.exists():
                for early, late in LEADER_LINE.findall(member.log.read_text(errors="replace")):
                    best = max(best, (int(early or late), number))
        return best

    def leader(self, seconds=20, after_term=0):
        """The id of the member that won the newest election and runs; waits for one."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            term, number = self.newest_leader()
            if term > after_term and number in self.running():
                return number
            time.sleep(0.02)
        raise NotReady(f"no running leader after {seconds} s")

    def followers(self):
        leader = self.leader()
        return [number for number in self.running() if number != leader]


def put(port, key, value, seconds=30):
    """PUTs until 204: for preparations, where retrying is right. Writes the same value again."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            response = wire.once(port, "PUT", key, wire.to_bytes(value))
            if response.status == 204:
                return
        except OSError as failure:
            response = failure
        if time.monotonic() > deadline:
            raise NotReady(f"PUT {key} on port {port}: {response}")
        time.sleep(0.05)


def get(port, key, seconds=30):
    """GETs until 200 or 404; the value, or None."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            response = wire.once(port, "GET", key)
            if response.status in (200, 404):
                return response.body if response.status == 200 else None
        except OSError as failure:
            response = failure
        if time.monotonic() > deadline:
            raise NotReady(f"GET {key} on port {port}: {response}")
        time.sleep(0.05)


def get_many(port, keys, seconds=60, depth=16):
    """Values (None when absent) of many keys over one connection, `depth` requests in flight."""
    values = {}
    waiting = list(keys)
    deadline = time.monotonic() + seconds
    while waiting:
        if time.monotonic() > deadline:
            raise NotReady(f"port {port}: {len(waiting)} keys unread after {seconds} s")
        try:
            with wire.Connection(port) as connection:
                while waiting and time.monotonic() < deadline:
                    batch, rest = waiting[:depth], waiting[depth:]
                    connection.send(b"".join(wire.request_head("GET", key) for key in batch))
                    answers = [connection.read_response() for _ in batch]
                    again = []
                    for key, answer in zip(batch, answers):
                        if answer.status in (200, 404):
                            values[key] = answer.body if answer.status == 200 else None
                        else:
                            again.append(key)
                    waiting = rest + again
                    if again:
                        time.sleep(0.05)
        except OSError:
            time.sleep(0.05)
    return values


def tails():
    """The last log lines of all members of all clusters that still exist."""
    parts = []
    for item in ALIVE:
        for member in item.members.values():
            parts.append(f"--- member {member.id}, {item.folder}\n{member.tail()}")
    return "\n".join(parts)


def clean_up(keep=False):
    """Removes every cluster of this process; harmless when there is none."""
    if os.getpid() == OWNER:
        for item in list(ALIVE):
            item.remove(keep)


atexit.register(clean_up)
