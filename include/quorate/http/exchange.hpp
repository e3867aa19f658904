// One request that waits for its response.
// Flow:       1 and 13. http::request → handler → http::response, or a stream
// Invariants: every exchange is answered exactly once; one that is dropped answers 500
// Threads:    the server's, from creation to destruction
#ifndef QUORATE_HTTP_EXCHANGE_HPP
#define QUORATE_HTTP_EXCHANGE_HPP

#include <quorate/base/assert.hpp>
#include <quorate/http/error_page.hpp>
#include <quorate/http/exchange_owner.hpp>
#include <quorate/http/peer.hpp>
#include <quorate/http/request.hpp>
#include <quorate/http/response.hpp>
#include <quorate/http/response_stream.hpp>
#include <quorate/http/status.hpp>

#include <boost/smart_ptr/intrusive_ptr.hpp>

#include <functional>
#include <utility>

namespace quorate::http {

/// Move-only. Keep it for as long as the answer takes; it keeps the memory of its request, and its
/// connection's. Must be gone before the io_context of its server is.
class [[nodiscard]] exchange {
public:
    exchange(boost::intrusive_ptr<detail::exchange_owner> owner,
             detail::exchange_slot& slot) noexcept
        : owner_(std::move(owner)), slot_(&slot) {}
    exchange(exchange&& other) noexcept
        : owner_(std::move(other.owner_)), slot_(std::exchange(other.slot_, nullptr)) {}
    exchange& operator=(exchange&& other) noexcept {
        exchange taken(std::move(other));
        owner_.swap(taken.owner_);
        std::swap(slot_, taken.slot_);
        return *this;
    }
    exchange(const exchange&) = delete;
    exchange& operator=(const exchange&) = delete;
    ~exchange() {
        if (slot_ != nullptr) {
            respond(error_page(500));
        }
    }

    /// Requires: not answered yet. Lifetime: until `respond` or `stream`.
    [[nodiscard]] const http::request& request() const noexcept {
        QUORATE_ASSERT(slot_ != nullptr);
        return slot_->request;
    }

    /// Returns: who asks. Requires: not answered yet. Lifetime: until `respond` or `stream`.
    [[nodiscard]] const peer_identity& peer() const noexcept {
        QUORATE_ASSERT(slot_ != nullptr);
        return owner_->peer();
    }

    /// Returns: whether it was answered, or moved from.
    [[nodiscard]] bool is_answered() const noexcept { return slot_ == nullptr; }

    /// Returns: whether a client may still be there to read a response.
    [[nodiscard]] bool is_open() const noexcept { return slot_ != nullptr && owner_->is_open(); }

    /// Effects: `f` is called once if the client closes its side, or its connection ends, before
    /// the answer. A client that only half-closes may read an answer still. While nobody asks for
    /// this, it is looked for only after a while. Not seen behind further requests of the same
    /// client that came meanwhile. `f` may answer the exchange, or drop it; it must not keep it.
    /// Requires: not answered yet.
    void on_left(std::function<void()> f) {
        QUORATE_ASSERT(slot_ != nullptr);
        slot_->on_left = std::move(f);
        if (slot_->on_left != nullptr) {
            owner_->watch(*slot_);
        }
    }

    /// Effects: the request may wait for long, and takes a place among the streams until it is
    /// answered. Returns: whether there was one; else refuse it. Requires: not answered yet.
    [[nodiscard]] bool hold() {
        QUORATE_ASSERT(slot_ != nullptr);
        return owner_->hold(*slot_);
    }

    /// Requires: not answered yet; a status of 200 to 599.
    /// Effects: sends the response, after those to earlier requests of the same connection. None
    /// if the connection has died. The request's views end here.
    void respond(response r) {
        QUORATE_ASSERT(slot_ != nullptr);
        QUORATE_ASSERT(r.status >= 200);
        QUORATE_ASSERT(r.status <= 599);
        const boost::intrusive_ptr<detail::exchange_owner> owner = std::move(owner_);
        owner->answer(*std::exchange(slot_, nullptr), std::move(r));
    }

    /// Effects: sends the head of a response, after the responses to earlier requests of the same
    /// connection; its body, if any, is the first piece. The request's views end here. With more
    /// than streams_max streams open, the client gets 503 and the stream is not open; nor is it for
    /// a HEAD request, which gets the head alone, or for a client that is gone.
    /// Requires: not answered yet; a status of 200 to 599 that allows a body.
    [[nodiscard]] response_stream stream(response head) {
        QUORATE_ASSERT(slot_ != nullptr);
        QUORATE_ASSERT(head.status >= 200);
        QUORATE_ASSERT(head.status <= 599);
        QUORATE_ASSERT(!is_bodiless(head.status));
        const boost::intrusive_ptr<detail::exchange_owner> owner = std::move(owner_);
        return response_stream(
            owner->begin_stream(*std::exchange(slot_, nullptr), std::move(head)));
    }

private:
    boost::intrusive_ptr<detail::exchange_owner> owner_;
    detail::exchange_slot* slot_ = nullptr;
};

} // namespace quorate::http

#endif
