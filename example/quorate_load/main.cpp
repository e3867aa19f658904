// quorate_load: measures a key-value server under load, and holds it to its word.
//
//   options.cpp      the command line
//   protocol.cpp     requests as bytes, answers as meaning; stamped_value.cpp helps
//   key_history.cpp  which answers to a read are right
//   workload.cpp     what one thread asks next, and its judgement of the answers
//   connection.cpp   one connection and the requests under way on it
//   worker.cpp       one thread: its connections, limits and timeouts
//   histogram.cpp, tally.cpp, report.cpp   what was counted, and how it is told
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <random>
#include <thread>
#include <vector>

#include "options.hpp"
#include "report.hpp"
#include "worker.hpp"

namespace {

using quorate_load::options;
using quorate_load::phase;
using quorate_load::progress;
using quorate_load::share;
using quorate_load::steady;
using quorate_load::tally;
using quorate_load::worker;

std::atomic<bool> stopping{false};
static_assert(std::atomic<bool>::is_always_lock_free, "a signal handler writes it");

void on_signal(int) {
    stopping = true;
}

// Runs are told apart by more than the seed, since values of an earlier run may still be there.
std::uint64_t new_run() {
    std::random_device source;
    return std::uint64_t{source()} << 32 | source();
}

class run {
public:
    explicit run(const options& chosen) : options_(chosen) {
        const std::uint64_t number = new_run();
        for (std::size_t i = 0; i < chosen.threads; ++i) {
            workers_.push_back(std::make_unique<worker>(chosen, i, number, stopping));
        }
    }

    /// Returns: what the measured phase counted, with the wrong answers of all phases.
    tally play() {
        tally all;
        if (options_.fill) {
            all.merge_violations(play("fill", {.sequential = true, .total = options_.key_space}));
        }
        phase asked{.put_share = options_.put_share,
                    .sequential = options_.sequential_keys,
                    .duration = options_.warmup,
                    .rate = options_.rate};
        if (options_.warmup.count() > 0 && !stopping) {
            all.merge_violations(play("warm-up", asked));
        }
        if (!stopping) {
            asked.total = options_.total;
            asked.duration = options_.duration;
            all.merge(play("measuring", asked));
        }
        return all;
    }

private:
    tally play(const char* name, const phase& whole) {
        std::vector<tally> counts(workers_.size());
        std::atomic<std::size_t> running{workers_.size()};
        std::vector<std::thread> threads;
        for (std::size_t i = 0; i < workers_.size(); ++i) {
            phase part = whole;
            part.rate /= static_cast<double>(workers_.size());
            part.total = share(whole.total, i, workers_.size());
            if (whole.total > 0 && part.total == 0) {
                --running;
                continue;
            }
            threads.emplace_back([this, i, part, &counts, &running] {
                workers_[i]->run(part, counts[i]);
                --running;
            });
        }
        show_progress(name, running);
        tally all;
        for (std::thread& one : threads) {
            one.join();
        }
        for (const tally& one : counts) {
            all.merge(one);
        }
        return all;
    }

    void show_progress(const char* name, const std::atomic<std::size_t>& running) {
        const steady::time_point begin = steady::now();
        steady::time_point shown = begin;
        std::uint64_t before = answered();
        while (options_.progress && running > 0) {
            std::this_thread::sleep_for(std::chrono::milliseconds(50));
            const steady::time_point now = steady::now();
            if (now - shown < std::chrono::seconds(1)) {
                continue;
            }
            const std::uint64_t all = answered();
            const auto seconds = std::chrono::duration<double>(now - shown).count();
            std::cerr << name << ' '
                      << std::chrono::round<std::chrono::seconds>(now - begin).count()
                      << " s: " << all << " answered, " << failed() << " failed, " << wrong()
                      << " wrong, "
                      << static_cast<std::uint64_t>(static_cast<double>(all - before) / seconds)
                      << " requests/s" << std::endl;
            shown = now;
            before = all;
        }
    }

    [[nodiscard]] std::uint64_t sum(std::atomic<std::uint64_t> progress::*what) const {
        std::uint64_t all = 0;
        for (const auto& one : workers_) {
            all += (one->seen().*what).load(std::memory_order_relaxed);
        }
        return all;
    }
    [[nodiscard]] std::uint64_t answered() const { return sum(&progress::answered); }
    [[nodiscard]] std::uint64_t failed() const { return sum(&progress::failed); }
    [[nodiscard]] std::uint64_t wrong() const { return sum(&progress::wrong); }

    const options& options_;
    std::vector<std::unique_ptr<worker>> workers_;
};

} // namespace

int main(int argc, char** argv) {
    options chosen;
    if (const auto status = quorate_load::parse(argc, argv, chosen)) {
        return *status;
    }
    std::signal(SIGPIPE, SIG_IGN);
    std::signal(SIGINT, on_signal);
    std::signal(SIGTERM, on_signal);
    const tally counts = run(chosen).play();
    (chosen.json ? quorate_load::print_json : quorate_load::print_text)(std::cout, chosen, counts);
    for (const std::string& one : counts.descriptions) {
        std::cerr << "quorate_load: wrong answer to GET " << one << '\n';
    }
    return counts.wrong() > 0 || counts.successes() == 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
