#!/usr/bin/env bash
# Measures kvstore beside real etcd: three durable members each, one machine, one client for both.
set -euo pipefail

usage() {
    cat <<'TEXT'
Usage: test/bench/etcd_compare.sh [--bin DIR] [--seconds N] [--only kvstore|etcd] [--help]

Three members of kvstore (DIR/kvstore, default build/release/bin) and then three of etcd run on
127.0.0.1 with their data in a temporary folder. DIR/quorate_load measures, against the leader:
  PUTs of 256 B to 10,000 keys over 64 connections and over one, GETs of them over 64.
It also checks every answer, and a wrong one ends the comparison.
etcd is used through its JSON interface (/v3/kv/put and /v3/kv/range; reads are linearizable there
as they are here). CPU is user and system time of all three members, without the client's.

  --seconds N  length of each measurement (default 8)
  --only X     measure one of the two only
Needs curl and etcd (Debian: curl, etcd-server).
Environment: TMPDIR decides on which disk the data lies.
TEXT
}

bin=build/release/bin
seconds=8
systems=(kvstore etcd)
while [ $# -gt 0 ]; do
    case $1 in
    --bin | --seconds | --only)
        [ $# -ge 2 ] || { echo "etcd_compare.sh: $1 needs a value" >&2; exit 2; }
        case $1 in
        --bin) bin=$2 ;;
        --seconds) seconds=$2 ;;
        --only) systems=("$2") ;;
        esac
        shift 2
        ;;
    --help | -h) usage; exit 0 ;;
    *) echo "etcd_compare.sh: unknown argument '$1'; see --help" >&2; exit 2 ;;
    esac
done

fail() { printf 'etcd_compare.sh: %s\n' "$*" >&2; exit 1; }
for tool in curl awk; do
    command -v "$tool" >/dev/null || fail "$tool is not installed"
done
[ -x "$bin/quorate_load" ] || fail "no $bin/quorate_load; build it or name its folder"

folder=$(mktemp -d "${TMPDIR:-/tmp}/quorate-compare.XXXXXX")
pids=()
declare -A result     # system,measurement -> requests/s, p50 us, p99 us, CPU us/request, errors

clean_up() {
    local status=$?
    trap - EXIT INT TERM
    stop_members
    rm -rf "$folder"
    exit "$status"
}

stop_members() {
    local pid
    for pid in "${pids[@]}"; do
        kill "$pid" 2>/dev/null || true
    done
    for pid in "${pids[@]}"; do
        for _ in $(seq 100); do
            kill -0 "$pid" 2>/dev/null || break
            sleep 0.1
        done
        kill -KILL "$pid" 2>/dev/null || true
        wait "$pid" 2>/dev/null || true
    done
    pids=()
}

trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# Six ports that nothing listens on, outside the range of outgoing connections.
choose_ports() {
    ports=()
    local port
    while [ ${#ports[@]} -lt 6 ]; do
        port=$((10000 + RANDOM % 20000))
        case " ${ports[*]} " in *" $port "*) continue ;; esac
        (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || ports+=("$port")
    done
}

# ---------------------------------------------------------------------- the two systems

start_kvstore() {
    [ -x "$bin/kvstore" ] || fail "no $bin/kvstore; build it, name its folder, or use --only etcd"
    local n cluster=http://127.0.0.1:${ports[3]},http://127.0.0.1:${ports[4]}
    cluster=$cluster,http://127.0.0.1:${ports[5]}
    for n in 1 2 3; do
        "$bin/kvstore" --id "$n" --cluster "$cluster" --port "${ports[n - 1]}" \
            --data-dir "$folder/kvstore-$n" >"$folder/kvstore-$n.log" 2>&1 &
        pids+=($!)
    done
}

kvstore_serves() {
    local status
    status=$(curl -s -o /dev/null -w '%{http_code}' --max-time 5 "http://127.0.0.1:$1/none" || true)
    [ "$status" = 404 ]
}

# The members log the elections they win; the one of the newest term leads.
kvstore_leader_port() {
    local n
    for n in 1 2 3; do
        sed -n -e 's/.*became leader[^0-9]*\([0-9][0-9]*\).*/\1 '"${ports[n - 1]}"'/p' \
            "$folder/kvstore-$n.log"
    done | sort -n | tail -n 1 | cut -d ' ' -f 2
}

start_etcd() {
    command -v etcd >/dev/null || fail "etcd is not installed"
    local n cluster=m1=http://127.0.0.1:${ports[3]},m2=http://127.0.0.1:${ports[4]}
    cluster=$cluster,m3=http://127.0.0.1:${ports[5]}
    for n in 1 2 3; do
        etcd --name "m$n" --data-dir "$folder/etcd-$n" --initial-cluster "$cluster" \
            --listen-peer-urls "http://127.0.0.1:${ports[n + 2]}" \
            --initial-advertise-peer-urls "http://127.0.0.1:${ports[n + 2]}" \
            --listen-client-urls "http://127.0.0.1:${ports[n - 1]}" \
            --advertise-client-urls "http://127.0.0.1:${ports[n - 1]}" \
            >"$folder/etcd-$n.log" 2>&1 &
        pids+=($!)
    done
}

etcd_serves() {
    curl -sf -o /dev/null --max-time 5 -d '{"key":"bm9uZQ=="}' "http://127.0.0.1:$1/v3/kv/range"
}

etcd_leader_port() {
    local port text
    for port in "${ports[@]:0:3}"; do
        text=$(curl -s --max-time 5 -d '{}' "http://127.0.0.1:$port/v3/maintenance/status")
        if [ "$(sed 's/.*"member_id":"\([0-9]*\)".*/\1/' <<<"$text")" = \
            "$(sed 's/.*"leader":"\([0-9]*\)".*/\1/' <<<"$text")" ]; then
            echo "$port"
        fi
    done
}

# ---------------------------------------------------------------------- measuring

# Clock ticks of user and system time that the members have used so far.
cpu_ticks() {
    local pid total=0 text fields
    for pid in "${pids[@]}"; do
        text=$(cat "/proc/$pid/stat")
        # The name in parentheses may contain blanks; what follows it may not.
        read -r -a fields <<<"${text##*) }"
        total=$((total + fields[11] + fields[12]))
    done
    echo "$total"
}

# Prints a number of the result: the value of the first member with that name.
figure() { sed "s/.*\"$1\":\([0-9.]*\).*/\1/" <<<"${output/\"put_us\"*/}"; }

# measure SYSTEM put|get CONNECTIONS PORT
measure() {
    local before after output requests api=kvstore
    [ "$1" = kvstore ] || api=json
    before=$(cpu_ticks)
    output=$("$bin/quorate_load" --api "$api" --endpoints "http://127.0.0.1:$4" --json \
        --connections "$3" --workload "$2" --duration "$seconds") ||
        fail "quorate_load ended with status $?: $output"
    after=$(cpu_ticks)
    requests=$(figure answered)
    result[$1,$2,$3]=$(awk -v n="$requests" -v cpu="$((after - before))" \
        -v hz="$(getconf CLK_TCK)" -v rate="$(figure throughput)" -v p50="$(figure 50)" \
        -v p99="$(figure 99)" -v errors="$(figure failed)" 'BEGIN {
            printf "%.0f %.0f %.0f %.1f %d", rate, p50, p99, cpu / hz / n * 1e6, errors }')
    echo "$1 $2 over $3: ${result[$1,$2,$3]}  (per second, p50 us, p99 us, CPU us each, errors)"
}

measure_system() {
    local port
    choose_ports
    "start_$1"
    for port in "${ports[@]:0:3}"; do
        for _ in $(seq 200); do
            "$1_serves" "$port" && continue 2
            sleep 0.1
        done
        tail -n 3 "$folder/$1"-*.log >&2
        fail "$1 does not serve on port $port"
    done
    port=$("$1_leader_port")
    [ -n "$port" ] || fail "$1 has no leader"
    measure "$1" put 64 "$port"
    measure "$1" put 1 "$port"
    measure "$1" get 64 "$port"
    stop_members
}

print_table() {
    local kind label row system
    printf '\n%-20s %-8s %10s %10s %10s %12s %7s\n' measurement system per_second p50_us p99_us \
        cpu_us_each errors
    for kind in put,64 put,1 get,64; do
        label=$(sed 's/put,/PUT, /; s/get,/GET, /; s/$/ conn./' <<<"$kind")
        for system in "${systems[@]}"; do
            read -r -a row <<<"${result[$system,$kind]}"
            printf '%-20s %-8s %10s %10s %10s %12s %7s\n' "$label" "$system" "${row[@]}"
        done
        if [ ${#systems[@]} = 2 ]; then
            awk -v a="${result[kvstore,$kind]}" -v b="${result[etcd,$kind]}" 'BEGIN {
                split(a, x, " "); split(b, y, " ")
                printf "%-20s %-8s %9.1fx %9.2fx %9.2fx %11.2fx\n", "", "ratio", x[1] / y[1],
                    x[2] / y[2], x[3] / y[3], x[4] / y[4] }'
        fi
    done
}

echo "$(nproc) processors, data in $folder, $seconds s each"
for system in "${systems[@]}"; do
    case $system in
    kvstore | etcd) measure_system "$system" ;;
    *) fail "--only takes kvstore or etcd, not '$system'" ;;
    esac
done
print_table
