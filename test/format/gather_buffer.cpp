#include <quorate/format/gather_buffer.hpp>

#include <boost/test/unit_test.hpp>

#include <array>
#include <cstring>
#include <random>
#include <string>
#include <vector>

using namespace quorate;

BOOST_AUTO_TEST_SUITE(gather)

namespace {

void extend_with(gather_buffer& buffer, byte_view bytes) {
    std::memcpy(buffer.extend(bytes.size()), bytes.data(), bytes.size());
}

std::string front(const gather_buffer& buffer, std::size_t views_max) {
    std::vector<byte_view> views(views_max);
    views.resize(buffer.gather(views));
    std::string bytes;
    for (byte_view view : views) {
        bytes += view;
    }
    return bytes;
}

} // namespace

BOOST_AUTO_TEST_CASE(adjacent_writes_are_one_view) {
    gather_buffer buffer;
    extend_with(buffer, "one");
    extend_with(buffer, "two");
    buffer.append(shared_bytes::copy_of("small"));
    std::array<byte_view, 4> views;
    BOOST_TEST(buffer.gather(views) == 1U);
    BOOST_TEST(views[0] == "onetwosmall");
    BOOST_TEST(buffer.size() == 11U);
}

BOOST_AUTO_TEST_CASE(large_slices_are_shared) {
    gather_buffer buffer;
    extend_with(buffer, "head");
    const auto large = shared_bytes::copy_of(std::string(gather_buffer::copied_bytes_max + 1, 'x'));
    buffer.append(large);
    extend_with(buffer, "tail");
    std::array<byte_view, 4> views;
    BOOST_REQUIRE(buffer.gather(views) == 3U);
    BOOST_TEST(static_cast<const void*>(views[1].data()) == static_cast<const void*>(large.data()));
    BOOST_TEST(views[2] == "tail");
    std::array<byte_view, 2> fewer;
    BOOST_TEST(buffer.gather(fewer) == 2U);
}

BOOST_AUTO_TEST_CASE(a_shared_slice_is_held_until_it_is_consumed) {
    gather_buffer buffer;
    const std::string text(1000, 'y');
    buffer.append(shared_bytes::copy_of(text));
    buffer.consume(999);
    BOOST_TEST(front(buffer, 4) == "y");
    buffer.consume(1);
    BOOST_TEST(buffer.empty());
}

BOOST_AUTO_TEST_CASE(views_stay_while_more_is_written) {
    gather_buffer buffer;
    extend_with(buffer, "first");
    std::array<byte_view, 1> views;
    BOOST_REQUIRE(buffer.gather(views) == 1U);
    for (int i = 0; i < 1000; ++i) {
        extend_with(buffer, std::string(1000, 'z'));
    }
    BOOST_TEST(views[0] == "first");
}

/// Random writes and reads against a plain string; sizes around those where something changes.
BOOST_AUTO_TEST_CASE(it_is_a_queue_of_bytes) {
    std::mt19937 random(7);
    gather_buffer buffer;
    std::string expected;
    const std::array<std::size_t, 8> sizes{1, 16, 255, 256, 257, 4000, 40'000, 65'536};
    for (int step = 0; step < 3000; ++step) {
        const std::string bytes(sizes[random() % sizes.size()], static_cast<char>(random()));
        if (random() % 2 == 0) {
            extend_with(buffer, bytes);
        } else {
            buffer.append(shared_bytes::copy_of(bytes));
        }
        expected += bytes;
        if (random() % 3 == 0) {
            const std::size_t size = random() % (expected.size() + 1);
            buffer.consume(size);
            expected.erase(0, size);
        }
        BOOST_REQUIRE(buffer.size() == expected.size());
        const std::string seen = front(buffer, 3);
        BOOST_REQUIRE(expected.starts_with(seen));
        BOOST_REQUIRE(seen.empty() == expected.empty());
    }
    BOOST_TEST(front(buffer, 100'000) == expected);
    buffer.clear();
    BOOST_TEST(buffer.empty());
    extend_with(buffer, "again");
    BOOST_TEST(front(buffer, 1) == "again");
}

BOOST_AUTO_TEST_SUITE_END()
