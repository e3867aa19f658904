// [program
// A durable key-value store inside a program: one member, no peers, one directory.
//   embed_solo [DIRECTORY]     counts how often it was started there
#include <quorate/quorate.hpp>

#include <boost/asio/io_context.hpp>

#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <string>

// An engine that needs no votes and a wire that leads nowhere; the rest as in every node.
struct embedded : quorate::default_policies {
    using consensus = quorate::solo;
    using transport = quorate::no_transport;
};

bool count_a_start(const std::filesystem::path& directory) {
    boost::asio::io_context io(1);
    quorate::node_options options;
    options.id = quorate::node_id(1);
    options.initial_members = {{options.id, "nowhere"}};
    options.data_directory = directory;
    quorate::basic_node<embedded> node(io, options);
    if (node.start()) {
        std::cerr << node.explanation() << '\n';
        return false;
    }
    std::string starts;
    bool well = false;
    node.read([&](quorate::error_code) { // the state is as recovered now
        const auto before = node.machine().get("starts");
        starts = (before ? std::string(before->value.view()) : "") + "|";
        node.submit(quorate::put{.key = "starts", .value = starts},
                    [&](quorate::error_code failed, const quorate::reply& reply) {
                        well = !failed && !reply.error(); // and durable
                        std::cout << starts << " at revision " << reply.header.revision << '\n';
                        node.stop([](quorate::error_code) {});
                    });
    });
    io.run();
    return well;
}

int main(int argc, char** argv) {
    namespace fs = std::filesystem;
    const fs::path directory = argc > 1 ? argv[1] : fs::temp_directory_path() / "quorate_embedded";
    return count_a_start(directory) && count_a_start(directory) ? EXIT_SUCCESS : EXIT_FAILURE;
}
// program]
