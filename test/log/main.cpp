#define BOOST_TEST_MODULE quorate_log
#include <boost/test/unit_test.hpp>
