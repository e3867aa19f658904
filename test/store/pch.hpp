// What most tests of this folder include, compiled once per build.
#ifndef QUORATE_TEST_STORE_PCH_HPP
#define QUORATE_TEST_STORE_PCH_HPP

#include <quorate/store/auth_machine.hpp>

#include "../pch/pch.hpp"
#include "support.hpp"
#include "tested_backend.hpp"

#endif
