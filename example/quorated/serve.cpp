// The subcommand `serve`: what it is told becomes what the library is told.
#include "serve.hpp"

#include <quorate/http/server_options.hpp>
#include <quorate/net/peer_address.hpp>
#include <quorate/server/log_line_sink.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <optional>
#include <string>
#include <vector>

#include "command_table.hpp"
#include "encryption.hpp"
#include "flag_values.hpp"
#include "joining.hpp"
#include "member_process.hpp"
#include "status_page.hpp"

extern char** environ;

namespace quorated {
namespace {

std::vector<std::string> environment() {
    std::vector<std::string> lines;
    for (char** one = environ; *one != nullptr; ++one) {
        lines.emplace_back(*one);
    }
    return lines;
}

void set_node(const serve_options& told, quorate::node_options& node) {
    node.id = told.id;
    node.cluster = told.cluster;
    node.join = told.join;
    for (const initial_member& m : told.initial_cluster) {
        node.initial_members.emplace_back(m.id, m.peer_urls, m.name);
    }
    for (const endpoint& one : told.listen_peer) {
        node.peer_url.append(node.peer_url.empty() ? "" : ",").append(one.text);
    }
    for (const std::string& url : told.advertise_peer_urls) {
        node.announced_peer_urls.append(node.announced_peer_urls.empty() ? "" : ",").append(url);
    }
    node.peer_certificates_name_members = told.peer_cert_names_member;
    node.name = told.name;
    node.client_urls = told.advertise_client_urls;
    node.data_directory = told.data_dir;
    node.wal_directory = told.wal_dir;
    node.snapshots_kept = told.max_snapshots;
    node.wal_files_kept = told.max_wals;
    // A directory that is there may have been started with flags that are left out now.
    node.labels.token = told.token_given || !told.identified ? told.cluster_token : "";
    node.labels.name = told.name_given || !told.identified ? told.name : "";
    node.force_new_group = told.force_new_cluster;
    node.accept_data_loss = told.accept_data_loss;
    node.tick_interval = told.heartbeat;
    node.engine.election_ticks =
        static_cast<std::uint32_t>(std::max<std::int64_t>(2, told.election / told.heartbeat));
    node.engine.pre_vote = told.pre_vote;
    node.leader_wait = 2 * told.election;
    node.request_timeout = std::chrono::seconds(5) + 2 * told.election;
    node.request_bytes_max = told.max_request_bytes;
    node.pending_bytes_max = told.max_pending_bytes;
    node.snapshot_bytes_max = told.max_snapshot_bytes;
    node.database_bytes_max = told.max_database_bytes;
    node.snapshot_entries = told.snapshot_count;
    node.slow_request = std::chrono::duration_cast<std::chrono::milliseconds>(told.slow_request);
    node.catch_up_entries = std::min<std::uint64_t>(told.snapshot_count, node.catch_up_entries);
}

/// Returns: whether any output is a file, which somebody may move away.
bool writes_files(const quorate::log_settings& log) {
    return std::any_of(log.outputs.begin(), log.outputs.end(), [](const std::string& name) {
        return name != "stderr" && name != "stdout";
    });
}

/// Returns: the names under which a browser may have opened this member's page.
std::vector<std::string> own_hosts(const serve_options& told) {
    std::vector<std::string> names;
    char name[256] = {};
    if (::gethostname(name, sizeof(name) - 1) == 0) {
        names.emplace_back(name);
    }
    for (const std::string& url : told.advertise_client_urls) {
        if (const auto parsed = quorate::parse_peer_url(url)) {
            names.push_back(parsed->host);
        }
    }
    return names;
}

/// Returns: why a door cannot be opened; empty: each can, as far as a trial shows.
std::string problem_of_doors(const std::vector<endpoint>& all, const std::string& what) {
    for (const endpoint& where : all) {
        boost::asio::io_context unused;
        boost::asio::ip::tcp::acceptor trial(unused);
        boost::system::error_code failed;
        const auto address = boost::asio::ip::make_address(where.listen_address(), failed);
        const boost::asio::ip::tcp::endpoint place(address, where.port);
        if (!failed) {
            trial.open(place.protocol(), failed);
        }
        if (!failed) {
            trial.set_option(boost::asio::socket_base::reuse_address(true), failed);
        }
        if (!failed) {
            trial.bind(place, failed);
        }
        if (failed) {
            return "cannot listen for " + what + " at " + where.text + ": " + failed.message();
        }
    }
    return "";
}

/// Returns: why this member cannot take part; empty: it can.
std::string settle_cluster(serve_options& told) {
    for (const std::string& problem :
         {problem_of_doors(told.listen_peer, "peers"),
          problem_of_doors(told.listen_client, "clients"),
          problem_of_doors(told.listen_metrics, "health and metrics")}) {
        if (!problem.empty()) {
            return problem;
        }
    }
    if (told.join && !told.has_state) {
        return join_cluster(told);
    }
    return told.identified ? "" : why_not_begin(told);
}

} // namespace

quorate::service_options service_options_of(const serve_options& told) {
    quorate::service_options options;
    set_node(told, options.node);
    options.quota_bytes = told.quota_backend_bytes;
    options.snapshot_streams_max = told.max_snapshot_streams;
    options.limits.request_bytes_max = told.max_request_bytes;
    options.limits.txn_ops_max = told.max_txn_ops;
    options.tokens.ttl = told.auth_token_ttl;
    options.password_cost = static_cast<int>(told.bcrypt_cost);
    using std::chrono::duration_cast;
    using std::chrono::milliseconds;
    options.watch_progress_interval = duration_cast<milliseconds>(told.watch_progress_interval);
    options.corrupt_check_interval = duration_cast<milliseconds>(told.corrupt_check_time);
    options.strict_reconfig_check = told.strict_reconfig_check;
    if (told.compaction == compaction_mode::periodic) {
        options.compaction.keep_time = duration_cast<milliseconds>(told.compaction_period);
    } else if (told.compaction == compaction_mode::revision) {
        options.compaction.keep_revisions = told.compaction_revisions;
    }
    return options;
}

quorate::json_api_options api_options_of(const serve_options& told) {
    quorate::json_api_options options;
    options.dialect = told.error_dialect == dialect::etcd_3_6
                          ? quorate::gateway::error_dialect::etcd_3_6
                          : quorate::gateway::error_dialect::etcd_3_4;
    options.cors = told.cors;
    options.host_whitelist = told.host_whitelist;
    options.own_hosts = own_hosts(told);
    options.users_from_certificates = told.client_tls.client_cert_auth;
    options.status_page = status_page();
    options.make_digest = &make_digest;
    if (told.error_dialect == dialect::etcd_3_6) {
        options.version = "3.6.0";
    }
    return options;
}

quorate::http::server_options http_options_of(const serve_options& told, const endpoint& where) {
    quorate::http::server_options options;
    options.address = where.listen_address();
    options.port = where.port;
    options.body_bytes_max = told.body_bytes_max();
    options.connections_max = told.max_connections;
    options.streams_max = told.max_concurrent_streams;
    options.held_bytes_max = told.max_unfinished_bytes;
    options.idle_timeout = told.client_idle_timeout;
    options.drain_grace = told.shutdown_grace;
    return options;
}

bool environment_has_flags() {
    flag_values values;
    add_environment(environment(), values);
    return !values.given.empty();
}

int serve(std::span<const char* const> arguments) {
    std::optional<int> ended;
    const std::vector<std::string> lines = environment();
    serve_options told = parse_serve(arguments, lines, ended);
    if (ended.has_value()) {
        return *ended;
    }
    quorate::log_line_sink log(told.log);
    std::string unopened;
    if (const quorate::error_code failed = log.open(&unopened)) {
        std::cerr << "quorated: cannot write the log: " << unopened << '\n';
        return EXIT_FAILURE;
    }
    const auto say = [&log](quorate::severity level, const std::string& text) {
        static constexpr quorate::log_level levels[] = {
            quorate::log_level::info, quorate::log_level::warn, quorate::log_level::error};
        log.say(levels[static_cast<int>(level)], text);
    };
    for (const std::string& warning : told.warnings) {
        say(quorate::severity::warning, warning);
    }
    if (const std::string problem = settle_cluster(told); !problem.empty()) {
        say(quorate::severity::error, problem);
        return EXIT_FAILURE;
    }
    member_log member_output{.say = say};
    if (writes_files(told.log)) {
        member_output.reopen = [&log, &say] {
            std::string which;
            const bool failed = static_cast<bool>(log.open(&which));
            say(failed ? quorate::severity::error : quorate::severity::info,
                failed ? "cannot open the log anew: " + which : "log files are open anew");
        };
    }
    return told.backend == backend_kind::lmdb ? serve_lmdb(told, member_output)
                                              : serve_memory(told, member_output);
}

} // namespace quorated
