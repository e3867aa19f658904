#define BOOST_TEST_MODULE quorate_concept
#include <boost/test/unit_test.hpp>
