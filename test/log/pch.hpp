// What most tests of this folder include, compiled once per build.
#ifndef QUORATE_TEST_LOG_PCH_HPP
#define QUORATE_TEST_LOG_PCH_HPP

#include <quorate/log/file_snapshots.hpp>

#include "../pch/pch.hpp"
#include "support.hpp"

#endif
