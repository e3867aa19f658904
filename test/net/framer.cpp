#include <quorate/net/framer.hpp>

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cstring>
#include <string>
#include <vector>

#include "support.hpp"

using namespace quorate;
using namespace quorate_test;

BOOST_AUTO_TEST_SUITE(framing)

namespace {

constexpr node_id one{1};
constexpr node_id two{2};
constexpr std::uint64_t limit = 1 << 20;

/// Feeds bytes as a socket would, at most `part` at a time; takes frames as they become whole.
struct feed {
    explicit feed(std::uint64_t frame_bytes_max = limit) : in(frame_bytes_max) {}

    void give(byte_view bytes, std::size_t part) {
        while (!bytes.empty() && !failure) {
            const std::span<char> place = in.prepare();
            BOOST_REQUIRE(!place.empty());
            const std::size_t size = std::min({bytes.size(), part, place.size()});
            std::memcpy(place.data(), bytes.data(), size);
            bytes.remove_prefix(size);
            in.commit(size);
            take();
        }
    }
    void take() {
        for (;;) {
            const auto frame = in.next();
            if (!frame) {
                failure = frame.error();
                return;
            }
            if (frame->empty()) {
                return;
            }
            frames.push_back(*frame);
        }
    }

    framer in;
    std::vector<shared_bytes> frames;
    error_code failure;
};

std::string large_frame() {
    return frame_of(sample_append(one, two, 10, 3, 70'000).m);
}
std::string small_frame() {
    return frame_of(heartbeat(one, two, 5));
}

} // namespace

BOOST_AUTO_TEST_CASE(every_split_of_small_frames_gives_the_same) {
    const std::string bytes =
        small_frame() + frame_of(sample_append(one, two, 1, 2, 30).m) + small_frame();
    for (std::size_t split = 0; split <= bytes.size(); ++split) {
        feed f;
        f.give(bytes.substr(0, split), bytes.size());
        f.give(bytes.substr(split), bytes.size());
        BOOST_REQUIRE(f.frames.size() == 3U);
        BOOST_TEST(f.frames[0].view() == small_frame());
        BOOST_TEST(f.frames[2].view() == small_frame());
        BOOST_TEST(!f.failure);
    }
}

BOOST_AUTO_TEST_CASE(every_part_size_gives_the_same) {
    const std::string bytes = small_frame() + large_frame() + small_frame() + large_frame();
    for (std::size_t part : {1UL, 7UL, 16UL, 4096UL, 65'535UL, 65'536UL, 65'537UL, 1'000'000UL}) {
        feed f;
        f.give(bytes, part);
        BOOST_REQUIRE(f.frames.size() == 4U);
        BOOST_TEST((f.frames[1].view() == large_frame()));
        BOOST_TEST((f.frames[3].view() == large_frame()));
    }
}

BOOST_AUTO_TEST_CASE(frames_around_the_buffer_size) {
    const std::size_t overhead = frame_of(sample_append(one, two, 1, 1, 300).m).size() - 300;
    for (std::size_t more : {0U, 1U, 2U}) {
        const std::size_t size = framer::copied_frame_bytes_max - overhead - 1 + more;
        const std::string bytes = frame_of(sample_append(one, two, 1, 1, size).m);
        feed f;
        f.give(small_frame() + bytes + small_frame(), 1 << 20);
        BOOST_REQUIRE(f.frames.size() == 3U);
        BOOST_TEST((f.frames[1].view() == bytes));
    }
}

BOOST_AUTO_TEST_CASE(a_frame_pins_no_more_than_itself) {
    feed f;
    f.give(small_frame() + large_frame(), 1 << 20);
    BOOST_REQUIRE(f.frames.size() == 2U);
    BOOST_TEST(f.frames[0].pinned() == small_frame().size());
    BOOST_TEST(f.frames[1].pinned() == large_frame().size());
}

BOOST_AUTO_TEST_CASE(a_frame_over_the_limit_is_refused_at_its_header) {
    const std::string bytes = large_frame();
    feed fits(bytes.size());
    fits.give(bytes, bytes.size());
    BOOST_TEST(fits.frames.size() == 1U);
    feed over(bytes.size() - 1);
    over.give(bytes.substr(0, frame_header_bytes - 1), bytes.size());
    BOOST_TEST(!over.failure);
    over.give(bytes.substr(frame_header_bytes - 1, 1), 1);
    BOOST_TEST(over.failure == error_code(errc::too_large));
    // The error stays.
    BOOST_TEST(over.in.next().error() == error_code(errc::too_large));
}

BOOST_AUTO_TEST_CASE(a_limit_can_be_raised_between_frames) {
    feed f(200);
    f.give(small_frame(), 100);
    f.in.set_limit(limit);
    f.give(large_frame(), 1 << 20);
    BOOST_TEST(f.frames.size() == 2U);
}

BOOST_AUTO_TEST_CASE(garbage_is_refused) {
    feed f;
    f.give("GET / HTTP/1.1\r\nHost: x\r\n\r\n", 100); // less than a header
    BOOST_TEST(f.failure == error_code(errc::corrupt));
}

BOOST_AUTO_TEST_SUITE_END()
