#!/usr/bin/env python3
"""Checks beyond clang-format: guards, preambles, widths, lengths, prose and refused includes."""

import re
import statistics
import sys

import prose
import source_tree

WIDTH_MAX = 100
FILE_LINES_MAX = 800
FUNCTION_LINES_MAX = 70
PREAMBLE_LINES_MAX = 12
PREAMBLE_KEYS = ["Flow", "In / Out", "Invariants", "Source", "Threads"]
REFUSED_INCLUDES = {
    "boost/asio.hpp": "include the parts that are used",
    "boost/beast.hpp": "include the parts that are used",
    "boost/test/included/unit_test.hpp": "the tests link Boost.Test",
    "bits/stdc++.h": "include the headers that are used",
}
UNFINISHED = re.compile(r"\b(TO" r"DO|FIX" r"ME|XX" r"X|HA" r"CK)\b")
KEY = re.compile(r"^// ([A-Z][A-Za-z]*(?: / [A-Z][a-z]*)?):(?:\s|$)")
NOT_A_FUNCTION = re.compile(
    r"^\s*(?:(?:template\b.*>|export|inline|constexpr)\s*)*"
    r"(namespace|class|struct|enum|union|concept|if|else|for|while|do|switch|try|catch|return|"
    r"extern|static_assert|using)\b")


def guard_of(root, path):
    """Returns the guard that the path demands; include/ and example/ are not part of it."""
    relative = path.relative_to(root).as_posix()
    if relative.startswith("test/"):
        relative = "quorate/" + relative
    relative = relative.removeprefix("include/").removeprefix("example/")
    return re.sub(r"[^A-Z0-9]", "_", relative.upper())


def check_lines(path, lines, findings):
    for number, line in enumerate(lines, 1):
        if len(line) > WIDTH_MAX:
            findings.add(path, number, f"{len(line)} columns, at most {WIDTH_MAX}")
        if "\t" in line:
            findings.add(path, number, "a tab")
        if line != line.rstrip():
            findings.add(path, number, "blanks at the end")
        if UNFINISHED.search(line):
            findings.add(path, number, "a mark of unfinished work")
    if len(lines) > FILE_LINES_MAX:
        findings.add(path, len(lines), f"{len(lines)} lines, at most {FILE_LINES_MAX}")


def check_includes(path, findings):
    for number, _, target in source_tree.includes(path):
        if target in REFUSED_INCLUDES:
            findings.add(path, number, f"<{target}>: {REFUSED_INCLUDES[target]}")


def check_guard(root, path, lines, findings):
    guard = guard_of(root, path)
    places = [n for n, line in enumerate(lines) if line == f"#ifndef {guard}"]
    if not places or lines[places[0] + 1:places[0] + 2] != [f"#define {guard}"]:
        findings.add(path, 1, f"the include guard is not {guard}")
    if not lines or lines[-1] != "#endif":
        findings.add(path, len(lines), "the last line is not #endif")


def check_preamble(path, lines, findings):
    """A sentence, then keys of the fixed set in order; public headers name their flow."""
    preamble = []
    for line in lines:
        if not line.startswith("//"):
            break
        preamble.append(line)
    first = KEY.match(preamble[0]) if preamble else None
    if not preamble or not re.match(r"^// \S", preamble[0]) or \
            (first and first.group(1) in PREAMBLE_KEYS):
        findings.add(path, 1, "the file does not open with a sentence about itself")
        return
    if len(preamble) > PREAMBLE_LINES_MAX:
        findings.add(path, len(preamble), f"the preamble is over {PREAMBLE_LINES_MAX} lines")
    matches = [(n, KEY.match(line)) for n, line in enumerate(preamble[1:], 2)]
    keys = [(n, match.group(1)) for n, match in matches if match]
    order = []
    for number, key in keys:
        if key not in PREAMBLE_KEYS:
            findings.add(path, number, f"unknown preamble key {key!r}")
        else:
            order.append(PREAMBLE_KEYS.index(key))
    if order != sorted(set(order)):
        findings.add(path, 1, "preamble keys are not in the order " + ", ".join(PREAMBLE_KEYS))
    public = path.suffix == ".hpp" and path.parent.name != "impl"
    if public and "Flow" not in [key for _, key in keys]:
        findings.add(path, 1, "the preamble has no Flow key")


