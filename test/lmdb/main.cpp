#define BOOST_TEST_MODULE quorate_lmdb
#include <boost/test/unit_test.hpp>
