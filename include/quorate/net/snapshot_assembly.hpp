// Puts the chunks of a received snapshot together.
// Flow:       beside 9. snapshot start, chunks → message
// In / Out:   snapshot_start, snapshot_chunk → owned_message with the whole snapshot
// Invariants: memory grows with what arrived, never with what was promised
// Threads:    none (owner's thread)
#ifndef QUORATE_NET_SNAPSHOT_ASSEMBLY_HPP
#define QUORATE_NET_SNAPSHOT_ASSEMBLY_HPP

#include <quorate/base/result.hpp>
#include <quorate/format/frame.hpp>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>

namespace quorate {

/// One incoming transfer at a time; a new start replaces the one before it.
class snapshot_assembly {
public:
    /// Units: bytes of a snapshot's data.
    explicit snapshot_assembly(std::uint64_t snapshot_bytes_max) noexcept
        : limit_(snapshot_bytes_max) {}

    /// Returns: the message, when the snapshot has no data and is whole already.
    /// Errors: too_large.
    [[nodiscard]] result<std::optional<owned_message>> start(snapshot_start begin) {
        if (begin.total_bytes > limit_) {
            return errc::too_large;
        }
        start_ = std::move(begin);
        data_.clear();
        received_ = 0;
        return take_if_whole();
    }

    /// Returns: the message, once this was the last chunk.
    /// Errors: corrupt where the chunk is not the one that comes next. Every chunk but the last is
    /// full, so that a peer cannot make the bookkeeping larger than the data.
    [[nodiscard]] result<std::optional<owned_message>> add(snapshot_chunk chunk) {
        const bool expected = start_ && chunk.number == start_->number && chunk.offset == received_;
        if (!expected || chunk.data.size() != next_chunk_bytes()) {
            return errc::corrupt;
        }
        received_ += chunk.data.size();
        data_.push_back(std::move(chunk.data));
        return take_if_whole();
    }

    /// Returns: bytes held for a transfer that is not complete.
    [[nodiscard]] std::uint64_t held_bytes() const noexcept { return received_; }

private:
    [[nodiscard]] std::uint64_t next_chunk_bytes() const noexcept {
        return std::min<std::uint64_t>(chunk_data_bytes, start_->total_bytes - received_);
    }

    [[nodiscard]] std::optional<owned_message> take_if_whole() {
        if (received_ < start_->total_bytes) {
            return std::nullopt;
        }
        message m = start_->head;
        m.snap = std::make_shared<const snapshot>(
            snapshot{start_->last, std::move(start_->members), std::move(data_)});
        start_.reset();
        data_ = {};
        received_ = 0;
        return owned_message(m, {});
    }

    std::optional<snapshot_start> start_;
    rope data_;
    std::uint64_t received_ = 0;
    std::uint64_t limit_;
};

} // namespace quorate

#endif
