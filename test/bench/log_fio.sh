#!/usr/bin/env bash
# Compares large sequential groups of the log with what fio gets from the same directory.
# usage: test/bench/log_fio.sh [DIR]; BIN names the folder of the benchmarks (build/release/bin).
# The two take turns, for a disk may be several times slower for a while.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
bench=${BIN:-$root/build/release/bin}/quorate_bench_log_sequential
directory=${1:-.}
command -v fio >/dev/null || { echo "fio is not installed" >&2 && exit 1; }
[ -x "$bench" ] || { echo "no executable $bench" >&2 && exit 1; }

scratch=$(mktemp -d "$directory/quorate_fio_XXXXXX")
trap 'rm -rf "$scratch"' EXIT

# The same pattern as the benchmark's: 4 MiB written at once, then a sync; files of 64 MiB.
measure_fio() {
    fio --name=log --directory="$scratch" --rw=write --bs=4M --size=64M --ioengine=psync \
        --fdatasync=1 --fallocate=none --output-format=json |
        python3 -c 'import json, sys
written = json.load(sys.stdin)["jobs"][0]["write"]
print("fio, file grows               %9.0f MB/s" % (written["bw_bytes"] / 1e6))'
    rm -f "$scratch"/log.*
}

for _ in 1 2 3; do
    "$bench" "$directory" | sed -n '1,4p'
    measure_fio
done
