#!/usr/bin/env bash
# Three members of quorated and then three of etcd, under the same load through the same API.
# usage: test/bench/etcd_api.sh [DIR]; BIN names the folder of our programs (build/release/bin).
# Needs Debian's etcd-server. DIR, on the disk to measure, holds the data while it runs.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
bin=${BIN:-$root/build/release/bin}
[ -x "$bin/quorate_load" ] || { echo "no quorate_load in $bin" >&2 && exit 1; }
command -v etcd >/dev/null || { echo "needs the package etcd-server" >&2 && exit 1; }
scratch=$(mktemp -d "${1:-.}/quorate_api_XXXXXX")
pids=()

finish() {
    [ ${#pids[@]} = 0 ] || kill "${pids[@]}" 2>/dev/null || true
    wait
    pids=()
}
trap 'finish; rm -rf "$scratch"' EXIT

free_ports() {
    python3 -c 'import socket
held = [socket.socket() for _ in range(6)]
for one in held:
    one.bind(("127.0.0.1", 0))
print(*(one.getsockname()[1] for one in held))'
}

# members NAME COMMAND...: starts three and waits until they serve; sets `clients`.
members() {
    local name=$1 ports cluster i
    shift
    read -r -a ports < <(free_ports)
    clients=("${ports[@]:0:3}")
    cluster=$(for i in 0 1 2; do printf 'n%d=http://127.0.0.1:%d,' $i "${ports[i + 3]}"; done)
    for i in 0 1 2; do
        "$@" --name "n$i" --data-dir "$scratch/$name$i" --initial-cluster "${cluster%,}" \
            --listen-client-urls "http://127.0.0.1:${ports[i]}" \
            --advertise-client-urls "http://127.0.0.1:${ports[i]}" \
            --listen-peer-urls "http://127.0.0.1:${ports[i + 3]}" \
            --initial-advertise-peer-urls "http://127.0.0.1:${ports[i + 3]}" \
            >"$scratch/$name$i.log" 2>&1 &
        pids+=($!)
    done
    for i in 0 1 2; do
        curl -s -o "$scratch/health" --retry 50 --retry-delay 0 --retry-connrefused \
            "http://127.0.0.1:${clients[i]}/health"
    done
    sleep 2
}

field() { sed -n "s/.*\"$1\":\"\([0-9]*\)\".*/\1/p"; }

# Prints the leader's URL: the load goes there, on both sides.
leader() {
    local port said
    for port in "${clients[@]}"; do
        said=$(curl -s -d '{}' "http://127.0.0.1:$port/v3/maintenance/status")
        if [ "$(field member_id <<<"$said")" = "$(field leader <<<"$said")" ]; then
            echo "http://127.0.0.1:$port"
        fi
    done
}

load() {
    "$bin/quorate_load" --api json --endpoints "$(leader)" --duration 5 --value-size 256 \
        --key-space 10000 --fill --json "$@" |
        python3 -c 'import json, sys; print("%10.0f/s" % json.load(sys.stdin)["throughput"])'
}

for name in quorated etcd; do
    echo "== $name"
    if [ $name = etcd ]; then members etcd etcd; else members quorated "$bin/quorated" serve; fi
    printf 'put, 64 connections         ' && load --workload put --connections 64
    printf 'put, one connection         ' && load --workload put --connections 1
    printf 'linearizable get, 64        ' && load --workload get --connections 64
    printf 'serializable get, 64        ' && load --workload get --connections 64 --serializable
    finish
done
