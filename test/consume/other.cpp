#include <quorate/consensus/membership_change.hpp>

#include "consumer.hpp"

const boost::system::error_category* category_elsewhere() {
    return &quorate::quorate_category();
}

quorate::error_code add_voter(quorate::node_id id, std::size_t& voters) {
    quorate::membership now;
    now.voters = {quorate::node_id(1)};
    quorate::membership_change change;
    change.changes.push_back({quorate::change_kind::add_voter, id});
    const auto next = quorate::apply(now, change);
    if (!next) {
        return next.error();
    }
    voters = next->voters.size();
    return {};
}
