#include <quorate/server/lone_group.hpp>
#include <quorate/server/node_snapshot.hpp>
#include <quorate/store/state_machine.hpp>

#include <boost/test/unit_test.hpp>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

BOOST_AUTO_TEST_SUITE(lone_group)

namespace {

using namespace quorate;

member_info info(std::uint64_t id) {
    return {node_id(id), "http://127.0.0.1:" + std::to_string(20000 + id)};
}

membership config_of(id_set voters, id_set learners = {}) {
    membership made;
    made.voters = std::move(voters);
    made.learners = std::move(learners);
    return made;
}

/// A group as its member's disk has it: a snapshot at index 10 of term 2, and entries behind it.
struct disk {
    explicit disk(const membership& config) {
        member_table table;
        for (const node_id id : config.all()) {
            table.put(info(id.value()));
        }
        start_from(config, table);
    }
    void start_from(const membership& config, const member_table& table) {
        auto base = std::make_shared<snapshot>();
        base->last = {term_id(2), log_index(10)};
        base->members = config;
        base->data = bulk_bytes(join_snapshot(table, {}));
        state.base = std::move(base);
        state.hard = {term_id(3), node_id(2), log_index(10)};
        state.applied = log_index(10);
    }
    entry& append(entry_kind kind, shared_bytes payload) {
        entry made;
        made.term = term_id(3);
        made.index = log_index(11 + state.entries.size());
        made.kind = kind;
        made.payload = std::move(payload);
        state.entries.push_back(std::move(made));
        return state.entries.back();
    }
    void write() { append(entry_kind::normal, shared_bytes::copy_of("12345678word")); }
    void change(change_kind kind, std::uint64_t id) {
        membership_change asked;
        asked.changes.push_back({kind, node_id(id)});
        std::string context(command_header_bytes, '\0');
        if (kind != change_kind::remove) {
            context += encode(member_update{info(id), true, true});
        }
        asked.context = shared_bytes::copy_of(context);
        append(entry_kind::change, encode(asked, entry_kind::change));
    }
    void joint(const std::vector<single_change>& changes) {
        membership_change asked;
        asked.transition = change_transition::joint_explicit;
        asked.changes.assign(changes.begin(), changes.end());
        append(entry_kind::joint_change, encode(asked, entry_kind::joint_change));
    }
    void commit_all() { state.hard.commit = log_index(10 + state.entries.size()); }

    engine_state state;
};

/// Returns: who is in the group once everything that is committed is applied.
group_members outcome_of(const engine_state& state) {
    bulk_reader data(state.base->data);
    group_members members{*take_members(data), state.base->members};
    for (const entry& e : state.entries) {
        BOOST_TEST((e.index <= state.hard.commit));
        replay(e, members);
    }
    return members;
}

lone_start forced(disk& d, std::uint64_t self = 1) {
    std::string why;
    const auto made = make_alone(d.state, node_id(self), why);
    BOOST_REQUIRE_MESSAGE(made, why);
    BOOST_TEST(!check(d.state));
    const group_members members = outcome_of(d.state);
    BOOST_TEST((members.config == config_of({node_id(self)})));
    BOOST_TEST(members.table.size() == 1u);
    BOOST_TEST((*members.table.find(node_id(self)) == info(self)));
    return *made;
}

error_code refusal(disk& d, std::uint64_t self = 1) {
    std::string why;
    const auto made = make_alone(d.state, node_id(self), why);
    BOOST_TEST(!made.has_value());
    BOOST_TEST(!why.empty());
    return made.error();
}

const node_id n1(1), n2(2), n3(3), n4(4);

} // namespace

