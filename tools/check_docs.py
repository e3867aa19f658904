#!/usr/bin/env python3
"""Checks the documentation against the tree: quoted code, links, paths, named tests, error table,
version.

A quoted block stands below a line `<!-- from: path#marker -->` and equals the lines of that file
between `[marker` and `marker]`, each in a comment of its own, with common indentation removed.
With --write, blocks that differ are replaced.
"""

import re
import sys
import textwrap

import source_tree

QUOTE = re.compile(r"^<!-- from: (\S+)#(\S+) -->\n```(\w*)\n(.*?)^```$", re.M | re.S)
LINK = re.compile(r"(?<!!)\[[^\]\n]+\]\(([^)\s]+)\)")
NAMED_PATH = re.compile(r"`((?:[\w.]+/)*\w+\.(?:hpp|ipp|py|sh|txt))[` ]")
NAMED_TEST = re.compile(r"`([a-z0-9_/]+\.(?:cpp|py))#(\w+)`")
TEST_CASE = r"(?:^def {0}\(|_TEST_CASE\({0}[,)])"
ENUMERATOR = re.compile(r"^\s*(\w+)(?:\s*=\s*\d+)?,\s*///<")
ROW = re.compile(r"^\| `(\w+)` \| `?(\w+)`? \|", re.M)


def region(path, marker):
    """Returns the marked lines of a file, dedented, or nothing when the marks are missing."""
    lines = path.read_text(encoding="utf-8").splitlines()
    opening = re.compile(r"^\s*(//|#)\s*\[" + re.escape(marker) + r"$")
    closing = re.compile(r"^\s*(//|#)\s*" + re.escape(marker) + r"\]$")
    begin = [n for n, line in enumerate(lines) if opening.match(line)]
    end = [n for n, line in enumerate(lines) if closing.match(line)]
    if len(begin) != 1 or len(end) != 1 or end[0] <= begin[0]:
        return None
    return textwrap.dedent("\n".join(lines[begin[0] + 1:end[0]]) + "\n")


def line_of(text, offset):
    return text.count("\n", 0, offset) + 1


def check_quotes(root, page, findings, write):
    text = page.read_text(encoding="utf-8")
    replaced = text
    matches = list(QUOTE.finditer(text))
    for match in matches:
        file, marker, language, block = match.groups()
        line = line_of(text, match.start())
        source = root / file
        wanted = region(source, marker) if source.is_file() else None
        if wanted is None:
            findings.add(page, line, f"{file} has no region {marker}")
        elif block != wanted and write:
            whole = f"<!-- from: {file}#{marker} -->\n```{language}\n{wanted}```"
            replaced = replaced.replace(match.group(), whole)
        elif block != wanted:
            findings.add(page, line,
                         f"differs from {file}#{marker}; run tools/check_docs.py --write")
    for line, content in enumerate(text.splitlines(), 1):
        if content.startswith("<!-- from:"):
            if not any(line_of(text, m.start()) == line for m in matches):
                findings.add(page, line, "no code block follows, or the line has another form")
    if replaced != text:
        page.write_text(replaced, encoding="utf-8")
    return len(matches)


def anchors(page):
    """Returns the fragment names of a page's headings, as forges make them."""
    names = set()
    for line in page.read_text(encoding="utf-8").splitlines():
        if line.startswith("#"):
            title = line.lstrip("#").strip().lower()
            names.add(re.sub(r"[^\w\- ]", "", title).replace(" ", "-"))
    return names


def check_links(root, page, findings):
    text = page.read_text(encoding="utf-8")
    text = re.sub(r"^```.*?^```$", lambda m: "\n" * m.group().count("\n"), text, flags=re.M | re.S)
    for match in LINK.finditer(text):
        target = match.group(1)
        line = line_of(text, match.start())
        if re.match(r"[a-z]+:", target):
            continue
        file, _, fragment = target.partition("#")
        path = (page.parent / file).resolve() if file else page
        if not path.exists():
            findings.add(page, line, f"broken link: {target}")
        elif not path.is_relative_to(root):
            findings.add(page, line, f"the link leaves the tree: {target}")
        elif fragment and path.suffix == ".md" and fragment not in anchors(path):
            findings.add(page, line, f"no such heading: {target}")


def check_paths(root, page, findings):
    """A file named in the text exists: below the top, include/quorate or the page's folder."""
    for line, content in enumerate(page.read_text(encoding="utf-8").splitlines(), 1):
        for name in NAMED_PATH.findall(content):
            tops = (root, root / "include", root / "include" / "quorate", page.parent)
            if not any((top / name).is_file() for top in tops):
                findings.add(page, line, f"no such file: {name}")


