// The transport's own functions: peers dialled, dropped and informed.
#ifndef QUORATE_NET_IMPL_TCP_TRANSPORT_IPP
#define QUORATE_NET_IMPL_TCP_TRANSPORT_IPP

#include <quorate/net/tcp_dialler.hpp>
#include <quorate/net/tcp_hub.hpp>
#include <quorate/net/tcp_inlet.hpp>
#include <quorate/net/tcp_listener.hpp>
#include <quorate/net/tcp_transport.hpp>

#include <algorithm>
#include <utility>

namespace quorate {

QUORATE_DECL tcp_transport::tcp_transport(const asio_context& context,
                                          const transport_options& options)
    : hub_(std::make_shared<detail::tcp_hub>(context, options)),
      listener_(std::make_shared<detail::tcp_listener>(hub_)) {}

QUORATE_DECL cluster_id tcp_transport::cluster() const noexcept {
    return hub_->identity.cluster;
}

QUORATE_DECL std::uint64_t tcp_transport::frame_bytes_max() const noexcept {
    return hub_->options.frame_bytes_max;
}

QUORATE_DECL const tcp_statistics& tcp_transport::statistics() const noexcept {
    return hub_->statistics;
}

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
    hub_->peers.insert(peer);
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

/// Returns: whether an announcement may name these addresses: without certificates anyone can send
/// one, so it must not lead from encryption to plaintext, nor away from the certificate's host.
QUORATE_DECL bool tcp_transport::may_be_at(node_id peer,
                                           const std::vector<peer_address>& announced) const {
    const bool plain = std::ranges::count(announced, false, &peer_address::secure) != 0;
    if (!hub_->peers.contains(peer)) {
        const auto own = parse_peer_urls(hub_->options.listen_url);
        const bool own_plain = own && std::ranges::count(*own, false, &peer_address::secure) != 0;
        return (!plain || own_plain) && !hub_->options.certificates_name_members;
    }
    const auto& added = hub_->diallers.at(peer)->addresses();
    const bool added_plain = std::ranges::count(added, false, &peer_address::secure) != 0;
    const auto is_host_of_peer = [&added](const peer_address& one) {
        return std::ranges::count(added, one.host, &peer_address::host) != 0;
    };
    return (!plain || added_plain) && (!hub_->options.certificates_name_members ||
                                       std::ranges::all_of(announced, is_host_of_peer));
}

QUORATE_DECL error_code tcp_transport::also_at(node_id peer, const std::string& url) {
    auto addresses = parse_peer_urls(url);
    if (!peer || !addresses || std::ranges::count(*addresses, 0, &peer_address::port) != 0 ||
        !may_be_at(peer, *addresses)) {
        return errc::invalid_option;
    }
    if (peer == hub_->identity.self || hub_->stopped || hub_->removed.contains(peer)) {
        return {};
    }
    const auto found = hub_->diallers.find(peer);
    if (found != hub_->diallers.end()) {
        hub_->peers.contains(peer) ? found->second->also_at(std::move(*addresses))
                                   : found->second->move_to(std::move(*addresses));
        return {};
    }
    if (hub_->diallers.size() >= hub_->peers.size() + detail::tcp_unconfirmed_max) {
        return errc::invalid_option;
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
    hub_->peers.erase(peer);
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

QUORATE_DECL void tcp_transport::recheck_peer(node_id peer) {
    for (const auto& inlet : hub_->inlets) {
        if (peer && inlet->member() == peer) {
            inlet->close();
        }
    }
    if (const auto found = hub_->diallers.find(peer); found != hub_->diallers.end()) {
        found->second->redial();
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
    for (const node_id id : hub_->peers) {
        all.push_back(hub_->diallers.at(id)->link());
    }
    return all;
}

QUORATE_DECL std::uint16_t tcp_transport::listen_port() const noexcept {
    return listener_->port();
}

} // namespace quorate

#endif
