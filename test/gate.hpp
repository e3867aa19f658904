// A gate that stops threads until a test lets them pass.
// Flow:    none
#ifndef QUORATE_TEST_GATE_HPP
#define QUORATE_TEST_GATE_HPP

#include <chrono>
#include <condition_variable>
#include <exception>
#include <mutex>

namespace quorate_test {

class gate {
public:
    void close() {
        const std::lock_guard lock(mutex_);
        closed_ = true;
    }
    void open() {
        const std::lock_guard lock(mutex_);
        closed_ = false;
        changed_.notify_all();
    }
    /// Effects: one thread passes, and the gate stays closed.
    void let_one_pass() {
        const std::lock_guard lock(mutex_);
        ++passes_;
        changed_.notify_all();
    }
    /// Returns: whether so many threads wait.
    [[nodiscard]] bool holds(int threads = 1) {
        const std::lock_guard lock(mutex_);
        return waiting_ >= threads;
    }
    void pass() {
        std::unique_lock lock(mutex_);
        ++waiting_;
        // A node that walked on its own thread would wait for itself.
        const bool passed = changed_.wait_for(lock, std::chrono::seconds(60),
                                              [&] { return !closed_ || passes_ > 0; });
        --waiting_;
        passes_ -= passes_ > 0 ? 1 : 0;
        if (!passed) {
            std::terminate();
        }
    }

private:
    std::mutex mutex_;
    std::condition_variable changed_;
    int waiting_ = 0;
    int passes_ = 0;
    bool closed_ = false;
};

/// Shuts a gate for as long as this lives; to be declared behind the nodes that wait for a thread
/// at the gate.
class closed {
public:
    explicit closed(gate& shut) : gate_(shut) { gate_.close(); }
    closed(const closed&) = delete;
    closed& operator=(const closed&) = delete;
    ~closed() { gate_.open(); }

private:
    gate& gate_;
};

} // namespace quorate_test

#endif
