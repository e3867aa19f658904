#include <quorate/node.hpp>

#include <boost/asio/post.hpp>
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "support.hpp"

BOOST_AUTO_TEST_SUITE(sweeps)

using namespace node_test;

namespace {

/// A word list whose words are debts, to be paid by sweeping: "debt 7" adds seven steps, and
/// "wait 7" is answered once nothing is left.
class indebted_list : public word_list {
public:
    static constexpr bool detachable = true;

    [[nodiscard]] static bool answers_when_swept(const std::string& word) {
        return word.starts_with("wait");
    }
    reply_type apply(log_index index, const shared_bytes& command) {
        const std::string word(command.view());
        if (word.starts_with("debt ") || word.starts_with("wait ")) {
            left_ += std::stoi(word.substr(5));
        }
        return word_list::apply(index, command);
    }
    bool sweep() {
        BOOST_REQUIRE(!looking); // a walk sees one state
        if (slow) {
            std::this_thread::sleep_for(milliseconds(2));
        }
        left_ -= left_ > 0 ? 1 : 0;
        return left_ > 0;
    }
    [[nodiscard]] bool swept() const noexcept { return left_ == 0; }

    static inline std::atomic<bool> looking = false;
    static inline std::atomic<bool> slow = false;

private:
    int left_ = 0;
};

static_assert(sweeping_machine<indebted_list>);
static_assert(!sweeping_machine<word_list>);

struct sweeping_policies : memory_policies {
    using machine = indebted_list;
};

using sweeping_group = group<sweeping_policies>;

const indebted_list& debts(const sweeping_group& g, std::uint64_t id) {
    return g.nodes.at(id)->machine();
}

/// While it lives, a step takes longer than a turn of the loop has for sweeping.
struct slow_steps {
    slow_steps() { indebted_list::slow = true; }
    slow_steps(const slow_steps&) = delete;
    slow_steps& operator=(const slow_steps&) = delete;
    ~slow_steps() { indebted_list::slow = false; }
};

/// Effects: submits a debt, and calls `then` in a turn of the loop in which it is being swept. The
/// loop of these groups turns as long as anything is ready, a sweep included.
void owe(sweeping_group& g, const std::string& word, std::function<void()> then) {
    static_cast<void>(g.submit(1, word));
    const auto look = std::make_shared<std::function<void()>>();
    *look = [&g, look, then = std::move(then)] {
        if (!debts(g, 1).swept()) {
            then();
            *look = nullptr;
        } else {
            boost::asio::post(g.io, [look] { (*look)(); });
        }
    };
    boost::asio::post(g.io, [look] { (*look)(); });
}

} // namespace

BOOST_AUTO_TEST_CASE(idle_member_sweeps_until_nothing_is_left) {
    sweeping_group g;
    g.start_all();
    BOOST_REQUIRE(g.wrote(g.leader(), "debt 100000"));
    BOOST_TEST(g.run_until([&g] {
        return std::all_of(g.nodes.begin(), g.nodes.end(),
                           [](const auto& n) { return n.second->machine().swept(); });
    }));
}

BOOST_AUTO_TEST_CASE(member_sweeps_one_step_in_each_turn_where_steps_are_slow) {
    sweeping_group g(1);
    g.start_all();
    const slow_steps slow;
    int turns = 0;
    std::function<void()> turn = [&] {
        ++turns;
        if (!debts(g, 1).swept()) {
            boost::asio::post(g.io, turn);
        }
    };
    bool begun = false;
    owe(g, "debt 40", [&] {
        begun = true;
        turn();
    });
    BOOST_REQUIRE(g.run_until([&] { return begun && debts(g, 1).swept(); }));
    BOOST_TEST(turns > 30);
}

BOOST_AUTO_TEST_CASE(request_that_waits_for_the_sweep_is_answered_behind_it) {
    sweeping_group g;
    g.start_all();
    const slow_steps slow;
    const std::uint64_t asked_at = g.follower();
    std::string order;
    const auto submit = [&](const std::string& word) {
        g.nodes.at(asked_at)->submit(word, [&, word](error_code failed, std::size_t) {
            BOOST_TEST(!failed);
            order += word + (debts(g, asked_at).swept() ? " swept;" : ";");
        });
    };
    submit("wait 30");
    submit("word");
    BOOST_REQUIRE(g.run_until([&] { return order.size() > 12; }));
    BOOST_TEST(order == "word;wait 30 swept;");
}

BOOST_AUTO_TEST_CASE(member_that_stops_answers_what_waits_for_its_sweep) {
    sweeping_group g(1);
    g.start_all();
    const slow_steps slow;
    int answers = 0;
    bool stopped = false;
    g.nodes.at(1)->submit("wait 1000000", [&](error_code failed, std::size_t) {
        BOOST_TEST(!failed); // it is applied
        ++answers;
    });
    owe(g, "word", [&] { g.nodes.at(1)->stop([&](error_code) { stopped = true; }); });
    BOOST_REQUIRE(g.run_until([&] { return stopped; }));
    BOOST_TEST(answers == 1);
    BOOST_TEST(!debts(g, 1).swept());
}

BOOST_AUTO_TEST_CASE(sweep_waits_for_a_walk_and_goes_on_behind_it) {
    sweeping_group g(1);
    g.start_all();
    const slow_steps slow;
    bool looked = false;
    owe(g, "debt 50", [&] {
        g.nodes.at(1)->inspect(
            [](const indebted_list&) {
                indebted_list::looking = true;
                std::this_thread::sleep_for(milliseconds(30));
                indebted_list::looking = false;
            },
            [&](error_code) {
                looked = true;
                BOOST_TEST(!debts(g, 1).swept());
            });
    });
    BOOST_REQUIRE(g.run_until([&] { return looked && debts(g, 1).swept(); }));
}

BOOST_AUTO_TEST_CASE(defragmentation_ends_once_all_is_swept) {
    sweeping_group g(1);
    g.start_all();
    const slow_steps slow;
    bool done = false;
    owe(g, "debt 20", [&] {
        g.nodes.at(1)->defragment([&](error_code failed) {
            BOOST_TEST(!failed);
            BOOST_TEST(debts(g, 1).swept());
            done = true;
        });
        BOOST_TEST(!done);
    });
    BOOST_TEST(g.run_until([&done] { return done; }));
}

BOOST_AUTO_TEST_SUITE_END()
