// The runtime of programs: an executor of Asio, the machine's clocks, and shared threads.
// Flow:       none
// Invariants: the jobs of one worker run one after the other, in the order in which they were given
// Source:     doc/concept/runtime.md
// Threads:    as runtime.hpp; jobs run on threads of the process
#ifndef QUORATE_RUNTIME_ASIO_RUNTIME_HPP
#define QUORATE_RUNTIME_ASIO_RUNTIME_HPP

#include <quorate/base/config.hpp>
#include <quorate/runtime/asio_context.hpp>
#include <quorate/runtime/boot_clock.hpp>
#include <quorate/runtime/runtime.hpp>

#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/system/error_code.hpp>

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <utility>

namespace quorate {

/// Returns: the threads for blocking work of all runtimes of a process, which end with the last one
/// that holds them. A job may hang with its disk, so there are more than processors.
[[nodiscard]] std::shared_ptr<boost::asio::thread_pool> shared_workers();

/// Lifetime: what runs the handlers of its context outlives it.
class asio_runtime {
public:
    using context_type = asio_context;
    using executor_type = asio_context::executor_type;

    /// `seed`: of `random`; zero: one of its own.
    asio_runtime(const context_type& context, std::uint64_t seed)
        : context_(context), random_(seed != 0 ? seed : fresh()) {}
    asio_runtime(const asio_runtime&) = delete;
    asio_runtime& operator=(const asio_runtime&) = delete;

    [[nodiscard]] const context_type& context() const noexcept { return context_; }
    [[nodiscard]] const executor_type& get_executor() const noexcept {
        return context_.get_executor();
    }
    [[nodiscard]] monotonic_clock::time_point now() const noexcept {
        return monotonic_clock::now();
    }
    [[nodiscard]] std::uint64_t boot_time() const noexcept { return quorate::boot_time(); }
    [[nodiscard]] std::chrono::system_clock::time_point wall_time() const noexcept {
        return std::chrono::system_clock::now();
    }
    [[nodiscard]] std::uint64_t random() { return random_(); }
    [[nodiscard]] std::uint64_t fresh() {
        return (std::uint64_t{device_()} << 32) ^ std::uint64_t{device_()};
    }
    template <class Handler>
    void post(Handler handler) {
        boost::asio::post(get_executor(), std::move(handler));
    }

    /// Lifetime: no handler runs after `cancel`, nor after the timer is destroyed.
    class timer {
    public:
        explicit timer(asio_runtime& own) : timer_(own.get_executor()) {}
        timer(const timer&) = delete;
        timer& operator=(const timer&) = delete;
        ~timer() { cancel(); }

        template <class Handler>
        void arm(monotonic_clock::duration delay, Handler handler) {
            const std::uint64_t round = ++*round_;
            timer_.expires_after(delay);
            timer_.async_wait([round, current = round_, handler = std::move(handler)](
                                  const boost::system::error_code&) mutable {
                // An expired wait may be queued already when the timer is armed anew.
                if (*current == round) {
                    handler();
                }
            });
        }
        void cancel() {
            ++*round_;
            timer_.cancel();
        }

    private:
        boost::asio::steady_timer timer_;
        std::shared_ptr<std::uint64_t> round_ = std::make_shared<std::uint64_t>(0);
    };

    /// Takes threads of the process with its first job.
    class worker {
    public:
        explicit worker(asio_runtime&) noexcept {}
        worker(const worker&) = delete;
        worker& operator=(const worker&) = delete;
        ~worker() { join(); }

        /// Lifetime: the job is destroyed where it has run.
        template <class Job>
        void run(Job job);
        /// Effects: waits for all jobs. Requires: no job of this worker calls it.
        void join();

    private:
        void end_job();

        std::shared_ptr<boost::asio::thread_pool> threads_;
        std::optional<boost::asio::strand<boost::asio::thread_pool::executor_type>> strand_;
        std::mutex mutex_;
        std::condition_variable ended_;
        std::size_t open_ = 0; ///< Jobs that have not ended.
    };

private:
    context_type context_;
    std::random_device device_;
    std::mt19937_64 random_;
};

template <class Job>
void asio_runtime::worker::run(Job job) {
    if (!strand_) {
        threads_ = shared_workers();
        strand_.emplace(threads_->get_executor());
    }
    {
        const std::lock_guard lock(mutex_);
        ++open_;
    }
    boost::asio::post(*strand_, [this, job = std::make_unique<Job>(std::move(job))]() mutable {
        (*job)();
        job.reset();
        end_job();
    });
}

} // namespace quorate

#if defined(QUORATE_HEADER_ONLY)
#include <quorate/runtime/impl/asio_runtime.ipp>
#endif

#endif
