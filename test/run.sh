#!/usr/bin/env bash
# Builds and tests everything, from nothing, on Debian 12. `--help` says more.
set -uo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root" || exit 1

usage() {
    cat <<'TEXT'
usage: test/run.sh [--quick] [--help]

Installs what is missing (Debian packages, as root or with sudo), then checks, builds and tests:
  checks     layers, style, documentation, generated header, formatting; the checkers themselves
  consume    as strangers use it: find_package, add_subdirectory, pkg-config, Meson subproject,
             compiled once
  release    g++, optimised: all programs, all tests, the scenario scripts
  processes  end-to-end tests of the built programs, beside the steps that follow; example/run.sh
  headers    every header alone
  sanitized  clang (g++ where clang is missing): address and undefined behaviour, all tests,
             fuzzing; the library compiled once instead of header-only
  threads    thread sanitizer: the tests that start threads
  meson      the second build system, debug: one of each kind of target
Each step prints its title and seconds; its output is in build/test-logs. The last line says how
many steps and test cases passed and failed.

  --quick    only the optimised build and its unit tests and scripts
  --help     this text

Environment: QUORATE_JOBS: compile jobs (default: the processors). CI=true: a tool that is missing
and cannot be installed is a failure, not a skipped step.
TEXT
}

quick=no
for argument in "$@"; do
    case $argument in
    --quick) quick=yes ;;
    --help | -h) usage && exit 0 ;;
    *) usage >&2 && exit 2 ;;
    esac
done

jobs=${QUORATE_JOBS:-$(nproc)}
logs=$root/build/test-logs
passed=0
failed=0
waiting=()
nice=()
started=$SECONDS
export CTEST_OUTPUT_ON_FAILURE=1 CTEST_PARALLEL_LEVEL=$jobs
rm -rf "$logs" && mkdir -p "$logs"

# ---- packages --------------------------------------------------------------------------------

has() { command -v "$1" >/dev/null 2>&1; }

boost_is_recent() {
    local version
    version=$(printf '#include <boost/version.hpp>\nBOOST_VERSION\n' |
        "${CXX:-g++}" -E -x c++ - 2>/dev/null | tail -n 1)
    [[ $version =~ ^[0-9]+$ ]] && [ "$version" -ge 108100 ]
}

has_boost_library() {
    printf 'int main() {}\n' | "${CXX:-g++}" -x c++ - "-lboost_$1" \
        -o "$logs/probe" 2>/dev/null && rm -f "$logs/probe"
}

has_header() {
    printf '#include <%s>\n' "$1" | "${CXX:-g++}" -E -x c++ - >/dev/null 2>&1
}

clang_has_sanitizers() {
    printf 'int main() {}\n' | clang++ -fsanitize=fuzzer-no-link,address -x c++ - \
        -o "$logs/probe" 2>/dev/null && rm -f "$logs/probe"
}

# Prints the packages that the steps need and this machine lacks.
missing_packages() {
    has g++ || echo g++
    has cmake || echo cmake
    has ninja || echo ninja-build
    has python3 || echo python3
    boost_is_recent || echo libboost1.81-dev
    has_boost_library unit_test_framework || echo libboost-test1.81-dev
    has_boost_library program_options || echo libboost-program-options1.81-dev
    has_header lmdb.h || echo liblmdb-dev
    has_header yaml-cpp/yaml.h || echo libyaml-cpp-dev
    has_header openssl/ssl.h || echo libssl-dev
    has_header crypt.h || echo libcrypt-dev
    [ $quick = yes ] && return
    has clang++ && clang_has_sanitizers || echo clang libclang-rt-14-dev
    has clang-format-14 || has clang-format || echo clang-format
    has meson || echo meson
    has pkg-config || echo pkg-config
    has ccache || echo ccache
}

install_missing() {
    local packages as_root=()
    packages=$(missing_packages | tr '\n' ' ')
    [ -n "${packages// /}" ] || return 0
    [ "$(id -u)" = 0 ] || as_root=(sudo)
    if ! has apt-get || { [ "$(id -u)" != 0 ] && ! has sudo; }; then
        echo "cannot install: needs apt-get, as root or with sudo"
    else
        echo "installing: $packages"
        # One index that cannot be fetched is no reason to stop: the install says what it lacks.
        "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get update -q || true
        # shellcheck disable=SC2086
        "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -q -y \
            --no-install-recommends $packages
    fi
    packages=$(missing_packages | tr '\n' ' ')
    if [ -n "${packages// /}" ]; then
        echo "still missing, please install by hand: $packages"
        return 1
    fi
}

# ---- steps -----------------------------------------------------------------------------------

log_of() { echo "$logs/$(printf '%s' "$1" | tr -c 'a-z0-9\n' '_').log"; }

# run LOG LIMIT COMMAND...: becomes the command, with a time limit in seconds.
run() {
    local log=$1 limit=$2
    shift 2
    exec timeout --kill-after=10 "$limit" ${nice[@]+"${nice[@]}"} "$@" </dev/null >"$log" 2>&1
}

