#include <quorate/log/data_directory.hpp>
#include <quorate/log/file_snapshots.hpp>
#include <quorate/log/plain_file.hpp>
#include <quorate/log/segmented_log.hpp>
#include <quorate/server/group_seed.hpp>
#include <quorate/server/node_snapshot.hpp>
#include <quorate/server/start_state.hpp>

#include <boost/test/unit_test.hpp>

#include <fstream>
#include <memory>
#include <string>

#include "../scratch_directory.hpp"

BOOST_AUTO_TEST_SUITE(group_seed_suite)

namespace {

using namespace quorate;
using quorate_test::scratch_directory;

group_seed seed_of(const std::string& state, std::uint64_t member = 2) {
    group_seed seed;
    seed.cluster = cluster_id(5);
    seed.member = node_id(member);
    seed.members = {{node_id(1), std::string("http://127.0.0.1:1")},
                    {node_id(2), std::string("http://127.0.0.1:2")}};
    seed.state = bulk_bytes(rope{shared_bytes::copy_of(state)});
    seed.term = term_id(4);
    return seed;
}

snapshot_ptr snapshot_in(const std::filesystem::path& directory, std::uint64_t member = 2) {
    snapshot_options options;
    options.directory = directory / "snap";
    options.cluster = cluster_id(5);
    options.member = node_id(member);
    const auto opened = file_snapshots<>::open(options);
    BOOST_REQUIRE(opened);
    BOOST_TEST((*opened)->note().empty());
    return (*opened)->newest();
}

} // namespace

