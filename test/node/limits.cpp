#include <quorate/node.hpp>

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "support.hpp"

BOOST_AUTO_TEST_SUITE(limits)

using namespace node_test;

namespace {

constexpr std::uint64_t short_frame = 4000;

/// Effects: makes a member whose transport sends and takes frames of `frame_bytes_max` bytes.
template <class Policies>
basic_node<Policies>& add_with_frames(group<Policies>& g, node_options options,
                                      std::uint64_t frame_bytes_max) {
    transport_options wire;
    wire.cluster = options.cluster;
    wire.self = options.id;
    wire.frame_bytes_max = frame_bytes_max;
    const std::uint64_t id = options.id.value();
    g.nodes[id] = std::make_unique<basic_node<Policies>>(
        g.io, std::move(options), std::make_unique<loopback_transport>(g.network, wire));
    return *g.nodes[id];
}

template <class Group>
node_options small_options(const Group& g, std::uint64_t id) {
    node_options options = g.options_of(id);
    options.engine.append_bytes_max = 500;
    options.request_bytes_max = short_frame - frame_bytes_around_entry;
    return options;
}

} // namespace

BOOST_AUTO_TEST_CASE(request_longer_than_a_frame_prevents_the_start) {
    memory_group g(1);
    node_options options = small_options(g, 1);
    ++options.request_bytes_max;
    auto& node = add_with_frames(g, options, short_frame);
    BOOST_TEST(node.start() == errc::invalid_option);
    const std::string longest = std::to_string(short_frame - frame_bytes_around_entry);
    BOOST_TEST(node.explanation().find("request_bytes_max") != std::string::npos);
    BOOST_TEST(node.explanation().find("(" + longest + ")") != std::string::npos,
               node.explanation());
}

BOOST_AUTO_TEST_CASE(longest_request_reaches_all_and_others_follow) {
    memory_group g;
    for (std::uint64_t id = 1; id <= 3; ++id) {
        const node_options options = small_options(g, id);
        BOOST_REQUIRE(!add_with_frames(g, options, short_frame).start());
    }
    BOOST_REQUIRE(g.run_until([&] { return g.leader() != 0; }));
    const std::string longest(short_frame - frame_bytes_around_entry - command_header_bytes, 'x');
    for (const std::uint64_t asked : {g.leader(), g.follower()}) {
        BOOST_TEST(g.submit(asked, longest + "x")->failed == errc::request_too_large);
        BOOST_TEST(g.wrote(asked, longest));
        BOOST_TEST(g.wrote(asked, "small"));
    }
    BOOST_TEST(g.agree(4));
}

BOOST_AUTO_TEST_CASE(entry_of_the_log_longer_than_a_frame_prevents_the_start) {
    file_group g(1);
    node_options options = g.options_of(1);
    g.start(options);
    BOOST_REQUIRE(g.run_until([&] { return g.leader() == 1; }));
    BOOST_REQUIRE(g.wrote(1, std::string(2 * short_frame, 'x')));
    g.stop(1);
    auto& node = add_with_frames(g, small_options(g, 1), short_frame);
    BOOST_TEST(node.start() == errc::invalid_option);
    BOOST_TEST(node.explanation().find("of the log") != std::string::npos, node.explanation());
    g.stop(1);
    g.start(options); // with the transport that it had
    BOOST_REQUIRE(g.run_until([&] { return g.words(1).words().size() == 1u; }));
}

/// Members 2 and 3 have transports with short frames, member 1 has one with longer frames.
struct mixed_group : memory_group {
    std::vector<std::string> lines;

    mixed_group() {
        for (std::uint64_t id = 1; id <= 3; ++id) {
            node_options options = small_options(*this, id);
            options.log = [this](severity, const std::string& line) { lines.push_back(line); };
            const std::uint64_t longest = id == 1 ? 3 * short_frame : short_frame;
            options.request_bytes_max = longest - frame_bytes_around_entry;
            BOOST_REQUIRE(!add_with_frames(*this, options, longest).start());
        }
        BOOST_REQUIRE(run_until([this] { return leader() != 0; }));
    }
    ~mixed_group() {
        for (const auto& one : nodes) {
            one.second->stop([](error_code) {}); // before the lines go
        }
    }
    void let_lead(std::uint64_t id) {
        while (leader() != id) {
            const std::uint64_t leads = leader();
            if (leads != 0) {
                auto moved = std::make_shared<outcome>();
                nodes.at(leads)->transfer_leadership(node_id(id), into(moved));
                BOOST_REQUIRE(finished(moved));
            }
            BOOST_REQUIRE(run_until([this] { return leader() != 0; }));
        }
    }
};