# finish TITLE STATUS SECONDS TEXT: prints the outcome, and the end of the log when it was bad.
finish() {
    local log
    log=$(log_of "$1")
    if [ "$2" = 0 ]; then
        echo "ok, $3 s${4:+ ($4)}"
    else
        echo "FAILED, $3 s${4:+ ($4)}; the end of ${log#"$root"/}:"
        # A compiler's errors may stand far above the end; the commands it was given are no help.
        # So may a failed case, whose runner goes on with the next one.
        { grep -m 20 -E '(error|Error|FAILED):|^ *FAIL ' "$log"; echo ...; tail -n 40 "$log"; } |
            grep -v '^/[^ ]*cmake -E env ' | cut -c 1-240 | sed 's/^/   | /'
    fi
}

# judge KIND TITLE STATUS SECONDS: counts and reports what has ended. A `step` is one count; `cases`
# are counted by what the closing lines of their runner tell.
judge() {
    local kind=$1 title=$2 status=$3 seconds=$4 good bad
    if [ "$kind" = step ]; then
        if [ "$status" = 0 ]; then passed=$((passed + 1)); else failed=$((failed + 1)); fi
        finish "$title" "$status" "$seconds"
        return "$status"
    fi
    read -r good bad < <(python3 -B tools/count_cases.py "$(log_of "$title")")
    # A runner that failed without a failed case, or that ran none, is one failure.
    if [ "$bad" = 0 ] && { [ "$status" != 0 ] || [ "$good" = 0 ]; }; then
        bad=1
        status=1
    fi
    passed=$((passed + good))
    failed=$((failed + bad))
    finish "$title" $((status != 0 || bad != 0)) "$seconds" "$good passed, $bad failed"
}

announce() { printf '== %-44s ' "$1"; }

# alone KIND TITLE LIMIT COMMAND...: one command, while nothing else runs.
alone() {
    local kind=$1 title=$2 began=$SECONDS status=0
    shift 2
    announce "$title"
    (run "$(log_of "$title")" "$@") || status=$?
    judge "$kind" "$title" $status $((SECONDS - began))
}
step() { alone step "$@"; }
cases() { alone cases "$@"; }

