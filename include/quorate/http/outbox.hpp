// The bytes on their way to one socket: text that is written here, bodies that are shared.
// Flow:       13. reply → HTTP bytes
// In / Out:   heads and bodies → buffer sequences for gathered writes
// Invariants: bytes leave in the order they were appended; what is in flight does not move
// Threads:    the connection's
#ifndef QUORATE_HTTP_OUTBOX_HPP
#define QUORATE_HTTP_OUTBOX_HPP

#include <quorate/base/bytes.hpp>
#include <quorate/base/config.hpp>

#include <boost/asio/buffer.hpp>

#include <cstddef>
#include <span>
#include <string>
#include <vector>

namespace quorate::http::detail {

/// Two batches take turns: one is in flight while the other collects what comes next.
class outbox {
public:
    /// Returns: where to append text of the waiting batch.
    [[nodiscard]] std::string& text() noexcept { return waiting_.text; }

    /// Effects: appends a body after the text so far. A small one is copied, for one buffer more
    /// costs the kernel more than that; others are shared.
    void append(const shared_bytes& body);

    [[nodiscard]] bool is_empty() const noexcept { return waiting_bytes() == 0 && !in_flight(); }
    [[nodiscard]] bool in_flight() const noexcept { return next_ != buffers_.size(); }
    /// Returns: the bytes of the batch that is not in flight.
    [[nodiscard]] std::size_t waiting_bytes() const noexcept {
        return waiting_.text.size() + waiting_.body_bytes;
    }

    /// Returns: the bytes that are not written yet, in flight or not.
    [[nodiscard]] std::size_t unsent_bytes() const noexcept {
        return waiting_bytes() + flying_bytes_;
    }

    /// Requires: nothing in flight. Effects: all that waits is in flight.
    void launch();
    /// Returns: what of the flight is to be written next.
    /// Lifetime: until the next `launch`, but for what `consume` gave up.
    [[nodiscard]] std::span<const boost::asio::const_buffer> flight() const noexcept {
        return {buffers_.data() + next_, buffers_.size() - next_};
    }
    /// Effects: gives up the first `bytes` bytes of the flight, which were written.
    /// Requires: the flight is at least that long.
    void consume(std::size_t bytes);

    /// Effects: gives spare memory back. Requires: is_empty().
    void trim() noexcept;

private:
    struct piece {
        std::size_t text_end; ///< The body goes behind this much of the text.
        shared_bytes body;
    };
    struct batch {
        std::string text;
        std::vector<piece> pieces;
        std::size_t body_bytes = 0; ///< Of all pieces.

        void clear() noexcept;
    };

    batch waiting_;
    batch flying_;
    std::vector<boost::asio::const_buffer> buffers_; ///< Of the batch in flight.
    std::size_t next_ = 0;                           ///< Buffers before it are written.
    std::size_t flying_bytes_ = 0;                   ///< In flight and not written.
};

} // namespace quorate::http::detail

#if defined(QUORATE_HEADER_ONLY)
#include <quorate/http/impl/outbox.ipp>
#endif

#endif
