"""What the checkers share: which files there are, and how a finding is reported."""

import argparse
import pathlib
import re
import sys

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')


class Findings:
    """Collects findings as `file:line: text` and turns them into an exit status."""

    def __init__(self, root):
        self.root = root
        self.lines = []

    def add(self, path, line, text):
        place = path.relative_to(self.root) if path.is_absolute() else path
        self.lines.append(f"{place}:{line}: {text}")

    def finish(self, name, summary):
        for line in self.lines:
            print(line)
        print(f"{name}: {summary}, {len(self.lines)} finding(s)")
        return 1 if self.lines else 0


def parse_root(description, *options):
    """Returns the parsed arguments; every tool takes --root, the top of the source tree."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--root", type=pathlib.Path,
                        default=pathlib.Path(__file__).resolve().parent.parent)
    for option, text in options:
        parser.add_argument(option, action="store_true", help=text)
    arguments = parser.parse_args()
    arguments.root = arguments.root.resolve()
    if not (arguments.root / "include" / "quorate").is_dir():
        sys.exit(f"{arguments.root}: no include/quorate here")
    return arguments


def files(root, folders, suffixes):
    """Returns the files below `folders` with one of `suffixes`, sorted."""
    found = []
    for folder in folders:
        found += [p for p in (root / folder).rglob("*") if p.suffix in suffixes and p.is_file()]
    return sorted(found)


def includes(path):
    """Yields (line number, bracket, included path) for each include directive."""
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        match = INCLUDE.match(line)
        if match:
            yield number, match.group(1), match.group(2)
