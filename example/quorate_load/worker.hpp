// One thread's part of the load: its connections, its share of the keys and of the limits.
#ifndef QUORATE_LOAD_WORKER_HPP
#define QUORATE_LOAD_WORKER_HPP

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "connection.hpp"
#include "workload.hpp"

namespace quorate_load {

/// Connections stay open from phase to phase.
class worker {
public:
    /// Lifetime: `chosen` and `stopping` outlive it.
    worker(const options& chosen, std::size_t index, std::uint64_t run,
           const std::atomic<bool>& stopping);

    /// Effects: runs one phase to its end on the calling thread, and counts in `counts`. Ends early
    /// once `stopping` is true; answers that are still due are waited for, up to the timeout.
    void run(const phase& next, tally& counts);

    [[nodiscard]] const progress& seen() const { return work_.seen; }
    [[nodiscard]] std::uint64_t keys() const { return work_.keys(); }

private:
    void look_after();
    void wait_for_rate();
    [[nodiscard]] bool done(steady::time_point now) const;

    const std::atomic<bool>& stopping_;
    boost::asio::io_context context_{1};
    boost::asio::steady_timer clock_;
    boost::asio::steady_timer rate_;
    workload work_;
    std::vector<std::unique_ptr<connection>> connections_;
    std::size_t turn_ = 0;
    double rate_limit_ = 0;
};

/// Returns: the share of `all` that falls to part `index` of `parts`.
[[nodiscard]] constexpr std::uint64_t share(std::uint64_t all, std::uint64_t index,
                                            std::uint64_t parts) {
    return all / parts + (index < all % parts ? 1 : 0);
}

} // namespace quorate_load

#endif
