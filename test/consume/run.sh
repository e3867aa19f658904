#!/usr/bin/env bash
# Builds and runs a stranger's program against the library in one of the ways a stranger may.
set -euo pipefail
usage="usage: test/consume/run.sh find_package|subdirectory|pkg_config|meson_subproject|separate"
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
here=$root/test/consume
way=${1:?$usage}
work=$root/build/consume/$way
prefix=$work/prefix
rm -rf "$work" && mkdir -p "$work"

# Lays the library down below $prefix, as `cmake --install` does for anyone.
install_library() {
    cmake -S "$root" -B "$work/library" -G Ninja -DCMAKE_INSTALL_PREFIX="$prefix" \
        -DQUORATE_BUILD_TESTS=OFF -DQUORATE_BUILD_EXAMPLES=OFF \
        -DQUORATE_BUILD_BENCH=OFF -DQUORATE_BUILD_FUZZ=OFF
    cmake --install "$work/library"
}

build_and_run() {
    cmake -S "$here" -B "$work/consumer" -G Ninja -DCMAKE_BUILD_TYPE=Debug "$@"
    cmake --build "$work/consumer"
    "$work/consumer/consumer"
}

case $way in
find_package)
    install_library
    build_and_run -DCONSUME=find_package -DCMAKE_PREFIX_PATH="$prefix"
    ;;
subdirectory)
    build_and_run -DCONSUME=subdirectory
    ;;
pkg_config)
    install_library
    PKG_CONFIG_PATH=$(dirname "$(find "$prefix" -name quorate.pc)")
    export PKG_CONFIG_PATH
    read -r -a flags < <(pkg-config --cflags --libs quorate)
    "${CXX:-g++}" -std=c++20 "$here/main.cpp" "$here/other.cpp" "${flags[@]}" -o "$work/consumer"
    "$work/consumer"
    ;;
meson_subproject)
    mkdir "$work/project" "$work/project/subprojects"
    cp "$here"/{main.cpp,other.cpp,consumer.hpp,meson.build} "$work/project"
    ln -s "$root" "$work/project/subprojects/quorate"
    meson setup "$work/project/build" "$work/project"
    ninja -C "$work/project/build"
    "$work/project/build/consumer"
    ;;
separate)
    build_and_run -DCONSUME=subdirectory -DQUORATE_SEPARATE_COMPILATION=ON
    ;;
*)
    echo "$usage" >&2
    exit 2
    ;;
esac
