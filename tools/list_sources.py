#!/usr/bin/env python3
"""Lists programs and their sources for Meson: one line `name file...` each, like CMake's globs.

usage: list_sources.py files|folders|tests|scenario DIR
  files     one program for each .cpp file in DIR itself
  folders   one program for each folder of DIR that holds .cpp files, with all below it
  tests     the same for folders with a main.cpp that are tests
  scenario  the same for the folder `scenario`
"""

import pathlib
import sys

NOT_TESTS = {"bench", "consume", "differential", "e2e", "fuzz", "scenario", "tools"}


def chosen(kind, folder):
    if kind == "tests":
        return folder.name not in NOT_TESTS and (folder / "main.cpp").is_file()
    return kind == "folders" or folder.name == kind


def main():
    kind, directory = sys.argv[1:]
    top = pathlib.Path(directory)
    if kind == "files":
        for source in sorted(top.glob("*.cpp")):
            print(source.stem, source.name)
        return
    for folder in sorted(p for p in top.iterdir() if p.is_dir()):
        # main.cpp comes first, where a unity build needs what makes the main() of a test.
        sources = sorted((p.relative_to(top).as_posix() for p in folder.rglob("*.cpp")
                          if "must_not_compile" not in p.parts),
                         key=lambda name: (not name.endswith("/main.cpp"), name))
        if sources and chosen(kind, folder):
            print(folder.name, *sources)


if __name__ == "__main__":
    main()
