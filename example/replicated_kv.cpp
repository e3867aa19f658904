// A replicated, durable key-value store: three processes, puts and gets from standard input.
//   replicated_kv DIRECTORY [ID [PORT]]     ID is 1, 2 or 3; members listen at PORT + ID
#include <quorate/node.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <sstream>
#include <string>

namespace asio = boost::asio;

// [program
asio::awaitable<void> serve(quorate::basic_node<>& node, asio::posix::stream_descriptor input) {
    constexpr auto outcome = asio::as_tuple(asio::use_awaitable);
    for (std::string typed;;) {
        const auto [ended, size] =
            co_await asio::async_read_until(input, asio::dynamic_buffer(typed), '\n', outcome);
        if (ended) {
            break;
        }
        std::string verb, key, value;
        std::istringstream(typed.substr(0, size)) >> verb >> key >> value;
        typed.erase(0, size);
        if (verb == "put") {
            const auto [failed, revision] = co_await node.async_put(key, value, outcome);
            std::cout << (failed ? failed.message() : std::to_string(revision)) << std::endl;
        } else {
            const auto [failed, found] = co_await node.async_get(key, outcome);
            std::cout << (failed  ? failed.message()
                          : found ? found->value.view()
                                  : "-")
                      << std::endl;
        }
    }
    co_await node.async_stop(asio::use_awaitable);
}

int main(int argc, char** argv) {
    const std::uint64_t port = argc > 3 ? std::stoul(argv[3]) : 23790;
    quorate::node_options options;
    for (std::uint64_t id = 1; id <= 3; ++id) {
        options.initial_members.push_back(
            {quorate::node_id(id), "http://127.0.0.1:" + std::to_string(port + id)});
    }
    options.id = quorate::node_id(argc > 2 ? std::stoul(argv[2]) : 1);
    options.data_directory = argc > 1 ? argv[1] : "replicated_kv.data";
    asio::io_context io;
    quorate::basic_node<> node(io, options);
    if (node.start()) {
        std::cerr << node.explanation() << '\n';
        return EXIT_FAILURE;
    }
    asio::co_spawn(node.get_executor(), serve(node, {io, ::dup(STDIN_FILENO)}), asio::detached);
    io.run();
}
// program]