BOOST_AUTO_TEST_CASE(the_others_are_removed_behind_all_that_the_log_holds) {
    disk d(config_of({n1, n2, n3}));
    d.write();
    d.write();
    d.state.hard.commit = log_index(11); // of the second nobody told this member
    const lone_start made = forced(d);
    BOOST_TEST(made.changed);
    BOOST_REQUIRE(made.appended.size() == 2u);
    BOOST_TEST((made.appended.front().id() == log_id{term_id(4), log_index(13)}));
    BOOST_TEST((d.state.hard.term == term_id(4)));
    BOOST_TEST(!d.state.hard.vote);
    BOOST_TEST((d.state.hard.commit == log_index(14)));
    BOOST_TEST(d.state.entries.size() == 4u);
    const group_members members = outcome_of(d.state);
    BOOST_TEST(members.table.was_removed(n2));
    BOOST_TEST(members.table.was_removed(n3));
}

BOOST_AUTO_TEST_CASE(group_made_of_one_member_has_the_new_birth_mark) {
    disk d(config_of({n1, n2}));
    d.write();
    std::string why;
    BOOST_REQUIRE(make_alone(d.state, n1, why, birth_mark(5)).has_value());
    BOOST_TEST(!check(d.state));
    BOOST_TEST(outcome_of(d.state).table.birth() == birth_mark(5));
    // Done once more to a member that is alone, nothing changes.
    const std::size_t entries = d.state.entries.size();
    BOOST_TEST(!make_alone(d.state, n1, why, birth_mark(6)).value().changed);
    BOOST_TEST(d.state.entries.size() == entries);
    // Another group of the same members replaces the mark of the first one.
    disk again(config_of({n1, n2}));
    again.write();
    BOOST_REQUIRE(make_alone(again.state, n1, why, birth_mark(7)).has_value());
    BOOST_TEST(outcome_of(again.state).table.birth() == birth_mark(7));
}

BOOST_AUTO_TEST_CASE(one_that_is_alone_stays_as_it_is) {
    disk d(config_of({n1}));
    d.write();
    const engine_state before = d.state;
    std::string why;
    const lone_start made = make_alone(d.state, n1, why).value();
    BOOST_TEST(!made.changed);
    BOOST_TEST(made.appended.empty());
    BOOST_TEST((d.state.hard == before.hard));
    BOOST_TEST((d.state.entries == before.entries));
}

BOOST_AUTO_TEST_CASE(once_forced_nothing_is_left_to_be_done) {
    disk d(config_of({n1, n2, n3}, {n4}));
    forced(d);
    const hard_state hard = d.state.hard;
    BOOST_TEST(!forced(d).changed);
    BOOST_TEST((d.state.hard == hard));
}

BOOST_AUTO_TEST_CASE(removals_that_a_crash_left_uncommitted_are_committed) {
    disk d(config_of({n1, n2, n3}));
    d.change(change_kind::remove, 2);
    d.change(change_kind::remove, 3);
    const lone_start made = forced(d);
    BOOST_TEST(made.changed);
    BOOST_TEST(made.appended.empty());
    BOOST_TEST((d.state.hard.commit == log_index(12)));
}

BOOST_AUTO_TEST_CASE(a_learner_becomes_the_voter) {
    disk d(config_of({n2, n3}, {n1}));
    const lone_start made = forced(d);
    BOOST_TEST(made.appended.size() == 3u);
}

BOOST_AUTO_TEST_CASE(a_joint_configuration_is_left_first) {
    disk d(config_of({n1, n2, n3}));
    member_table table;
    for (std::uint64_t id = 1; id <= 4; ++id) {
        table.put(info(id));
    }
    d.start_from(config_of({n1, n2, n3}), table);
    d.joint({{change_kind::remove, n2}, {change_kind::remove, n3}});
    d.commit_all();
    const lone_start made = forced(d);
    BOOST_REQUIRE(!made.appended.empty());
    BOOST_TEST((made.appended.front().kind == entry_kind::joint_change));
    BOOST_TEST(made.appended.front().payload.empty());
    // Also one in which this member is about to become a learner.
    membership joint = config_of({n2, n3});
    joint.outgoing = {n1, n2};
    joint.learners_next = {n1};
    disk demoted(joint);
    forced(demoted);
}

