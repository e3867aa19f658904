#include <quorate/base/bytes.hpp>

#include <boost/test/unit_test.hpp>

#include <atomic>
#include <cstddef>
#include <cstring>
#include <optional>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

using namespace quorate;

BOOST_AUTO_TEST_SUITE(bytes)

BOOST_AUTO_TEST_CASE(empty_needs_no_block) {
    const shared_bytes none;
    BOOST_TEST(none.empty());
    BOOST_TEST(none.view().empty());
    BOOST_TEST(none.pinned() == 0U);
    BOOST_TEST(none.slice(0).empty());
    BOOST_TEST(none.compacted().empty());
    BOOST_TEST(shared_bytes::copy_of("").pinned() == 0U);
    BOOST_TEST((none == shared_bytes::copy_of("")));
}

BOOST_AUTO_TEST_CASE(copy_owns_its_bytes) {
    std::string source("some\0bytes", 10);
    const shared_bytes copied = shared_bytes::copy_of(source);
    const std::string before = source;
    source.assign(10, 'x');
    BOOST_TEST(copied.view() == before);
    BOOST_TEST(copied.size() == 10U);
    BOOST_TEST(copied.pinned() == 10U);
}

BOOST_AUTO_TEST_CASE(copies_share) {
    const shared_bytes first = shared_bytes::copy_of("shared");
    const shared_bytes second = first; // NOLINT: that the copy shares is the test
    BOOST_TEST(static_cast<const void*>(second.data()) == first.data());
    std::optional<shared_bytes> third(first.slice(2, 3));
    BOOST_TEST(static_cast<const void*>(third->data()) == first.data() + 2);
    BOOST_TEST(third->view() == "are");
    // The slice alone keeps the block alive; the address sanitizer watches.
    std::optional<shared_bytes> owner(shared_bytes::copy_of("alive"));
    const shared_bytes slice = owner->slice(1);
    owner.reset();
    BOOST_TEST(slice.view() == "live");
}

BOOST_AUTO_TEST_CASE(moves_leave_nothing) {
    shared_bytes from = shared_bytes::copy_of("moved");
    const char* data = from.data();
    shared_bytes to = std::move(from);
    BOOST_TEST(static_cast<const void*>(to.data()) == data);
    BOOST_TEST(from.empty()); // NOLINT: a moved-from value is empty by contract
    BOOST_TEST(from.pinned() == 0U);
    from = to;
    BOOST_TEST((from == to));
    shared_bytes& self = from;
    from = self;
    BOOST_TEST(from.view() == "moved");
    shared_bytes other = shared_bytes::copy_of("other");
    other.swap(from);
    BOOST_TEST(other.view() == "moved");
    BOOST_TEST(from.view() == "other");
}

// What the leak sanitizer would find otherwise: see the operator.
BOOST_AUTO_TEST_CASE(assigned_nothing_lets_go) {
    shared_bytes bytes = shared_bytes::copy_of("gone");
    bytes = {};
    BOOST_TEST(bytes.empty());
    BOOST_TEST(bytes.pinned() == 0U);
}

BOOST_AUTO_TEST_CASE(slices) {
    const shared_bytes whole = shared_bytes::copy_of("0123456789");
    BOOST_TEST(whole.slice(0, 10).view() == "0123456789");
    BOOST_TEST(whole.slice(10, 0).empty());
    BOOST_TEST(whole.slice(10).empty());
    BOOST_TEST(whole.slice(3).slice(2, 2).view() == "56");
}

BOOST_AUTO_TEST_CASE(equality_is_of_bytes) {
    const shared_bytes a = shared_bytes::copy_of("same");
    const shared_bytes b = shared_bytes::copy_of("not the same").slice(8);
    BOOST_TEST((a == b));
    BOOST_TEST(!(a == b.slice(1)));
}

BOOST_AUTO_TEST_CASE(compacted_pins_at_most_twice_its_size) {
    const shared_bytes whole = shared_bytes::copy_of(std::string(1000, 'v'));
    BOOST_TEST(static_cast<const void*>(whole.slice(0, 500).compacted().data()) == whole.data());
    const shared_bytes small = whole.slice(0, 499).compacted();
    BOOST_TEST(static_cast<const void*>(small.data()) != whole.data());
    BOOST_TEST(small.pinned() == 499U);
    BOOST_TEST(small.view() == whole.view().substr(0, 499));
    BOOST_TEST(whole.slice(5, 0).compacted().pinned() == 0U);
}

BOOST_AUTO_TEST_CASE(draft_freezes_without_a_copy) {
    draft writing(6);
    BOOST_TEST(writing.size() == 6U);
    std::memcpy(writing.data(), "frozen", 6);
    const char* data = writing.data();
    const shared_bytes frozen = std::move(writing).freeze();
    BOOST_TEST(static_cast<const void*>(frozen.data()) == data);
    BOOST_TEST(frozen.view() == "frozen");
    BOOST_TEST(writing.size() == 0U); // NOLINT: frozen drafts are empty by contract
    BOOST_TEST(writing.view().empty());
    BOOST_TEST(std::move(writing).freeze().empty());
}

BOOST_AUTO_TEST_CASE(draft_has_one_owner) {
    static_assert(!std::is_copy_constructible_v<draft> && !std::is_copy_assignable_v<draft>);
    draft first(4);
    std::memcpy(first.data(), "abcd", 4);
    draft second = std::move(first);
    BOOST_TEST(first.size() == 0U); // NOLINT: a moved-from draft is empty by contract
    draft third(9);
    third = std::move(second);
    BOOST_TEST(third.view() == "abcd");
    BOOST_TEST(draft().view().empty());
    BOOST_TEST(draft().data() == nullptr);
}

BOOST_AUTO_TEST_CASE(rope_size_sums_pieces) {
    BOOST_TEST(rope_size({}) == 0U);
    const rope pieces{shared_bytes::copy_of("ab"), shared_bytes(), shared_bytes::copy_of("cde")};
    BOOST_TEST(rope_size(pieces) == 5U);
}

BOOST_AUTO_TEST_CASE(counts_are_atomic) {
    // Under the thread sanitizer a plain count would be reported; without it, freed too early.
    const shared_bytes block = shared_bytes::copy_of(std::string(64, 'b'));
    std::vector<std::thread> threads;
    std::atomic<std::size_t> seen = 0;
    for (int t = 0; t < 4; ++t) {
        threads.emplace_back([mine = block.slice(8), &seen] {
            for (std::size_t n = 0; n < 2000; ++n) {
                const shared_bytes again = mine.slice(n % 56, 1);
                seen += again.view() == "b" ? 1U : 0U;
            }
        });
    }
    for (std::thread& thread : threads) {
        thread.join();
    }
    BOOST_TEST(seen == 8000U);
    BOOST_TEST(block.view() == std::string(64, 'b'));
}

BOOST_AUTO_TEST_SUITE_END()
