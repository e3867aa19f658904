// Snapshots that live as long as the process does.
// Flow:    beside 7; a snapshot replaces the log before it
// Source:  doc/concept/snapshot_store.md
// Threads: save, intake and newest may be used on different threads
#ifndef QUORATE_LOG_MEMORY_SNAPSHOTS_HPP
#define QUORATE_LOG_MEMORY_SNAPSHOTS_HPP

#include <quorate/log/snapshot_store.hpp>

#include <memory>
#include <mutex>

namespace quorate {

/// Models snapshot_store. Shares the data of the newest one and copies nothing.
class memory_snapshots {
public:
    static constexpr bool blocking = false;

    [[nodiscard]] static result<std::unique_ptr<memory_snapshots>> open(const snapshot_options&) {
        return std::make_unique<memory_snapshots>();
    }

    [[nodiscard]] error_code save(const snapshot& snap) {
        keep(std::make_shared<const snapshot>(snap));
        return {};
    }
    [[nodiscard]] snapshot_ptr newest() const {
        const std::lock_guard lock(mutex_);
        return newest_;
    }
    [[nodiscard]] snapshot_intake& intake() noexcept { return intake_; }

private:
    class saving_intake final : public memory_intake {
    public:
        explicit saving_intake(memory_snapshots& store) noexcept : store_(store) {}
        [[nodiscard]] result<snapshot_ptr> finish(std::uint64_t ticket) override {
            result<snapshot_ptr> done = memory_intake::finish(ticket);
            if (done) {
                store_.keep(*done);
            }
            return done;
        }

    private:
        memory_snapshots& store_;
    };

    void keep(snapshot_ptr snap) {
        const std::lock_guard lock(mutex_);
        if (newest_ == nullptr || newest_->last.index <= snap->last.index) {
            newest_ = std::move(snap);
        }
    }

    mutable std::mutex mutex_;
    snapshot_ptr newest_;
    saving_intake intake_{*this};
};

static_assert(snapshot_store<memory_snapshots>);

} // namespace quorate

#endif
