#define BOOST_TEST_MODULE quorate_consensus
#include <boost/test/unit_test.hpp>
