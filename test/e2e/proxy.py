"""A network between members that can be broken on purpose, one directed pair at a time.

Every member advertises the port of a proxy and listens on another one. The first frame of each
connection is a hello that names who dials (doc/format.md, "Frame"), and the one who dials is the
one who sends; so a proxy knows which pair a connection belongs to, and a fault of a pair (a, b)
concerns what a tells b and nothing else. All of it runs in a thread with a loop of its own.
"""

import asyncio
import contextlib
import dataclasses
import random
import struct
import threading
import time

import wire

HELLO = 32                  # kind of a frame
HEADER_BYTES = 32
HELLO_BYTES = 272           # a hello of any version is no longer
PIECE = 65536


@dataclasses.dataclass
class Link:
    """What happens to the bytes that one member sends another. Written by any thread."""
    mode: str = "pass"      # cut: connections end, and new ones too; hole: they stand still
    delay: float = 0.0      # seconds
    jitter: float = 0.0     # seconds more, at most; the order stays
    rate: float = 0.0       # bytes per second; zero: as fast as it goes
    tear: float = 0.0       # chance that a connection ends somewhere inside a piece
    corrupt: float = 0.0    # chance that a bit of a piece is turned over, once in a connection
    torn: int = 0           # how often it was done
    corrupted: int = 0
    noticed: int = 0        # connections that ended after a bit was turned over
    carried: int = 0        # bytes


@dataclasses.dataclass
class Flow:
    """One connection on a link."""
    link: Link
    corrupted: bool = False


class Network:
    """The proxies of a cluster. Closing it ends all connections."""

    def __init__(self, seed=0):
        self.dice = random.Random(seed)
        self.links = {}             # (from, to) -> Link
        self.numbers = {}           # id of a member -> its number
        self.connections = {}       # (from, to) -> set of writers, for the loop only
        self.servers = []
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()

    def add(self, number, member_id, port, target):
        """From now on connections to `port` reach member `number`, which listens on `target`."""
        for other in self.numbers.values():
            self.links[number, other] = Link()
            self.links[other, number] = Link()
        self.numbers[member_id] = number

        async def serve():
            async def accepted(reader, writer):
                await self._carry(number, target, reader, writer)
            self.servers.append(await asyncio.start_server(accepted, wire.HOST, port))
        asyncio.run_coroutine_threadsafe(serve(), self.loop).result(10)

    # ------------------------------------------------------------------ faults

    def set(self, pairs, **changes):
        """Changes the links of these (from, to) pairs; a cut ends what is open now."""
        pairs = list(pairs)
        for pair in pairs:
            for name, value in changes.items():
                setattr(self.links[pair], name, value)
            if changes.get("mode") == "cut":
                self.loop.call_soon_threadsafe(self._end, pair)

    def heal(self, pairs=None):
        """Links are sound again; what a hole has held back arrives late, or never."""
        for pair in self.links if pairs is None else pairs:
            link = self.links[pair]
            link.mode = "pass"
            link.delay = link.jitter = link.rate = link.tear = link.corrupt = 0.0

    def between(self, some, others):
        """All pairs in both directions between two groups."""
        return [pair for one in some for other in others if one != other
                for pair in ((one, other), (other, one))]

    def totals(self):
        """(bytes carried, connections torn, bits turned over)."""
        links = self.links.values()
        return (sum(link.carried for link in links), sum(link.torn for link in links),
                sum(link.corrupted for link in links))

    def close(self):
        async def finish():
            for server in self.servers:
                server.close()
            tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        with contextlib.suppress(Exception):
            asyncio.run_coroutine_threadsafe(finish(), self.loop).result(10)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(10)

    def _end(self, pair):
        for writer in self.connections.get(pair, ()):
            writer.transport.abort()

    # ------------------------------------------------------------------ connections

    async def _carry(self, number, target, reader, writer):
        """Carries one connection that was dialled, for as long as both ends keep it."""
        ends = [writer]
        flow, pair = None, None
        try:
            first, pair = await self._hello(number, reader)
            flow = Flow(self.links[pair])
            if flow.link.mode == "cut":
                return
            there, out = await asyncio.open_connection(wire.HOST, target)
            ends.append(out)
            self.connections.setdefault(pair, set()).update(ends)
            tasks = [asyncio.ensure_future(self._pump(flow, first, reader, out)),
                     asyncio.ensure_future(self._pump(flow, b"", there, writer))]
            try:
                await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
        except (OSError, EOFError, ValueError, KeyError):
            pass
        finally:
            for end in ends:
                end.transport.abort()
                self.connections.get(pair, set()).discard(end)
            if flow and flow.corrupted:
                flow.link.noticed += 1

    async def _hello(self, number, reader):
        """Reads who dials; (the bytes read, the pair)."""
        header = await reader.readexactly(HEADER_BYTES)
        size = struct.unpack_from("<I", header, 8)[0]
        if header[6] != HELLO or size > HELLO_BYTES:
            raise ValueError("no hello")
        body = await reader.readexactly(size)
        return header + body, (self.numbers[struct.unpack_from("<Q", body, 16)[0]], number)

    async def _pump(self, flow, first, reader, writer):
        """Carries one direction, in order, through whatever the link suffers at that moment."""
        link, waiting = flow.link, asyncio.Queue(64)
        sender = asyncio.ensure_future(self._deliver(flow, waiting, writer))
        try:
            piece = first or await reader.read(PIECE)
            while piece and not sender.done():
                late = link.delay + link.jitter * self.dice.random()
                await waiting.put((time.monotonic() + late, piece))
                piece = await reader.read(PIECE)
            await waiting.put((0, b""))
            await sender
        finally:
            sender.cancel()

    async def _deliver(self, flow, waiting, writer):
        link = flow.link
        while True:
            due, piece = await waiting.get()
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            while link.mode == "hole":
                await asyncio.sleep(0.01)
            if not piece or link.mode == "cut":
                return
            if link.tear and self.dice.random() < link.tear:
                link.torn += 1
                writer.write(piece[:self.dice.randrange(len(piece))])
                await writer.drain()
                return
            writer.write(self._maybe_corrupted(flow, piece))
            link.carried += len(piece)
            await writer.drain()
            if link.rate:
                await asyncio.sleep(len(piece) / link.rate)

    def _maybe_corrupted(self, flow, piece):
        if flow.corrupted or self.dice.random() >= flow.link.corrupt:
            return piece
        flow.corrupted = True
        flow.link.corrupted += 1
        changed = bytearray(piece)
        changed[self.dice.randrange(len(changed))] ^= 1 << self.dice.randrange(8)
        return bytes(changed)
