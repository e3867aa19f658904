// Conformance of a runtime.
// Flow:       none
// In / Out:   a model type, its context and a way to drive it → a report
// Source:     doc/concept/runtime.md
// Threads:    none of its own
#ifndef QUORATE_TESTING_CONFORMANCE_RUNTIME_HPP
#define QUORATE_TESTING_CONFORMANCE_RUNTIME_HPP

#include <quorate/runtime/runtime.hpp>
#include <quorate/testing/conformance/report.hpp>

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace quorate::testing {

/// One run. `drive` runs handlers of the context until its argument returns true, or gives up after
/// a time that no sound model needs, a few seconds. The time that passes may be a model's own.
template <runtime R>
class runtime_suite {
public:
    using driver = std::function<void(const std::function<bool()>&)>;

    runtime_suite(const typename R::context_type& context, driver drive)
        : context_(context), drive_(std::move(drive)) {}

    [[nodiscard]] conformance_report run() {
        check_clocks();
        check_numbers();
        check_posts();
        check_timer();
        check_timer_rearmed();
        check_timer_destroyed();
        check_worker_order();
        check_worker_answers();
        check_worker_joined();
        return report_;
    }

private:
    static constexpr std::chrono::milliseconds moment{5};

    void check_clocks() {
        R own(context_, 1);
        const auto before = own.now();
        const std::uint64_t booted = own.boot_time();
        wait_for(own, moment);
        report_.expect(own.now() >= before + moment, "time passes while handlers run");
        report_.expect(own.boot_time() >= booted, "the time since the boot does not go back");
        report_.expect(booted != 0, "the time since the boot is not zero");
        R other(own.context(), 1);
        bool turned = false;
        other.post([&turned] { turned = true; });
        drive_([&turned] { return turned; });
        report_.expect(turned, "a runtime of the same context has its turns");
    }
    /// Effects: lets so much of the runtime's time pass.
    void wait_for(R& own, monotonic_clock::duration time) {
        const auto end = own.now() + time;
        typename R::timer timer(own);
        bool rang = false;
        timer.arm(time, [&rang] { rang = true; });
        drive_([&] { return rang; });
        report_.expect(rang, "a timer rings");
        report_.expect(own.now() >= end, "a timer does not ring early");
    }
    void check_numbers() {
        std::vector<std::uint64_t> first;
        for (const std::uint64_t seed : {7U, 7U, 8U}) {
            R own(context_, seed);
            std::vector<std::uint64_t> drawn;
            for (int i = 0; i < 20; ++i) {
                drawn.push_back(own.random());
            }
            if (first.empty()) {
                first = drawn;
            }
            report_.expect((drawn == first) == (seed == 7), "random depends on the seed alone");
        }
        std::set<std::uint64_t> fresh;
        for (int i = 0; i < 100; ++i) {
            R own(context_, 7);
            fresh.insert(own.fresh());
        }
        report_.expect(fresh.size() == 100, "no fresh number comes twice, whatever the seed");
    }
    void check_posts() {
        R own(context_, 1);
        std::string order;
        own.post([&order, once = std::make_unique<char>('a')] { order += *once; });
        own.post([&] {
            order += 'b';
            own.post([&order] { order += 'd'; });
            order += 'c';
        });
        report_.expect(order.empty(), "a handler is not run inside post");
        drive_([&order] { return order.size() == 4; });
        report_.expect(order == "abcd", "handlers run one after the other, in order");
    }
    void check_timer() {
        R own(context_, 1);
        typename R::timer timer(own);
        int rang = 0;
        timer.arm(moment, [&rang] { ++rang; });
        timer.cancel();
        wait_for(own, 2 * moment);
        report_.expect(rang == 0, "a timer that was cancelled does not ring");
        timer.arm(monotonic_clock::duration(), [&rang] { ++rang; });
        report_.expect(rang == 0, "a handler is not run inside arm");
        drive_([&rang] { return rang != 0; });
        wait_for(own, moment);
        report_.expect(rang == 1, "a timer rings once");
        timer.cancel(); // of nothing
    }
    void check_timer_rearmed() {
        R own(context_, 1);
        typename R::timer timer(own);
        std::string rang;
        timer.arm(monotonic_clock::duration(), [&rang] { rang += 'a'; });
        timer.arm(moment, [&rang] { rang += 'b'; });
        wait_for(own, 3 * moment);
        report_.expect(rang == "b", "a timer that is armed again rings for the last time only");
        std::function<void()> again = [&] {
            rang += 'c';
            if (rang.size() < 4) {
                timer.arm(moment, again);
            }
        };
        timer.arm(moment, again);
        drive_([&rang] { return rang.size() == 4; });
        report_.expect(rang == "bccc", "a handler may arm its timer");
    }
    void check_timer_destroyed() {
        R own(context_, 1);
        bool rang = false;
        {
            typename R::timer timer(own);
            timer.arm(moment, [&rang] { rang = true; });
        }
        wait_for(own, 2 * moment);
        report_.expect(!rang, "a timer that was destroyed does not ring");
    }
    void check_worker_order() {
        R own(context_, 1);
        typename R::worker worker(own);
        std::vector<int> order; // of one worker's jobs, which follow one another
        for (int i = 0; i < 100; ++i) {
            worker.run([&order, i, once = std::make_unique<int>(0)] { order.push_back(i); });
        }
        worker.join();
        bool ascending = order.size() == 100;
        for (std::size_t i = 0; i < order.size(); ++i) {
            ascending = ascending && order[i] == static_cast<int>(i);
        }
        report_.expect(ascending, "a worker's jobs run one after the other, in order");
    }
    void check_worker_answers() {
        R own(context_, 1);
        typename R::worker worker(own);
        std::atomic<bool> done = false;
        bool answered = false;
        worker.run([&] {
            done = true;
            own.post([&answered] { answered = true; });
        });
        drive_([&answered] { return answered; });
        report_.expect(done && answered, "a job posts its answer from where it runs");
        worker.join();
    }
    void check_worker_joined() {
        R own(context_, 1);
        std::atomic<int> ran = 0;
        auto held = std::make_shared<int>(0);
        const std::weak_ptr<int> seen = held;
        {
            typename R::worker worker(own);
            worker.join(); // of nothing
            worker.run([&ran, held = std::move(held)] { ++ran; });
            worker.join();
            report_.expect(ran == 1, "join waits for the jobs");
            report_.expect(seen.expired(), "a job is destroyed where it has run");
            worker.run([&ran] { ++ran; });
        }
        report_.expect(ran == 2, "a worker that is destroyed waits for its jobs");
    }

    const typename R::context_type context_;
    driver drive_;
    conformance_report report_;
};

} // namespace quorate::testing

#endif
