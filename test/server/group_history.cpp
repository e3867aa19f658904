#include <quorate/server/group_history.hpp>
#include <quorate/store/state_machine.hpp>

#include <boost/test/unit_test.hpp>

#include <cstdint>
#include <string>

BOOST_AUTO_TEST_SUITE(group_history)

namespace {

using namespace quorate;

std::string url(std::uint64_t id) {
    return "http://127.0.0.1:" + std::to_string(20000 + id);
}

/// Members 1 and 2 vote, member 3 learns.
group_members three() {
    group_members made;
    for (std::uint64_t id = 1; id <= 3; ++id) {
        made.table.put(member_info{node_id(id), url(id)});
    }
    made.config.voters = {node_id(1), node_id(2)};
    made.config.learners = {node_id(3)};
    return made;
}

entry change(change_kind kind, const member_info& member, bool urls = true,
             bool attributes = false) {
    membership_change asked;
    asked.changes.push_back({kind, member.id});
    asked.context = shared_bytes::copy_of(std::string(command_header_bytes, '\0') +
                                          encode(member_update{member, urls, attributes}));
    entry made;
    made.kind = entry_kind::change;
    made.payload = encode(asked, made.kind);
    return made;
}

error_code verdict(const entry& e, const group_members& members) {
    const auto read = read_change(e);
    BOOST_REQUIRE(read);
    return check_change(*read, members.table, members.config);
}

} // namespace

BOOST_AUTO_TEST_CASE(a_change_to_a_peer_url_that_another_member_has_is_refused) {
    const group_members before = three();
    for (const auto& [kind, id] :
         {std::pair(change_kind::add_voter, 4), std::pair(change_kind::add_learner, 4),
          std::pair(change_kind::add_voter, 3), std::pair(change_kind::update, 2)}) {
        const node_id member(static_cast<std::uint64_t>(id));
        for (const std::string& taken : {url(1), std::string("https://LOCALHOST:20001")}) {
            const entry e = change(kind, {member, taken});
            BOOST_TEST((verdict(e, before) == errc::peer_url_exists));
            group_members after = before;
            replay(e, after);
            BOOST_TEST((after == before));
        }
    }
}

BOOST_AUTO_TEST_CASE(a_change_to_free_or_own_peer_urls_is_made) {
    group_members members = three();
    replay(change(change_kind::add_voter, {node_id(3), url(3)}), members); // promoted
    BOOST_TEST(members.config.voters.contains(node_id(3)));
    replay(change(change_kind::update, {node_id(1), url(9)}), members);
    replay(change(change_kind::add_voter, {node_id(4), url(1)}), members); // free since
    BOOST_TEST(members.config.voters.contains(node_id(4)));
    BOOST_TEST(members.table.find(node_id(1))->peer_urls.front() == url(9));
}

// Older versions let two members have one URL; such a group must still learn names.
BOOST_AUTO_TEST_CASE(a_change_of_attributes_leaves_shared_peer_urls_alone) {
    group_members members = three();
    members.table.put(member_info{node_id(2), url(1)});
    const entry named = change(change_kind::update, {node_id(2), {url(1)}, "two", {}}, false, true);
    BOOST_TEST(!verdict(named, members));
    replay(named, members);
    BOOST_TEST(members.table.find(node_id(2))->name == "two");
}

BOOST_AUTO_TEST_SUITE_END()
