#define BOOST_TEST_MODULE quorate_load
#include <boost/test/unit_test.hpp>
