#define BOOST_TEST_MODULE quorate_format
#include <boost/test/unit_test.hpp>
