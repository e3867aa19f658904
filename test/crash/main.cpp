#define BOOST_TEST_MODULE quorate_crash
#include <boost/test/unit_test.hpp>
