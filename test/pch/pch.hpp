// What every test includes anyway, compiled once per build.
#ifndef QUORATE_TEST_PCH_PCH_HPP
#define QUORATE_TEST_PCH_PCH_HPP

#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <ostream>
#include <span>
#include <string>
#include <variant>
#include <vector>

#endif
