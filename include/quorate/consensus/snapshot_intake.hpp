// The receiver of a snapshot that arrives block by block, and resumes where it was interrupted.
// Flow:       beside 9; chunks → snapshot
// In / Out:   head, blocks → a snapshot that is durable, if the model is
// Invariants: nothing but a whole and verified snapshot ever comes out; one is under way at a time
// Source:     doc/concept/snapshot_store.md, "Receiving"
// Threads:    one call at a time; calls may block
#ifndef QUORATE_CONSENSUS_SNAPSHOT_INTAKE_HPP
#define QUORATE_CONSENSUS_SNAPSHOT_INTAKE_HPP

#include <quorate/base/checksum.hpp>
#include <quorate/base/result.hpp>
#include <quorate/consensus/snapshot.hpp>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>

namespace quorate {

/// The right to go on with a snapshot, and from where.
struct intake_ticket {
    std::uint64_t number = 0;
    std::uint64_t received = 0; ///< Bytes that are there already: whole blocks, or everything.
};

/// What a snapshot store offers to a transport.
class snapshot_intake {
public:
    /// Effects: continues where an earlier attempt at the same snapshot ended; forgets what was
    /// received of another. Earlier tickets are void.
    /// Errors: of the operating system.
    [[nodiscard]] virtual result<intake_ticket> begin(const snapshot_head& head) = 0;
    /// Effects: takes the next block. All but the last have bulk_block_bytes.
    /// Errors: corrupt where that does not come next; operation_canceled for a void ticket; of the
    /// operating system, after which nothing is kept.
    [[nodiscard]] virtual error_code add(std::uint64_t ticket, const shared_bytes& block) = 0;
    /// Effects: verifies and, where the model is durable, makes durable.
    /// Returns: the snapshot, its data wherever the store keeps it.
    /// Errors: corrupt where blocks are missing or the hash differs, and nothing is kept then;
    /// else as for `add`.
    [[nodiscard]] virtual result<snapshot_ptr> finish(std::uint64_t ticket) = 0;
    /// Returns: whether calls may wait for a disk.
    [[nodiscard]] virtual bool intake_blocks() const noexcept = 0;

protected:
    ~snapshot_intake() = default;
};

/// What every model counts of the snapshot under way.
class intake_progress {
public:
    explicit intake_progress(snapshot_head head) : head_(std::move(head)) {}

    [[nodiscard]] const snapshot_head& head() const noexcept { return head_; }
    [[nodiscard]] std::uint64_t received() const noexcept { return received_; }

    /// Errors: corrupt for a block of another size than the next one has.
    [[nodiscard]] error_code add(const shared_bytes& block) noexcept {
        const std::uint64_t next =
            std::min<std::uint64_t>(bulk_block_bytes, head_.size - received_);
        if (block.empty() || block.size() != next) {
            return errc::corrupt;
        }
        received_ += next;
        hash_.add(crc32c(block.view()));
        return {};
    }
    /// Errors: corrupt.
    [[nodiscard]] error_code check_whole() const noexcept {
        const bool whole = received_ == head_.size && hash_.value() == head_.hash;
        return whole ? error_code() : error_code(errc::corrupt);
    }

private:
    snapshot_head head_;
    std::uint64_t received_ = 0;
    bulk_hash hash_;
};

/// Keeps what arrives in memory.
class memory_intake : public snapshot_intake {
public:
    [[nodiscard]] result<intake_ticket> begin(const snapshot_head& head) override {
        if (!progress_ || progress_->head() != head) {
            progress_.emplace(head);
            pieces_.clear();
        }
        return intake_ticket{++ticket_, progress_->received()};
    }
    [[nodiscard]] error_code add(std::uint64_t ticket, const shared_bytes& block) override {
        if (ticket != ticket_ || !progress_) {
            return make_error_code(boost::system::errc::operation_canceled);
        }
        if (const error_code failed = progress_->add(block)) {
            return failed;
        }
        pieces_.push_back(block);
        return {};
    }
    [[nodiscard]] result<snapshot_ptr> finish(std::uint64_t ticket) override {
        if (ticket != ticket_ || !progress_) {
            return make_error_code(boost::system::errc::operation_canceled);
        }
        const intake_progress done = *std::exchange(progress_, std::nullopt);
        rope pieces = std::exchange(pieces_, {});
        if (const error_code failed = done.check_whole()) {
            return failed;
        }
        return std::make_shared<const snapshot>(
            snapshot{done.head().last, done.head().members, bulk_bytes(std::move(pieces))});
    }
    [[nodiscard]] bool intake_blocks() const noexcept override { return false; }

    /// Returns: bytes held of a snapshot that is not whole.
    [[nodiscard]] std::uint64_t held_bytes() const noexcept {
        return progress_ ? progress_->received() : 0;
    }

private:
    std::optional<intake_progress> progress_;
    rope pieces_;
    std::uint64_t ticket_ = 0;
};

} // namespace quorate

#endif
