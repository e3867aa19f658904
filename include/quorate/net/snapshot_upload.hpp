// The progress of one snapshot on its way to a peer.
// Flow:       beside 8; snapshot → start and chunks, as the peer takes them
// In / Out:   what the peer took → which block to read next
// Invariants: what is read and not taken yet is bounded by the window, wherever it is
// Threads:    none (owner's thread)
#ifndef QUORATE_NET_SNAPSHOT_UPLOAD_HPP
#define QUORATE_NET_SNAPSHOT_UPLOAD_HPP

#include <quorate/format/frame.hpp>

#include <cstdint>
#include <optional>

namespace quorate {

/// A sender is at most so many bytes of data ahead of what the peer took.
inline constexpr std::uint32_t snapshot_window_bytes = 4 * chunk_data_bytes;

/// A block that shall be read, anywhere, and handed back.
struct chunk_request {
    std::uint64_t number = 0;
    std::uint64_t offset = 0;
    bulk_bytes data; ///< Of which the block at `offset` is wanted.

    /// Units: bytes.
    [[nodiscard]] std::uint32_t size() const noexcept {
        return static_cast<std::uint32_t>(
            std::min<std::uint64_t>(chunk_data_bytes, data.size() - offset));
    }
};

/// What a word of the peer means.
enum class upload_news : std::uint8_t {
    none,      ///< Goes on, or is about an earlier transfer.
    delivered, ///< The peer has all of it, verified.
    refused,   ///< The peer does not want it, or not now.
    invalid,   ///< Cannot be true: the peer is not to be believed any more.
};

class snapshot_upload {
public:
    /// Requires: an install_snapshot with its snapshot.
    snapshot_upload(const message& m, std::uint64_t number) : start_(m), number_(number) {
        start_.entries = {};
    }

    [[nodiscard]] const message& start() const noexcept { return start_; }
    [[nodiscard]] std::uint64_t number() const noexcept { return number_; }
    [[nodiscard]] bool announced() const noexcept { return state_ != state::waiting; }
    /// Effects: the start is on its way; the peer says where to begin.
    void announce() noexcept { state_ = state::announced; }

    /// Returns: the block to read now; none while one is being read, or the peer has to take some
    /// first.
    [[nodiscard]] std::optional<chunk_request> next() {
        if (reading_ || !may_read()) {
            return std::nullopt;
        }
        reading_ = true;
        return chunk_request{number_, cut_, start_.snap->data};
    }
    /// Effects: the block is on its way.
    void on_cut(const chunk_request& cut) noexcept {
        reading_ = false;
        cut_ = cut.offset + cut.size();
    }
    [[nodiscard]] upload_news on_progress(const snapshot_progress& said) noexcept;

    /// Returns: whether nothing can happen before the peer says something.
    [[nodiscard]] bool waits_for_peer() const noexcept {
        return announced() && !reading_ && !may_read();
    }

private:
    enum class state : std::uint8_t { waiting, announced, flowing };

    [[nodiscard]] std::uint64_t size() const noexcept { return start_.snap->data.size(); }
    [[nodiscard]] bool may_read() const noexcept {
        return state_ == state::flowing && cut_ < size() && cut_ - taken_ < snapshot_window_bytes;
    }

    message start_;
    std::uint64_t number_;
    state state_ = state::waiting;
    bool reading_ = false;
    std::uint64_t taken_ = 0; ///< Bytes that the peer has.
    std::uint64_t cut_ = 0;   ///< Bytes that were sent, or need not be.
};

inline upload_news snapshot_upload::on_progress(const snapshot_progress& said) noexcept {
    if (said.number < number_) {
        return upload_news::none;
    }
    if (said.number > number_ || !announced()) {
        return upload_news::invalid;
    }
    if (said.refused) {
        return upload_news::refused;
    }
    const bool first = state_ == state::announced;
    const bool whole_chunks = said.offset % chunk_data_bytes == 0 || said.offset == size();
    const bool possible =
        first ? said.offset <= size() : said.offset >= taken_ && said.offset <= cut_;
    if (!whole_chunks || !possible) {
        return upload_news::invalid;
    }
    if (first) {
        state_ = state::flowing;
        cut_ = said.offset;
    }
    taken_ = said.offset;
    return taken_ == size() ? upload_news::delivered : upload_news::none;
}

} // namespace quorate

#endif
