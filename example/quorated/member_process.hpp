// One member of a cluster as a process: service, front doors and signals on one thread.
#ifndef QUORATED_MEMBER_PROCESS_HPP
#define QUORATED_MEMBER_PROCESS_HPP

#include <quorate/http/server.hpp>
#include <quorate/json_api.hpp>
#include <quorate/server/activity_counter.hpp>
#include <quorate/server/descriptors.hpp>
#include <quorate/server/server_metrics.hpp>
#include <quorate/service.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "encryption.hpp"
#include "member_metrics.hpp"
#include "serve.hpp"
#include "serve_options.hpp"

namespace quorated {

using say_function = std::function<void(quorate::severity, const std::string&)>;

/// Returns: what the service is told, of what the command line says.
[[nodiscard]] quorate::service_options service_options_of(const serve_options& told);
[[nodiscard]] quorate::json_api_options api_options_of(const serve_options& told);
[[nodiscard]] quorate::http::server_options http_options_of(const serve_options& told,
                                                            const endpoint& where);

/// Requests under way have so long to be answered when the process is told to end. Unfinished
/// requests, and clients that do not read, have --shutdown-grace.
inline constexpr std::chrono::seconds drain_limit{10};

template <class Policies>
class member_process {
public:
    member_process(const serve_options& told, const member_log& log)
        : told_(told),
          say_(log.say),
          reopen_log_(log.reopen),
          service_(here_, options_with_log()),
          api_(service_, options_with_counts()),
          signals_(context_),
          hangups_(context_) {
        service_.observe(&activity_);
    }

    /// Returns: the exit status, when all is over.
    int run() {
        std::signal(SIGPIPE, SIG_IGN); // a closed terminal ends as an error, not as a signal
        std::signal(SIGXFSZ, SIG_IGN); // so does a file that may not grow
        raise_descriptors();
        encrypt(); // before the member takes part
        if (!problem_.empty()) {
            say_(quorate::severity::error, problem_);
            return EXIT_FAILURE;
        }
        if (service_.start([this](quorate::error_code why) { on_ended(why); })) {
            say_(quorate::severity::error, service_.node().explanation());
            return EXIT_FAILURE;
        }
        open_when_known(looks_max);
        tend();
        if (reopen_log_) {
            hangups_.add(SIGHUP);
            await_hangup();
        }
        signals_.add(SIGINT);
        signals_.add(SIGTERM);
        signals_.async_wait([this](const quorate::error_code& cancelled, int) {
            if (!cancelled) {
                say_(quorate::severity::info, "stopping: finishing what was begun");
                // Clients and peers find the next leader at work when this member goes.
                service_.node().transfer_leadership([this](quorate::error_code) { finish(); });
            }
        });
        context_.run();
        return status_;
    }

private:
    using api_type = quorate::json_api<quorate::basic_service<Policies>>;
    static constexpr int looks_max = 150;     // three seconds of them
    static constexpr int last_looks_max = 50; // one second
    static constexpr int comparisons_max = 15;

    quorate::service_options options_with_log() {
        quorate::service_options options = service_options_of(told_);
        options.node.log = say_;
        options.node.metrics = &counts_;
        if (!told_.peer_tls.cert_file.empty()) {
            options.node.peer_security =
                open_encryption(told_.peer_tls, encryption_log_of("of members "), problem_);
        }
        return options;
    }

    quorate::json_api_options options_with_counts() {
        quorate::json_api_options options = api_options_of(told_);
        options.metrics = [this, version = options.version] {
            quorate::server_readings now = readings_of(service_, version);
            now.client_received_bytes = traffic_->bytes_received;
            now.client_sent_bytes = traffic_->bytes_sent;
            return counts_.text(now, told_.extensive_metrics);
        };
        options.checked = [this](bool well) {
            (well ? counts_.health_successes : counts_.health_failures).add();
        };
        options.began = [this](quorate::gateway::api_call what) { calls_.began(what); };
        options.ended = [this](quorate::gateway::api_call what, quorate::gateway::grpc_code code,
                               std::chrono::nanoseconds took) {
            calls_.ended(what, static_cast<unsigned>(code), took);
        };
        return options;
    }

