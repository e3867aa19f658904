#define BOOST_TEST_MODULE quorate_base
#include <boost/test/unit_test.hpp>
