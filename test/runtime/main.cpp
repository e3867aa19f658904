#define BOOST_TEST_MODULE quorate_runtime
#include <boost/test/unit_test.hpp>
