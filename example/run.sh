#!/usr/bin/env bash
# Builds kvstore, starts three durable members on loopback, and shows them survive a killed leader.
set -euo pipefail

usage() {
    cat <<'TEXT'
Usage: example/run.sh [--keep] [--help]

Builds kvstore and shows a three-node cluster at work, all on 127.0.0.1:
a PUT, a GET from another member, the kill of the leader, and the cluster going on.

  --keep   leave the cluster running at the end; prints how to use and to stop it
  --help   this text

Installs what is missing to build (Debian 12: g++, cmake, ninja-build, libboost1.81-dev,
libboost-program-options1.81-dev, curl) when
run as root or with sudo. Builds in build/example; data goes to a temporary folder.
Environment: KVSTORE=PATH uses that executable and builds nothing.
TEXT
}

keep=
for word in "$@"; do
    case $word in
    --keep) keep=1 ;;
    --help | -h) usage; exit 0 ;;
    *) echo "run.sh: unknown argument '$word'; see --help" >&2; exit 2 ;;
    esac
done

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"

step() { printf '\n== %s\n' "$*"; }
fail() { printf 'run.sh: %s\n' "$*" >&2; exit 1; }

# ---------------------------------------------------------------------- what the build needs

boost_version() {
    sed -n 's/^#define BOOST_VERSION \([0-9]*\)$/\1/p' /usr/include/boost/version.hpp 2>/dev/null
}

install_missing() {
    local missing=() apt=(env DEBIAN_FRONTEND=noninteractive apt-get -y -qq)
    command -v g++ >/dev/null || missing+=(g++)
    command -v cmake >/dev/null || missing+=(cmake)
    command -v ninja >/dev/null || missing+=(ninja-build)
    command -v curl >/dev/null || missing+=(curl)
    [ "$(boost_version || true)" -ge 108100 ] 2>/dev/null || missing+=(libboost1.81-dev)
    ls /usr/lib/*/libboost_program_options.so >/dev/null 2>&1 ||
        missing+=(libboost-program-options1.81-dev)
    [ ${#missing[@]} = 0 ] && return
    step "Installing ${missing[*]}"
    command -v apt-get >/dev/null || fail "no apt-get here; install these yourself: ${missing[*]}"
    if [ "$(id -u)" != 0 ]; then
        command -v sudo >/dev/null || fail "neither root nor sudo; install these: ${missing[*]}"
        apt=(sudo "${apt[@]}")
    fi
    # Package lists that are there may do; those of a fresh machine are empty or old.
    "${apt[@]}" install --no-install-recommends "${missing[@]}" >/dev/null 2>&1 && return
    "${apt[@]}" update
    "${apt[@]}" install --no-install-recommends "${missing[@]}"
}

build() {
    step "Building kvstore (build/example)"
    cmake --preset release -B build/example -DQUORATE_BUILD_TESTS=OFF -DQUORATE_BUILD_BENCH=OFF \
        >/dev/null
    cmake --build build/example --target kvstore
    kvstore=$root/build/example/bin/kvstore
    [ -x "$kvstore" ] || fail "the build left no $kvstore"
}

# ---------------------------------------------------------------------- members

folder=
pids=()         # by position; empty while a member is down
ports=()
peers=()

clean_up() {
    local status=$?
    trap - EXIT INT TERM
    stop_members
    [ -z "$folder" ] || rm -rf "$folder"
    exit "$status"
}

# TERM first; KILL what has not ended after ten seconds.
stop_members() {
    local pid
    for pid in "${pids[@]}"; do
        [ -z "$pid" ] || kill "$pid" 2>/dev/null || true
    done
    for pid in "${pids[@]}"; do
        [ -z "$pid" ] || wait_end "$pid"
    done
    pids=()
}

wait_end() {
    local turn
    for turn in $(seq 100); do
        kill -0 "$1" 2>/dev/null || return 0
        sleep 0.1
    done
    kill -KILL "$1" 2>/dev/null || true
}

in_use() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# The first port from $1 on that nothing listens on.
free_port() {
    local port=$1
    while in_use "$port"; do
        port=$((port + 1))
    done
    echo "$port"
}

choose_ports() {
    local n base
    for n in 1 2 3; do
        base=$((n * 10000))
        ports[n]=$(free_port $((base + 2380)))
        peers[n]=http://127.0.0.1:$(free_port $((base + 2379)))
        # A client port that had to move may have taken the peer port's number.
        [ "${peers[n]##*:}" != "${ports[n]}" ] ||
            peers[n]=http://127.0.0.1:$(free_port $((ports[n] + 1)))
    done
    cluster=${peers[1]},${peers[2]},${peers[3]}
}

# A member's command, one word a line.
command_of() {
    printf '%s\n' "$kvstore" --id "$1" --cluster "$cluster" --port "${ports[$1]}" \
        --data-dir "$folder/data-$1"
}

start_member() {
    local words
    mapfile -t words < <(command_of "$1")
    printf '$ %s &\n' "${words[*]}"
    # A session of its own, so that Ctrl-C here does not reach members that --keep leaves behind.
    setsid "${words[@]}" >>"$folder/member-$1.log" 2>&1 </dev/null &
    pids[$1]=$!
}

# Waits until a member answers a read, which needs a leader.
wait_serving() {
    local turn status=
    for turn in $(seq 300); do
        status=$(curl -s -o /dev/null -w '%{http_code}' --max-time 5 \
            "http://127.0.0.1:${ports[$1]}/hello" || true)
        case $status in 200 | 404) return ;; esac
        if ! kill -0 "${pids[$1]}" 2>/dev/null; then
            tail -n 5 "$folder/member-$1.log" >&2
            fail "member $1 ended"
        fi
        sleep 0.1
    done
    tail -n 5 "$folder/member-$1.log" >&2
    fail "member $1 does not answer (last status: $status)"
}

# Prints "TERM ID" of the last election won; members log a line for it.
newest_election() {
    local n
    for n in 1 2 3; do
        sed -n -e 's/.*became leader[^0-9]*\([0-9][0-9]*\).*/\1 '"$n"'/p' "$folder/member-$n.log"
    done | sort -n | tail -n 1
}