BOOST_AUTO_TEST_CASE(a_member_finds_a_group_that_has_a_past) {
    const scratch_directory scratch;
    const auto directory = scratch.path() / "new" / "data";
    const std::string state(700'000, 's'); // several blocks
    std::string why;
    BOOST_REQUIRE_MESSAGE(!seed_directory(directory, seed_of(state), &why), why);

    const auto opened = data_directory::open(directory);
    BOOST_REQUIRE(opened);
    BOOST_REQUIRE(opened->identity());
    BOOST_TEST((*opened->identity() == data_identity{cluster_id(5), node_id(2)}));

    const snapshot_ptr first = snapshot_in(directory);
    BOOST_REQUIRE(first != nullptr);
    BOOST_TEST((first->last == log_id{term_id(4), log_index(1)}));
    BOOST_TEST((first->members.voters == id_set{node_id(1), node_id(2)}));
    bulk_reader data(first->data);
    const auto members = take_members(data);
    BOOST_REQUIRE(members);
    BOOST_TEST((*members == member_table(seed_of("").members)));
    const auto rest = data.take(data.remaining());
    BOOST_REQUIRE(rest);
    BOOST_TEST((rest->view() == state));

    log_options log;
    log.directory = directory / "wal";
    log.cluster = cluster_id(5);
    log.member = node_id(2);
    log.must_exist = true;
    auto wal = segmented_log<>::open(log);
    BOOST_REQUIRE(wal);
    const auto start = make_start_state(first, (*wal)->take_recovered());
    BOOST_REQUIRE(start);
    BOOST_TEST(!start->fresh);
    BOOST_TEST(!start->restart_log);
    BOOST_TEST((start->engine.hard.term == term_id(4)));
    BOOST_TEST((start->engine.hard.commit == log_index(1)));
}

BOOST_AUTO_TEST_CASE(log_is_made_in_its_place) {
    const scratch_directory scratch;
    const auto directory = scratch.path() / "data";
    group_seed seed = seed_of("state");
    seed.wal_directory = scratch.path() / "wal";
    std::string why;
    BOOST_REQUIRE_MESSAGE(!seed_directory(directory, seed, &why), why);
    BOOST_TEST(std::filesystem::is_symlink(directory / "wal"));
    BOOST_TEST(!std::filesystem::is_empty(seed.wal_directory));
    BOOST_TEST(snapshot_in(directory) != nullptr);

    // Of a seed that fails, nothing is left; of other files, all.
    const auto other = scratch.path() / "other";
    BOOST_TEST(seed_directory(other, seed, &why).failed()); // the place is taken
    BOOST_TEST(std::filesystem::is_empty(other));
    BOOST_TEST(!std::filesystem::is_empty(seed.wal_directory));
    seed.wal_directory = scratch.path() / "free";
    const auto source = scratch.path() / "state";
    std::ofstream(source) << std::string(1000, 's');
    auto file = open_plain_file(source);
    BOOST_REQUIRE(file);
    seed.state = bulk_bytes(std::make_shared<plain_file>(std::move(*file), 2000));
    BOOST_TEST(seed_directory(other, seed, &why).failed());
    BOOST_TEST(std::filesystem::is_empty(other));
    BOOST_TEST(std::filesystem::is_empty(seed.wal_directory));
}

BOOST_AUTO_TEST_CASE(members_get_the_same_first_snapshot) {
    const scratch_directory scratch;
    snapshot_ptr firsts[2];
    for (std::uint64_t member = 1; member <= 2; ++member) {
        const auto directory = scratch.path() / std::to_string(member);
        BOOST_REQUIRE(!seed_directory(directory, seed_of("state", member)));
        firsts[member - 1] = snapshot_in(directory, member);
        BOOST_REQUIRE(firsts[member - 1] != nullptr);
    }
    BOOST_TEST((head_of(*firsts[0]) == head_of(*firsts[1])));
}

BOOST_AUTO_TEST_CASE(an_empty_directory_is_filled_and_others_are_left_alone) {
    const scratch_directory scratch;
    BOOST_TEST(!seed_directory(scratch.path(), seed_of("state")));
    std::string why;
    const error_code again = seed_directory(scratch.path(), seed_of("other"), &why);
    BOOST_TEST((again == boost::system::errc::directory_not_empty));
    BOOST_TEST(why.find(scratch.path().string()) != std::string::npos);
    BOOST_TEST(snapshot_in(scratch.path()) != nullptr);

    const auto file = scratch.path() / "file";
    std::ofstream(file) << "text";
    BOOST_TEST(seed_directory(file, seed_of("state"), &why).failed());
    BOOST_TEST(std::filesystem::file_size(file) == 4u);
}

BOOST_AUTO_TEST_CASE(what_is_no_group_makes_no_directory) {
    const scratch_directory scratch;
    const auto directory = scratch.path() / "data";
    const auto refused = [&](const group_seed& seed) {
        std::string why;
        const error_code failed = seed_directory(directory, seed, &why);
        return failed == errc::invalid_option && !why.empty() &&
               !std::filesystem::exists(directory);
    };
    BOOST_TEST(refused(seed_of("state", 3)));
    group_seed seed = seed_of("state");
    seed.members[0].peer_urls.clear();
    BOOST_TEST(refused(seed));
    seed = seed_of("state");
    seed.members[0].peer_urls = {"http://LOCALHOST:7"};
    seed.members[1].peer_urls = {"http://127.0.0.1:07"};
    BOOST_TEST(refused(seed));
    seed = seed_of("state");
    seed.term = term_id(0);
    BOOST_TEST(refused(seed));
    seed.term = term_id(UINT64_MAX);
    BOOST_TEST(refused(seed));
}

BOOST_AUTO_TEST_CASE(what_was_begun_is_removed_when_the_state_cannot_be_read) {
    const scratch_directory scratch;
    const auto source = scratch.path() / "state";
    std::ofstream(source) << std::string(1000, 's');
    auto file = open_plain_file(source);
    BOOST_REQUIRE(file);
    group_seed seed = seed_of("");
    seed.state = bulk_bytes(std::make_shared<plain_file>(std::move(*file), 2000));
    const auto directory = scratch.path() / "data";
    std::string why;
    BOOST_TEST((seed_directory(directory, seed, &why) == errc::truncated));
    BOOST_TEST(why.find("first snapshot") != std::string::npos);
    BOOST_TEST(std::filesystem::is_empty(directory));
    BOOST_TEST(!seed_directory(directory, seed_of("state"), &why));
}

BOOST_AUTO_TEST_SUITE_END()
