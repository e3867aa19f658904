// What each method means: HTTP requests in, requests to the node, HTTP responses back.
#ifndef KVSTORE_ROUTES_HPP
#define KVSTORE_ROUTES_HPP

#include <quorate/http/exchange.hpp>
#include <quorate/node.hpp>

namespace kvstore {

using node = quorate::basic_node<>;

/// Serves all requests of one member. Lifetime: the node outlives it and every exchange.
class routes {
public:
    explicit routes(node& target) : node_(target) {}

    void serve(quorate::http::exchange asked);

private:
    void put(quorate::http::exchange asked);
    void get(quorate::http::exchange asked);
    void add_member(quorate::http::exchange asked);
    void remove_member(quorate::http::exchange asked);

    node& node_;
};

} // namespace kvstore

#endif
