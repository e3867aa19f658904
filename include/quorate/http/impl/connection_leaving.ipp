// The departure of a connection's client, and its notification.
#ifndef QUORATE_HTTP_IMPL_CONNECTION_LEAVING_IPP
#define QUORATE_HTTP_IMPL_CONNECTION_LEAVING_IPP

#include <quorate/http/connection.hpp>

#include <boost/asio/post.hpp>

#include <algorithm>
#include <utility>

namespace quorate::http::detail {

QUORATE_DECL void connection::watch(exchange_slot&) {
    if (!is_open() || closing_ || end_of_input_) {
        return tell_left();
    }
    watching_ = true;
    if (!advancing_) {
        settle();
    }
}

/// Effects: calls the functions of all exchanges whose client has left. Posted, as they do as they
/// like with the connection.
QUORATE_DECL void connection::tell_left() {
    const auto waits = [](const auto& place) { return place && place->on_left != nullptr; };
    if (std::none_of(slots_.begin(), slots_.end(), waits)) {
        return;
    }
    boost::asio::post(executor_, [self = boost::intrusive_ptr<connection>(this), waits] {
        for (const auto& place : self->slots_) {
            if (waits(place)) {
                std::exchange(place->on_left, nullptr)();
            }
        }
    });
}

/// Effects: looks for the end of the client of a request that took a whole tick already. What takes
/// less is not worth a read.
QUORATE_DECL void connection::notice_slow_request() {
    if (count_ > 0 && !watching_ && !closing_ && host_->tick > asked_at_ + 1) {
        watching_ = true;
        settle();
    }
}

} // namespace quorate::http::detail

#endif
