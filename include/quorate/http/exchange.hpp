// One request that waits for its response.
// Flow:       1 and 13. http::request → handler → http::response
// Invariants: every exchange is answered exactly once; one that is dropped answers 500
// Threads:    the server's, from creation to destruction
#ifndef QUORATE_HTTP_EXCHANGE_HPP
#define QUORATE_HTTP_EXCHANGE_HPP

#include <quorate/base/assert.hpp>
#include <quorate/http/error_page.hpp>
#include <quorate/http/request.hpp>
#include <quorate/http/response.hpp>

#include <boost/smart_ptr/intrusive_ptr.hpp>
#include <boost/smart_ptr/intrusive_ref_counter.hpp>

#include <utility>

namespace quorate::http {

namespace detail {

/// The owner's place for one request; an exchange returns to it with the response.
struct exchange_slot {
    http::request request;
};

/// Where responses go: a connection, or a test's recorder.
class exchange_owner
    : public boost::intrusive_ref_counter<exchange_owner, boost::thread_unsafe_counter> {
public:
    exchange_owner() = default;
    exchange_owner(const exchange_owner&) = delete;
    exchange_owner& operator=(const exchange_owner&) = delete;
    virtual ~exchange_owner() = default;

    /// Effects: takes the slot back; its request is invalid from now on.
    virtual void answer(exchange_slot& slot, response&& r) = 0;
    /// Returns: whether a response could still reach the client.
    [[nodiscard]] virtual bool is_open() const noexcept = 0;
};

} // namespace detail

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

    /// Requires: not answered yet. Lifetime: until `respond`.
    [[nodiscard]] const http::request& request() const noexcept {
        QUORATE_ASSERT(slot_ != nullptr);
        return slot_->request;
    }

    /// Returns: whether it was answered, or moved from.
    [[nodiscard]] bool is_answered() const noexcept { return slot_ == nullptr; }

    /// Returns: whether a client may still be there to read a response. A long wait may look now
    /// and then, and give up.
    [[nodiscard]] bool is_open() const noexcept { return slot_ != nullptr && owner_->is_open(); }

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

private:
    boost::intrusive_ptr<detail::exchange_owner> owner_;
    detail::exchange_slot* slot_ = nullptr;
};

} // namespace quorate::http

#endif
