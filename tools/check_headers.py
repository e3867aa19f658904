#!/usr/bin/env python3
"""Compiles every public header alone: each must include what it uses, in header-only mode.

What a header sees before its own text is what it includes, and each of those is compiled alone too.
So clang starts a header from the compiled form of one that it includes, near or far, instead of
reading all of that again; another compiler reads everything each time. No code is made. Headers
that need LMDB or OpenSSL are left out where that is missing, and named.
"""

import argparse
import concurrent.futures
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

import source_tree

FLAGS = ("-std=c++20", "-Wall", "-Wextra", "-Wpedantic", "-Wshadow", "-Wconversion",
         "-Wsign-conversion", "-Wold-style-cast", "-Werror")
# GCC 12 wrongly warns of "text" + std::string.
FLAGS_OF_GCC = ("-Wno-restrict", "-Wno-stringop-overflow", "-Wno-array-bounds")
# Included with QUORATE_SEPARATE_COMPILATION only.
NOT_ALONE = {"quorate/src.hpp"}
# folder -> the header of somebody else's without which it cannot be compiled
NEEDS = {"quorate/lmdb/": "lmdb.h", "quorate/tls/": "openssl/ssl.h"}
# How much more reading a header of Boost takes than one of ours or of the standard library.
BOOST_WEIGHT = 8
# A header is kept in compiled form when that saves so many times the reading of it.
WORTH = 0.4
# Blank, a comment or a directive.
PREAMBLE = re.compile(r"^\s*($|//|#)")
CONDITION = re.compile(r"^\s*#\s*(if|ifdef|ifndef|endif)\b")


def includes_at_the_top(path):
    """Returns what a header always includes before its own text, in order.

    Includes within a condition are not among them; the guard is no condition.
    """
    depth, found = 0, []
    for line in path.read_text(encoding="utf-8").splitlines():
        if not PREAMBLE.match(line):
            break
        condition = CONDITION.match(line)
        if condition:
            depth += -1 if condition[1] == "endif" else 1
        match = source_tree.INCLUDE.match(line)
        if match and depth <= 1:
            found.append(match[2])
    return found


class Library:
    """The headers, and which of them each may start from."""

    def __init__(self, root):
        self.include = root / "include"
        self.headers = [p.relative_to(self.include).as_posix()
                        for p in source_tree.files(root, ["include"], {".hpp"})]
        self.headers = [h for h in self.headers if h not in NOT_ALONE]
        self.reach = {}     # file -> all that it includes, near or far, and itself

    def leave_out(self, compiler):
        """Removes the headers that need what is not installed; returns the folders."""
        missing = [folder for folder, needed in NEEDS.items()
                   if any(h.startswith(folder) for h in self.headers)
                   and not has_header(compiler, needed)]
        self.headers = [h for h in self.headers if not h.startswith(tuple(missing))]
        return missing

    def closure(self, name):
        """Returns all that a file includes, near or far, and the file itself."""
        if name not in self.reach:
            self.reach[name] = {name}   # ends at a header that its own body includes
            path, reached = self.include / name, {name}
            if path.is_file():
                for _, _, included in source_tree.includes(path):
                    reached |= self.closure(included)
            self.reach[name] = reached
        return self.reach[name]

    def weight(self, name):
        """Returns about how long it takes to read a file; the unit means nothing."""
        return sum(BOOST_WEIGHT if n.startswith("boost/") else 1 for n in self.closure(name))

    def starts(self):
        """Returns, for each header, the header that it starts from, or None.

        The few that others start from are chosen one after the other, each for what it saves.
        """
        known = set(self.headers)
        choices = {h: known & set().union(*map(self.closure, includes_at_the_top(self.include / h)))
                   for h in self.headers}
        choices = {h: {c for c in found if h not in self.closure(c)}
                   for h, found in choices.items()}
        starts, saved = dict.fromkeys(self.headers), dict.fromkeys(self.headers, 0)
        while True:
            def gain(common):
                return sum(max(0, self.weight(common) - saved[h])
                           for h in self.headers if common in choices[h]) - saved[common]

            best = max(self.headers, key=gain)
            if gain(best) <= WORTH * self.weight(best):
                return starts
            starts[best], choices[best], saved[best] = None, set(), 0
            for h in self.headers:
                if best in choices[h] and self.weight(best) > saved[h]:
                    starts[h], saved[h] = best, self.weight(best)


def has_header(compiler, name):
    return subprocess.run([compiler, "-E", "-x", "c++", "-"], input=f"#include <{name}>\n",
                          text=True, capture_output=True).returncode == 0


class Checker:
    """Compiles headers, each after the one that it starts from."""

    def __init__(self, library, compiler, folder):
        version = subprocess.run([compiler, "--version"], capture_output=True, text=True,
                                 check=True).stdout
        self.clang = "clang" in version
        self.compiler = compiler
        self.library = library
        self.folder = folder
        self.starts = library.starts() if self.clang else dict.fromkeys(library.headers)
        self.kept = set(self.starts.values())

    def compiled(self, header):
        return self.folder / (header.replace("/", "_") + ".pch")

    def compile(self, header):
        """Returns the compiler's complaints; empty when there are none."""
        source = self.folder / (header.replace("/", "_") + ".cpp")
        source.write_text(f"#include <{header}>\n", encoding="utf-8")
        words = [self.compiler, *FLAGS, "-I", str(self.library.include)]
        if not self.clang:
            words += FLAGS_OF_GCC
        start = self.starts[header]
        # One whose start is at fault reads it again, and says what is wrong with itself.
        if start is not None and self.compiled(start).exists():
            words += ["-include-pch", str(self.compiled(start))]
        if header in self.kept:
            words += ["-x", "c++-header", "-o", str(self.compiled(header))]
        else:
            words += ["-fsyntax-only"]
        done = subprocess.run([*words, str(source)], stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True)
        if done.returncode == 0:
            return ""
        return done.stdout or f"{header}: the compiler ended with status {done.returncode}"

    def run(self, jobs):
        """Compiles all headers, `jobs` at a time; returns how many are at fault."""
        waiting, faults = {}, 0
        for header, start in self.starts.items():
            waiting.setdefault(start, []).append(header)
        with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
            running = {pool.submit(self.compile, h): h for h in waiting.pop(None, ())}
            while running:
                done, _ = concurrent.futures.wait(
                    running, return_when=concurrent.futures.FIRST_COMPLETED)
                for future in done:
                    header = running.pop(future)
                    if future.result():
                        faults += 1
                        print(f"FAIL {header}\n{future.result()}", flush=True)
                    for child in waiting.pop(header, ()):
                        running[pool.submit(self.compile, child)] = child
        return faults


def parse_options():
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--root", type=pathlib.Path,
                         default=pathlib.Path(__file__).resolve().parent.parent)
    options.add_argument("--compiler", default=shutil.which("clang++") or "g++",
                         help="default: clang++ where it is installed, else g++")
    options.add_argument("--jobs", type=int, default=os.cpu_count())
    return options.parse_args()


def main():
    options = parse_options()
    library = Library(options.root.resolve())
    for folder in library.leave_out(options.compiler):
        print(f"left out: {folder}, which needs <{NEEDS[folder]}>")
    with tempfile.TemporaryDirectory(prefix="quorate_headers_") as folder:
        checker = Checker(library, options.compiler, pathlib.Path(folder))
        faults = checker.run(options.jobs)
    print(f"headers: {len(library.headers)} compiled alone by {options.compiler}, "
          f"{faults} finding(s)")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