# Waits for a leader of a term after $1; sets `term` and `leader`.
find_leader() {
    local turn
    for turn in $(seq 300); do
        read -r term leader < <(newest_election) || true
        if [ "${term:-0}" -gt "$1" ] && [ -n "${pids[$leader]}" ]; then
            return
        fi
        sleep 0.1
    done
    fail "no leader was elected"
}

# Shows and runs a curl command, and checks what it prints.
show() {
    local expected=$1 output
    shift
    printf '$ curl'
    printf ' %q' "$@"
    echo
    output=$(curl -sS --max-time 15 "$@")
    printf '%s\n' "$output"
    [ "$output" = "$expected" ] || fail "expected '$expected'"
}

put() { show "204" -w '%{http_code}' -X PUT --data-binary "$3" "http://127.0.0.1:${ports[$1]}$2"; }
get() { show "$3" "http://127.0.0.1:${ports[$1]}$2"; }

# ---------------------------------------------------------------------- the story

install_missing
kvstore=${KVSTORE:-}
[ -n "$kvstore" ] || build

trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
folder=$(mktemp -d "${TMPDIR:-/tmp}/quorate-example.XXXXXX")
choose_ports

step "Starting three members, data in $folder"
for n in 1 2 3; do
    start_member "$n"
done
for n in 1 2 3; do
    wait_serving "$n"
done
find_leader 0
echo "member $leader leads in term $term"

step "A PUT on member 1: 204 means that a majority has it on disk and that it is applied"
put 1 /hello "world"

step "A GET from member 2: every member answers with the newest value"
get 2 /hello "world"

step "Killing member $leader, the leader"
killed=$leader
echo "\$ kill -KILL ${pids[$killed]}"
# The shell would report the end of its child on its own error stream.
{ kill -KILL "${pids[$killed]}" && wait "${pids[$killed]}"; } 2>/dev/null || true
pids[$killed]=
find_leader "$term"
echo "member $leader leads in term $term"

step "The other two go on"
other=$((6 - killed - leader))
wait_serving "$other"
get "$other" /hello "world"
put "$other" /hello "still here"
get "$leader" /hello "still here"

step "Starting member $killed again: it catches up and answers with what it missed"
start_member "$killed"
wait_serving "$killed"
get "$killed" /hello "still here"

if [ -z "$keep" ]; then
    step "Stopping all members, removing $folder"
    trap - EXIT
    for n in 1 2 3; do
        kill "${pids[n]}"
    done
    for n in 1 2 3; do
        status=0
        wait "${pids[n]}" || status=$?
        echo "member $n: exit status $status"
        [ "$status" = 0 ] || { rm -rf "$folder"; fail "member $n should exit with 0"; }
    done
    rm -rf "$folder"
    echo "done"
    exit 0
fi

trap - EXIT INT TERM
step "The cluster keeps running"
for n in 1 2 3; do
    echo "member $n: pid ${pids[n]}, http://127.0.0.1:${ports[n]}, log $folder/member-$n.log"
    disown "${pids[n]}"
done
cat <<TEXT
Try:   curl -X PUT --data-binary value http://127.0.0.1:${ports[1]}/some/key
       curl http://127.0.0.1:${ports[3]}/some/key
Stop:  kill ${pids[*]}; rm -rf $folder
TEXT
