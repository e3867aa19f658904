#define BOOST_TEST_MODULE quorate_store
#include <boost/test/unit_test.hpp>
