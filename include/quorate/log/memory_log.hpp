// The log that forgets: for tests, simulations of the network alone, and groups without a disk.
// Flow:       7. entries → nowhere
// Invariants: none; a member that restarts with it must not rejoin under its old id
// Source:     doc/concept/log_store.md
// Threads:    one
#ifndef QUORATE_LOG_MEMORY_LOG_HPP
#define QUORATE_LOG_MEMORY_LOG_HPP

#include <quorate/base/assert.hpp>
#include <quorate/log/log_store.hpp>

#include <memory>
#include <span>

namespace quorate {

/// Models log_store. Keeps nothing, since the engine holds what is needed of a log while it runs.
class memory_log {
public:
    static constexpr bool blocking = false;

    /// Does nothing and succeeds.
    class sync_job {
    public:
        [[nodiscard]] error_code run() noexcept { return {}; }

    private:
        friend class memory_log;
        sync_job() noexcept = default;
    };

    [[nodiscard]] static result<std::unique_ptr<memory_log>> open(const log_options&) {
        return std::make_unique<memory_log>();
    }

    [[nodiscard]] recovered_log take_recovered() { return {}; }

    /// Requires: dense, and no gap after what was appended before.
    void append(std::span<const entry> entries) noexcept {
        if (entries.empty()) {
            return;
        }
        QUORATE_ASSERT(entries.front().index <= last_.next());
        last_ = entries.back().index;
        pending_ = true;
    }
    void save(const hard_state&) noexcept { pending_ = true; }
    void restart(log_id id) noexcept {
        last_ = id.index;
        pending_ = true;
    }
    void compact(log_index) noexcept { pending_ = true; }
    /// There is nothing to vouch for.
    bool idle() noexcept { return pending_; }

    [[nodiscard]] bool pending() const noexcept { return pending_; }

    [[nodiscard]] sync_job begin_sync() noexcept {
        QUORATE_ASSERT(!syncing_);
        syncing_ = true;
        pending_ = false;
        return {};
    }
    void finish_sync(sync_job, error_code) noexcept {
        QUORATE_ASSERT(syncing_);
        syncing_ = false;
    }

private:
    log_index last_;
    bool pending_ = false;
    bool syncing_ = false;
};

static_assert(log_store<memory_log>);

} // namespace quorate

#endif