    /// Counts what the node tells.
    class activity final : public quorate::node_observer<quorate::reply> {
    public:
        explicit activity(quorate::server_metrics& into) : counter_(into) {}
        void on_applied(quorate::log_index, const quorate::reply& done) override {
            counter_.applied(done);
        }
        void on_role(const quorate::soft_state& soft, quorate::term_id) override {
            counter_.role(soft);
        }

    private:
        quorate::activity_counter counter_;
    };

    using door = void (api_type::*)(quorate::http::exchange);

    /// Effects: opens as many descriptors to clients as the system allows, and logs if they are
    /// few.
    void raise_descriptors() {
        const std::size_t all = quorate::raise_descriptor_limit();
        const std::size_t clients = quorate::client_descriptors(all);
        if (clients < told_.max_connections) {
            say_(quorate::severity::info,
                 "the limit of " + std::to_string(all) + " file descriptors allows " +
                     std::to_string(clients) + " connections of clients, fewer than the " +
                     std::to_string(told_.max_connections) + " of --max-connections");
        }
    }

    quorate::http::server_options http_options(const endpoint& where) {
        quorate::http::server_options options = http_options_of(told_, where);
        options.is_vital = &api_type::is_vital;
        options.refusal = [this](const quorate::http::request& asked, unsigned status,
                                 std::string_view why) { return api_.refusal(asked, status, why); };
        options.log = [this](const std::string& line) { say_(quorate::severity::warning, line); };
        return options;
    }

    bool listen() {
        return open_doors(told_.listen_client, &api_type::serve, "clients") &&
               open_doors(told_.listen_metrics, &api_type::serve_checks_only, "health and metrics");
    }

    bool open_doors(const std::vector<endpoint>& all, door serve, const std::string& what) {
        for (const endpoint& where : all) {
            auto& server = servers_.emplace_back(
                here_, http_options(where),
                [this, serve](quorate::http::exchange asked) { (api_.*serve)(std::move(asked)); },
                where.tls ? encryption_ : nullptr, traffic_);
            if (const quorate::error_code failed = server.start()) {
                say_(quorate::severity::error,
                     "cannot listen for " + what + " at " + where.text + ": " + failed.message());
                return false;
            }
            say_(quorate::severity::info, "ready: serving " + what + " at " + where.text +
                                              ", port " + std::to_string(server.port()));
        }
        return true;
    }

    /// Effects: reads the certificates that clients are shown. Errors: a sentence in problem_.
    void encrypt() {
        const auto is_encrypted = [](const endpoint& where) { return where.tls; };
        if (problem_.empty() && (std::ranges::any_of(told_.listen_client, is_encrypted) ||
                                 std::ranges::any_of(told_.listen_metrics, is_encrypted))) {
            encryption_ = open_encryption(told_.client_tls, encryption_log_of(""), problem_);
        }
    }

    [[nodiscard]] encryption_log encryption_log_of(std::string whose) const {
        encryption_log log;
        log.reloaded = [this, whose = std::move(whose)](quorate::error_code failed) {
            say_(failed ? quorate::severity::error : quorate::severity::info,
                 failed ? "changed certificates " + whose + "cannot be used: " + failed.message()
                        : "changed certificates " + whose + "are in use");
        };
        log.warned = [this](const std::string& text) { say_(quorate::severity::warning, text); };
        return log;
    }

    // Clients are let in once the others know who this is, as they ask for just that; a member that
    // finds no leader lets them in all the same, to say so.
    void open_when_known(int looks_left) {
        const auto& options = service_.options().node;
        const quorate::member_info* self = service_.node().members().find(options.id);
        const bool known = self != nullptr && self->name == options.name &&
                           self->client_urls == options.client_urls;
        if (known || looks_left == 0) {
            told_.initial_corrupt_check ? compare_first(comparisons_max) : let_in();
            return;
        }
        pause_.expires_after(std::chrono::milliseconds(20));
        pause_.async_wait([this, looks_left](const quorate::error_code& cancelled) {
            if (!cancelled && !finishing_) {
                open_when_known(looks_left - 1);
            }
        });
    }

    void let_in() {
        if (!listen()) {
            status_ = EXIT_FAILURE;
            finish();
        }
    }

