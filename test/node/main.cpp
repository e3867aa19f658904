#define BOOST_TEST_MODULE quorate_node
#include <boost/test/unit_test.hpp>

#include "support.hpp"

template class quorate::basic_node<node_test::memory_policies>;
template class quorate::basic_node<node_test::file_policies>;
