"""The smallest replicated store, as three processes that read their standard input."""

import contextlib
import pathlib
import socket
import subprocess
import sys
import tempfile
import time

from cluster import free_ports
from suite import Suite, expect, expect_equal, parser

suite = Suite()


def three_ports():
    """The number before three ports in a row that nothing listens on."""
    for port in free_ports(100):
        with contextlib.ExitStack() as held:
            try:
                for other in (port, port + 1, port + 2):
                    probe = held.enter_context(socket.socket())
                    probe.bind(("127.0.0.1", other))
            except OSError:
                continue
            return port - 1
    raise AssertionError("no three ports in a row are free")


class Member:
    """One process of replicated_kv."""

    def __init__(self, options, folder, number, ports):
        self.command = [pathlib.Path(options.bin) / "replicated_kv", folder / str(number),
                        str(number), str(ports)]
        self.start()

    def start(self):
        self.process = subprocess.Popen(self.command, stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)

    def ask(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().strip()

    def ask_until_well(self, line, well):
        """The answer once it satisfies `well`: a member without a leader refuses."""
        deadline = time.monotonic() + 60
        while not well(answer := self.ask(line)):
            expect(time.monotonic() < deadline, f"{line!r} is answered {answer!r}")
            time.sleep(0.05)
        return answer

    def kill(self):
        self.process.kill()
        self.process.communicate()

    def end(self):
        self.process.stdin.close()
        self.process.stdout.read()
        return self.process.wait(30)


@suite.case(120)
def three_processes_keep_what_was_put_through_a_kill(options):
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as cleanup:
        ports = three_ports()
        members = [Member(options, pathlib.Path(folder), number, ports) for number in (1, 2, 3)]
        for member in members:
            cleanup.callback(lambda process=member: process.process.kill())
        members[0].ask_until_well("put k v1", str.isdigit)
        for member in members:
            expect_equal(member.ask_until_well("get k", lambda answer: answer in ("v1", "-")),
                         "v1", "the value")
        members[0].kill()
        members[1].ask_until_well("put k v2", str.isdigit)
        members[0].start()
        expect_equal(members[0].ask_until_well("get k", lambda answer: answer in ("v1", "v2")),
                     "v2", "the value at the member that came back")
        for member in members:
            expect_equal(member.end(), 0, "exit status at the end of the input")


if __name__ == "__main__":
    sys.exit(suite.run(parser(__doc__).parse_args()))
