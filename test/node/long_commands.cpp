#include <quorate/node.hpp>

#include <boost/asio/post.hpp>
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "support.hpp"

BOOST_AUTO_TEST_SUITE(long_commands)

using namespace node_test;

namespace {

/// A word list that takes "long 50" in fifty parts, and shows nothing of it before the last. "wait"
/// is answered once debts are paid, of which it makes many; "pay" pays all.
class patient_list : public word_list {
public:
    static constexpr bool detachable = true;

    [[nodiscard]] static bool answers_when_swept(const std::string& word) { return word == "wait"; }

    std::optional<reply_type> apply_part(log_index index, const shared_bytes& command) {
        const std::string word(command.view());
        if (left_ == 0 && word.starts_with("long ")) {
            left_ = std::stoi(word.substr(5));
        }
        if (left_ > 1) {
            left_ -= this == stuck ? 0 : 1;
            std::this_thread::sleep_for(milliseconds(pause));
            return std::nullopt;
        }
        left_ = 0;
        debts_ = word == "wait" ? 1'000'000'000 : word == "pay" ? 0 : debts_;
        return word_list::apply(index, command);
    }
    [[nodiscard]] bool applying() const noexcept { return left_ > 0; }
    [[nodiscard]] rope snapshot() const {
        BOOST_REQUIRE(!applying());
        return word_list::snapshot();
    }
    [[nodiscard]] bool swept() const noexcept { return debts_ == 0; }
    bool sweep() {
        BOOST_REQUIRE(!applying());
        debts_ -= debts_ > 0 ? 1 : 0;
        return debts_ > 0;
    }
    reply_type apply(log_index index, const shared_bytes& command) {
        std::optional<reply_type> reply;
        while (!reply) {
            reply = apply_part(index, command);
        }
        return *reply;
    }

    static inline std::atomic<int> pause = 1;
    static inline std::atomic<const patient_list*> stuck = nullptr; // it gets no further

private:
    int left_ = 0;
    int debts_ = 1;
};

static_assert(stepwise_machine<patient_list>);
static_assert(!stepwise_machine<word_list>);

struct patient_policies : file_policies {
    using machine = patient_list;
};

using patient_group = group<patient_policies>;

/// Effects: calls `then` in a turn of the loop in which the member is within a long command.
void within(patient_group& g, std::uint64_t id, std::function<void()> then) {
    const auto look = std::make_shared<std::function<void()>>();
    *look = [&g, id, look, then = std::move(then)] {
        if (g.nodes.at(id)->machine().applying()) {
            then();
            *look = nullptr;
        } else {
            boost::asio::post(g.io, [look] { (*look)(); });
        }
    };
    boost::asio::post(g.io, [look] { (*look)(); });
}

} // namespace

BOOST_AUTO_TEST_CASE(long_command_is_applied_in_turns_of_the_loop) {
    patient_group g(1);
    g.start_all();
    BOOST_REQUIRE(g.wrote(1, "first"));
    const auto slow = g.submit(1, "long 60");
    const auto behind = g.submit(1, "behind");
    std::shared_ptr<outcome> read;
    int turns = 0;
    std::function<void()> turn = [&] {
        ++turns;
        BOOST_TEST(g.words(1).words().size() == 1u);
        BOOST_TEST(!slow->done);
        BOOST_TEST(!behind->done);
        BOOST_TEST(!(read != nullptr && read->done));
        boost::asio::post(g.io, [&] {
            if (g.nodes.at(1)->machine().applying()) {
                turn();
            }
        });
    };
    within(g, 1, [&] {
        read = g.read(1); // of all that is committed: of the long command, too
        turn();
    });
    BOOST_REQUIRE(g.finished(behind));
    BOOST_TEST(turns > 40);
    BOOST_TEST(slow->well());
    BOOST_TEST(slow->reply == 2u);
    BOOST_TEST(behind->reply == 3u);
    BOOST_REQUIRE(g.finished(read));
    BOOST_TEST(read->well());
}

BOOST_AUTO_TEST_CASE(walks_and_sweeps_wait_for_a_long_command) {
    patient_group g(1);
    g.start_all();
    bool looked = false;
    const auto slow = g.submit(1, "long 40");
    within(g, 1, [&] {
        g.nodes.at(1)->inspect(
            [](const patient_list& list) { BOOST_TEST(list.count("long 40") == 1u); },
            [&](error_code failed) { looked = !failed; });
    });
    BOOST_REQUIRE(g.run_until([&] { return looked && slow->done; }));
    BOOST_TEST(g.run_until([&] { return g.nodes.at(1)->machine().swept(); }));
}

