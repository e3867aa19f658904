#!/usr/bin/env bash
# Checks that every source is as clang-format 14 writes it. Other versions break lines elsewhere, so
# without that one nothing is checked. With --write it formats instead.
set -euo pipefail
mode=(--dry-run -Werror)
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
while [ $# -gt 0 ]; do
    case $1 in
    --write) mode=(-i) ;;
    --root) root=$(cd "$2" && pwd) && shift ;;
    *) echo "usage: ${0##*/} [--write] [--root DIR]" >&2 && exit 2 ;;
    esac
    shift
done

for program in clang-format-14 clang-format; do
    if "$program" --version 2>/dev/null | grep -q 'version 14\.'; then
        cd "$root"
        find include test example \( -name '*.hpp' -o -name '*.ipp' -o -name '*.cpp' \) -print0 |
            sort -z | xargs -0 "$program" "${mode[@]}"
        echo "format: checked with $program"
        exit 0
    fi
done
echo "format: skipped, clang-format 14 is not installed"
