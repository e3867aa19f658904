// What most tests of this folder include, compiled once per build.
#ifndef QUORATE_TEST_GATEWAY_PCH_HPP
#define QUORATE_TEST_GATEWAY_PCH_HPP

#include <quorate/gateway/decode.hpp>
#include <quorate/gateway/encode.hpp>

#include "../pch/pch.hpp"

#endif
