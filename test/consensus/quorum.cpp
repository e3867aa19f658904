#include <quorate/consensus/quorum.hpp>

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <map>
#include <random>
#include <vector>

BOOST_AUTO_TEST_SUITE(quorum)

using namespace quorate;

namespace {

id_set random_ids(std::mt19937_64& random, std::size_t max) {
    id_set ids;
    for (std::size_t n = random() % (max + 1); n > 0; --n) {
        ids.insert(node_id(1 + random() % 12));
    }
    return ids;
}

/// The definition, word for word: the largest index that enough members hold.
log_index naive_committed(const id_set& voters, const std::map<node_id, log_index>& acked) {
    if (voters.empty()) {
        return log_index_max;
    }
    log_index best;
    for (const auto& [owner, candidate] : acked) {
        std::size_t holders = 0;
        for (node_id id : voters) {
            const auto found = acked.find(id);
            holders += found != acked.end() && found->second >= candidate ? 1U : 0U;
        }
        if (2 * holders > voters.size()) {
            best = std::max(best, candidate);
        }
    }
    return best;
}

vote_result naive_tally(const id_set& voters, const std::map<node_id, bool>& votes) {
    std::size_t yes = 0;
    std::size_t no = 0;
    for (node_id id : voters) {
        const auto found = votes.find(id);
        yes += found != votes.end() && found->second ? 1U : 0U;
        no += found != votes.end() && !found->second ? 1U : 0U;
    }
    if (voters.empty() || 2 * yes > voters.size()) {
        return vote_result::won;
    }
    return 2 * (voters.size() - no) > voters.size() ? vote_result::pending : vote_result::lost;
}

} // namespace

BOOST_AUTO_TEST_CASE(a_majority_is_more_than_half) {
    BOOST_TEST(majority_of(1) == 1U);
    BOOST_TEST(majority_of(2) == 2U);
    BOOST_TEST(majority_of(3) == 2U);
    BOOST_TEST(majority_of(4) == 3U);
    BOOST_TEST(majority_of(5) == 3U);
}

BOOST_AUTO_TEST_CASE(nobody_holds_nobody_back) {
    const auto none = [](node_id) -> std::optional<log_index> { return std::nullopt; };
    BOOST_TEST(committed_index(id_set{}, none) == log_index_max);
    BOOST_TEST(committed_index(id_set{node_id(1)}, none) == log_index(0));
    const auto silent = [](node_id) -> std::optional<bool> { return std::nullopt; };
    BOOST_CHECK(tally(id_set{}, silent) == vote_result::won);
    BOOST_CHECK(tally(id_set{node_id(1)}, silent) == vote_result::pending);
}

BOOST_AUTO_TEST_CASE(committed_index_is_what_its_definition_says) {
    std::mt19937_64 random(1);
    for (int round = 0; round < 20000; ++round) {
        membership m;
        m.voters = random_ids(random, 9);
        m.outgoing = random_ids(random, 9);
        std::map<node_id, log_index> acked;
        for (std::uint64_t id = 1; id <= 12; ++id) {
            if (random() % 4 != 0) {
                acked.emplace(node_id(id), log_index(random() % 6));
            }
        }
        const auto lookup = [&acked](node_id id) -> std::optional<log_index> {
            const auto found = acked.find(id);
            return found == acked.end() ? std::nullopt : std::optional(found->second);
        };
        const log_index incoming = naive_committed(m.voters, acked);
        const log_index outgoing = naive_committed(m.outgoing, acked);
        BOOST_TEST(committed_index(m.voters, lookup) == incoming);
        BOOST_TEST(committed_index(m, lookup) == std::min(incoming, outgoing));
    }
}

BOOST_AUTO_TEST_CASE(a_tally_is_what_its_definition_says) {
    std::mt19937_64 random(2);
    for (int round = 0; round < 20000; ++round) {
        membership m;
        m.voters = random_ids(random, 7);
        m.outgoing = random_ids(random, 7);
        std::map<node_id, bool> votes;
        for (std::uint64_t id = 1; id <= 12; ++id) {
            if (random() % 3 != 0) {
                votes.emplace(node_id(id), random() % 2 == 0);
            }
        }
        const auto lookup = [&votes](node_id id) -> std::optional<bool> {
            const auto found = votes.find(id);
            return found == votes.end() ? std::nullopt : std::optional(found->second);
        };
        const vote_result a = naive_tally(m.voters, votes);
        const vote_result b = naive_tally(m.outgoing, votes);
        BOOST_CHECK(tally(m.voters, lookup) == a);
        const bool lost = a == vote_result::lost || b == vote_result::lost;
        const bool won = a == vote_result::won && b == vote_result::won;
        const vote_result both = lost  ? vote_result::lost
                                 : won ? vote_result::won
                                       : vote_result::pending;
        BOOST_CHECK(tally(m, lookup) == both);
    }
}

BOOST_AUTO_TEST_CASE(two_quorums_of_one_configuration_meet) {
    for (std::uint64_t size = 1; size <= 7; ++size) {
        id_set voters;
        for (std::uint64_t id = 1; id <= size; ++id) {
            voters.insert(node_id(id));
        }
        for (std::uint64_t side = 0; side < (1U << size); ++side) {
            const auto in = [side](node_id id) {
                return std::optional<bool>((side >> (id.value() - 1)) & 1);
            };
            const auto out = [&in](node_id id) { return std::optional<bool>(!*in(id)); };
            const bool both =
                tally(voters, in) == vote_result::won && tally(voters, out) == vote_result::won;
            BOOST_TEST(!both);
        }
    }
}

BOOST_AUTO_TEST_SUITE_END()
