#define BOOST_TEST_MODULE quorate_http
#include <boost/test/unit_test.hpp>
