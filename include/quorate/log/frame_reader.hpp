// Reads the frames of a segment in order, in large blocks that the payloads then share.
// Flow:       7, backwards: bytes found → entries
// In / Out:   file → entries, one by one
// Invariants: allocates no more than the file holds; nothing is used before its checksum was
// Threads:    none
#ifndef QUORATE_LOG_FRAME_READER_HPP
#define QUORATE_LOG_FRAME_READER_HPP

#include <quorate/log/recovery.hpp>
#include <quorate/log/segment.hpp>
#include <quorate/log/volume.hpp>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <utility>

namespace quorate {

/// Bytes read at once; a payload keeps its whole block alive.
inline constexpr std::size_t read_block_bytes = 1 << 20;

/// Returns: up to `size` bytes from `offset` on, in a block of their own; fewer where the file
/// ends. Requires: the caller knows that the file is about that long.
template <volume_file File>
[[nodiscard]] result<shared_bytes> read_block(File& file, std::uint64_t offset, std::size_t size) {
    draft block(size);
    const result<std::size_t> got = file.read_at(offset, block.data(), size);
    if (!got) {
        return got.error();
    }
    return std::move(block).freeze().slice(0, *got);
}

template <volume_file File>
class frame_reader {
public:
    /// Reads from `start` on and stops at `limit`. Lifetime: refers to `file`.
    frame_reader(File& file, std::uint64_t sequence, const log_position& start,
                 std::uint64_t limit) noexcept
        : file_(file), sequence_(sequence), at_(start), limit_(limit) {}

    /// Effects: moves behind the next frame.
    /// Returns: its entry; nothing where the frames end, see `end`.
    /// Errors: of the file.
    [[nodiscard]] result<std::optional<entry>> next();

    [[nodiscard]] const log_position& position() const noexcept { return at_; }
    [[nodiscard]] frames_end end() const noexcept { return end_; }

private:
    [[nodiscard]] std::uint64_t room() const noexcept {
        return limit_ > at_.offset ? limit_ - at_.offset : 0;
    }
    /// Returns: the bytes at hand from the position on.
    [[nodiscard]] byte_view loaded() const noexcept {
        return block_.view().substr(static_cast<std::size_t>(at_.offset - block_offset_));
    }
    /// Effects: makes `size` bytes available at the position, unless the file ends before.
    [[nodiscard]] error_code load(std::uint64_t size);
    result<std::optional<entry>> stop_at_invalid() noexcept;

    File& file_;
    std::uint64_t sequence_;
    log_position at_;
    std::uint64_t limit_;
    shared_bytes block_;
    std::uint64_t block_offset_ = 0;
    frames_end end_ = frames_end::limit;
};

template <volume_file File>
error_code frame_reader<File>::load(std::uint64_t size) {
    if (block_offset_ != 0 && loaded().size() >= size) {
        return {};
    }
    const std::uint64_t wanted = std::min(std::max<std::uint64_t>(size, read_block_bytes), room());
    result<shared_bytes> block = read_block(file_, at_.offset, static_cast<std::size_t>(wanted));
    if (!block) {
        return block.error();
    }
    if (block->size() < wanted) {
        limit_ = at_.offset + block->size(); // the file is shorter than it said
    }
    block_ = std::move(*block);
    block_offset_ = at_.offset;
    return {};
}

template <volume_file File>
result<std::optional<entry>> frame_reader<File>::stop_at_invalid() noexcept {
    const byte_view rest = loaded();
    const bool zeros = rest.find_first_not_of('\0') == byte_view::npos;
    end_ = zeros ? frames_end::zeros : frames_end::invalid;
    return std::optional<entry>();
}

template <volume_file File>
result<std::optional<entry>> frame_reader<File>::next() {
    if (room() == 0) {
        end_ = frames_end::limit;
        return std::optional<entry>();
    }
    if (const error_code failed = load(std::min<std::uint64_t>(frame_prefix_bytes, room()))) {
        return failed;
    }
    const std::optional<frame_prefix> prefix =
        decode_frame_prefix(loaded(), room(), at_, sequence_);
    if (!prefix) {
        return stop_at_invalid();
    }
    if (const error_code failed = load(prefix->frame_size())) {
        return failed;
    }
    if (loaded().size() < prefix->frame_size()) {
        return stop_at_invalid();
    }
    shared_bytes payload; // an empty one must not keep the block alive
    if (const std::size_t size = prefix->record.payload_size; size != 0) {
        const auto start = static_cast<std::size_t>(at_.offset - block_offset_);
        payload = block_.slice(start + frame_prefix_bytes, size);
    }
    entry e = make_entry(prefix->record, std::move(payload));
    if (check_payload(e)) {
        return stop_at_invalid();
    }
    at_.pass(prefix->frame_size(), prefix->chain, e.id());
    return std::optional(std::move(e));
}

} // namespace quorate

#endif
