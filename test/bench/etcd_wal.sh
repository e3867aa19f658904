#!/usr/bin/env bash
# Runs etcd's own write-ahead-log benchmark and ours in turns on the same file systems.
# usage: test/bench/etcd_wal.sh [DIR]; BIN names the folder of our benchmarks (build/release/bin).
# Needs Debian's golang-go and golang-etcd-server-dev; nothing is downloaded.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
bench=${BIN:-$root/build/release/bin}/quorate_bench_log_append
directory=${1:-.}
sources=/usr/share/gocode/src/go.etcd.io/etcd/wal
[ -x "$bench" ] || { echo "no executable $bench" >&2 && exit 1; }
if ! command -v go >/dev/null || [ ! -d "$sources" ]; then
    echo "needs the packages golang-go and golang-etcd-server-dev" >&2
    exit 1
fi

scratch=$(mktemp -d "$directory/quorate_etcd_XXXXXX")
memory=$(mktemp -d /dev/shm/quorate_etcd_XXXXXX)
trap 'rm -rf "$scratch" "$memory"' EXIT
export GOPATH=/usr/share/gocode GO111MODULE=off GOPROXY=off GOCACHE=$scratch/cache
go test -c -o "$scratch/wal.test" go.etcd.io/etcd/wal

# Prints nanoseconds an entry: 100 bytes each, a sync every 101 entries.
etcd() {
    (cd "$1" && TMPDIR=$1 "$scratch/wal.test" -test.run '^$' -test.benchtime 20000x \
        -test.bench 'Write100EntryBatch100$') | awk '/ns\/op/ { printf "%.0f\n", $3 }'
}
median() {
    sort -n | awk '{ values[NR] = $1 } END { print values[int((NR + 1) / 2)] }'
}

scratch=$(cd "$scratch" && pwd)
for turn in 1 2 3; do
    "$bench" "$directory" >"$scratch/ours.$turn"
    etcd "$scratch" >"$scratch/etcd_disk.$turn"
    etcd "$memory" >"$scratch/etcd_memory.$turn"
done
ours() {
    sed -nE "s|^groups of 100 x 100 B, $1 +([0-9]+) ns/entry.*|\\1|p" "$scratch"/ours.? | median
}
row='%-44s %8s ns/entry   etcd %8s ns/entry\n'
# shellcheck disable=SC2059
printf "$row" "100 x 100 B a group, syncs included" \
    "$(ours 'syncs included')" "$(cat "$scratch"/etcd_disk.? | median)"
# shellcheck disable=SC2059
printf "$row" "100 x 100 B a group, in memory" \
    "$(ours 'in memory')" "$(cat "$scratch"/etcd_memory.? | median)"
