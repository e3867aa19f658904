// Listening, accepting, ticking.
#ifndef QUORATE_NET_IMPL_TCP_LISTENER_IPP
#define QUORATE_NET_IMPL_TCP_LISTENER_IPP

#include <quorate/net/tcp_dialler.hpp>
#include <quorate/net/tcp_inlet.hpp>
#include <quorate/net/tcp_listener.hpp>

#include <boost/asio/ip/address.hpp>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

namespace quorate::detail {

QUORATE_DECL tcp_listener::tcp_listener(std::shared_ptr<tcp_hub> hub)
    : hub_(std::move(hub)), tick_(hub_->executor), random_(std::random_device{}()) {}

QUORATE_DECL error_code tcp_listener::start(const std::vector<peer_address>& addresses) {
    for (const peer_address& address : addresses) {
        if (const error_code ec =
                open(doors_.emplace_back(hub_->executor, address.secure), address)) {
            close_doors();
            doors_.clear();
            return ec;
        }
    }
    error_code ec;
    port_ = doors_.front().accepting.local_endpoint(ec).port();
    for (door& one : doors_) {
        accept(one);
    }
    wait_tick();
    return {};
}

QUORATE_DECL error_code tcp_listener::open(door& one, const peer_address& address) {
    error_code ec;
    boost::asio::ip::tcp::endpoint endpoint;
    if (address.literal) {
        endpoint = {boost::asio::ip::make_address(address.host, ec), address.port};
    } else {
        boost::asio::ip::tcp::resolver resolver(hub_->executor);
        const auto found = resolver.resolve(address.host, std::to_string(address.port),
                                            boost::asio::ip::resolver_base::numeric_service, ec);
        if (!ec && !found.empty()) {
            endpoint = found.begin()->endpoint();
        }
    }
    return ec ? ec : listen(one.accepting, endpoint);
}

QUORATE_DECL error_code tcp_listener::listen(acceptor& accepting,
                                             const boost::asio::ip::tcp::endpoint& endpoint) {
    error_code ec;
    accepting.open(endpoint.protocol(), ec);
    if (!ec) {
        // A restart must not wait for the connections of the last run to time out.
        accepting.set_option(boost::asio::socket_base::reuse_address(true), ec);
    }
    if (!ec) {
        accepting.bind(endpoint, ec);
    }
    if (!ec) {
        accepting.listen(boost::asio::socket_base::max_listen_connections, ec);
    }
    return ec;
}

QUORATE_DECL void tcp_listener::accept(door& one) {
    one.accept_later = false;
    one.accepting.async_accept(
        hub_->executor, [self = shared_from_this(), &one](const error_code& ec, tcp_socket socket) {
            if (self->stopped_) {
                return;
            }
            if (ec) {
                // Out of file descriptors, most likely; the next tick tries again.
                one.accept_later = true;
                return;
            }
            self->on_accepted(one, std::move(socket));
            self->accept(one);
        });
}

QUORATE_DECL bool tcp_listener::is_of_peer(const boost::asio::ip::address& source) const {
    return std::ranges::any_of(hub_->peers, [&](node_id peer) {
        const auto found = hub_->diallers.find(peer);
        return found != hub_->diallers.end() && found->second->is_at(source);
    });
}

// Accepted peers are not counted, so strangers take no room from them. A stranger that makes room
// is drawn at random: a flood of connections evicts mostly its own, and one that shakes hands has a
// chance whatever the rate of the flood. Addresses of peers have room of their own.
QUORATE_DECL void tcp_listener::make_room(const boost::asio::ip::address& source) {
    std::erase_if(hub_->inlets, [](const auto& inlet) { return inlet->closed(); });
    const bool of_peer = is_of_peer(source);
    std::vector<std::shared_ptr<tcp_inlet>> same;
    std::vector<std::shared_ptr<tcp_inlet>> others;
    for (const auto& inlet : hub_->inlets) {
        if (!inlet->member() && inlet->source() == source) {
            same.push_back(inlet);
        } else if (!inlet->member() && !of_peer && !is_of_peer(inlet->source())) {
            others.push_back(inlet);
        }
    }
    const std::size_t share = of_peer ? strangers_of_peer_max : strangers_of_source_max;
    if (same.size() < share && (of_peer || same.size() + others.size() < strangers_max)) {
        return;
    }
    if (same.size() < share) {
        same.insert(same.end(), others.begin(), others.end());
    }
    const auto chosen = same[random_() % same.size()];
    chosen->close();
    std::erase(hub_->inlets, chosen);
    ++hub_->statistics.strangers_evicted;
}

QUORATE_DECL void tcp_listener::on_accepted(const door& one, tcp_socket socket) {
    const auto inlet = std::make_shared<tcp_inlet>(hub_, std::move(socket));
    make_room(inlet->source());
    hub_->inlets.push_back(inlet);
    inlet->start(one.secure);
}

QUORATE_DECL void tcp_listener::wait_tick() {
    tick_.expires_after(std::chrono::milliseconds(tcp_tick_ms));
    tick_.async_wait([self = shared_from_this()](const error_code& ec) {
        if (!ec && !self->stopped_) {
            self->on_tick();
            self->wait_tick();
        }
    });
}

QUORATE_DECL void tcp_listener::on_tick() {
    // Nothing here calls the sink, so nothing changes the lists while they are walked.
    ++hub_->ticks;
    hub_->statistics.ticks = hub_->ticks;
    hub_->snapshot_rate.on_tick();
    for (const auto& [id, dialler] : hub_->diallers) {
        dialler->on_tick();
    }
    for (const auto& dialler : hub_->leaving) {
        dialler->on_tick();
    }
    for (const auto& inlet : hub_->inlets) {
        inlet->on_tick();
    }
    std::erase_if(hub_->leaving, [](const auto& dialler) { return dialler->closed(); });
    hang_up_on_removed();
    drop_unconfirmed();
    std::erase_if(hub_->inlets, [](const auto& inlet) { return inlet->closed(); });
    for (door& one : doors_) {
        if (one.accept_later) {
            accept(one);
        }
    }
}

QUORATE_DECL void tcp_listener::hang_up_on_removed() {
    // Once the last words to a dropped peer are out, it may dial and be told.
    for (const auto& inlet : hub_->inlets) {
        const node_id member = inlet->member();
        const bool awaits = std::ranges::any_of(
            hub_->leaving, [member](const auto& dialler) { return dialler->peer() == member; });
        if (hub_->removed.contains(member) && !awaits) {
            inlet->close();
        }
    }
}

// An unconfirmed id is answered only as long as it is heard.
QUORATE_DECL void tcp_listener::drop_unconfirmed() {
    std::erase_if(hub_->diallers, [this](const auto& entry) {
        const auto& [id, dialler] = entry;
        const bool stays = hub_->peers.contains(id) ||
                           std::ranges::any_of(hub_->inlets, [id = id](const auto& inlet) {
                               return !inlet->closed() && inlet->member() == id;
                           });
        if (!stays) {
            dialler->close();
        }
        return !stays;
    });
}

QUORATE_DECL void tcp_listener::close_doors() noexcept {
    error_code ignored;
    for (door& one : doors_) {
        one.accepting.close(ignored);
    }
}

QUORATE_DECL void tcp_listener::stop() {
    stopped_ = true;
    close_doors();
    tick_.cancel();
    port_ = 0;
}

} // namespace quorate::detail

#endif
