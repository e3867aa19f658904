// The transport's own functions: who is dialled, dropped and told.
#ifndef QUORATE_NET_IMPL_TCP_TRANSPORT_IPP
#define QUORATE_NET_IMPL_TCP_TRANSPORT_IPP

#include <quorate/net/tcp_transport.hpp>

#include <algorithm>
#include <utility>

namespace quorate {

QUORATE_DECL tcp_transport::tcp_transport(boost::asio::io_context& io,
                                          const transport_options& options)
    : hub_(std::make_shared<detail::tcp_hub>(io, options)),
      listener_(std::make_shared<detail::tcp_listener>(hub_)) {}

QUORATE_DECL tcp_transport::~tcp_transport() {
    stop();
}

QUORATE_DECL error_code tcp_transport::start(transport_sink& sink) {
    QUORATE_ASSERT(!started_);
    const auto addresses = parse_peer_urls(hub_->options.listen_url);
    const bool plain_only = hub_->options.security == nullptr;
    if (!hub_->identity.self || !addresses ||
        (plain_only && std::ranges::count(*addresses, true, &peer_address::secure) != 0)) {
        return errc::invalid_option;
    }
    if (const error_code ec = listener_->start(*addresses)) {
        return ec;
    }
    started_ = true;
    hub_->sink = &sink;
    for (const auto& [id, dialler] : hub_->diallers) {
        dialler->start();
    }
    return {};
}

QUORATE_DECL void tcp_transport::send(const message& m) noexcept {
    const auto found = hub_->diallers.find(m.to);
    if (found != hub_->diallers.end()) {
        found->second->send(m);
    }
}

QUORATE_DECL bool tcp_transport::call(node_id to, const member_call& asked) noexcept {
    const auto found = hub_->diallers.find(to);
    return found != hub_->diallers.end() && found->second->call(asked);
}

QUORATE_DECL error_code tcp_transport::add_peer(node_id peer, const std::string& url) {
    auto addresses = parse_peer_urls(url);
    if (!peer || !addresses || std::ranges::count(*addresses, 0, &peer_address::port) != 0) {
        return errc::invalid_option;
    }
    if (peer == hub_->identity.self || hub_->stopped) {
        return {};
    }
    hub_->removed.erase(peer);
    const auto found = hub_->diallers.find(peer);
    if (found != hub_->diallers.end()) {
        found->second->move_to(std::move(*addresses));
        return {};
    }
    const auto dialler = std::make_shared<detail::tcp_dialler>(hub_, peer, std::move(*addresses));
    hub_->diallers.emplace(peer, dialler);
    if (started_) {
        dialler->start();
    }
    return {};
}

QUORATE_DECL void tcp_transport::drop_peer(node_id peer) {
    if (!peer || peer == hub_->identity.self || hub_->stopped) {
        return;
    }
    hub_->removed.insert(peer);
    const auto found = hub_->diallers.find(peer);
    if (found != hub_->diallers.end()) {
        const auto dialler = found->second;
        hub_->diallers.erase(found);
        dialler->leave();
        if (!dialler->closed()) {
            hub_->leaving.push_back(dialler);
        }
    }
}

QUORATE_DECL void tcp_transport::stop() {
    hub_->stopped = true;
    hub_->sink = nullptr;
    listener_->stop();
    for (const auto& [id, dialler] : hub_->diallers) {
        dialler->close();
    }
    for (const auto& dialler : hub_->leaving) {
        dialler->close();
    }
    for (const auto& inlet : hub_->inlets) {
        inlet->close();
    }
    hub_->stop_worker();
    // Those that run now are held by their handlers.
    hub_->diallers.clear();
    hub_->leaving.clear();
    hub_->inlets.clear();
}

QUORATE_DECL std::vector<peer_link> tcp_transport::links() const {
    std::vector<peer_link> all;
    for (const auto& [id, dialler] : hub_->diallers) {
        all.push_back(dialler->link());
    }
    return all;
}

QUORATE_DECL std::uint16_t tcp_transport::listen_port() const noexcept {
    return listener_->port();
}

} // namespace quorate

#endif
