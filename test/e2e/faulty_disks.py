"""Disks of members that fail a sync, fill up or write less than asked, when told to by a file.

A library that is loaded before the system's (test/faults/faulty_disk.cpp) makes the faults.
"""

import os
import pathlib
import shutil
import subprocess
import tempfile
import time

from suite import REPOSITORY, expect

SOURCE = REPOSITORY / "test/faults/faulty_disk.cpp"


def library(options):
    """The built library beside the programs; else one compiled for this run."""
    built = pathlib.Path(options.bin).resolve() / "libfaulty_disk.so"
    if built.exists():
        return built
    folder = pathlib.Path(tempfile.mkdtemp(prefix="quorate-e2e-"))
    options.made = folder
    compiler = os.environ.get("CXX") or shutil.which("c++") or "g++"
    made = folder / built.name
    subprocess.run([compiler, "-std=c++20", "-O1", "-shared", "-fPIC", str(SOURCE), "-o",
                    str(made)], check=True, timeout=120)
    options.bin_library = made
    return made


def run(suite, options):
    """Runs a suite whose cases use such disks, and leaves nothing behind."""
    try:
        return suite.run(options)
    finally:
        if getattr(options, "made", None):
            shutil.rmtree(options.made, ignore_errors=True)


class FaultyDisks:
    """For a Cluster: members obey flag files; `fail-N` fails a sync of member N, `full-N` fills
    its disk."""

    def use_faults(self, options, sync=1, short=0, mask=0o022):
        """`sync`: which sync after the file appeared fails; `short`: most bytes of a write."""
        self.faults = getattr(options, "bin_library", None) or library(options)
        self.sync = sync
        self.short = short
        self.mask = mask

    def surroundings(self, number):
        faults = {
            "LD_PRELOAD": str(self.faults),
            "QUORATE_FAULT_DIRECTORY": str(self.members[number].data),
            "QUORATE_FAULT_SYNC": str(self.sync),
            "QUORATE_FAULT_SYNC_WHILE": str(self.flag("fail", number)),
            "QUORATE_FAULT_FULL": str(self.flag("full", number)),
        }
        if self.short:
            faults["QUORATE_FAULT_SHORT"] = str(self.short)
        return {"env": os.environ | faults, "umask": self.mask}

    def flag(self, kind, number):
        return self.folder / f"{kind}-{number}"

    def fill(self, numbers, how=""):
        """From now on the disks of these members have no room (`growing`: none to grow)."""
        for number in numbers:
            self.flag("full", number).write_text(how)

    def empty(self, numbers):
        for number in numbers:
            self.flag("full", number).unlink()

    def told(self, number, text):
        """Whether a member's output has the text."""
        return text in self.members[number].log.read_text(errors="replace")

    def await_text(self, number, text, seconds=20):
        deadline = time.monotonic() + seconds
        while not self.told(number, text):
            expect(time.monotonic() < deadline, f"member {number} never said {text!r}")
            time.sleep(0.02)

    def processes(self):
        return {number: member.process.pid for number, member in self.members.items()}