    // Others may not be connected yet, or not have got so far; those that stay away are left out.
    void compare_first(int rounds_left) {
        service_.compare_states([this, rounds_left](const quorate::state_comparison& found) {
            if (finishing_) {
                return;
            }
            const std::size_t all = service_.node().members().size();
            const std::size_t others = all == 0 ? 0 : all - 1;
            if (!found.differing.empty()) {
                status_ = EXIT_FAILURE;
                say_(quorate::severity::error,
                     "stopping: the state here is another one than that of member " +
                         std::to_string(found.differing.front().value()) +
                         " at the same revision; one of the two is corrupt");
                finish();
            } else if (found.compared < others && rounds_left > 0) {
                pause_.expires_after(std::chrono::milliseconds(200));
                pause_.async_wait([this, rounds_left](const quorate::error_code& cancelled) {
                    if (!cancelled && !finishing_) {
                        compare_first(rounds_left - 1);
                    }
                });
            } else {
                say_(quorate::severity::info, "the state is that of " +
                                                  std::to_string(found.compared) + " of " +
                                                  std::to_string(others) + " other members");
                let_in();
            }
        });
    }

    // Streams of clients that want a leader end some time after it was lost.
    void tend() {
        const auto& node = service_.options().node;
        tending_.expires_after(node.tick_interval * node.engine.election_ticks / 2);
        tending_.async_wait([this](const quorate::error_code& cancelled) {
            if (!cancelled && !finishing_) {
                api_.tend_streams();
                tend();
            }
        });
    }

    void await_hangup() {
        hangups_.async_wait([this](const quorate::error_code& cancelled, int) {
            if (!cancelled) {
                reopen_log_();
                await_hangup();
            }
        });
    }

    // The node cannot go on: it was removed from the cluster, or its disk failed.
    void on_ended(quorate::error_code why) {
        const bool removed = why == quorate::errc::member_removed;
        status_ = removed ? EXIT_SUCCESS : EXIT_FAILURE;
        say_(removed ? quorate::severity::info : quorate::severity::error,
             "stopping: " + why.message());
        finish();
    }

    void finish() {
        if (std::exchange(finishing_, true)) {
            return;
        }
        pause_.cancel();
        tending_.cancel();
        api_.close_streams();
        open_doors_ = servers_.size();
        for (quorate::http::server& one : servers_) {
            one.drain(drain_limit, [this] {
                if (--open_doors_ == 0) {
                    leave();
                }
            });
        }
        if (servers_.empty()) {
            leave();
        }
    }
    // What was given up on behalf of clients is proposed, and shall arrive: but not at any price.
    void leave(int looks_left = last_looks_max) {
        const quorate::node_status node = service_.node().status();
        if (looks_left > 0 && node.requests > 0 && !node.ended) {
            pause_.expires_after(std::chrono::milliseconds(20));
            pause_.async_wait(
                [this, looks_left](const quorate::error_code&) { leave(looks_left - 1); });
            return;
        }
        service_.stop([this](quorate::error_code) {
            signals_.cancel();
            hangups_.cancel();
            context_.stop();
        });
    }

    serve_options told_;
    say_function say_;
    std::function<void()> reopen_log_;
    std::string problem_; ///< Why it cannot start; empty: nothing is known yet.
    quorate::server_metrics counts_;
    call_counter calls_{counts_};
    activity activity_{counts_};
    boost::asio::io_context context_{1};
    quorate::asio_context here_ = quorate::asio_context::of_one_thread(context_);
    quorate::basic_service<Policies> service_;
    api_type api_;
    /// Of all client URLs together.
    std::shared_ptr<quorate::http::traffic> traffic_ = std::make_shared<quorate::http::traffic>();
    std::deque<quorate::http::server> servers_;
    boost::asio::signal_set signals_;
    boost::asio::signal_set hangups_; ///< Without any signal where there are no log files.
    std::size_t open_doors_ = 0;
    int status_ = EXIT_SUCCESS;
    bool finishing_ = false;
    std::shared_ptr<quorate::secure_layer> encryption_;
    boost::asio::steady_timer pause_{context_};
    boost::asio::steady_timer tending_{context_};
};

} // namespace quorated

#endif
