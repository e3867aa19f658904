"""kill -9 at random moments: nothing acknowledged may ever be missing.

Writers on all members go on without pause while each round kills one to three members, restarts
them and then reads every register from every member. See history.py for the rule that is checked.
A seed reproduces the choice of victims and pauses (not the moments inside the processes).
"""

import random
import sys
import time

from cluster import Cluster, get_many
from history import Writer
from suite import Suite, expect, expect_equal, parser

suite = Suite()


def verify(cluster, writers, numbers):
    """Reads every register from each of the members and judges it; the number of reads."""
    reads = 0
    for writer in writers:
        if writer.failure:
            raise writer.failure
    for number in numbers:
        registers = {register.key: register for writer in writers for register in list(writer.all)}
        floors = {key: register.floor() for key, register in registers.items()}
        for key, body in get_many(cluster.port(number), list(registers)).items():
            registers[key].check(floors[key], body, number)
            reads += 1
    return reads


def crash_round(cluster, dice):
    """Kills some members, lets the others go on for a while, restarts the killed ones."""
    time.sleep(dice.uniform(0.05, 0.6))
    victims = dice.sample(sorted(cluster.members), dice.choice((1, 1, 1, 2, 3)))
    if dice.random() < 0.3 and len(victims) == 1:
        victims = [cluster.newest_leader()[1]]
    for number in victims:
        cluster.kill(number)
        time.sleep(dice.choice((0, 0, dice.uniform(0, 0.2))))
    time.sleep(dice.choice((0, dice.uniform(0, 1.0))))
    dice.shuffle(victims)
    for number in victims:
        cluster.launch(number)
        # Now and then a member dies again while it still recovers.
        if dice.random() < 0.2:
            time.sleep(dice.uniform(0, 0.1))
            cluster.kill(number)
            cluster.launch(number)
    cluster.wait_ready(seconds=45)
    return victims


@suite.case(seconds=3600)
def acknowledged_writes_survive_kill_9(options):
    seed = options.seed if options.seed is not None else random.SystemRandom().randrange(1 << 32)
    print(f"seed {seed}, {options.rounds} rounds", flush=True)
    dice = random.Random(seed)
    with Cluster(options.bin, 3, ("--snapshot-count", str(options.snapshot_count))) as cluster:
        ports = [cluster.port(number) for number in cluster.members]
        writers = [Writer(index, ports, size=dice.choice((8, 300, 4000)), registers=2)
                   for index in range(options.writers)]
        for writer in writers:
            writer.start()
        try:
            for number in range(1, options.rounds + 1):
                before = sum(writer.acknowledgements for writer in writers)
                victims = crash_round(cluster, dice)
                reads = verify(cluster, writers, cluster.members)
                gained = sum(writer.acknowledgements for writer in writers) - before
                print(f"round {number}: killed {victims}, {gained} acknowledged, {reads} reads",
                      flush=True)
                expect(gained > 0, "no write was acknowledged in this round")
        finally:
            for writer in writers:
                writer.stopping.set()
        for writer in writers:
            writer.stop()
        expect_equal(set(cluster.stop_all().values()), {0}, "exit statuses")
        for number in cluster.members:
            cluster.launch(number)
        cluster.wait_ready()
        verify(cluster, writers, cluster.members)
        total = sum(writer.acknowledgements for writer in writers)
        print(f"{total} writes acknowledged, 0 lost", flush=True)


def main():
    options = parser(__doc__)
    options.add_argument("--rounds", type=int, default=10, help="rounds of kills (default 10)")
    options.add_argument("--seed", type=int, help="repeat the choices of an earlier run")
    options.add_argument("--writers", type=int, default=6, help="writing threads (default 6)")
    options.add_argument("--snapshot-count", type=int, default=2000,
                         help="entries between snapshots (default 2000)")
    return suite.run(options.parse_args())


if __name__ == "__main__":
    sys.exit(main())
