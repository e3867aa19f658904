#include <quorate/log/posix_volume.hpp>

#include <fcntl.h>

#include "support.hpp"

using namespace log_test;

BOOST_AUTO_TEST_SUITE(posix_volume_suite)

namespace {

struct fixture {
    scratch_directory scratch;
    posix_volume disk = [this] {
        auto opened = posix_volume::open(scratch.path() / "a" / "b");
        BOOST_REQUIRE(opened.has_value());
        return std::move(*opened);
    }();

    [[nodiscard]] temporary_file<posix_file> make() {
        auto made = disk.create_temporary();
        BOOST_REQUIRE(made.has_value());
        return std::move(*made);
    }
};

error_code write(posix_file& file, std::uint64_t offset, const std::vector<byte_view>& pieces) {
    return file.write_at(offset, pieces);
}

} // namespace

BOOST_FIXTURE_TEST_CASE(a_temporary_file_is_published_under_its_name, fixture) {
    temporary_file<posix_file> made = make();
    BOOST_TEST(is_temporary(made.name));
    BOOST_TEST(!write(made.file, 0, {"hello ", "", "world"}));
    BOOST_TEST(!publish(disk, made, "greeting"));
    BOOST_TEST(made.name == "greeting");
    BOOST_TEST(read_file(disk.path("greeting")) == "hello world");
    BOOST_TEST(disk.list()->size() == 1U);
    BOOST_TEST(!disk.remove("greeting"));
    BOOST_TEST(disk.list()->empty());
}

BOOST_FIXTURE_TEST_CASE(temporary_names_differ, fixture) {
    const temporary_file<posix_file> one = make();
    const temporary_file<posix_file> two = make();
    BOOST_TEST(one.name != two.name);
}

BOOST_FIXTURE_TEST_CASE(reading_stops_at_the_end, fixture) {
    temporary_file<posix_file> made = make();
    BOOST_TEST(!write(made.file, 3, {"abc"}));
    char place[16];
    BOOST_TEST(made.file.read_at(0, place, sizeof(place)).value() == 6U);
    BOOST_TEST(byte_view(place, 6) == byte_view("\0\0\0abc", 6));
    BOOST_TEST(made.file.read_at(4, place, 1).value() == 1U);
    BOOST_TEST(made.file.read_at(6, place, 1).value() == 0U);
    BOOST_TEST(made.file.read_at(600, place, 1).value() == 0U);
}

BOOST_FIXTURE_TEST_CASE(space_is_reserved_as_zeros, fixture) {
    temporary_file<posix_file> made = make();
    BOOST_TEST(!write(made.file, 0, {"abc"}));
    BOOST_TEST(!made.file.reserve(0));
    BOOST_TEST(made.file.size().value() == 3U);
    BOOST_TEST(!made.file.reserve(10'000));
    BOOST_TEST(made.file.size().value() == 10'000U);
    BOOST_TEST(!made.file.reserve(5'000)); // never shortens
    BOOST_TEST(made.file.size().value() == 10'000U);
    char byte = 'x';
    BOOST_TEST(made.file.read_at(9'999, &byte, 1).value() == 1U);
    BOOST_TEST(byte == '\0');
    BOOST_TEST(!made.file.resize(2));
    BOOST_TEST(read_file(disk.path(made.name)) == "ab");
}

BOOST_FIXTURE_TEST_CASE(many_pieces_land_in_order, fixture) {
    temporary_file<posix_file> made = make();
    std::vector<std::string> texts;
    std::string expected;
    for (int i = 0; i < 2'000; ++i) {
        texts.push_back(i % 7 == 0 ? std::string() : std::to_string(i));
        expected += texts.back();
    }
    const std::vector<byte_view> pieces(texts.begin(), texts.end());
    BOOST_TEST(!made.file.write_at(0, pieces));
    BOOST_TEST(read_file(disk.path(made.name)) == expected);
}

BOOST_FIXTURE_TEST_CASE(errors_are_those_of_the_system, fixture) {
    BOOST_TEST(
        (disk.open_file("absent").error() == boost::system::errc::no_such_file_or_directory));
    BOOST_TEST((disk.remove("absent") == boost::system::errc::no_such_file_or_directory));
    BOOST_TEST((disk.rename("absent", "other") == boost::system::errc::no_such_file_or_directory));
    std::filesystem::create_symlink("/etc/hostname", disk.path("link"));
    BOOST_TEST(!disk.open_file("link").has_value()); // never followed
    posix_file closed;
    BOOST_TEST(!closed.is_open());
    BOOST_TEST((closed.size().error() == boost::system::errc::bad_file_descriptor));
    BOOST_TEST((write(closed, 0, {"x"}) == boost::system::errc::bad_file_descriptor));
    BOOST_TEST((closed.sync_data() == boost::system::errc::bad_file_descriptor));
    BOOST_TEST((closed.resize(1) == boost::system::errc::bad_file_descriptor));
    BOOST_TEST((closed.reserve(1) == boost::system::errc::bad_file_descriptor));
}

BOOST_FIXTURE_TEST_CASE(a_full_device_is_an_error, fixture) {
    posix_file full(::open("/dev/full", O_RDWR | O_CLOEXEC));
    if (!full.is_open()) {
        return;
    }
    BOOST_TEST((write(full, 0, {"some", "thing"}) == boost::system::errc::no_space_on_device));
}

BOOST_FIXTURE_TEST_CASE(a_boot_has_one_number, fixture) {
    BOOST_TEST(disk.boot() == boot_number());
    BOOST_TEST(disk.boot() == posix_volume::open(scratch.path())->boot());
    if (std::filesystem::exists("/proc/sys/kernel/random/boot_id")) {
        BOOST_TEST(disk.boot() != 0U);
    }
}

BOOST_AUTO_TEST_CASE(a_lack_of_space_is_told_from_other_errors) {
    const auto system = [](int number) {
        return error_code(number, boost::system::system_category());
    };
    BOOST_TEST(is_out_of_space(system(ENOSPC)));
    BOOST_TEST(is_out_of_space(system(EDQUOT)));
    BOOST_TEST(is_out_of_space(system(EFBIG))); // ulimit -f
    BOOST_TEST(is_out_of_space(errc::no_space));
    BOOST_TEST(!is_out_of_space(system(EIO)));
    BOOST_TEST(!is_out_of_space({}));
    BOOST_TEST(!is_out_of_space(errc::poisoned));
}

BOOST_AUTO_TEST_SUITE_END()