def check_tests(root, page, findings):
    """A test named in the text as FILE#CASE, below test/, exists."""
    named = 0
    for line, content in enumerate(page.read_text(encoding="utf-8").splitlines(), 1):
        for file, case in NAMED_TEST.findall(content):
            path = root / "test" / file
            text = path.read_text(encoding="utf-8") if path.is_file() else ""
            if not re.search(TEST_CASE.format(case), text, re.M):
                findings.add(page, line, f"no such test: {file}#{case}")
            named += 1
    return named


def check_promises(root, findings):
    """Each row below "| promise |" in doc/security.md, and of its threats, names a test, and each
    section has such rows."""
    page = root / "doc" / "security.md"
    if not page.is_file():
        return
    exempt = ("What differs", "Threats", "For both")
    title, rows, kind, opened = "", 1, None, 1
    for line, content in enumerate([*page.read_text(encoding="utf-8").splitlines(), "## end"], 1):
        heading = re.match(r"##+ (.*)", content)
        if heading:
            if not rows and not title.startswith(exempt):
                findings.add(page, opened, f"the section '{title}' has no promise with a test")
            title, rows, opened = heading[1], 0, line
        if not content.startswith("|"):
            kind = None
        elif kind is None:
            kind = content.split("|")[1].strip()
        elif kind in ("promise", "boundary") and not content.startswith("|---"):
            rows += 1
            if not NAMED_TEST.search(content) and "| none |" not in content:
                findings.add(page, line, "no test is named")


def enumerators(header, name):
    """Returns the enumerators of `enum class name`, each documented on its own line."""
    text = header.read_text(encoding="utf-8")
    match = re.search(r"enum class " + name + r" \{(.*?)^\};", text, re.M | re.S)
    lines = match.group(1).splitlines() if match else []
    return [m.group(1) for m in map(ENUMERATOR.match, lines) if m]


def conditions(body):
    """Returns enumerator -> condition from the switch in error.ipp, and the default."""
    text = body.read_text(encoding="utf-8")
    match = re.search(r"condition condition_of\(.*?^\}", text, re.M | re.S)
    found, waiting, default = {}, [], None
    for line in match.group().splitlines() if match else []:
        waiting += re.findall(r"case errc::(\w+):", line)
        result = re.search(r"return condition::(\w+);", line)
        if result:
            found.update((code, result.group(1)) for code in waiting)
            waiting = []
            if "default:" in line:
                default = result.group(1)
    return found, default


def check_errors(root, findings):
    """doc/errors.md has one row per enumerator, in order, with the condition that the code has."""
    page = root / "doc" / "errors.md"
    base = root / "include" / "quorate" / "base"
    found, default = conditions(base / "impl" / "error.ipp")
    wanted = [(code, found.get(code, default)) for code in enumerators(base / "error.hpp", "errc")]
    rows = ROW.findall(page.read_text(encoding="utf-8")) if page.is_file() else []
    if not wanted:
        findings.add(base / "error.hpp", 1, "no enumerators found")
    for code, condition in wanted:
        if (code, condition) not in rows:
            findings.add(page, 1, f"no row for {code} with condition {condition}")
    names = [code for code, _ in wanted]
    for code in [code for code, _ in rows if code not in names]:
        findings.add(page, 1, f"{code} is not an error code")
    if not findings.lines and rows != wanted:
        findings.add(page, 1, "the rows are not in the order of errc")


def check_version(root, findings):
    header = root / "include" / "quorate" / "version.hpp"
    text = header.read_text(encoding="utf-8")
    parts = [re.search(rf"QUORATE_VERSION_{p} (\d+)", text) for p in ("MAJOR", "MINOR", "PATCH")]
    version = ".".join(p.group(1) if p else "?" for p in parts)
    if f'QUORATE_VERSION_STRING "{version}"' not in text:
        findings.add(header, 1, f"the string is not {version}")
    meson = root / "meson.build"
    if f"version: '{version}'" not in meson.read_text(encoding="utf-8"):
        findings.add(meson, 1, f"the version is not {version}")


def main():
    arguments = source_tree.parse_root(__doc__, ("--write", "replace quoted blocks that differ"))
    root = arguments.root
    findings = source_tree.Findings(root)
    pages = source_tree.files(root, ["doc", "example", "test"], {".md"}) + sorted(root.glob("*.md"))
    quotes = tests = 0
    for page in pages:
        quotes += check_quotes(root, page, findings, arguments.write)
        check_links(root, page, findings)
        check_paths(root, page, findings)
        tests += check_tests(root, page, findings)
    check_promises(root, findings)
    check_errors(root, findings)
    check_version(root, findings)
    return findings.finish("docs", f"{len(pages)} pages, {quotes} quoted blocks, "
                           f"{tests} named tests")


if __name__ == "__main__":
    sys.exit(main())
