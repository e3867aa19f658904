#define BOOST_TEST_MODULE quorate_command
#include <boost/test/unit_test.hpp>