def check_mirror(root, path, findings):
    """A test of a header includes it, behind nothing but other headers of the library."""
    folder = path.parent.relative_to(root / "test").as_posix()
    header = f"quorate/{folder}/{path.stem}.hpp"
    if not (root / "include" / header).is_file():
        return
    for number, _, target in source_tree.includes(path):
        if target == header:
            return
        if not target.startswith("quorate/"):
            findings.add(path, number, f"<{header}> is not among the first includes")
            return
    findings.add(path, 1, f"<{header}> is not among the first includes")


def functions(lines):
    """Yields (line number, length, signature) of the outermost functions of formatted source."""
    number = 0
    while number < len(lines):
        line = lines[number]
        if not line.endswith("{") or line.lstrip().startswith(("//", "#")):
            number += 1
            continue
        first = number
        while first > 0 and lines[first - 1].strip() and \
                not re.search(r"([;{}>]|\w:)$|^\s*(//|#)", lines[first - 1]):
            first -= 1
        signature = " ".join(part.strip() for part in lines[first:number + 1])
        indent = re.match(r" *", lines[first]).group()
        end = number + 1
        while end < len(lines) and not re.match(re.escape(indent) + r"\}", lines[end]):
            end += 1
        if "(" in signature and not NOT_A_FUNCTION.match(signature):
            yield first + 1, end - first + 1, signature
            number = end
        number += 1


def check_functions(path, lines, allowed, findings):
    relative = path.relative_to(findings.root).as_posix()
    for number, length, signature in functions(lines):
        match = re.search(r"([\w~:]+|operator\S+)\s*\(", signature)
        name = match.group(1) if match else signature
        limit = allowed.get((relative, name), FUNCTION_LINES_MAX)
        if length > limit:
            findings.add(path, number, f"{name} has {length} lines, at most {limit}")


def allowed_functions(root):
    """Returns (file, function) -> lines from the list of functions that may be longer."""
    path = root / "tools" / "long_functions.txt"
    rows = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    rows = [row.split() for row in rows if row.strip() and not row.startswith("#")]
    return {(file, name): int(lines) for file, name, lines in rows}


def report_lengths(root, lengths):
    for title, prefix in (("include", "include"), ("test", "test"), ("example", "example")):
        part = [(n, p) for p, n in lengths.items() if p.relative_to(root).parts[0] == prefix]
        if part:
            middle = statistics.median(n for n, _ in part)
            longest = max(part)
            print(f"style: {title}: {len(part)} files, median {middle:.0f} lines, longest "
                  f"{longest[0]} ({longest[1].relative_to(root).as_posix()})")


def main():
    arguments = source_tree.parse_root(__doc__)
    root = arguments.root
    findings = source_tree.Findings(root)
    allowed = allowed_functions(root)
    lengths = {}
    sources = source_tree.files(root, ["include", "test", "example"], {".hpp", ".ipp", ".cpp"})
    scripts = source_tree.files(root, ["tools", "test", "example", "cmake"],
                                {".py", ".sh", ".cmake", ".txt"})
    for path in scripts:
        # Scenario scripts show output as it is, whatever its width.
        if "scripts" not in path.parts and path.name != "layers.txt":
            check_lines(path, path.read_text(encoding="utf-8").splitlines(), findings)
    for path in sources:
        text = path.read_text(encoding="utf-8")
        lines = text.splitlines()
        lengths[path] = len(lines)
        if not text.endswith("\n") or "\r" in text:
            findings.add(path, len(lines), "the file does not end in one newline, or has CRs")
        check_lines(path, lines, findings)
        check_includes(path, findings)
        check_functions(path, lines, allowed, findings)
        if path.suffix != ".cpp":
            check_guard(root, path, lines, findings)
        if path.is_relative_to(root / "include"):
            check_preamble(path, lines, findings)
            prose.check_headline(path, lines, findings)
        if path.is_relative_to(root / "test") and path.suffix == ".cpp":
            check_mirror(root, path, findings)
    report_lengths(root, lengths)
    prose.check(root, sources, findings)
    return findings.finish("style", f"{len(sources)} sources, {len(scripts)} scripts")


if __name__ == "__main__":
    sys.exit(main())
