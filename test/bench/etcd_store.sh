#!/usr/bin/env bash
# Runs etcd's own benchmarks of its key-value store, and then ours, on the same machine.
# usage: test/bench/etcd_store.sh [DIR]; BIN names the folder of our benchmarks (build/release/bin).
# Needs Debian's golang-go and golang-etcd-server-dev; nothing is downloaded. DIR holds etcd's
# database while it runs; ours is in memory.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
bin=${BIN:-$root/build/release/bin}
directory=${1:-.}
sources=/usr/share/gocode/src/go.etcd.io/etcd/mvcc
[ -x "$bin/quorate_bench_store_put" ] || { echo "no benchmarks in $bin" >&2 && exit 1; }
if ! command -v go >/dev/null || [ ! -d "$sources" ]; then
    echo "needs the packages golang-go and golang-etcd-server-dev" >&2
    exit 1
fi

scratch=$(cd "$(mktemp -d "$directory/quorate_etcd_XXXXXX")" && pwd)
trap 'rm -rf "$scratch"' EXIT
export GOPATH=/usr/share/gocode GO111MODULE=off GOPROXY=off GOCACHE=$scratch/cache
go test -c -o "$scratch/mvcc.test" go.etcd.io/etcd/mvcc

# etcd PATTERN TIME: three runs of each benchmark.
etcd() {
    (cd "$scratch" && TMPDIR=$scratch ./mvcc.test -test.run '^$' -test.benchmem \
        -test.count 3 -test.benchtime "$2" -test.bench "$1") | grep -E 'ns/op' || true
}

echo "== etcd"
etcd '^Benchmark(StorePut|StorePutUpdate|StoreTxnPut|StoreRangeKey100)$' 2s
etcd '^BenchmarkIndexCompact1000000$' 5x
etcd '^Benchmark(StoreRestoreRevs1|WatchableStoreWatchPutSync|WatchableStorePut)$' 1s
etcd '^BenchmarkKVWatcherMemoryUsage$' 100000x
echo "== ours"
for name in store_put watch store_lmdb; do
    [ ! -x "$bin/quorate_bench_$name" ] || "$bin/quorate_bench_$name"
done
