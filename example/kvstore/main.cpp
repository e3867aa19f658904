// kvstore: a replicated, durable key-value store over HTTP, and the tutorial of the assembly.
//
// A member is three objects on one thread: a node (consensus, log, store and transport, chosen by
// its policies; here the defaults), an HTTP server, and the routes that join them.
//   options.cpp  the command line
//   node.cpp     the node's templates, compiled once
//   routes.cpp   what each method means
//   main.cpp     start, run, end
#include <quorate/http/server.hpp>
#include <quorate/server/descriptors.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>

#include <csignal>
#include <cstdlib>
#include <iostream>
#include <string>

#include "options.hpp"
#include "routes.hpp"

namespace {

using quorate::error_code;

void print(quorate::severity level, const std::string& text) {
    static constexpr const char* names[] = {"info", "warning", "error"};
    std::cerr << names[static_cast<int>(level)] << ": " << text << std::endl;
}

/// One member, from start to end.
class member {
public:
    explicit member(const kvstore::options& options)
        : options_(options),
          context_(1),
          node_(here_, options.node),
          routes_(context_, node_, options.hosts),
          server_(here_, options.http,
                  [this](quorate::http::exchange asked) { routes_.serve(std::move(asked)); }),
          signals_(context_) {}

    // [run
    int run() {
        // A full disk or a closed terminal must end as an error, not as a signal.
        std::signal(SIGPIPE, SIG_IGN);
        std::signal(SIGXFSZ, SIG_IGN);
        quorate::raise_descriptor_limit();
        if (const error_code failed = node_.start([this](error_code why) { on_ended(why); })) {
            print(quorate::severity::error, node_.explanation());
            return EXIT_FAILURE;
        }
        if (const error_code failed = server_.start()) {
            print(quorate::severity::error, "cannot listen for clients on port " +
                                                std::to_string(options_.http.port) + ": " +
                                                failed.message());
            return EXIT_FAILURE;
        }
        signals_.add(SIGINT);
        signals_.add(SIGTERM);
        signals_.async_wait([this](const error_code& cancelled, int) {
            if (!cancelled) {
                print(quorate::severity::info, "stopping: finishing what was begun");
                node_.transfer_leadership();
                finish();
            }
        });
        print(quorate::severity::info,
              "ready: serving clients on port " + std::to_string(server_.port()));
        context_.run();
        return status_;
    }
    // run]

private:
    // The node cannot go on: it was removed from the group, or its disk failed.
    void on_ended(error_code why) {
        const bool removed = why == quorate::errc::member_removed;
        status_ = removed ? EXIT_SUCCESS : EXIT_FAILURE;
        print(removed ? quorate::severity::info : quorate::severity::error,
              "stopping: " + why.message());
        finish();
    }

    void finish() {
        if (finishing_) {
            return;
        }
        finishing_ = true;
        server_.drain(std::chrono::seconds(10), [this] {
            node_.stop([this](error_code) {
                signals_.cancel();
                context_.stop();
            });
        });
    }

    kvstore::options options_;
    boost::asio::io_context context_;
    quorate::asio_context here_ = quorate::asio_context::of_one_thread(context_);
    kvstore::node node_;
    kvstore::routes routes_;
    quorate::http::server server_;
    boost::asio::signal_set signals_;
    int status_ = EXIT_SUCCESS;
    bool finishing_ = false;
};

} // namespace

int main(int argc, char** argv) {
    kvstore::options options;
    switch (kvstore::parse(argc, argv, options)) {
    case kvstore::next_step::exit_well: return EXIT_SUCCESS;
    case kvstore::next_step::exit_badly: return 2;
    case kvstore::next_step::serve: break;
    }
    options.node.log = &print;
    return member(options).run();
}
