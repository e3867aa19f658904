#include <quorate/consensus/raft.hpp>
#include <quorate/consensus/solo.hpp>
#include <quorate/testing/conformance/consensus_engine.hpp>

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cstdint>
#include <utility>

namespace {

using namespace quorate;

// Acknowledges what is not durable yet: applies entries together with their write.
class hasty : public raft {
public:
    hasty(raft_options options, engine_state state, std::uint32_t jitter)
        : raft(early(options), std::move(state), jitter) {}

private:
    static raft_options early(raft_options options) {
        options.async_storage = false;
        return options;
    }
};

template <class Engine>
testing::conformance_report run(std::size_t members, std::uint64_t seed) {
    return testing::consensus_engine_suite<Engine>(members, seed).run(3000);
}

} // namespace

BOOST_AUTO_TEST_SUITE(engine_conformance)

BOOST_AUTO_TEST_CASE(raft_conforms) {
    for (const std::size_t members : {1U, 2U, 3U, 5U}) {
        for (std::uint64_t seed = 1; seed <= 10; ++seed) {
            const auto report = run<raft>(members, seed);
            BOOST_TEST(report.passed(), members << " members, seed " << seed << '\n' << report);
        }
    }
}

BOOST_AUTO_TEST_CASE(solo_conforms) {
    for (std::uint64_t seed = 1; seed <= 10; ++seed) {
        const auto report = run<solo>(1, seed);
        BOOST_TEST(report.passed(), "seed " << seed << '\n' << report);
    }
}

BOOST_AUTO_TEST_CASE(a_model_that_breaks_the_contract_is_found) {
    BOOST_TEST(!run<hasty>(3, 1).passed());
}

BOOST_AUTO_TEST_SUITE_END()
