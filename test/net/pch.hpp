// What most tests of this folder include, compiled once per build.
#ifndef QUORATE_TEST_NET_PCH_HPP
#define QUORATE_TEST_NET_PCH_HPP

#include "../pch/pch.hpp"
#include "tcp_support.hpp"

#endif
