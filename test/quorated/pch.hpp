// What most tests of this folder include, compiled once per build.
#ifndef QUORATE_TEST_QUORATED_PCH_HPP
#define QUORATE_TEST_QUORATED_PCH_HPP

#include "../../example/quorated/serve_options.hpp"
#include "../pch/pch.hpp"

#endif
