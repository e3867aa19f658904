// What most tests of this folder include, compiled once per build.
#ifndef QUORATE_TEST_LMDB_PCH_HPP
#define QUORATE_TEST_LMDB_PCH_HPP

#include <quorate/store/auth_machine.hpp>

#include "../pch/pch.hpp"
#include "scratch_backend.hpp"

#endif
