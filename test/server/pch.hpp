// What most tests of this folder include, compiled once per build.
#ifndef QUORATE_TEST_SERVER_PCH_HPP
#define QUORATE_TEST_SERVER_PCH_HPP

#include <quorate/log/file_snapshots.hpp>
#include <quorate/log/segmented_log.hpp>
#include <quorate/server/lessor.hpp>
#include <quorate/server/node_snapshot.hpp>
#include <quorate/store/auth_machine.hpp>

#include "../pch/pch.hpp"

#endif
