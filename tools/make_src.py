#!/usr/bin/env python3
"""Writes include/quorate/src.hpp, which holds every .ipp for separate compilation."""

import sys

import source_tree

HEAD = """\
// Every body of the library, for the one source file of a program compiled separately.
// Flow:    none
// Source:  written by tools/make_src.py; run it after adding or removing an .ipp file
#ifndef QUORATE_SRC_HPP
#define QUORATE_SRC_HPP

#if !defined(QUORATE_SEPARATE_COMPILATION)
#error "define QUORATE_SEPARATE_COMPILATION for the whole program before you include this header"
#endif

"""


def generate(root):
    """Returns the text of src.hpp."""
    bodies = source_tree.files(root, ["include"], {".ipp"})
    lines = [f"#include <{p.relative_to(root / 'include').as_posix()}>\n" for p in bodies]
    return HEAD + "".join(lines) + "\n#endif\n"


def main():
    arguments = source_tree.parse_root(__doc__, ("--check", "only say whether it is up to date"))
    path = arguments.root / "include" / "quorate" / "src.hpp"
    text = generate(arguments.root)
    current = path.read_text(encoding="utf-8") if path.is_file() else ""
    if current == text:
        print("src: up to date")
        return 0
    if arguments.check:
        print("src: include/quorate/src.hpp is out of date; run tools/make_src.py")
        return 1
    path.write_text(text, encoding="utf-8")
    print("src: written")
    return 0


if __name__ == "__main__":
    sys.exit(main())
