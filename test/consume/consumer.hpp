// What the two source files of the consumer share.
#ifndef QUORATE_TEST_CONSUME_CONSUMER_HPP
#define QUORATE_TEST_CONSUME_CONSUMER_HPP

#include <quorate/base/error.hpp>
#include <quorate/base/ids.hpp>

/// Returns: the category's address as seen by the other source file.
const boost::system::error_category* category_elsewhere();

/// Returns: the new configuration's number of voters, or an error, from the other source file.
quorate::error_code add_voter(quorate::node_id id, std::size_t& voters);

#endif
