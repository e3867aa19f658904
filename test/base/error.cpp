#include <quorate/base/error.hpp>
#include <quorate/base/result.hpp>

#include <boost/test/unit_test.hpp>

#include <set>
#include <string>
#include <string_view>

using namespace quorate;

namespace {

constexpr int last_code = static_cast<int>(errc_last);

struct error_row {
    errc code;
    const char* name;
    condition group;
};

// One row of each group and the ones where a wrong group would mislead a client.
constexpr error_row rows[] = {
    {errc::no_leader, "no_leader", condition::retry},
    {errc::not_leader, "not_leader", condition::retry},
    {errc::proposal_dropped, "proposal_dropped", condition::retry},
    {errc::transfer_in_progress, "transfer_in_progress", condition::retry},
    {errc::uncommitted_limit, "uncommitted_limit", condition::retry},
    {errc::too_many_unapplied, "too_many_unapplied", condition::retry},
    {errc::leader_changed, "leader_changed", condition::retry},
    {errc::stopped, "stopped", condition::stopped},
    {errc::outcome_unknown, "outcome_unknown", condition::outcome_unknown},
    {errc::request_too_large, "request_too_large", condition::rejected},
    {errc::member_removed, "member_removed", condition::rejected},
    {errc::corrupt, "corrupt", condition::corrupt},
    {errc::truncated, "truncated", condition::corrupt},
    {errc::log_conflict, "log_conflict", condition::corrupt},
    {errc::wrong_cluster, "wrong_cluster", condition::corrupt},
    {errc::revision_compacted, "revision_compacted", condition::rejected},
    {errc::invalid_option, "invalid_option", condition::rejected},
    {errc::key_not_found, "key_not_found", condition::rejected},
    {errc::value_provided, "value_provided", condition::rejected},
    {errc::lease_provided, "lease_provided", condition::rejected},
    {errc::too_many_operations, "too_many_operations", condition::rejected},
    {errc::duplicate_key, "duplicate_key", condition::rejected},
    {errc::permission_denied, "permission_denied", condition::rejected},
    {errc::auth_old_revision, "auth_old_revision", condition::retry},
    {errc::user_empty, "user_empty", condition::rejected},
    {errc::user_exists, "user_exists", condition::rejected},
    {errc::user_not_found, "user_not_found", condition::rejected},
    {errc::role_empty, "role_empty", condition::rejected},
    {errc::role_exists, "role_exists", condition::rejected},
    {errc::role_not_found, "role_not_found", condition::rejected},
    {errc::role_not_granted, "role_not_granted", condition::rejected},
    {errc::permission_not_given, "permission_not_given", condition::rejected},
    {errc::permission_not_granted, "permission_not_granted", condition::rejected},
    {errc::root_user_not_found, "root_user_not_found", condition::rejected},
    {errc::root_role_not_granted, "root_role_not_granted", condition::rejected},
    {errc::invalid_auth_management, "invalid_auth_management", condition::rejected},
    {errc::auth_not_enabled, "auth_not_enabled", condition::rejected},
    {errc::auth_failed, "auth_failed", condition::rejected},
    {errc::password_invalid, "password_invalid", condition::rejected},
    {errc::invalid_auth_token, "invalid_auth_token", condition::rejected},
    {errc::watch_exists, "watch_exists", condition::rejected},
    {errc::watch_span_empty, "watch_span_empty", condition::rejected},
    {errc::lease_not_found, "lease_not_found", condition::rejected},
    {errc::lease_exists, "lease_exists", condition::rejected},
    {errc::ttl_too_large, "ttl_too_large", condition::rejected},
    {errc::lease_epoch_over, "lease_epoch_over", condition::rejected},
    {errc::space_exceeded, "space_exceeded", condition::rejected},
    {errc::cluster_corrupt, "cluster_corrupt", condition::corrupt},
    {errc::learner_unsupported, "learner_unsupported", condition::rejected},
    {errc::learner_required, "learner_required", condition::rejected},
    {errc::learner_not_ready, "learner_not_ready", condition::retry},
    {errc::too_many_learners, "too_many_learners", condition::rejected},
    {errc::peer_url_exists, "peer_url_exists", condition::rejected},
    {errc::peer_url_invalid, "peer_url_invalid", condition::rejected},
    {errc::not_enough_started, "not_enough_started", condition::rejected},
    {errc::cluster_unhealthy, "cluster_unhealthy", condition::retry},
    {errc::transferee_invalid, "transferee_invalid", condition::rejected},
    {errc::election_leaderless, "election_leaderless", condition::rejected},
    {errc::feature_unavailable, "feature_unavailable", condition::rejected},
    {errc::timed_out_leader_lost, "timed_out_leader_lost", condition::outcome_unknown},
    {errc::timed_out_disconnected, "timed_out_disconnected", condition::outcome_unknown},
    {errc::session_expired, "session_expired", condition::rejected},
    {errc::reply_too_large, "reply_too_large", condition::rejected},
    {errc::unsynced_limit, "unsynced_limit", condition::retry},
    {errc::log_limit, "log_limit", condition::retry},
};

constexpr condition groups[] = {condition::retry, condition::outcome_unknown, condition::rejected,
                                condition::corrupt, condition::stopped};

result<int> half_of(int number) {
    if (number % 2 != 0) {
        return errc::command_invalid;
    }
    return number / 2;
}

/// Returns: text in which a compiler writes the name of an enumerator, and a cast for other values.
template <errc Code>
std::string_view shown() {
    return __PRETTY_FUNCTION__;
}

} // namespace

