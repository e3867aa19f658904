#define BOOST_TEST_MODULE quorate_gateway
#include <boost/test/unit_test.hpp>