// The step that was due came within the long command, and there is nothing to sweep behind it.
BOOST_AUTO_TEST_CASE(reply_that_waits_for_a_sweep_comes_where_a_command_sweeps_the_rest) {
    patient_group g(1);
    g.start_all();
    const auto waits = g.submit(1, "wait");
    const auto slow = g.submit(1, "long 20");
    const auto pays = g.submit(1, "pay");
    BOOST_REQUIRE(g.finished(pays));
    BOOST_TEST(slow->well());
    BOOST_REQUIRE(g.finished(waits));
    BOOST_TEST(waits->well());
    BOOST_TEST(waits->reply == 1u);
}

// A walk that is asked for by a handler of a batch would see commands of the rest of it.
BOOST_AUTO_TEST_CASE(walk_that_a_reply_asks_for_begins_behind_the_batch) {
    patient_group g(1);
    g.start_all();
    bool looked = false;
    bool same = false;
    g.nodes.at(1)->submit("first", [&](error_code, std::size_t) {
        g.nodes.at(1)->inspect(
            [&same](const patient_list& list) {
                const std::size_t before = list.words().size();
                std::this_thread::sleep_for(milliseconds(20));
                same = list.words().size() == before && before > 1;
            },
            [&](error_code failed) { looked = !failed; });
    });
    std::vector<std::shared_ptr<outcome>> others;
    for (int i = 0; i < 200; ++i) {
        others.push_back(g.submit(1, "word"));
    }
    BOOST_REQUIRE(g.run_until([&] { return looked && others.back()->done; }));
    BOOST_TEST(same);
}

BOOST_AUTO_TEST_CASE(member_stopped_in_a_long_command_applies_all_of_it_after_the_start) {
    patient_group g(1);
    g.start_all();
    const auto slow = g.submit(1, "long 2000");
    bool stopped = false;
    within(g, 1, [&] { g.nodes.at(1)->stop([&](error_code) { stopped = true; }); });
    BOOST_REQUIRE(g.run_until([&] { return stopped; }));
    BOOST_TEST(slow->failed == errc::outcome_unknown);
    g.nodes.erase(1);
    patient_list::pause = 0;
    g.start(1);
    BOOST_REQUIRE(g.wrote(1, "after"));
    patient_list::pause = 1;
    BOOST_TEST(g.words(1).count("long 2000") == 1u);
    BOOST_TEST(g.words(1).words().back() == "after");
}

// The snapshot holds the command; what is left of it here is never carried out.
BOOST_AUTO_TEST_CASE(snapshot_that_comes_in_a_long_command_replaces_it) {
    patient_group g;
    for (const member_info& m : g.initial) {
        node_options options = g.options_of(m.id.value());
        options.snapshot_entries = 20;
        options.catch_up_entries = 0;
        g.start(std::move(options));
    }
    BOOST_REQUIRE(g.run_until([&g] { return g.leader() != 0; }));
    const std::uint64_t late = g.follower();
    const std::uint64_t leads = g.leader();
    BOOST_REQUIRE(g.wrote(leads, "first"));
    const std::uint64_t third = 6 - late - leads;
    patient_list::pause = 0;
    patient_list::stuck = &g.nodes.at(late)->machine();
    const auto slow = g.submit(leads, "long 5");
    BOOST_REQUIRE(g.finished(slow));
    BOOST_REQUIRE(g.run_until([&] { return g.nodes.at(late)->machine().applying(); }));
    g.isolate(late);
    std::size_t count = 2;
    for (int i = 0; i < 60; ++i) {
        count += g.wrote(third, "word" + std::to_string(i)) ? 1U : 0U;
    }
    BOOST_TEST(count > 40u);
    BOOST_TEST(g.nodes.at(late)->machine().applying());
    BOOST_TEST(g.words(late).words().size() == 1u);
    g.network.heal();
    BOOST_TEST(g.agree(count));
    patient_list::stuck = nullptr;
    patient_list::pause = 1;
    BOOST_TEST(g.wrote(late, "after"));
    BOOST_TEST(g.words(late).count("long 5") == 1u);
}

BOOST_AUTO_TEST_SUITE_END()
