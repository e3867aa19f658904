// What most tests of this folder include, compiled once per build.
#ifndef QUORATE_TEST_HTTP_PCH_HPP
#define QUORATE_TEST_HTTP_PCH_HPP

#include "../pch/pch.hpp"
#include "support.hpp"

#endif
