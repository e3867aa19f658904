// One io_context and one network in memory, turned until something has happened.
#ifndef QUORATE_TEST_NETWORK_LOOP_HPP
#define QUORATE_TEST_NETWORK_LOOP_HPP

#include <quorate/net/loopback_transport.hpp>

#include <boost/asio/io_context.hpp>

#include <chrono>

namespace quorate_test {

/// What members in one process share. The network delivers whenever the loop turns.
class network_loop {
public:
    /// Returns: whether it came true before a time that no working group needs.
    template <class Condition>
    bool run_until(Condition holds,
                   std::chrono::milliseconds limit = std::chrono::milliseconds(20'000)) {
        const auto deadline = std::chrono::steady_clock::now() + limit;
        while (!holds()) {
            if (std::chrono::steady_clock::now() >= deadline) {
                return false;
            }
            network.deliver_all(100);
            std::size_t turns = 0; // bounded: a member may be busy for long
            while (turns < 256 && io.poll_one() > 0) {
                ++turns;
            }
            if (turns == 0 && network.queued() == 0) {
                io.run_one_for(std::chrono::milliseconds(2));
            }
            io.restart();
        }
        return true;
    }
    void run_for(std::chrono::milliseconds time) {
        run_until([] { return false; }, time);
    }

    boost::asio::io_context io{1};
    quorate::loopback_network network;
};

} // namespace quorate_test

#endif
