#define BOOST_TEST_MODULE quorate_node
#include <boost/test/unit_test.hpp>
