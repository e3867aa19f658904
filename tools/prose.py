"""Counts sentences in comments that a reader reads twice, against a budget that only shrinks."""

import re

# Kind of sentence, and the words that make it one.
KINDS = {
    "noun": re.compile(r"\b(what|whatever|who|whoever|whom)\b", re.I),
    "opening": re.compile(r"^(What|Whatever|Who|Whoever|Those|Of)\b"),
    "negation": re.compile(r"\b(nothing|nobody|none|neither)\b", re.I),
}
HEADLINE = re.compile(r"^// (What|Who|Whoever|Those|Of|How|Which|Where|When|Whether|Everything|"
                      r"Tells|Says)\b|\b(whoever|somebody|nobody)\b")
COMMENT = re.compile(r"^\s*//[/!<]*\s?(.*)$|//[/!]*<\s*(.*)$|\s//\s(.*)$")
END = re.compile(r"(?<=[.!?:])\s+")
BUDGET = "tools/prose_budget.txt"


def sentences(lines):
    """Yields the sentences of a file's comments; a line that is no comment ends one."""
    paragraph = []
    for line in [*lines, ""]:
        match = None if line.startswith("// Flow:") else COMMENT.search(line)
        text = next((part for part in match.groups() if part), "") if match else ""
        if text:
            paragraph.append(text)
        elif paragraph:
            yield from END.split(" ".join(paragraph))
            paragraph = []


def count(texts):
    """Returns how many sentences there are, and how many of each kind."""
    counts = dict.fromkeys(KINDS, 0)
    total = 0
    for lines in texts:
        for sentence in sentences(lines):
            total += 1
            for kind, words in KINDS.items():
                counts[kind] += bool(words.search(sentence))
    return total, counts


def budget(root):
    """Returns (part of the tree, kind) -> how many such sentences it may have."""
    path = root / BUDGET
    rows = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    rows = [row.split() for row in rows if row.strip() and not row.startswith("#")]
    return {(part, kind): int(most) for part, kind, most in rows}


def check(root, files, findings):
    """More sentences of a kind than the budget of their part of the tree are a finding."""
    most = budget(root)
    for part in ("include", "example"):
        texts = [path.read_text(encoding="utf-8").splitlines() for path in files
                 if path.is_relative_to(root / part)]
        total, counts = count(texts)
        if not total or not any((part, kind) in most for kind in KINDS):
            continue
        shares = ", ".join(f"{kind} {100 * n / total:.1f} %" for kind, n in counts.items())
        print(f"style: {part}: {total} sentences in comments; {shares}")
        for kind, found in counts.items():
            if found > most.get((part, kind), 0):
                findings.add(root / BUDGET, 1, f"{part}: {found} sentences of kind {kind!r}, at "
                             f"most {most.get((part, kind), 0)}: write new ones another way")


def check_headline(path, lines, findings):
    """A file's first sentence names it with a noun phrase."""
    if lines and HEADLINE.search(lines[0]):
        findings.add(path, 1, "the headline is no noun phrase that names the thing")