BOOST_AUTO_TEST_CASE(changes_in_the_log_count) {
    disk d(config_of({n1, n2}));
    d.change(change_kind::add_voter, 3);
    d.change(change_kind::remove, 2);
    d.change(change_kind::add_voter, 2); // refused: it was removed
    d.change(change_kind::add_learner, 4);
    d.commit_all();
    const lone_start made = forced(d);
    BOOST_TEST(made.appended.size() == 2u); // of the third and the fourth
}

BOOST_AUTO_TEST_CASE(its_own_removal_stands_only_where_it_is_committed) {
    disk d(config_of({n1, n2, n3}));
    d.write();
    d.change(change_kind::remove, 1);
    d.write();
    const lone_start made = forced(d);
    BOOST_TEST((made.appended.front().index == log_index(12)));
    BOOST_TEST(d.state.entries.size() == 3u);

    disk removed(config_of({n1, n2, n3}));
    removed.change(change_kind::remove, 1);
    removed.commit_all();
    BOOST_TEST((refusal(removed) == errc::member_removed));
}

BOOST_AUTO_TEST_CASE(who_was_never_a_member_makes_no_group) {
    disk d(config_of({n1, n2, n3}));
    BOOST_TEST((refusal(d, 4) == errc::member_unknown));
    disk joining(config_of({}));
    joining.state = {};
    joining.state.hard.term = term_id(1);
    BOOST_TEST((refusal(joining) == errc::member_unknown));
}

BOOST_AUTO_TEST_CASE(a_disk_that_contradicts_itself_is_corrupt) {
    disk d(config_of({n1, n2}));
    member_table table;
    table.put(info(1));
    table.put(info(2));
    table.erase(n2); // but it votes
    d.start_from(config_of({n1, n2}), table);
    BOOST_TEST((refusal(d) == errc::corrupt));

    disk bytes(config_of({n1, n2}));
    auto base = std::make_shared<snapshot>(*bytes.state.base);
    base->data = bulk_bytes(rope{shared_bytes::copy_of("no table")});
    bytes.state.base = base;
    BOOST_TEST((refusal(bytes) == errc::corrupt));
}

BOOST_AUTO_TEST_CASE(term_that_no_election_led_to_is_set_back) {
    disk d(config_of({n1, n2, n3}));
    d.write();
    d.state.hard.term = term_id(number_max);
    const lone_start made = forced(d);
    BOOST_TEST(made.changed);
    BOOST_TEST(made.term_set_back);
    BOOST_TEST((d.state.hard.term == term_id(4)));
    BOOST_TEST(!d.state.hard.vote);
    BOOST_TEST((made.appended.front().id() == log_id{term_id(4), log_index(12)}));
}

BOOST_AUTO_TEST_CASE(term_of_a_member_that_is_alone_already_is_set_back) {
    disk d(config_of({n1}));
    d.state.hard.term = term_id(number_max);
    const lone_start made = forced(d);
    BOOST_TEST(made.changed);
    BOOST_TEST(made.term_set_back);
    BOOST_TEST(made.appended.empty());
    BOOST_TEST((d.state.hard.term == term_id(2)));
    BOOST_TEST(!d.state.hard.vote);
}

BOOST_AUTO_TEST_CASE(term_that_elections_may_have_led_to_stays) {
    disk d(config_of({n1, n2}));
    d.state.hard.term = term_id(2 + term_jump_max);
    const lone_start made = forced(d);
    BOOST_TEST(!made.term_set_back);
    BOOST_TEST((d.state.hard.term == term_id(3 + term_jump_max)));
}

BOOST_AUTO_TEST_CASE(entry_of_a_term_near_the_end_is_refused) {
    disk d(config_of({n1, n2}));
    d.write();
    d.state.entries.back().term = term_id(number_max);
    d.state.hard.term = term_id(number_max);
    BOOST_TEST((refusal(d) == errc::corrupt));
}

BOOST_AUTO_TEST_SUITE_END()
