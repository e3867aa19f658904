#include <quorate/log/data_directory.hpp>

#include <sys/wait.h>
#include <unistd.h>

#include "support.hpp"

using namespace log_test;

BOOST_AUTO_TEST_SUITE(data_directory_suite)

namespace {

struct fixture {
    scratch_directory scratch;
    std::filesystem::path path = scratch.path() / "one" / "member";
    data_identity mine{cluster_id(0xfeedfacecafebeef), node_id(3)};

    [[nodiscard]] data_directory open() {
        std::string failure;
        auto opened = data_directory::open(path, &failure);
        BOOST_REQUIRE_MESSAGE(opened.has_value(), failure);
        return std::move(*opened);
    }
    [[nodiscard]] error_code refusal(std::string& failure) {
        const auto opened = data_directory::open(path, &failure);
        return opened ? error_code() : opened.error();
    }
};

[[nodiscard]] unsigned permissions_of(const std::filesystem::path& path) {
    return static_cast<unsigned>(std::filesystem::status(path).permissions());
}

} // namespace

BOOST_FIXTURE_TEST_CASE(it_is_made_with_its_parents_and_private, fixture) {
    const data_directory directory = open();
    BOOST_TEST(!directory.identity().has_value());
    BOOST_TEST(permissions_of(path) == 0700U);
    BOOST_TEST(permissions_of(path / "lock") == 0600U);
    BOOST_TEST((directory.wal() == path / "wal"));
    BOOST_TEST((directory.snap() == path / "snap"));
}

BOOST_FIXTURE_TEST_CASE(one_that_others_may_read_is_made_private, fixture) {
    std::filesystem::create_directories(path);
    std::filesystem::permissions(path, std::filesystem::perms(0755));
    const data_directory directory = open();
    BOOST_TEST(permissions_of(path) == 0700U);
}

BOOST_FIXTURE_TEST_CASE(a_trailing_separator_is_no_harm, fixture) {
    path /= "";
    data_directory directory = open();
    BOOST_TEST(!directory.claim(mine));
}

BOOST_FIXTURE_TEST_CASE(identity_is_written_once_and_compared_ever_after, fixture) {
    BOOST_TEST(!open().claim(mine));
    BOOST_TEST(permissions_of(path / "identity") == 0600U);
    data_directory directory = open();
    BOOST_REQUIRE(directory.identity().has_value());
    BOOST_TEST((*directory.identity() == mine));
    BOOST_TEST(!directory.claim(mine));
    std::string failure;
    BOOST_TEST((directory.claim({mine.cluster, node_id(4)}, &failure) == errc::wrong_member));
    BOOST_TEST(failure.find("belongs to member 3, not to member 4") != std::string::npos, failure);
    BOOST_TEST(failure.find(path.string()) != std::string::npos, failure);
    BOOST_TEST((directory.claim({cluster_id(5), node_id(3)}, &failure) == errc::wrong_cluster));
    BOOST_TEST(failure.find(std::to_string(mine.cluster.value())) != std::string::npos, failure);
    BOOST_TEST(failure.find("not to cluster 5") != std::string::npos, failure);
    BOOST_TEST((*directory.identity() == mine));
}

BOOST_FIXTURE_TEST_CASE(a_cluster_may_become_known_later, fixture) {
    BOOST_TEST(!open().claim({cluster_id(), node_id(3)}));
    BOOST_TEST(!open().claim(mine));
    data_directory directory = open();
    BOOST_TEST((*directory.identity() == mine));
    BOOST_TEST(!directory.claim({cluster_id(), node_id(3)})); // who does not know takes it
    BOOST_TEST((*directory.identity() == mine));
}

BOOST_FIXTURE_TEST_CASE(a_damaged_identity_is_refused_at_any_byte, fixture) {
    BOOST_TEST(!open().claim(mine));
    const std::string sound = read_file(path / "identity");
    std::string failure;
    for (std::size_t at = 0; at < sound.size(); ++at) {
        std::string bytes = sound;
        bytes[at] = static_cast<char>(bytes[at] ^ (1 << (at % 8)));
        write_file(path / "identity", bytes);
        BOOST_TEST((refusal(failure) == errc::corrupt));
        BOOST_TEST(failure.find("identity") != std::string::npos);
        write_file(path / "identity", sound.substr(0, at));
        BOOST_TEST((refusal(failure) == errc::truncated));
    }
    write_file(path / "identity", sound + "x");
    BOOST_TEST((refusal(failure) == errc::corrupt));
    write_file(path / "identity", sound);
    BOOST_TEST(!refusal(failure));
}

