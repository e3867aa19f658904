// Three members in one process: a write, the loss of the leader, another write.
//
// Nothing here touches a disk or a socket. With the default policies the same calls make three
// durable members on three machines.
#include <quorate/log/memory_log.hpp>
#include <quorate/log/memory_snapshots.hpp>
#include <quorate/net/loopback_transport.hpp>
#include <quorate/node.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include <array>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <string>

namespace {

// [policies
struct in_memory : quorate::default_policies {
    using log = quorate::memory_log;
    using snapshots = quorate::memory_snapshots;
    using transport = quorate::loopback_transport;
};
using node = quorate::basic_node<in_memory>;
// policies]

class group {
public:
    group() {
        // [wake
        network_.set_wake([this] { boost::asio::post(io_, [this] { network_.deliver_all(); }); });
        // wake]
    }

    // [start
    /// Returns: whether all members started.
    bool start() {
        quorate::node_options options;
        options.cluster = quorate::cluster_id(1);
        for (std::uint64_t id = 1; id <= 3; ++id) {
            const std::string url = "http://member-" + std::to_string(id) + ":2380";
            options.initial_members.push_back({quorate::node_id(id), url});
        }
        options.tick_interval = std::chrono::milliseconds(10);
        for (std::size_t i = 0; i < nodes_.size(); ++i) {
            options.id = options.initial_members[i].id;
            options.peer_url = options.initial_members[i].peer_urls.front();
            quorate::transport_options wire;
            wire.cluster = options.cluster;
            wire.self = options.id;
            nodes_[i] = std::make_unique<node>(
                io_, options, std::make_unique<quorate::loopback_transport>(network_, wire));
            if (nodes_[i]->start()) {
                std::cerr << nodes_[i]->explanation() << '\n';
                return false;
            }
        }
        return true;
    }
    // start]

    // [write
    /// Returns: whether the pair was written, by way of member i.
    bool put(std::size_t i, const std::string& key, const std::string& value) {
        quorate::error_code outcome = quorate::errc::no_leader;
        while (outcome == quorate::condition::retry) { // nothing happened: ask again
            bool answered = false;
            nodes_[i]->submit(quorate::put{.key = key, .value = value},
                              [&](quorate::error_code failed, const quorate::reply& reply) {
                                  outcome = failed ? failed : reply.error();
                                  answered = true;
                              });
            run_until(answered);
        }
        return !outcome;
    }
    // write]

    // [read
    /// Returns: the newest value, as member i knows it once it has made sure.
    std::string get(std::size_t i, const std::string& key) {
        std::string value = "nothing";
        bool answered = false;
        nodes_[i]->read([&](quorate::error_code failed) {
            const auto found = nodes_[i]->machine().get(key);
            if (!failed && found.has_value()) {
                value = found->value.view();
            }
            answered = true;
        });
        run_until(answered);
        return value;
    }
    // read]

    [[nodiscard]] std::size_t leader() const {
        for (std::size_t i = 0; i < nodes_.size(); ++i) {
            const auto role = nodes_[i]->status().engine.soft.role;
            if (role == quorate::role_kind::leader) {
                return i;
            }
        }
        return 0;
    }
    void stop(std::size_t i) {
        bool stopped = false;
        nodes_[i]->stop([&](quorate::error_code) { stopped = true; });
        run_until(stopped);
    }

private:
    void run_until(const bool& done) {
        while (!done) {
            io_.run_one();
        }
    }

    quorate::loopback_network network_;
    boost::asio::io_context io_{1};
    std::array<std::unique_ptr<node>, 3> nodes_;
};

} // namespace

int main() {
    group members;
    if (!members.start() || !members.put(0, "city", "Ghent")) {
        return EXIT_FAILURE;
    }
    std::cout << "member 3 reads " << members.get(2, "city") << '\n';
    const std::size_t lost = members.leader();
    std::cout << "member " << lost + 1 << ", the leader, stops\n";
    members.stop(lost);
    const std::size_t next = (lost + 1) % 3;
    const std::size_t last = (lost + 2) % 3;
    if (!members.put(next, "city", "Bruges")) {
        return EXIT_FAILURE;
    }
    const std::string read = members.get(last, "city");
    std::cout << "member " << last + 1 << " reads " << read << '\n';
    members.stop(next);
    members.stop(last);
    return read == "Bruges" ? EXIT_SUCCESS : EXIT_FAILURE;
}
