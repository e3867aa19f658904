#include "hostile.hpp"

#include <boost/test/unit_test.hpp>

#include <random>
#include <string>

#include "group.hpp"

BOOST_AUTO_TEST_SUITE(hostile_messages)

using namespace quorate;
using namespace quorate::test;

namespace {

/// Of a lying peer a member can be made to believe much, but it never contradicts itself. What
/// concerns the group is not checked: it is lost once a quorum lies.
void harass(member& m, std::uint64_t seed, role_kind start) {
    std::mt19937_64 random(seed);
    message_maker maker([&random] { return random(); });
    m.settle();
    if (start == role_kind::leader) {
        elect(m);
    } else if (start == role_kind::candidate) {
        static_cast<void>(m.campaign());
    }
    for (unsigned i = 0; i < 300; ++i) {
        static_cast<void>(m.step(maker.random_to(m)));
        if (random() % 4 == 0) {
            static_cast<void>(m.propose("p"));
        }
        if (random() % 4 == 0) {
            static_cast<void>(m.read_index(i));
        }
        if (random() % 3 == 0) {
            m.tick(static_cast<std::uint32_t>(random()));
        }
        work_some(m, random());
        m.outbox.clear();
    }
}

raft_options either(std::uint64_t seed) {
    raft_options options = seed % 2 == 0 ? usual(1) : exact(1);
    options.async_storage = true;
    options.check_leader = true; // the reference trusts its peers further than that
    // What a lying leader sends need not keep to the rule of one change at a time.
    options.validate_changes = false;
    return options;
}

void harass_many(role_kind start) {
    for (std::uint64_t seed = 1; seed <= 300; ++seed) {
        try {
            member m(either(seed), disk_with(voters({1, 2, 3}), {1, 1, 2}, hard_of(2, 0, 1)));
            harass(m, seed, start);
        } catch (const violation& e) {
            BOOST_ERROR("seed " + std::to_string(seed) + ": " + e.what());
        }
    }
}

} // namespace

BOOST_AUTO_TEST_CASE(a_follower_survives_random_messages) {
    harass_many(role_kind::follower);
}
BOOST_AUTO_TEST_CASE(a_candidate_survives_random_messages) {
    harass_many(role_kind::candidate);
}
BOOST_AUTO_TEST_CASE(a_leader_survives_random_messages) {
    harass_many(role_kind::leader);
}

BOOST_AUTO_TEST_CASE(a_group_survives_mutated_messages) {
    for (std::uint64_t seed = 1; seed <= 200; ++seed) {
        std::mt19937_64 random(seed);
        message_maker maker([&random] { return random(); });
        std::vector<std::unique_ptr<member>> all;
        for (std::uint64_t id = 1; id <= 3; ++id) {
            raft_options options = usual(id);
            options.validate_changes = false;
            all.push_back(std::make_unique<member>(options, start_of(voters({1, 2, 3}))));
        }
        try {
            std::vector<owned_message> network;
            for (unsigned i = 0; i < 1500; ++i) {
                member& m = *all[random() % 3];
                const std::uint64_t dice = random();
                if (dice % 5 == 0) {
                    m.tick(static_cast<std::uint32_t>(random()));
                } else if (dice % 5 == 1) {
                    static_cast<void>(m.propose("p"));
                } else if (!network.empty()) {
                    const owned_message one = network.front();
                    network.erase(network.begin());
                    const std::uint64_t to = one->to.value();
                    if (to >= 1 && to <= 3) {
                        const bool honest = random() % 10 != 0;
                        static_cast<void>(
                            all[to - 1]->step(honest ? one : maker.mutated(one, *all[to - 1])));
                    }
                }
                m.settle();
                for (const auto& each : all) {
                    for (owned_message& sent : each->outbox) {
                        network.push_back(std::move(sent));
                    }
                    each->outbox.clear();
                }
                if (network.size() > 200) {
                    network.resize(100);
                }
            }
        } catch (const violation& e) {
            BOOST_ERROR("seed " + std::to_string(seed) + ": " + e.what());
        }
    }
}

BOOST_AUTO_TEST_SUITE_END()
