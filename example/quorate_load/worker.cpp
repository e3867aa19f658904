#include "worker.hpp"

#include <algorithm>

namespace quorate_load {
namespace {

constexpr std::chrono::milliseconds look_every{20};
constexpr std::chrono::milliseconds busy_pause{1};

} // namespace

worker::worker(const options& chosen, std::size_t index, std::uint64_t run,
               const std::atomic<bool>& stopping)
    : stopping_(stopping), clock_(context_), rate_(context_), work_(chosen, index, run) {
    // Connection i of all goes to thread i % threads and to endpoint i % endpoints.
    for (std::size_t i = index; i < chosen.connections; i += chosen.threads) {
        connections_.push_back(std::make_unique<connection>(
            context_, work_, chosen, chosen.endpoints[i % chosen.endpoints.size()],
            share(chosen.clients, i, chosen.connections)));
    }
}

void worker::run(const phase& next, tally& counts) {
    work_.begin(next, counts);
    rate_limit_ = next.rate;
    context_.restart();
    for (const auto& one : connections_) {
        one->go_on();
    }
    look_after();
    if (rate_limit_ > 0) {
        wait_for_rate();
    }
    context_.run();
    clock_.cancel();
    rate_.cancel();
}

bool worker::done(steady::time_point now) const {
    return work_.finished(now) &&
           std::all_of(connections_.begin(), connections_.end(),
                       [](const auto& one) { return one->under_way() == 0; });
}

// Ends the phase, and requests that are not answered.
void worker::look_after() {
    const steady::time_point now = steady::now();
    if (stopping_.load(std::memory_order_relaxed)) {
        work_.stop();
    }
    for (const auto& one : connections_) {
        one->check(now);
    }
    if (done(now)) {
        context_.stop();
        return;
    }
    clock_.expires_after(look_every);
    clock_.async_wait([this](boost::system::error_code cancelled) {
        if (!cancelled) {
            look_after();
        }
    });
}

// A client that has its answer goes on by itself if the rate allows; this wakes those that wait.
void worker::wait_for_rate() {
    const steady::time_point now = steady::now();
    for (std::size_t i = 0; i < connections_.size() && work_.due() <= now; ++i) {
        connections_[turn_++ % connections_.size()]->go_on();
    }
    rate_.expires_at(work_.due() <= now ? now + busy_pause : work_.due());
    rate_.async_wait([this](boost::system::error_code cancelled) {
        if (!cancelled) {
            wait_for_rate();
        }
    });
}

} // namespace quorate_load