BOOST_FIXTURE_TEST_CASE(starts_of_peers_that_cannot_be_read_prevent_no_start, fixture) {
    {
        data_directory directory = open();
        BOOST_TEST(!directory.claim(mine));
        BOOST_TEST(!directory.save_peers("starts"));
    }
    BOOST_TEST((open().peers() == std::optional<std::string>("starts")));
    BOOST_TEST(!open().peers_failed());
    std::filesystem::remove(path / "peers");
    std::filesystem::create_directory(path / "peers");
    BOOST_TEST(!open().peers().has_value());
    BOOST_TEST(open().peers_failed());
    std::filesystem::remove(path / "peers");
    write_file(path / "peers", std::string(peers_bytes_max + 1, 'x'));
    BOOST_TEST(!open().peers().has_value());
    BOOST_TEST((open().peers_failed() == errc::too_large));
}

BOOST_FIXTURE_TEST_CASE(directory_of_others_is_refused_and_left_as_it_is, fixture) {
    std::filesystem::create_directories(path);
    std::filesystem::permissions(path, std::filesystem::perms(0755));
    std::filesystem::create_directory(path / "lost+found");
    std::ofstream(path / "notes.txt") << "kept";
    std::string failure;
    BOOST_TEST((refusal(failure) == errc::invalid_option));
    BOOST_TEST(failure.find("holds other files") != std::string::npos);
    BOOST_TEST(permissions_of(path) == 0755U);
    BOOST_TEST(!std::filesystem::exists(path / "lock"));
    std::filesystem::remove(path / "notes.txt");
    static_cast<void>(open()); // what an empty file system holds is no hindrance
    // Beside a member's data other files are left alone.
    std::ofstream(path / "notes.txt") << "kept";
    static_cast<void>(open());
}

BOOST_AUTO_TEST_CASE(a_newer_identity_is_told_from_damage) {
    std::string bytes = encode_identity({cluster_id(1), node_id(2)});
    BOOST_TEST(decode_identity(bytes).has_value());
    bytes[8] = 2;
    store_little(&bytes[28], crc32c(byte_view(bytes).substr(0, 28)));
    BOOST_TEST((decode_identity(bytes).error() == errc::unsupported_version));
}

BOOST_FIXTURE_TEST_CASE(a_second_opener_is_refused, fixture) {
    {
        const data_directory held = open();
        std::string failure;
        BOOST_TEST((refusal(failure) == errc::directory_locked));
        BOOST_TEST(failure.find(path.string()) == 0U, failure);
        BOOST_TEST(failure.find("in use by another process") != std::string::npos, failure);
    }
    const data_directory again = open();
}

BOOST_FIXTURE_TEST_CASE(another_process_is_refused_until_the_first_one_dies, fixture) {
    int held[2];
    int release[2];
    BOOST_REQUIRE(::pipe(held) == 0);
    BOOST_REQUIRE(::pipe(release) == 0);
    const pid_t child = ::fork();
    BOOST_REQUIRE(child >= 0);
    char byte = 0;
    if (child == 0) {
        const auto opened = data_directory::open(path);
        byte = opened ? 'y' : 'n';
        ::close(release[1]);
        static_cast<void>(!::write(held[1], &byte, 1));
        static_cast<void>(!::read(release[0], &byte, 1));
        ::_exit(0); // no destructor runs, as when it is killed
    }
    BOOST_REQUIRE(::read(held[0], &byte, 1) == 1);
    BOOST_TEST(byte == 'y');
    std::string failure;
    BOOST_TEST((refusal(failure) == errc::directory_locked));
    ::close(release[1]);
    int status = 0;
    BOOST_TEST(::waitpid(child, &status, 0) == child);
    BOOST_TEST(!refusal(failure));
    for (const int end : {held[0], held[1], release[0]}) {
        ::close(end);
    }
}

BOOST_FIXTURE_TEST_CASE(a_file_in_its_place_is_an_error, fixture) {
    std::filesystem::create_directories(path.parent_path());
    write_file(path, "not a directory");
    std::string failure;
    BOOST_TEST(refusal(failure).failed());
    BOOST_TEST(failure.find(path.string()) == 0U, failure);
}

BOOST_FIXTURE_TEST_CASE(leftovers_are_removed, fixture) {
    std::filesystem::create_directories(path);
    write_file(path / "00000000000000aa.tmp", "half an identity");
    const data_directory directory = open();
    BOOST_TEST(names_in(path) == std::vector<std::string>{"lock"},
               boost::test_tools::per_element());
}

BOOST_AUTO_TEST_SUITE_END()
