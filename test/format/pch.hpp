// What most tests of this folder include, compiled once per build.
#ifndef QUORATE_TEST_FORMAT_PCH_HPP
#define QUORATE_TEST_FORMAT_PCH_HPP

#include <quorate/format/frame.hpp>
#include <quorate/format/snapshot.hpp>

#include "../pch/pch.hpp"

#endif
