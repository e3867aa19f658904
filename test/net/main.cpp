#define BOOST_TEST_MODULE quorate_net
#include <boost/test/unit_test.hpp>
