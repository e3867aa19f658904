#!/usr/bin/env bash
# Measures kvstore beside real etcd with wrk: three durable members each, one machine, one client.
set -euo pipefail

usage() {
    cat <<'TEXT'
Usage: test/bench/etcd_compare.sh [--bin DIR] [--seconds N] [--only kvstore|etcd] [--help]

Three members of kvstore (DIR/kvstore, default build/release/bin) and then three of etcd run on
127.0.0.1 with their data in a temporary folder. wrk measures, against the leader:
  PUTs of 256 B to varied keys over 64 connections and over one, GETs of them over 64.
etcd is used through its JSON interface (/v3/kv/put and /v3/kv/range; reads are linearizable there
as they are here). CPU is user and system time of all three members, without wrk's.

  --seconds N  length of each measurement (default 8)
  --only X     measure one of the two only
Needs wrk, curl and etcd (Debian: wrk, curl, etcd-server).
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
for tool in wrk curl awk; do
    command -v "$tool" >/dev/null || fail "$tool is not installed"
done

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

# All request texts are made before the measurement, so that the client's work is the same for both
# systems: 10,000 keys, each thread beginning at another place.
write_scripts() {
    cat >"$folder/common.lua" <<'LUA'
local keys = 10000
local place = 0
local texts = {}
local started = 0

function setup(thread)
    thread:set("offset", started * 3571)
    started = started + 1
end

function base64(text)
    local letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    local out = {}
    for i = 1, #text, 3 do
        local a, b, c = text:byte(i, i + 2)
        local n = a * 65536 + (b or 0) * 256 + (c or 0)
        for shift = 3, 0, -1 do
            local digit = math.floor(n / 64 ^ shift) % 64
            out[#out + 1] = letters:sub(digit + 1, digit + 1)
        end
        if not c then out[#out] = "=" end
        if not b then out[#out - 1] = "=" end
    end
    return table.concat(out)
end

value = string.rep("0123456789abcdef", 16)

function prepare(make)
    for i = 0, keys - 1 do
        texts[i] = make(string.format("/bench/key-%05d", i))
    end
    place = offset
end

function request()
    place = place + 1
    return texts[place % keys]
end

function done(summary, latency, requests)
    local e = summary.errors
    io.write(string.format("RESULT %d %d %.0f %.0f %d\n", summary.requests, summary.duration,
        latency:percentile(50), latency:percentile(99),
        e.connect + e.read + e.write + e.status + e.timeout))
end
LUA
    local name
    for name in kvstore-put kvstore-get etcd-put etcd-get; do
        {
            echo "dofile(\"$folder/common.lua\")"
            case $name in
            kvstore-put) echo 'function make(key) return wrk.format("PUT", key, nil, value) end' ;;
            kvstore-get) echo 'function make(key) return wrk.format("GET", key) end' ;;
            etcd-put)
                echo 'local body = [[{"key":"%s","value":"]] .. base64(value) .. [["}]]'
                echo 'function make(key) return wrk.format("POST", "/v3/kv/put", nil,'
                echo '  body:format(base64(key))) end'
                ;;
            etcd-get)
                echo 'function make(key) return wrk.format("POST", "/v3/kv/range", nil,'
                echo '  string.format([[{"key":"%s"}]], base64(key))) end'
                ;;
            esac
            echo 'function init() prepare(make) end'
        } >"$folder/$name.lua"
    done
}

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

# measure SYSTEM put|get CONNECTIONS PORT
measure() {
    local before after output requests duration p50 p99 errors
    before=$(cpu_ticks)
    output=$(wrk -t 1 -c "$3" -d "${seconds}s" --timeout 10s -s "$folder/$1-$2.lua" \
        "http://127.0.0.1:$4")
    after=$(cpu_ticks)
    read -r _ requests duration p50 p99 errors < <(grep '^RESULT' <<<"$output") ||
        fail "wrk printed no result: $output"
    [ "$requests" -gt 0 ] || fail "$1 answered no $2"
    result[$1,$2,$3]=$(awk -v n="$requests" -v us="$duration" -v p50="$p50" -v p99="$p99" \
        -v cpu="$((after - before))" -v hz="$(getconf CLK_TCK)" -v errors="$errors" 'BEGIN {
            printf "%.0f %.0f %.0f %.1f %d", n / us * 1e6, p50, p99, cpu / hz / n * 1e6, errors }')
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

write_scripts
echo "$(nproc) processors, data in $folder, $seconds s each"
for system in "${systems[@]}"; do
    case $system in
    kvstore | etcd) measure_system "$system" ;;
    *) fail "--only takes kvstore or etcd, not '$system'" ;;
    esac
done
print_table
