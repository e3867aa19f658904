"""What single-writer registers may show: the record of writes, and the check of reads.

Each register has one writer, which writes 1, 2, 3, ... one after the other. When the outcome of a
write is unknown it might still take effect at any later time, so the writer leaves that register
for a fresh one: only the last write of a register is ever uncertain. Then
  - a read that starts after write n was acknowledged returns at least n;
  - a read returns no number that had not been sent before the read ended, nor one that was refused;
  - a read that starts after another one ended returns at least what that one returned.
Values are the number, a colon and filling, so that a torn or foreign value shows as well.
"""

import itertools
import threading
import time

import wire

FILLING = bytes(itertools.islice(itertools.cycle(range(256)), 4096))


def value_of(number, size):
    """The value that stands for a number, about `size` bytes."""
    return b"%d:" % number + FILLING[:size]


def number_of(body, key):
    """The number a value stands for; 0 for no value. Raises when the value was never written."""
    if body is None:
        return 0
    digits, colon, filling = body.partition(b":")
    if not colon or not digits.isdigit() or filling != FILLING[:len(filling)]:
        raise AssertionError(f"{key}: a value that nobody wrote: {body[:60]!r}")
    return int(digits)


class Register:
    """One key with its writes. Written by one thread; read by all."""

    def __init__(self, key):
        self.key = key
        self.sent = 0            # number of the last write handed to a connection
        self.acknowledged = 0    # number of the last write answered with 204
        self.seen = 0            # largest number that a finished read returned
        self.refused = set()     # numbers that were answered with 429, 503, 507: never to be seen

    def floor(self):
        """What a read that starts now must return at least."""
        return max(self.acknowledged, self.seen)

    def check(self, floor, body, where):
        """Judges a finished read that started when floor() was `floor`; raises on a violation."""
        number = number_of(body, self.key)
        story = f"{self.key} on member {where}: read {number}"
        if number < floor:
            raise AssertionError(f"{story}, but {floor} was acknowledged or read before")
        if number > self.sent:
            raise AssertionError(f"{story}, but only {self.sent} was written")
        if number in self.refused:
            raise AssertionError(f"{story}, whose write was refused")
        self.seen = max(self.seen, number)


class Writer(threading.Thread):
    """Writes its current register over all members in turn until told to stop."""

    def __init__(self, index, ports, size=64, registers=1, pause=0.0):
        super().__init__(daemon=True)
        self.index = index
        self.ports = ports
        self.size = size
        self.pause = pause
        self.stopping = threading.Event()
        self.all = []            # every register ever used
        self.current = [self._fresh() for _ in range(registers)]
        self.failure = None
        self.acknowledgements = 0

    def _fresh(self):
        register = Register(f"/writer-{self.index}/{len(self.all)}?r")
        self.all.append(register)
        return register

    def run(self):
        session = wire.Session(timeout=8)
        try:
            for turn in itertools.count():
                if self.stopping.is_set():
                    break
                self._write(session, turn % len(self.current), self._port(turn))
                if self.pause:
                    time.sleep(self.pause)
        except AssertionError as failure:
            self.failure = failure
        session.close()

    def _port(self, turn):
        return self.ports[(self.index + turn) % len(self.ports)]

    def _write(self, session, place, port):
        register = self.current[place]
        number = register.sent + 1
        register.sent = number
        try:
            answer = session.request(port, "PUT", register.key, value_of(number, self.size))
        except wire.Refused:
            register.refused.add(number)
            time.sleep(0.01)
            return
        except OSError:
            self.current[place] = self._fresh()
            return
        if answer.status == 204:
            register.acknowledged = number
            self.acknowledgements += 1
        elif answer.status in (429, 503, 507):
            register.refused.add(number)
            time.sleep(0.02)
        elif answer.status == 504:
            self.current[place] = self._fresh()
        else:
            raise AssertionError(f"PUT {register.key}: {answer!r}")

    def stop(self, seconds=20):
        """Ends the thread; raises what it failed with."""
        self.stopping.set()
        self.join(seconds)
        if self.is_alive():
            raise AssertionError(f"writer {self.index} hangs")
        if self.failure:
            raise self.failure
