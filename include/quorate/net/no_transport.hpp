// The wire of a member without peers.
// Flow:    none
// Source:  doc/concept/transport.md; for the engine solo
#ifndef QUORATE_NET_NO_TRANSPORT_HPP
#define QUORATE_NET_NO_TRANSPORT_HPP

#include <quorate/net/transport.hpp>

#include <string>

namespace quorate {

/// Models transport: listens nowhere, and every message is lost.
class no_transport {
public:
    /// Takes whatever other transports are made from.
    template <class... Ignored>
    explicit no_transport(const Ignored&...) noexcept {}

    [[nodiscard]] error_code start(transport_sink&) noexcept { return {}; }
    void send(const message&) noexcept {}
    [[nodiscard]] bool call(node_id, const member_call&) noexcept { return false; }
    [[nodiscard]] error_code add_peer(node_id, const std::string&) noexcept { return {}; }
    void drop_peer(node_id) noexcept {}
    void stop() noexcept {}
};

static_assert(transport<no_transport>);

} // namespace quorate

#endif
