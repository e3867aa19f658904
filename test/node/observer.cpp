#include <quorate/node.hpp>

#include <boost/test/unit_test.hpp>

#include "support.hpp"

BOOST_AUTO_TEST_SUITE(observer)

using namespace node_test;

namespace {

struct recorder final : node_observer<std::size_t> {
    std::vector<std::size_t> replies;
    std::vector<log_index> indices;
    std::vector<std::pair<soft_state, term_id>> roles;
    int restored = 0;
    int members = 0;

    void on_applied(log_index index, const std::size_t& reply) override {
        indices.push_back(index);
        replies.push_back(reply);
    }
    void on_restored() override { ++restored; }
    void on_role(const soft_state& soft, term_id term) override { roles.emplace_back(soft, term); }
    void on_members() override { ++members; }
};

struct observed_group : memory_group {
    std::map<std::uint64_t, recorder> seen;

    memory_group::node& start_observed(node_options options) {
        const std::uint64_t id = options.id.value();
        auto& made = add(std::move(options));
        made.observe(&seen[id]);
        BOOST_REQUIRE(!made.start());
        return made;
    }
    void start_all_observed() {
        for (const auto& m : initial) {
            start_observed(options_of(m.id.value()));
        }
        BOOST_REQUIRE(run_until([this] { return leader() != 0; }));
    }
    ~observed_group() {
        while (!nodes.empty()) {
            stop(nodes.begin()->first);
        }
    }
};

} // namespace

BOOST_AUTO_TEST_CASE(every_command_is_seen_everywhere_before_its_answer) {
    observed_group g;
    g.start_all_observed();
    const std::uint64_t asked = g.follower();
    bool seen_first = false;
    bool answered = false;
    g.nodes.at(asked)->submit("word", [&](error_code failed, std::size_t reply) {
        seen_first = !failed && g.seen[asked].replies == std::vector<std::size_t>{reply};
        answered = true;
    });
    BOOST_REQUIRE(g.run_until([&] { return answered; }));
    BOOST_TEST(seen_first);
    BOOST_REQUIRE(g.wrote(g.leader(), "another"));
    BOOST_REQUIRE(g.agree(2));
    for (auto& [id, recorded] : g.seen) {
        BOOST_REQUIRE(recorded.replies.size() == 2u);
        BOOST_TEST(recorded.replies[0] == 1u);
        BOOST_TEST(recorded.replies[1] == 2u);
        BOOST_TEST(recorded.indices[0] < recorded.indices[1]);
        BOOST_TEST(recorded.indices == g.seen[1].indices);
        BOOST_TEST(recorded.restored == 0);
    }
}

BOOST_AUTO_TEST_CASE(leaders_are_told_with_their_terms) {
    observed_group g;
    g.start_all_observed();
    const std::uint64_t before = g.leader();
    BOOST_REQUIRE(g.wrote(before, "word"));
    for (auto& [id, recorded] : g.seen) {
        BOOST_REQUIRE(!recorded.roles.empty());
        BOOST_TEST(recorded.roles.back().first.leader == node_id(before));
        const bool leads = recorded.roles.back().first.role == role_kind::leader;
        BOOST_TEST(leads == (id == before));
        BOOST_TEST(recorded.roles.back().second == g.nodes.at(id)->status().engine.hard.term);
    }
    const std::size_t known = g.seen[before].roles.size();
    g.nodes.at(before)->transfer_leadership();
    BOOST_REQUIRE(g.run_until([&] { return g.leader() != 0 && g.leader() != before; }));
    BOOST_REQUIRE(g.seen[before].roles.size() > known);
    BOOST_TEST(g.seen[before].roles.back().first.leader == node_id(g.leader()));
}

BOOST_AUTO_TEST_CASE(a_leader_is_fresh_once_its_own_term_is_applied) {
    observed_group g;
    g.start_all_observed();
    const std::uint64_t leads = g.leader();
    BOOST_REQUIRE(g.run_until([&] { return g.nodes.at(leads)->status().leads_fresh; }));
    BOOST_TEST(!g.nodes.at(g.follower())->status().leads_fresh);
    // A new leader that cannot commit anything does not know what was acknowledged before it.
    const std::uint64_t next = g.follower();
    g.network.set_filter([next](const message& m) {
        const bool silenced = m.kind == message_kind::append && m.from == node_id(next);
        return silenced ? loopback_fate::drop : loopback_fate::deliver;
    });
    g.nodes.at(leads)->transfer_leadership(node_id(next), [](error_code) {});
    BOOST_REQUIRE(g.run_until(
        [&] { return g.nodes.at(next)->status().engine.soft.role == role_kind::leader; }));
    BOOST_TEST(!g.nodes.at(next)->status().leads_fresh);
    g.network.set_filter({});
    BOOST_TEST(g.run_until([&] {
        const std::uint64_t now = g.leader();
        return now != 0 && g.nodes.at(now)->status().leads_fresh;
    }));
}

BOOST_AUTO_TEST_CASE(members_and_a_received_snapshot_are_told) {
    observed_group g;
    g.start_all_observed();
    BOOST_REQUIRE(g.wrote(1, "before"));
    const int before = g.seen[1].members;
    const auto added = std::make_shared<outcome>();
    g.nodes.at(1)->add_member({node_id(4), g.url(4)}, change_kind::add_learner, g.into(added));
    BOOST_REQUIRE(g.finished(added));
    BOOST_TEST(g.seen[1].members > before);
    BOOST_TEST(g.nodes.at(1)->configuration().learners.contains(node_id(4)));
    node_options options = g.options_of(4);
    options.join = true;
    g.start_observed(options);
    BOOST_REQUIRE(g.agree(1));
    BOOST_TEST(g.seen[4].restored == 1);
    BOOST_TEST(g.seen[4].members > 0);
    BOOST_TEST(g.nodes.at(4)->members().size() == 4u);
}

BOOST_AUTO_TEST_SUITE_END()
