#define BOOST_TEST_MODULE quorate_tls
#include <boost/test/unit_test.hpp>
