// What each method means: HTTP requests in, requests to the node, HTTP responses back.
#ifndef KVSTORE_ROUTES_HPP
#define KVSTORE_ROUTES_HPP

#include <quorate/http/exchange.hpp>
#include <quorate/node.hpp>

#include <boost/asio/io_context.hpp>

#include <chrono>
#include <functional>

namespace kvstore {

using node = quorate::basic_node<>;

/// Serves all requests of one member. Lifetime: the node outlives it, and it every exchange.
class routes {
public:
    routes(boost::asio::io_context& io, node& target) : io_(io), node_(target) {}

    void serve(quorate::http::exchange asked);

private:
    void put(quorate::http::exchange asked);
    void get(quorate::http::exchange asked);
    void add_member(quorate::http::exchange asked);
    void remove_member(quorate::http::exchange asked);

    using clock = std::chrono::steady_clock;
    using change = std::function<void(node::handler)>;
    void change_members(change attempt, node::handler done, clock::time_point deadline);

    boost::asio::io_context& io_;
    node& node_;
};

} // namespace kvstore

#endif
