#include <quorate/log/plain_file.hpp>

#include <boost/test/unit_test.hpp>

#include <sys/stat.h>

#include <fstream>
#include <memory>
#include <string>

#include "../scratch_directory.hpp"

BOOST_AUTO_TEST_SUITE(plain_file_suite)

namespace {

using namespace quorate;
using quorate_test::scratch_directory;

/// Bytes of several blocks, none like another.
std::string content() {
    std::string bytes;
    for (std::uint32_t i = 0; bytes.size() < 2 * bulk_block_bytes + 1000; ++i) {
        bytes += std::to_string(i) + ",";
    }
    return bytes;
}

bulk_bytes opened(const std::filesystem::path& path, std::uint64_t size) {
    auto file = open_plain_file(path);
    BOOST_REQUIRE(file);
    return bulk_bytes(std::make_shared<plain_file>(std::move(*file), size));
}

} // namespace

BOOST_AUTO_TEST_CASE(reads_as_the_same_bytes_in_memory) {
    const scratch_directory scratch;
    const auto path = scratch.path() / "file";
    const std::string all = content();
    std::ofstream(path, std::ios::binary) << all;
    for (const std::uint64_t size : {all.size(), all.size() - 32, std::size_t{1}}) {
        const bulk_bytes bytes = opened(path, size);
        const bulk_bytes same(rope{shared_bytes::copy_of(std::string_view(all).substr(0, size))});
        BOOST_TEST(bytes.size() == size);
        BOOST_TEST(bytes.blocking());
        BOOST_TEST(bytes.hash() == same.hash());
        bulk_reader in(bytes);
        const auto taken = in.take(size);
        BOOST_REQUIRE(taken);
        BOOST_TEST((taken->view() == std::string_view(all).substr(0, size)));
    }
}

BOOST_AUTO_TEST_CASE(a_file_that_became_shorter_is_truncated) {
    const scratch_directory scratch;
    const auto path = scratch.path() / "file";
    std::ofstream(path) << "0123456789";
    const bulk_bytes bytes = opened(path, 10);
    std::filesystem::resize_file(path, 5);
    BOOST_TEST((bytes.read(0, 10).error() == errc::truncated));
    BOOST_TEST((bytes.read(2, 3)->view() == "234"));
}

BOOST_AUTO_TEST_CASE(only_files_are_opened) {
    const scratch_directory scratch;
    BOOST_TEST((open_plain_file(scratch.path() / "none").error() ==
                boost::system::errc::no_such_file_or_directory));
    BOOST_TEST((open_plain_file(scratch.path()).error() == boost::system::errc::invalid_argument));
    const auto pipe = scratch.path() / "pipe";
    BOOST_REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
    BOOST_TEST((open_plain_file(pipe).error() == boost::system::errc::invalid_argument));
}

BOOST_AUTO_TEST_SUITE_END()
