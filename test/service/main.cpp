#define BOOST_TEST_MODULE quorate_service
#include <boost/test/unit_test.hpp>

#include "support.hpp"

template class quorate::basic_node<service_test::service::policies>;
template class quorate::basic_service<service_test::memory_policies>;