BOOST_AUTO_TEST_SUITE(error)

BOOST_AUTO_TEST_CASE(names_and_groups) {
    for (const error_row& row : rows) {
        BOOST_TEST_CONTEXT(row.name) {
            const error_code code = row.code;
            BOOST_TEST(name_of(row.code) == row.name);
            BOOST_TEST(code.failed());
            BOOST_TEST(std::string(code.category().name()) == "quorate");
            BOOST_TEST((code == row.code));
            for (condition group : groups) {
                BOOST_TEST((code == group) == (group == row.group));
            }
        }
    }
}

BOOST_AUTO_TEST_CASE(every_code_is_complete) {
    std::set<std::string> names;
    std::set<std::string> texts;
    for (int value = 1; value <= last_code; ++value) {
        const auto code = static_cast<errc>(value);
        const error_code as_code = code;
        names.insert(name_of(code));
        texts.insert(as_code.message());
        int matched = 0;
        for (condition group : groups) {
            matched += as_code == group ? 1 : 0;
        }
        BOOST_TEST(matched == 1, name_of(code) << " belongs to " << matched << " conditions");
    }
    // No name or text stands twice, and none is the one for unknown values.
    BOOST_TEST(names.size() == static_cast<std::size_t>(last_code));
    BOOST_TEST(texts.size() == static_cast<std::size_t>(last_code));
    BOOST_TEST(!names.contains("unknown"));
    BOOST_TEST(!texts.contains("unknown error"));
}

BOOST_AUTO_TEST_CASE(unknown_values_have_a_text) {
    for (int value : {0, -1, last_code + 1, 2000000000}) {
        BOOST_TEST(std::string(name_of(static_cast<errc>(value))) == "unknown");
        BOOST_TEST(error_code(value, quorate_category()).message() == "unknown error");
    }
}

BOOST_AUTO_TEST_CASE(conditions_do_not_claim_others) {
    const error_code foreign(static_cast<int>(errc::no_leader), boost::system::system_category());
    const error_code fine(0, quorate_category());
    for (condition group : groups) {
        BOOST_TEST(!(foreign == group));
        BOOST_TEST(!(fine == group));
        BOOST_TEST(make_error_condition(group).message() != "unknown condition");
    }
    BOOST_TEST(std::string(condition_category().name()) == "quorate.condition");
    BOOST_TEST(condition_category().message(99) == "unknown condition");
}

BOOST_AUTO_TEST_CASE(result_carries_the_code) {
    BOOST_TEST(half_of(4).value() == 2);
    BOOST_TEST(half_of(3).has_error());
    BOOST_TEST((half_of(3).error() == errc::command_invalid));
}

// Fails when an enumerator is added behind the one that errc_last names.
BOOST_AUTO_TEST_CASE(errc_last_is_the_last_enumerator) {
    constexpr auto beyond = static_cast<errc>(static_cast<int>(errc_last) + 1);
    const auto is_named = [](std::string_view text) {
        return text.find("errc::") != std::string_view::npos;
    };
    BOOST_TEST(is_named(shown<errc_last>()));
    BOOST_TEST(!is_named(shown<beyond>()), shown<beyond>());
}

BOOST_AUTO_TEST_CASE(is_errc_holds_for_enumerators_alone) {
    BOOST_TEST(!is_errc(0));
    BOOST_TEST(is_errc(1));
    BOOST_TEST(is_errc(static_cast<std::uint64_t>(last_code)));
    BOOST_TEST(!is_errc(static_cast<std::uint64_t>(last_code) + 1));
    BOOST_TEST(!is_errc((std::uint64_t{1} << 32) + 1));
}

BOOST_AUTO_TEST_SUITE_END()
