#include <quorate/log/data_directory.hpp>
#include <quorate/log/start_mark.hpp>

#include "support.hpp"

using namespace log_test;

BOOST_AUTO_TEST_SUITE(start_marks)

namespace {

namespace fs = std::filesystem;

struct fixture {
    scratch_directory scratch;
    fs::path path = scratch.path() / "member";
    directory_labels blue{"blue", "a"};

    [[nodiscard]] data_directory open() const {
        std::string failure;
        auto opened = data_directory::open(path, &failure);
        BOOST_REQUIRE_MESSAGE(opened.has_value(), failure);
        return std::move(*opened);
    }
    void start() const {
        data_directory directory = open();
        BOOST_REQUIRE(!directory.mark_start(blue));
        BOOST_TEST(!directory.is_copy());
    }
    /// Returns: whether the scratch directory's file system numbers files steadily at all.
    [[nodiscard]] bool steady() const { return open().mark()->place.inode != 0; }
};

} // namespace

BOOST_AUTO_TEST_CASE(mark_round_trips_and_is_refused_at_any_changed_byte) {
    const start_mark mark{7, {11, 12, 13}, {"token", "name"}};
    const std::string bytes = encode_mark(mark);
    const auto read = decode_mark(bytes);
    BOOST_REQUIRE(read.has_value());
    BOOST_TEST((*read == mark));
    for (std::size_t at = 0; at < bytes.size(); ++at) {
        std::string bad = bytes;
        bad[at] = static_cast<char>(bad[at] ^ 4);
        BOOST_TEST(!decode_mark(bad).has_value());
        BOOST_TEST(!decode_mark(bytes.substr(0, at)).has_value());
    }
    BOOST_TEST(!decode_mark(bytes + "x").has_value());
    const std::string long_text(1000, 'x');
    BOOST_TEST(encode_mark({1, {}, {long_text, long_text}}).size() <= mark_bytes_max);
}

BOOST_AUTO_TEST_CASE(place_with_another_inode_or_birth_is_another_file) {
    const file_place place{5, 100, 7};
    BOOST_TEST(may_be_same(place, place));
    BOOST_TEST(!may_be_same(place, {6, 100, 7}));
    BOOST_TEST(!may_be_same(place, {5, 101, 7}));
    BOOST_TEST(!may_be_same(place, {5, 100, 8}));
    BOOST_TEST(may_be_same(place, {5, 0, 0}));
    BOOST_TEST(may_be_same(place, {}));
}

BOOST_FIXTURE_TEST_CASE(directory_that_is_started_again_or_renamed_is_no_copy, fixture) {
    BOOST_TEST(!open().mark().has_value());
    start();
    start();
    BOOST_TEST(open().mark()->starts == 2U);
    BOOST_REQUIRE(!open().mark_start(blue, nullptr, 2));
    BOOST_TEST(open().mark()->starts == 3U);
    BOOST_REQUIRE(!open().mark_start(blue, nullptr, 100));
    BOOST_TEST(open().mark()->starts == 100U);
    fs::rename(path, scratch.path() / "moved");
    path = scratch.path() / "moved";
    BOOST_TEST(!open().is_copy());
    BOOST_TEST((open().mark()->labels == blue));
}

BOOST_FIXTURE_TEST_CASE(start_keeps_space_for_the_mark_of_the_next_one, fixture) {
    const fs::path room = path / "room";
    start();
    BOOST_TEST(fs::file_size(room) == 64U << 10);
    fs::resize_file(room, 7);
    start(); // what is there stays
    BOOST_TEST(fs::file_size(room) == 7U);
    fs::remove(room);
    start();
    BOOST_TEST(fs::file_size(room) == 64U << 10);
    for (const auto& one : fs::directory_iterator(path)) {
        BOOST_TEST(!is_temporary(one.path().filename().string()));
    }
}

BOOST_FIXTURE_TEST_CASE(directory_that_is_copied_is_a_copy_until_it_is_started, fixture) {
    start();
    if (!steady()) {
        return;
    }
    fs::copy(path, scratch.path() / "copy", fs::copy_options::recursive);
    path = scratch.path() / "copy";
    BOOST_TEST(open().is_copy());
    BOOST_TEST(open().is_copy());
    start();
    BOOST_TEST(!open().is_copy());
}

BOOST_FIXTURE_TEST_CASE(mark_of_an_earlier_start_written_over_the_file_is_a_copy, fixture) {
    start();
    if (!steady()) {
        return;
    }
    const std::string earlier = read_file(path / "start");
    start();
    write_file(path / "start", earlier); // the same file, as cp(1) leaves it
    BOOST_TEST(open().is_copy());
}

BOOST_FIXTURE_TEST_CASE(damaged_mark_counts_as_that_of_a_copy, fixture) {
    start();
    write_file(path / "start", "something");
    BOOST_TEST(open().is_copy());
}

BOOST_FIXTURE_TEST_CASE(prepared_directory_may_be_copied_to_its_place, fixture) {
    BOOST_REQUIRE(!open().mark_prepared(blue));
    fs::copy(path, scratch.path() / "copy", fs::copy_options::recursive);
    path = scratch.path() / "copy";
    BOOST_TEST(!open().is_copy());
    BOOST_TEST(open().mark()->starts == 0U);
}

BOOST_FIXTURE_TEST_CASE(labels_that_differ_are_refused_with_both_values, fixture) {
    BOOST_TEST(!open().check_labels({"green", "z"})); // a new directory
    start();
    std::string failure;
    BOOST_TEST(!open().check_labels(blue, &failure));
    BOOST_TEST(!open().check_labels({}, &failure));
    BOOST_TEST((open().check_labels({"green", "a"}, &failure) == errc::wrong_cluster));
    BOOST_TEST(failure.find("'blue'") != std::string::npos, failure);
    BOOST_TEST(failure.find("'green'") != std::string::npos, failure);
    BOOST_TEST((open().check_labels({"", "z"}, &failure) == errc::wrong_member));
    BOOST_TEST(failure.find("'z'") != std::string::npos, failure);
    BOOST_TEST(!open().mark_start({})); // keeps them
    BOOST_TEST((open().mark()->labels == blue));
}

BOOST_AUTO_TEST_SUITE_END()
