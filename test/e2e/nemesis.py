"""What goes wrong in a cluster: each fault begins, lasts for a while, and ends as it may in life.

Faults are generators: they disturb, yield how long that may last, and put things right. Two may be
there at once. A seed repeats the choices (not the moments inside the processes).
"""

import contextlib
import time

import damage
import v3
from suite import expect


class Nemesis:
    """Disturbs one ServerCluster."""

    def __init__(self, cluster, dice, only):
        self.cluster = cluster
        self.network = cluster.network
        self.dice = dice
        self.down = set()           # members whose processes are not there on purpose
        self.faults = [fault for fault in (
            self.kill_some, self.kill_leader, self.kill_all, self.pause_leader, self.pause_some,
            self.cut_leader_off, self.hole_around_leader, self.split, self.bridge,
            self.leader_is_not_heard, self.leader_hears_nobody, self.tear, self.delay, self.slow,
            self.corrupt, self.full_disk, self.failing_sync, self.damage_log, self.hand_over)
            if only.search(fault.__name__)]
        self.done = []              # names, in order
        # A group survives the loss of what one member has acknowledged, as long as it is that one.
        self.unlucky = dice.choice(sorted(cluster.members))

    def turn(self):
        """One disturbance, of one fault or two at once."""
        chosen = self.dice.sample(self.faults, min(len(self.faults), self.dice.choice((1, 1, 2))))
        self.done.append("+".join(fault.__name__ for fault in chosen))
        running = []
        try:
            for fault in chosen:
                running.append(fault())
                time.sleep(next(running[-1]) * self.dice.uniform(0.3, 1.0))
        finally:
            for fault in reversed(running):
                with contextlib.suppress(StopIteration):
                    next(fault)
        self.expect_running()
        time.sleep(self.dice.choice((0.1, 0.5, 1.5)))

    def expect_running(self):
        for number, member in self.cluster.members.items():
            expect(number in self.down or member.running,
                   f"member {number} has ended: {member.tail(4)}")

    # ------------------------------------------------------------------ choosing

    def some(self, most=None):
        """Some members that run."""
        numbers = [number for number in self.cluster.members if number not in self.down]
        most = min(most or len(numbers), len(numbers))
        return self.dice.sample(numbers, self.dice.randint(min(1, most), most))

    def minority(self):
        return self.some((len(self.cluster.members) - 1) // 2)

    def leader(self):
        """The newest leader, or another one when that is down."""
        number = self.cluster.newest_leader()[1]
        if number in self.down or number not in self.cluster.members:
            return (self.some(1) or [1])[0]
        return number

    def others(self, number):
        return [other for other in self.cluster.members if other != number]

    # ------------------------------------------------------------------ processes

    def kill(self, victims):
        """kill -9, and after a while a start; now and then another kill while it recovers."""
        self.down.update(victims)
        for number in victims:
            self.cluster.kill(number)
        yield 1.5
        self.dice.shuffle(victims)
        for number in victims:
            self.start(number)
            if self.dice.random() < 0.2:
                time.sleep(self.dice.uniform(0, 0.15))
                self.cluster.kill(number)
                self.start(number)

    def start(self, number):
        """Starts a member, unless another fault has done so already."""
        if not self.cluster.members[number].running:
            self.cluster.launch(number)
        self.down.discard(number)

    def kill_some(self):
        return self.kill(self.some())

    def kill_leader(self):
        return self.kill([self.leader()])

    def kill_all(self):
        return self.kill(self.some(1000) if self.down else list(self.cluster.members))

    def pause(self, victims):
        for number in victims:
            self.cluster.pause(number)
        yield 2.0
        for number in victims:
            if self.cluster.members[number].paused:
                self.cluster.resume(number)

    def pause_some(self):
        return self.pause(self.some())

    def pause_leader(self):
        return self.pause([self.leader()])

    def hand_over(self):
        """Leadership is handed from member to member."""
        for _ in range(3):
            target = self.leader_id(self.dice.choice(sorted(self.cluster.members)))
            with contextlib.suppress(OSError, AssertionError):
                v3.ask(self.cluster.port(self.leader()), "maintenance/transfer-leadership",
                       {"targetID": target}, 2.0)
        yield 0.3

    def leader_id(self, number):
        return str(self.cluster.members[number].member_id)

    def damage_log(self):
        """A bit of the newest log of a member that is down turns over, or the end of it is lost."""
        number = self.unlucky
        ending = self.kill([number])
        pause = next(ending)
        path = damage.newest_segment(self.cluster.members[number].data)
        offsets, end = damage.frames(path)
        if offsets and self.dice.random() < 0.5:
            damage.flip(path, self.dice.randrange(offsets[-min(len(offsets), 50)], end),
                        self.dice.randrange(8))
        elif offsets:
            damage.blank(path, offsets[-self.dice.randint(1, min(len(offsets), 50))])
        yield pause
        with contextlib.suppress(StopIteration):
            next(ending)

    # ------------------------------------------------------------------ network

    def during(self, pairs, seconds=2.0, **fault):
        self.network.set(pairs, **fault)
        yield seconds
        self.network.heal(pairs)

    def all_pairs(self):
        return list(self.network.links)

    def apart(self):
        """How connections end between members that cannot reach each other."""
        return self.dice.choice(("cut", "hole"))

    def cut_leader_off(self):
        lead = self.leader()
        return self.during(self.network.between([lead], self.others(lead)), mode="cut")

    def hole_around_leader(self):
        lead = self.leader()
        return self.during(self.network.between([lead], self.others(lead)), mode="hole")

    def split(self):
        some = self.minority()
        rest = [number for number in self.cluster.members if number not in some]
        return self.during(self.network.between(some, rest), mode=self.apart())

    def bridge(self):
        """Two halves that only one member can reach both of."""
        numbers = self.dice.sample(sorted(self.cluster.members), len(self.cluster.members))
        middle = len(numbers) // 2
        return self.during(self.network.between(numbers[:middle], numbers[middle + 1:]),
                           mode=self.apart())

    def leader_is_not_heard(self):
        lead = self.leader()
        return self.during([(lead, other) for other in self.others(lead)], mode=self.apart())

    def leader_hears_nobody(self):
        lead = self.leader()
        return self.during([(other, lead) for other in self.others(lead)], mode=self.apart())

    def tear(self):
        return self.during(self.all_pairs(), 3.0, tear=self.dice.choice((0.01, 0.1)))

    def delay(self):
        return self.during(self.all_pairs(), delay=self.dice.choice((0.01, 0.1)),
                           jitter=self.dice.choice((0.02, 0.3)))

    def slow(self):
        lead = self.leader()
        return self.during([(lead, other) for other in self.others(lead)], 3.0,
                           rate=self.dice.choice((2e3, 2e4)))

    def corrupt(self):
        return self.during(self.all_pairs(), 3.0, corrupt=self.dice.choice((0.02, 0.3)))

    # ------------------------------------------------------------------ disks

    def full_disk(self):
        victims = self.some()
        self.cluster.fill(victims, self.dice.choice(("", "growing")))
        yield 2.0
        self.cluster.empty(victims)

    def failing_sync(self):
        """A member whose sync fails ends by itself, and is started again."""
        number = self.leader()
        flag, log = self.cluster.flag("fail", number), self.cluster.members[number].log
        failures = log.read_text(errors="replace").count("sync failed")
        self.down.add(number)
        flag.touch()
        yield 2.0
        flag.unlink()
        if log.read_text(errors="replace").count("sync failed") > failures:
            status = self.cluster.wait_exit(number)
            expect(status in (1, -9), f"member {number} ended with {status}")
        self.start(number)