# beside KIND TITLE LIMIT COMMAND...: the same in the background. `settle` waits for all of these
# and reports them in the order of their start.
beside() {
    local kind=$1 title=$2 log
    shift 2
    log=$(log_of "$title")
    {
        trap 'kill "$!"' TERM
        began=$SECONDS
        run "$log" "$@" &
        wait "$!"
        echo "$? $((SECONDS - began))" >"$log.end"
    } &
    waiting+=("$kind" "$title")
}
# What runs in the background ends with this script.
trap 'kill $(jobs -p) 2>/dev/null' EXIT
settle() {
    local status seconds log
    wait
    set -- ${waiting[@]+"${waiting[@]}"}
    waiting=()
    while [ $# -gt 0 ]; do
        log=$(log_of "$2")
        read -r status seconds < <(cat "$log.end" || echo 1 0)
        rm -f "$log.end"
        announce "$2"
        judge "$1" "$2" "$status" "$seconds"
        shift 2
    done
}

# skip TITLE WHY: a failure in CI, where nothing may be missing.
skip() {
    announce "$1"
    echo "skipped: $2"
    [ "${CI:-}" != true ] || failed=$((failed + 1))
}

# configure_and_build PRESET [TARGET...] [-DOPTION...]: keeps going, so the log has every error.
configure_and_build() {
    local preset=$1 targets=()
    shift
    while [ $# -gt 0 ] && [[ $1 != -D* ]]; do
        targets+=("$1") && shift
    done
    cmake --preset "$preset" "$@" &&
        cmake --build "build/$preset" --parallel "$jobs" \
            ${targets[@]+--target "${targets[@]}"} -- -k 0
}
export -f configure_and_build
export jobs
build() {
    step "$1: build" 2400 bash -c 'configure_and_build "$@"' build "${@:2}"
}

# ---- what is run -----------------------------------------------------------------------------

check_tree() {
    beside step "checks: layers" 60 tools/check_layers.py
    beside step "checks: style" 60 tools/check_style.py
    beside step "checks: documentation" 60 tools/check_docs.py
    beside step "checks: generated header" 60 tools/make_src.py --check
    beside step "checks: formatting" 120 tools/check_format.sh
    beside step "checks: the checkers themselves" 120 python3 -B test/tools/test_tools.py
}

# The programs are built as users build them; tests and small examples, with less optimisation, in
# half the time. Benchmarks are compiled in the Meson build: without optimisation, so apart.
test_release() {
    build release release -DQUORATE_UNITY_TESTS=ON -DQUORATE_TEST_OPTIONS=-O1 \
        -DQUORATE_BUILD_BENCH=OFF -DQUORATE_WITH_YAML=ON -DQUORATE_WITH_LMDB=ON \
        -DQUORATE_WITH_TLS=ON
    # They wait much: for elections, time limits and threads.
    cases "release: tests" 900 ctest --test-dir build/release -LE checks -j $((2 * jobs))
}

test_headers() {
    step "headers: every one alone" 1200 tools/check_headers.py --jobs "$jobs"
}

# Sets `prefix`, which chooses the presets of clang where it can sanitize.
choose_compiler() {
    prefix=clang-
    if ! has clang++ || ! clang_has_sanitizers; then
        skip "$1: clang" "clang++ with its sanitizers is not installed; using g++"
        prefix=
    fi
}

test_sanitized() {
    local prefix preset
    choose_compiler sanitized
    preset=${prefix}asan
    # The programs are run by the end-to-end tests, which take the optimised ones. To optimise
    # instrumented tests takes longer than they then save; the library's bodies are compiled once,
    # optimised. So are the checks of each pointer's value and alignment, a third of the time: they
    # matter where bytes are decoded, in those bodies and in the fuzzers. Null pointers trap anyway.
    build sanitized $preset -DQUORATE_BUILD_BENCH=OFF -DQUORATE_BUILD_EXAMPLES=OFF \
        -DQUORATE_SEPARATE_COMPILATION=ON -DQUORATE_UNITY_TESTS=ON \
        "-DQUORATE_TEST_OPTIONS=-O0;-fno-sanitize=null,alignment,object-size,vptr"
    cases "sanitized: tests" 1800 ctest --test-dir build/$preset -LE checks
}

# Prints the folders among those given that have tests.
folders_with_tests() {
    local folder
    for folder in "$@"; do
        [ ! -f "test/$folder/main.cpp" ] || echo "$folder"
    done
}

test_threads() {
    local prefix folders pattern
    choose_compiler threads
    folders=$(folders_with_tests log net http node runtime)
    pattern=$(paste -s -d '|' <<<"$folders")
    # shellcheck disable=SC2046,SC2086
    build threads ${prefix}tsan $(printf 'test_%s ' $folders) \
        -DQUORATE_BUILD_BENCH=OFF -DQUORATE_BUILD_FUZZ=OFF -DQUORATE_BUILD_EXAMPLES=OFF \
        -DQUORATE_UNITY_TESTS=ON -DQUORATE_TEST_OPTIONS=-fno-inline
    cases "threads: tests" 900 ctest --test-dir "build/${prefix}tsan" -R "^($pattern)\$"
}

test_consume() {
    local way
    for way in find_package pkg_config subdirectory separate; do
        beside step "consume: $way" 300 test/consume/run.sh $way
    done
    if has meson; then
        beside step "consume: meson_subproject" 300 test/consume/run.sh meson_subproject
    fi
}

test_meson() {
    if ! has meson; then
        skip "meson" "meson is not installed"
        return
    fi
    # All of it is described from the same lists of files as for CMake, so one of each kind of
    # target shows that the description works; `meson test` builds and runs everything.
    local options=(--buildtype=debug -Doptimization=0 -Dwerror=true -Dunity=on -Dunity_size=1000)
    local folders programs=(kvstore quorate_scenario) scripts=(scenario)
    [ ! -d ../shared/conformance ] || scripts+=(conformance)
    folders=$(folders_with_tests base format quorated server)
    [ ! -d build/meson/meson-info ] || options+=(--reconfigure)
    step "meson: set up" 120 meson setup build/meson "${options[@]}"
    # shellcheck disable=SC2046,SC2086
    step "meson: build" 2400 meson compile -C build/meson -j "$jobs" \
        "${programs[@]}" own_machine benchmarks $(printf 'test_%s ' $folders)
    # shellcheck disable=SC2086
    cases "meson: tests" 1200 meson test -C build/meson --no-rebuild --num-processes "$jobs" \
        "${scripts[@]}" $folders example_own_machine
}

# The members of these tests wait most of their time. So they run beside what is compiled next,
# which takes the processors only when they do not.
start_processes() {
    beside cases "processes: end to end" 1800 \
        python3 -B test/e2e/run_all.py --bin "$root/build/release/bin" --jobs 4
    nice=(nice -n 19)
}
finish_processes() {
    settle
    nice=()
    step "processes: example/run.sh" 600 example/run.sh
}

announce "packages"
if install_missing >"$(log_of packages)" 2>&1; then
    finish packages 0 $((SECONDS - started))
elif has g++ && has cmake && has ninja && has python3 && boost_is_recent &&
    has_boost_library unit_test_framework && has_boost_library program_options; then
    echo "incomplete: $(tail -n 1 "$(log_of packages)")"
else
    finish packages 1 $((SECONDS - started))
    printf '0 passed, 1 failed\n'
    exit 1
fi

if [ $quick = yes ]; then
    test_release
else
    check_tree
    test_consume
    settle
    test_release
    start_processes
    test_headers
    test_sanitized
    test_threads
    test_meson
    finish_processes
fi

echo "== $((SECONDS - started)) s in all"
printf '%d passed, %d failed\n' "$passed" "$failed"
[ "$failed" = 0 ]
