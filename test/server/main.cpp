#define BOOST_TEST_MODULE quorate_server
#include <boost/test/unit_test.hpp>
