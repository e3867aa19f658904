// A runtime that a test drives: time moves when the test moves it, and nothing runs by itself.
// Flow:       none
// Invariants: the same calls in the same order give the same run, for any seed
// Source:     doc/concept/runtime.md
// Threads:    one
#ifndef QUORATE_TESTING_MANUAL_RUNTIME_HPP
#define QUORATE_TESTING_MANUAL_RUNTIME_HPP

#include <quorate/base/assert.hpp>
#include <quorate/runtime/runtime.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <random>
#include <utility>

namespace quorate::testing {

/// The time, the queue and the timers of one or more runtimes. Lifetime: it outlives them.
class manual_world {
public:
    class task {
    public:
        virtual ~task() = default;
        virtual void run() = 0;
    };

    explicit manual_world(std::uint64_t seed = 1) : fresh_(seed) {}
    manual_world(const manual_world&) = delete;
    manual_world& operator=(const manual_world&) = delete;

    [[nodiscard]] monotonic_clock::time_point now() const noexcept { return now_; }
    [[nodiscard]] std::uint64_t fresh() { return fresh_(); }
    template <class Handler>
    void post(Handler handler) {
        queue_.push_back(make_task(std::move(handler)));
    }
    /// Returns: the number under which the handler can be cancelled.
    template <class Handler>
    std::uint64_t post_at(monotonic_clock::time_point when, Handler handler) {
        const std::uint64_t number = ++numbers_;
        timers_.emplace(std::pair(when, number), make_task(std::move(handler)));
        return number;
    }
    void cancel(monotonic_clock::time_point when, std::uint64_t number) {
        timers_.erase(std::pair(when, number));
    }

    /// Effects: runs the oldest handler that waits. Returns: false when none does.
    bool run_one();
    /// Effects: runs handlers until none waits, at most so many. Returns: how many ran.
    std::size_t run_ready(std::size_t most = 100'000);
    /// Effects: moves the time on, timer by timer, and runs what is due and what follows from it.
    void advance(monotonic_clock::duration by);
    /// Effects: runs handlers and moves the time on until `done()`, or for so long of that time.
    /// Returns: whether it was.
    template <class Done>
    bool run_until(Done done, monotonic_clock::duration most = std::chrono::minutes(1));

private:
    template <class Handler>
    [[nodiscard]] static std::unique_ptr<task> make_task(Handler handler) {
        struct made final : task {
            explicit made(Handler from) : handler(std::move(from)) {}
            void run() override { handler(); }
            Handler handler;
        };
        return std::make_unique<made>(std::move(handler));
    }
    /// Effects: moves the time to the next timer and runs it. Returns: false when none is due by
    /// `end`, at which the time then stands.
    bool run_timer(monotonic_clock::time_point end);

    std::deque<std::unique_ptr<task>> queue_;
    std::map<std::pair<monotonic_clock::time_point, std::uint64_t>, std::unique_ptr<task>> timers_;
    monotonic_clock::time_point now_{std::chrono::hours(1)};
    std::uint64_t numbers_ = 0;
    std::mt19937_64 fresh_;
};

/// A world as the context of a runtime. Lifetime: the world outlives it.
class manual_context {
public:
    manual_context(manual_world& world) noexcept : world_(&world) {}
    [[nodiscard]] manual_world& world() const noexcept { return *world_; }

private:
    manual_world* world_;
};

/// Jobs run in the queue of the world as well, so that a test decides when a disk answers.
class manual_runtime {
public:
    using context_type = manual_context;

    manual_runtime(const context_type& context, std::uint64_t seed)
        : context_(context), world_(context.world()), random_(seed != 0 ? seed : fresh()) {}
    manual_runtime(const manual_runtime&) = delete;
    manual_runtime& operator=(const manual_runtime&) = delete;

    [[nodiscard]] const context_type& context() const noexcept { return context_; }
    [[nodiscard]] monotonic_clock::time_point now() const noexcept { return world_.now(); }
    [[nodiscard]] std::uint64_t boot_time() const noexcept {
        const auto since = now().time_since_epoch();
        return static_cast<std::uint64_t>(
            std::chrono::duration_cast<std::chrono::microseconds>(since).count());
    }
    [[nodiscard]] std::chrono::system_clock::time_point wall_time() const noexcept {
        const auto since = std::chrono::duration_cast<std::chrono::system_clock::duration>(
            now().time_since_epoch());
        return std::chrono::system_clock::time_point(std::chrono::hours(24 * 365 * 50)) + since;
    }
    [[nodiscard]] std::uint64_t random() { return random_(); }
    [[nodiscard]] std::uint64_t fresh() { return world_.fresh(); }
    template <class Handler>
    void post(Handler handler) {
        world_.post(std::move(handler));
    }

    class timer {
    public:
        explicit timer(manual_runtime& own) : world_(own.world_) {}
        timer(const timer&) = delete;
        timer& operator=(const timer&) = delete;
        ~timer() { cancel(); }

        template <class Handler>
        void arm(monotonic_clock::duration delay, Handler handler) {
            cancel();
            when_ = world_.now() + delay;
            number_ = world_.post_at(when_, std::move(handler));
        }
        void cancel() { world_.cancel(when_, std::exchange(number_, 0)); }

    private:
        manual_world& world_;
        monotonic_clock::time_point when_{};
        std::uint64_t number_ = 0;
    };

    class worker {
    public:
        explicit worker(manual_runtime& own) : world_(own.world_) {}
        worker(const worker&) = delete;
        worker& operator=(const worker&) = delete;
        ~worker() { join(); }

        template <class Job>
        void run(Job job) {
            jobs_->push_back([job = std::make_shared<Job>(std::move(job))] { (*job)(); });
            world_.post([jobs = jobs_] { run_next(*jobs); });
        }
        void join() {
            while (!jobs_->empty()) {
                run_next(*jobs_);
            }
        }

    private:
        using job_list = std::deque<std::function<void()>>;
        static void run_next(job_list& jobs) {
            if (!jobs.empty()) { // joined meanwhile
                const std::function<void()> next = std::move(jobs.front());
                jobs.pop_front();
                next();
            }
        }

        manual_world& world_;
        std::shared_ptr<job_list> jobs_ = std::make_shared<job_list>();
    };

private:
    context_type context_;
    manual_world& world_;
    std::mt19937_64 random_;
};

inline bool manual_world::run_one() {
    if (queue_.empty()) {
        return false;
    }
    const std::unique_ptr<task> next = std::move(queue_.front());
    queue_.pop_front();
    next->run();
    return true;
}

inline std::size_t manual_world::run_ready(std::size_t most) {
    std::size_t count = 0;
    while (count < most && run_one()) {
        ++count;
    }
    return count;
}

inline bool manual_world::run_timer(monotonic_clock::time_point end) {
    if (timers_.empty() || timers_.begin()->first.first > end) {
        now_ = end;
        return false;
    }
    auto next = timers_.extract(timers_.begin());
    now_ = std::max(now_, next.key().first);
    next.mapped()->run();
    return true;
}

inline void manual_world::advance(monotonic_clock::duration by) {
    const monotonic_clock::time_point end = now_ + by;
    do {
        run_ready();
    } while (run_timer(end));
}

template <class Done>
bool manual_world::run_until(Done done, monotonic_clock::duration most) {
    const monotonic_clock::time_point end = now_ + most;
    while (!done()) {
        if (!run_one() && !run_timer(end)) {
            return done();
        }
    }
    return true;
}

} // namespace quorate::testing

#endif
