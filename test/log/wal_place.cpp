#include <quorate/log/data_directory.hpp>

#include <sys/stat.h>

#include "support.hpp"

using namespace log_test;

BOOST_AUTO_TEST_SUITE(wal_place_suite)

namespace {

namespace fs = std::filesystem;

struct fixture {
    scratch_directory scratch;
    fs::path data = scratch.path() / "data";
    fs::path place = scratch.path() / "other disk" / "log";
    std::string failure;

    /// Returns: the error, with its text in `failure`.
    error_code open(const fs::path& wal_place) {
        opened_.reset();
        failure.clear();
        auto opened = data_directory::open(data, &failure, wal_place);
        if (!opened) {
            return opened.error();
        }
        opened_.emplace(std::move(*opened));
        return {};
    }
    [[nodiscard]] data_directory& opened() { return *opened_; }
    void close() { opened_.reset(); }
    [[nodiscard]] bool complains(const std::string& words) const {
        return failure.find(words) != std::string::npos;
    }

private:
    std::optional<data_directory> opened_;
};

} // namespace

BOOST_FIXTURE_TEST_CASE(log_lives_where_the_operator_wants_it, fixture) {
    BOOST_REQUIRE(!open(place));
    BOOST_TEST(fs::is_symlink(data / "wal"));
    BOOST_TEST((fs::read_symlink(data / "wal") == place));
    BOOST_TEST(static_cast<unsigned>(fs::status(place).permissions()) == 0700U);
    write_file(opened().wal() / "1.wal", "x");
    BOOST_TEST(read_file(place / "1.wal") == "x");
}

BOOST_FIXTURE_TEST_CASE(later_starts_find_it_with_the_place_or_without, fixture) {
    BOOST_REQUIRE(!open(place));
    BOOST_REQUIRE(!opened().claim({cluster_id(1), node_id(2)}));
    write_file(place / "1.wal", "x");
    for (const fs::path& given : {fs::path(), place, place.parent_path() / "." / "log"}) {
        BOOST_TEST(!open(given), given << ": " << failure);
        BOOST_TEST(read_file(opened().wal() / "1.wal") == "x");
    }
}

BOOST_FIXTURE_TEST_CASE(relative_place_becomes_an_absolute_one, fixture) {
    const fs::path before = fs::current_path();
    fs::current_path(scratch.path());
    const error_code failed = open("near");
    fs::current_path(before);
    BOOST_REQUIRE(!failed);
    BOOST_TEST(fs::read_symlink(data / "wal").is_absolute());
}

BOOST_FIXTURE_TEST_CASE(place_in_the_data_directory_itself_is_the_default, fixture) {
    const fs::path link = scratch.path() / "link";
    fs::create_directory_symlink(data, link);
    for (const fs::path& given :
         {data / "wal", data / "wal" / "", data / "." / ".." / "data" / "wal", link / "wal"}) {
        BOOST_TEST(!open(given), given << ": " << failure);
        fs::create_directory(opened().wal());
        write_file(opened().wal() / "1.wal", "x");
        BOOST_TEST(!fs::is_symlink(data / "wal"));
    }
    BOOST_TEST(!open({}), failure);
}

BOOST_FIXTURE_TEST_CASE(place_below_the_default_one_is_refused, fixture) {
    BOOST_TEST((open(data / "wal" / "deeper") == errc::invalid_option));
    BOOST_TEST(complains("lies in the place of the log"), failure);
    BOOST_TEST(!fs::exists(data / "wal" / "deeper"));
    BOOST_TEST(!open({}), failure);
}

BOOST_FIXTURE_TEST_CASE(another_place_than_before_is_refused, fixture) {
    BOOST_REQUIRE(!open(place));
    BOOST_TEST((open(scratch.path() / "new") == errc::invalid_option));
    BOOST_TEST(complains("has its log in " + place.string()), failure);
    BOOST_TEST(!fs::exists(scratch.path() / "new"));
}

BOOST_FIXTURE_TEST_CASE(log_in_the_data_directory_is_not_left_behind, fixture) {
    BOOST_REQUIRE(!open({}));
    BOOST_REQUIRE(!opened().claim({cluster_id(1), node_id(2)}));
    fs::create_directory(data / "wal");
    write_file(data / "wal" / "1.wal", "x");
    BOOST_TEST((open(place) == errc::invalid_option));
    BOOST_TEST(complains("holds the log; move what it holds to " + place.string()), failure);
    // As the sentence says:
    fs::create_directories(place);
    fs::rename(data / "wal" / "1.wal", place / "1.wal");
    BOOST_REQUIRE(!open(place));
    BOOST_TEST(read_file(opened().wal() / "1.wal") == "x");
}

BOOST_FIXTURE_TEST_CASE(place_with_other_files_is_refused_and_left_alone, fixture) {
    fs::create_directories(place);
    fs::permissions(place, fs::perms(0755));
    for (const char* name : {"notes.txt", "1.wal"}) { // the log of another member, too
        write_file(place / name, "x");
        BOOST_TEST((open(place) == errc::invalid_option));
        BOOST_TEST(complains(name), failure);
        BOOST_TEST(!fs::exists(data / "wal"));
        BOOST_TEST(static_cast<unsigned>(fs::status(place).permissions()) == 0755U);
        fs::remove(place / name);
    }
    fs::create_directory(place / "lost+found");
    BOOST_TEST(!open(place), failure);
}

BOOST_FIXTURE_TEST_CASE(two_data_directories_do_not_share_a_place, fixture) {
    BOOST_REQUIRE(!open(place));
    const fs::path copy = scratch.path() / "copy";
    fs::create_directory(copy);
    fs::create_directory_symlink(place, copy / "wal");
    std::string why;
    const auto second = data_directory::open(copy, &why);
    BOOST_REQUIRE(!second.has_value());
    BOOST_TEST((second.error() == errc::directory_locked));
    close();
    BOOST_TEST(data_directory::open(copy, &why).has_value(), why);
}

BOOST_FIXTURE_TEST_CASE(place_that_is_gone_is_an_error, fixture) {
    BOOST_REQUIRE(!open(place));
    close();
    fs::remove_all(place.parent_path()); // as when a disk is not mounted
    BOOST_TEST(open({}).failed());
    BOOST_TEST(open(place).failed());
    BOOST_TEST(!fs::exists(place));
}

BOOST_AUTO_TEST_SUITE_END()
