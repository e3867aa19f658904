#!/usr/bin/env bash
# Runs etcd's own benchmarks of its key-value store, and then ours, on the same machine.
# usage: test/bench/etcd_store.sh [DIR]; BIN names the folder of our benchmarks (build/release/bin).
# Needs Debian's golang-go and golang-etcd-server-dev; nothing is downloaded. DIR holds etcd's
# database while it runs. quorate_bench_store_etcd and _lmdb do what etcd's benchmarks do, case by
# case; the others measure more. IndexCompact1000000 compacts four times in its five rounds.
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

# etcd has no benchmark of what a key takes, so one is laid over its package for the build.
cat > "$scratch/key_memory_test.go" <<'END'
package mvcc

import (
    "crypto/rand"
    "runtime"
    "testing"

    "go.uber.org/zap"
)

// One change for each of a million keys of 64 bytes, in the index alone.
func BenchmarkIndexKeyMemory(b *testing.B) {
    const keys = 1000000
    var before, after runtime.MemStats
    runtime.GC()
    runtime.ReadMemStats(&before)
    index := newTreeIndex(zap.NewNop())
    for i := 1; i <= keys; i++ {
        key := make([]byte, 64)
        if _, err := rand.Read(key); err != nil {
            b.Fatal(err)
        }
        index.Put(key, revision{main: int64(i)})
    }
    runtime.GC()
    runtime.ReadMemStats(&after)
    b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/keys, "bytes/key")
    runtime.KeepAlive(index)
}
END
printf '{"Replace": {"%s": "%s"}}' "$sources/quorate_key_memory_test.go" \
    "$scratch/key_memory_test.go" > "$scratch/overlay.json"
go test -vet=off -overlay "$scratch/overlay.json" -c -o "$scratch/mvcc.test" go.etcd.io/etcd/mvcc

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
etcd '^BenchmarkIndexKeyMemory$' 1x
echo "== ours"
for name in store_etcd store_etcd_lmdb watch store_put store_lmdb; do
    [ ! -x "$bin/quorate_bench_$name" ] || "$bin/quorate_bench_$name"
done
