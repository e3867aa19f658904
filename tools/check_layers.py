#!/usr/bin/env python3
"""Checks that include/quorate keeps the layers of tools/layers.txt, and has no include cycle."""

import fnmatch
import re
import sys

import source_tree


# A clock that is read, a number that is drawn, a thread that is started.
OUTER_WORLD = re.compile(r"clock::now\(|\bclock_gettime\(|\bstd::j?thread\b|\bthread_pool\b|"
                         r"\brandom_device\b|\bstd::async\b")
COMMENT = re.compile(r"//.*")


class Rules:
    """The content of layers.txt."""

    def __init__(self, path):
        self.layers = {}    # folder -> folders it may include
        self.allowed = {}   # "boost/asio" -> patterns of files
        self.pure = []      # (folders, patterns of headers)
        self.clocks = []    # patterns of files
        for line in path.read_text(encoding="utf-8").splitlines():
            line = line.split("#")[0].strip()
            if not line:
                continue
            head, _, tail = line.partition(":")
            kind, *subjects = head.split()
            if kind == "layer":
                self.layers[subjects[0]] = set(tail.split())
            elif kind in ("asio", "beast"):
                self.allowed["boost/" + kind] = tail.split()
            elif kind == "clocks":
                self.clocks += tail.split()
            elif kind == "pure":
                self.pure.append((set(subjects), tail.split()))
            else:
                sys.exit(f"{path}: unknown rule {kind!r}")


def folder_of(relative):
    """Returns the layer of a path below include/quorate; impl/ belongs to the folder around it."""
    parts = relative.split("/")
    return parts[0] if len(parts) > 1 and parts[0] != "impl" else "(root)"


def check_library_include(rules, folder, target, report):
    other = folder_of(target)
    if other == "(root)" and folder != "(root)":
        report(f"a folder may not include the root header <quorate/{target}>")
    elif other != folder and other not in rules.layers[folder]:
        report(f"{folder} may not include from {other}: <quorate/{target}>")


def check_foreign_include(rules, folder, relative, target, report):
    for prefix, patterns in rules.allowed.items():
        if target == prefix + ".hpp" or target.startswith(prefix + "/"):
            names = [relative, folder] if folder == "(root)" else [relative]
            if not any(fnmatch.fnmatch(n, p) for n in names for p in patterns):
                report(f"<{target}> is not for this file")
    for folders, patterns in rules.pure:
        if folder in folders and any(fnmatch.fnmatch(target, p) for p in patterns):
            report(f"{folder} is pure and may not include <{target}>")


def check_text(rules, relative, path, findings):
    if any(fnmatch.fnmatch(relative, p) for p in rules.clocks):
        return
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        found = OUTER_WORLD.search(COMMENT.sub("", line))
        if found:
            findings.add(path, number, f"{found[0]} is for a runtime: this file asks its owner")


def check_file(rules, base, path, findings):
    """Returns the headers of the library that `path` includes."""
    relative = path.relative_to(base).as_posix()
    folder = folder_of(relative)
    if folder not in rules.layers:
        findings.add(path, 1, f"the folder {folder} is not in tools/layers.txt")
        return []
    check_text(rules, relative, path, findings)
    targets = []
    for number, bracket, target in source_tree.includes(path):
        def report(text, number=number):
            findings.add(path, number, text)

        if bracket == '"':
            report(f'"{target}": headers include with <>')
        elif target.startswith("quorate/"):
            target = target.removeprefix("quorate/")
            targets.append(target)
            check_library_include(rules, folder, target, report)
            if not (base / target).is_file():
                report(f"<quorate/{target}> does not exist")
        else:
            check_foreign_include(rules, folder, relative, target, report)
    return targets


def find_cycle(graph):
    """Returns the files of one include cycle, or nothing."""
    done, path = set(), []

    def visit(name):
        if name in path:
            return path[path.index(name):] + [name]
        if name in done:
            return None
        path.append(name)
        for target in graph.get(name, ()):
            cycle = visit(target)
            if cycle:
                return cycle
        path.pop()
        done.add(name)
        return None

    for start in sorted(graph):
        cycle = visit(start)
        if cycle:
            return cycle
    return None


def main():
    arguments = source_tree.parse_root(__doc__)
    root = arguments.root
    rules = Rules(root / "tools" / "layers.txt")
    findings = source_tree.Findings(root)
    base = root / "include" / "quorate"
    paths = source_tree.files(root, ["include"], {".hpp", ".ipp"})
    graph = {}
    for path in paths:
        targets = check_file(rules, base, path, findings)
        # A header and its bodies below impl/ include one another on purpose.
        if "impl" not in path.parts:
            graph[path.relative_to(base).as_posix()] = [t for t in targets if "/impl/" not in t]
    cycle = find_cycle(graph)
    if cycle:
        findings.add(base / cycle[0], 1, "include cycle: " + " -> ".join(cycle))
    return findings.finish("layers", f"{len(paths)} files")


if __name__ == "__main__":
    sys.exit(main())