// Such an entry in the log would stop all writes of the group.
BOOST_AUTO_TEST_CASE(forward_longer_than_the_leaders_frames_is_refused) {
    mixed_group g;
    g.let_lead(2);
    const auto refused = g.submit(1, std::string(short_frame, 'x'));
    BOOST_REQUIRE(g.finished(refused));
    BOOST_TEST(refused->failed == errc::request_too_large);
    for (std::uint64_t id = 1; id <= 3; ++id) {
        BOOST_TEST(g.wrote(id, "small"));
    }
    BOOST_TEST(g.words(1).count(std::string(short_frame, 'x')) == 0u);
}

BOOST_AUTO_TEST_CASE(message_dropped_for_its_size_is_logged) {
    mixed_group g;
    g.let_lead(1);
    BOOST_REQUIRE(g.wrote(2, "first"));
    g.isolate(3);
    BOOST_REQUIRE(g.wrote(1, std::string(short_frame, 'x')));
    BOOST_REQUIRE(g.run_until([&] { return g.words(2).words().size() == 2; }));
    g.let_lead(2);
    g.network.heal();
    const auto is_drop = [](const std::string& line) {
        return line.find("not sent to member 3: a message of") != std::string::npos &&
               line.find("frame_bytes_max, 4000") != std::string::npos;
    };
    BOOST_TEST(g.run_until([&] { return std::any_of(g.lines.begin(), g.lines.end(), is_drop); }));
    BOOST_TEST(g.wrote(1, "last")); // members 1 and 2 go on
}

BOOST_AUTO_TEST_CASE(pending_bytes_are_bounded) {
    memory_group g(1);
    node_options options = g.options_of(1);
    options.request_bytes_max = 1000;
    options.pending_bytes_max = 1000;
    g.start(std::move(options));
    BOOST_REQUIRE(g.run_until([&] { return g.leader() == 1; }));
    const auto first = g.submit(1, std::string(984, 'x'));
    BOOST_TEST(!first->done);
    BOOST_TEST(g.submit(1, "")->failed == errc::too_many_unapplied);
    BOOST_REQUIRE(g.finished(first));
    BOOST_TEST(first->well());
    BOOST_TEST(g.wrote(1, "after"));
}

BOOST_AUTO_TEST_CASE(engine_without_a_rule_that_a_node_needs_prevents_the_start) {
    memory_group g(1);
    node_options options = g.options_of(1);
    options.engine.answer_refusals = false;
    auto& node = g.add(options);
    BOOST_TEST(node.start() == errc::invalid_option);
    BOOST_TEST(node.explanation().find("answer_refusals") != std::string::npos);
    g.stop(1);
    options.engine = raft_options::exact(node_id(1));
    BOOST_TEST(g.add(options).start() == errc::invalid_option);
}

BOOST_AUTO_TEST_CASE(table_of_members_stays_short_enough_to_be_read_back) {
    memory_group g(1);
    g.start_all();
    const auto grow = [&g](std::uint64_t id) {
        auto result = std::make_shared<outcome>();
        member_info member{node_id(id), g.url(id)};
        member.client_urls.assign(member_urls_max, std::string(member_text_bytes_max, 'x'));
        g.nodes.at(1)->add_member(member, change_kind::add_learner, g.into(result));
        BOOST_REQUIRE(g.finished(result));
        return result->failed;
    };
    error_code refused;
    std::uint64_t id = 10;
    for (; !refused && id < 30; ++id) {
        refused = grow(id);
    }
    BOOST_TEST(refused == errc::request_too_large);
    BOOST_TEST(g.nodes.at(1)->members().encode().size() <= call_bytes_max);
    BOOST_TEST(g.nodes.at(1)->members().find(node_id(id - 1)) == nullptr);
}

BOOST_AUTO_TEST_SUITE_END()
