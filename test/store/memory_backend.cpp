#include <quorate/store/memory_backend.hpp>
#include <quorate/testing/conformance/value_backend.hpp>

#include <boost/test/unit_test.hpp>

#include "support.hpp"

BOOST_AUTO_TEST_SUITE(memory_backend_tests)

using quorate::memory_backend;
using quorate::revision;
using quorate::row;
using quorate::shared_bytes;

namespace {

row numbered(std::uint64_t n) {
    const auto key = shared_bytes::copy_of(std::to_string(n));
    return {key, shared_bytes::copy_of("value of " + std::to_string(n)), n, 1, {}};
}

} // namespace

// [conformance
BOOST_AUTO_TEST_CASE(memory_backend_keeps_the_contract) {
    for (const std::uint64_t seed : {1u, 2u, 3u, 4u}) {
        const auto report = quorate::testing::check_value_backend<memory_backend>(seed);
        BOOST_TEST(report.passed(), report);
        BOOST_TEST(report.checks() > 10000u);
    }
}
// conformance]

namespace {

/// Ends its walks one row early.
struct hasty_backend : memory_backend {
    template <class Visit>
    void scan(revision from, revision upto, Visit&& visit) const {
        if (upto.sub > 0) {
            --upto.sub;
        }
        memory_backend::scan(from, upto, visit);
    }
};

} // namespace

BOOST_AUTO_TEST_CASE(the_suite_finds_what_is_wrong) {
    BOOST_TEST(!quorate::testing::check_value_backend<hasty_backend>().passed());
}

BOOST_AUTO_TEST_CASE(rows_over_many_segments_survive_thinning) {
    memory_backend backend;
    for (std::uint64_t n = 1; n <= 20000; ++n) {
        backend.put({n, 0}, numbered(n));
    }
    for (std::uint64_t n = 1; n <= 20000; ++n) {
        if (n % 100 != 0) {
            BOOST_REQUIRE(backend.erase({n, 0}));
        }
    }
    BOOST_TEST(backend.size() == 200u);
    for (std::uint64_t n = 1; n <= 20000; ++n) {
        const auto found = backend.find({n, 0});
        BOOST_REQUIRE(found.has_value() == (n % 100 == 0));
        BOOST_REQUIRE((!found || *found == numbered(n)));
    }
}

BOOST_AUTO_TEST_CASE(revisions_must_grow_and_rows_must_have_a_key) {
    const quorate_test::throwing_assertions guard;
    memory_backend backend;
    backend.put({5, 1}, numbered(5));
    BOOST_CHECK_THROW(backend.put({5, 1}, numbered(5)), quorate_test::assertion_thrown);
    BOOST_CHECK_THROW(backend.put({5, 0}, numbered(5)), quorate_test::assertion_thrown);
    BOOST_CHECK_THROW(backend.put({6, 0}, row{}), quorate_test::assertion_thrown);
    BOOST_TEST(backend.erase({5, 1}));
    BOOST_CHECK_THROW(backend.put({5, 1}, numbered(5)), quorate_test::assertion_thrown);
    BOOST_TEST(backend.size() == 0u);
}

BOOST_AUTO_TEST_SUITE_END()
