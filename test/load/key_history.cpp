// The program is no library; its parts that can be tested alone are compiled into the test.
#include "../../example/quorate_load/key_history.cpp"

#include <boost/test/unit_test.hpp>

#include <cstddef>
#include <random>
#include <vector>

BOOST_AUTO_TEST_SUITE(key_history)

namespace {

using quorate_load::key_history;

/// The definition, taken literally, with all writes and times kept.
class oracle {
public:
    std::uint64_t begin() {
        began_.push_back(++now_);
        ended_.push_back(never);
        return began_.size() - 1;
    }
    void acknowledge(std::uint64_t number) { ended_[number] = ++now_; }
    [[nodiscard]] std::uint64_t time() { return ++now_; }

    /// Returns: whether a read that began at `time` may answer with `number`.
    [[nodiscard]] bool possible(std::uint64_t time, std::uint64_t number) const {
        for (std::size_t w = 0; w < began_.size(); ++w) {
            if (ended_[w] < time && ended_[number] < began_[w]) {
                return false;
            }
        }
        return true;
    }

private:
    static constexpr std::uint64_t never = ~std::uint64_t{0};
    std::uint64_t now_ = 1;
    std::vector<std::uint64_t> began_{0}; ///< write 0 is what was there before
    std::vector<std::uint64_t> ended_{0};
};

struct outcome {
    std::uint64_t stale = 0;  ///< answers that the definition refuses
    std::uint64_t missed = 0; ///< of them, those that were let pass
};

/// Random writes, at most `at_once` under way, one in `loss` of them without an answer.
outcome play(unsigned seed, std::size_t at_once, unsigned loss, bool near_only) {
    std::mt19937 random(seed);
    key_history tested;
    oracle exact;
    std::vector<key_history::write> under_way;
    outcome counts;
    for (int step = 0; step < 600; ++step) {
        const bool write = under_way.empty() || (under_way.size() < at_once && random() % 2 == 0);
        if (write) {
            under_way.push_back(tested.begin_write());
            BOOST_TEST_REQUIRE(exact.begin() == under_way.back().number);
        } else {
            const std::size_t which = random() % under_way.size();
            if (loss == 0 || random() % loss != 0) {
                tested.acknowledge(under_way[which]);
                exact.acknowledge(under_way[which].number);
            }
            under_way.erase(under_way.begin() + static_cast<std::ptrdiff_t>(which));
        }
        const key_history::read began = tested.begin_read();
        const std::uint64_t time = exact.time();
        for (std::uint64_t number = 0; number <= began.newest; ++number) {
            const bool right = exact.possible(time, number);
            const bool told = tested.possible(began, number);
            BOOST_TEST_REQUIRE((told || !right)); // a right answer is never blamed
            if (!right && (!near_only || began.newest - number < 64)) {
                ++counts.stale;
                counts.missed += told ? 1U : 0U;
            }
        }
    }
    return counts;
}

} // namespace

BOOST_AUTO_TEST_CASE(agrees_with_the_definition) {
    for (unsigned seed = 1; seed <= 20; ++seed) {
        const outcome counts = play(seed, 1 + seed % 12, 0, true);
        BOOST_TEST(counts.stale > 1'000U);
        BOOST_TEST(counts.missed == 0U);
    }
}

BOOST_AUTO_TEST_CASE(lost_answers_stay_possible_and_hide_nothing_near) {
    for (unsigned seed = 1; seed <= 20; ++seed) {
        BOOST_TEST(play(seed, 1 + seed % 12, 7, true).missed == 0U);
    }
}

BOOST_AUTO_TEST_CASE(a_lone_writer_is_judged_exactly) {
    const outcome counts = play(3, 1, 0, false);
    BOOST_TEST(counts.stale > 10'000U);
    BOOST_TEST(counts.missed == 0U);
}

BOOST_AUTO_TEST_CASE(more_writers_than_the_window_are_never_blamed) {
    for (unsigned seed = 1; seed <= 5; ++seed) {
        const outcome counts = play(seed, 150, 40, false);
        BOOST_TEST(counts.missed < counts.stale);
    }
}

BOOST_AUTO_TEST_CASE(what_was_there_before_stays_right_until_a_write_is_acknowledged) {
    key_history tested;
    for (int i = 0; i < 200; ++i) {
        static_cast<void>(tested.begin_write());
        BOOST_TEST_REQUIRE(tested.possible(tested.begin_read(), 0));
    }
}

BOOST_AUTO_TEST_CASE(writes_begun_during_a_read_may_be_its_answer_and_others_not) {
    key_history tested;
    const key_history::read began = tested.begin_read();
    BOOST_TEST(!tested.written(1));
    BOOST_TEST(!tested.possible(began, 1));
    tested.acknowledge(tested.begin_write());
    BOOST_TEST(tested.possible(began, 1));
    BOOST_TEST(tested.possible(began, 0));
    BOOST_TEST(!tested.possible(tested.begin_read(), 0));
}

BOOST_AUTO_TEST_SUITE_END()
