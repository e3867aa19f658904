// What each method means: HTTP requests in, requests to the node, HTTP responses back.
#ifndef KVSTORE_ROUTES_HPP
#define KVSTORE_ROUTES_HPP

#include <quorate/http/exchange.hpp>
#include <quorate/node.hpp>

#include <boost/asio/io_context.hpp>

#include <chrono>
#include <functional>
#include <string>
#include <utility>
#include <vector>

// A node takes a compiler long, so this program compiles it in one file of its own, node.cpp.
extern template class quorate::basic_node<>;

namespace kvstore {

using node = quorate::basic_node<>;

/// Serves all requests of one member. Lifetime: the node outlives it, and it every exchange.
class routes {
public:
    /// `hosts`: names that requests may be for, beside addresses.
    routes(boost::asio::io_context& io, node& target, std::vector<std::string> hosts)
        : io_(io), node_(target), hosts_(std::move(hosts)) {}

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
    std::vector<std::string> hosts_;
};

} // namespace kvstore

#endif
