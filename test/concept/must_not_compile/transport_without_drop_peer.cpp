// expect: Policies::transport does not model quorate::transport
// expect: doc/concept/transport.md
// expect: wire.drop_peer(id)
#include <quorate/node.hpp>

#include "../archetypes.hpp"

struct incomplete : archetype::pinned {
    incomplete(boost::asio::io_context&, const quorate::transport_options&) {}
    quorate::error_code start(quorate::transport_sink&) { return {}; }
    void send(const quorate::message&) noexcept {}
    bool call(quorate::node_id, const quorate::member_call&) noexcept { return false; }
    quorate::error_code add_peer(quorate::node_id, std::string) { return {}; }
#if defined(COMPLETE)
    void drop_peer(quorate::node_id) {}
#endif
    void stop() {}
};
struct policies : quorate::default_policies {
    using transport = incomplete;
};

static_assert(sizeof(quorate::basic_node<policies>) > 0);
