// The queue of messages to one peer: bounded, and gathered into few writes.
// Flow:       8. messages → frames
// In / Out:   message → views for one gathered write
// Invariants: memory is bounded whatever the peer does; whole frames, in the order given
// Threads:    none (owner's thread)
#ifndef QUORATE_NET_OUTBOX_HPP
#define QUORATE_NET_OUTBOX_HPP

#include <quorate/net/snapshot_upload.hpp>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <string>

namespace quorate {

/// Units: bytes.
struct outbox_limits {
    /// Messages with entries beyond it are dropped, unless only few bytes wait before them.
    std::uint64_t queue_bytes_max = 256 << 20;
    std::uint64_t frame_bytes_max = frame_bytes_limit; ///< Longer ones are dropped.
    std::uint64_t snapshot_bytes_max = 64ULL << 30;    ///< Larger ones are refused.

    /// Returns: why this message can never be sent, with its size and the limit; empty: it can.
    [[nodiscard]] std::string size_problem(const message& m) const;
};

/// While closed, only the newest messages are kept, to bridge the time that a connection takes; the
/// protocol repeats what is lost. While open, messages are frames at once. A snapshot is cut into
/// chunks as the socket and the peer take them, so that what comes after its start does not wait
/// for its end; reading them is left to the owner.
class outbox {
public:
    static constexpr std::size_t parked_messages_max = 64;
    static constexpr std::uint64_t parked_bytes_max = 1 << 20;
    /// What messages without entries may use beyond `queue_bytes_max`.
    static constexpr std::uint64_t control_bytes_max = 1 << 20;

    explicit outbox(const outbox_limits& limits) noexcept : limits_(limits) {}

    /// Returns: false when a message was lost: this one, or an older one that made room for it.
    bool push(const message& m);

    [[nodiscard]] const outbox_limits& limits() const noexcept { return limits_; }

    /// Returns: false when it is not queued: closed, or there is too much already.
    bool push(const member_call& call);

    /// Requires: closed. Effects: what is parked becomes frames.
    void open();
    /// Effects: forgets every frame; what was sent halfway cannot be continued elsewhere.
    /// Returns: whether a snapshot was lost with them.
    bool close() noexcept;
    [[nodiscard]] bool is_open() const noexcept { return open_; }

    /// Returns: how many views it filled, from the front of the queue.
    [[nodiscard]] std::size_t gather(std::span<byte_view> views) const noexcept {
        return frames_.gather(views);
    }
    /// Effects: the first `size` bytes are sent.
    void consume(std::uint64_t size) { frames_.consume(size); }

    /// Returns: whether a snapshot waits to be announced.
    [[nodiscard]] bool wants_start() const noexcept {
        return open_ && transfer_ && !transfer_->announced();
    }
    /// Requires: wants_start(). Effects: queues the start of the snapshot.
    void announce();
    /// Returns: what to read next; none while enough else is queued, or the peer is behind.
    [[nodiscard]] std::optional<chunk_request> next_chunk();
    /// Effects: queues the chunk, unless its transfer ended meanwhile. Requires: what was asked
    /// for.
    void add_chunk(const chunk_request& wanted, const rope& block);
    /// Effects: a snapshot that was delivered or refused is forgotten.
    [[nodiscard]] upload_news on_progress(const snapshot_progress& said);
    /// Effects: forgets the snapshot. Returns: whether there was one with that number.
    bool give_up(std::uint64_t number) noexcept;
    /// Returns: the snapshot that is on its way or waits; null: none.
    [[nodiscard]] const snapshot_upload* transfer() const noexcept {
        return transfer_ ? &*transfer_ : nullptr;
    }

    /// Returns: whether nothing waits, parked or as frames.
    [[nodiscard]] bool empty() const noexcept {
        return frames_.empty() && parked_.empty() && !transfer_;
    }
    [[nodiscard]] std::uint64_t queued_bytes() const noexcept { return frames_.size(); }

private:
    bool push_snapshot(const message& m);
    bool push_frame(const message& m);
    bool park(const message& m);

    outbox_limits limits_;
    bool open_ = false;
    gather_buffer frames_;
    std::optional<snapshot_upload> transfer_;
    std::uint64_t transfers_ = 0;
    std::deque<owned_message> parked_;
    std::uint64_t parked_bytes_ = 0;
};

} // namespace quorate

#if defined(QUORATE_HEADER_ONLY)
#include <quorate/net/impl/outbox.ipp>
#endif

#endif
