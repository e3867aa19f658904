#define BOOST_TEST_MODULE quorate_quorated
#include <boost/test/unit_test.hpp>
