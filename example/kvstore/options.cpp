#include "options.hpp"

#include <quorate/net/peer_address.hpp>
#include <quorate/server/cluster_token.hpp>
#include <quorate/version.hpp>

#include <boost/algorithm/string/classification.hpp>
#include <boost/algorithm/string/split.hpp>
#include <boost/program_options.hpp>

#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <iostream>
#include <set>
#include <stdexcept>
#include <vector>

namespace kvstore {
namespace {

namespace po = boost::program_options;

struct raw_options {
    std::int64_t id = 1;
    std::string cluster = "http://127.0.0.1:9021";
    std::string token = "kvstore";
    std::int64_t port = 9121;
    std::string address = "127.0.0.1";
    std::string host_whitelist;
    bool join = false;
    bool accept_data_loss = false;
    bool force_new_cluster = false;
    std::string data_dir;
    std::int64_t snapshot_count = 100'000;
    std::int64_t max_request_bytes = 1'572'864;
    std::int64_t heartbeat_ms = 100;
    std::int64_t election_ms = 1000;
    std::int64_t request_timeout_ms = 7000;
};

po::options_description describe(raw_options& raw) {
    po::options_description all("Options");
    const auto text = [](std::string& place) {
        return po::value(&place)->default_value(place)->value_name("TEXT");
    };
    const auto number = [](std::int64_t& place) {
        return po::value(&place)->default_value(place)->value_name("N");
    };
    auto add = all.add_options();
    add("help,h", "print this and exit");
    add("version", "print the version and exit");
    add("id", number(raw.id), "this member's number: its place in --cluster, from 1");
    add("cluster", text(raw.cluster), "peer URLs of all members, separated by commas");
    add("cluster-token", text(raw.token), "name of the cluster; other clusters are refused");
    add("port", number(raw.port), "where clients connect; 0 takes any free port");
    add("listen-address", text(raw.address), "numeric address to listen on for clients");
    add("host-whitelist", text(raw.host_whitelist),
        "host names that requests may be for, separated by commas, beside addresses, localhost, "
        "this machine's name and those of --cluster; *: all");
    add("join", po::bool_switch(&raw.join),
        "join a cluster that exists and was told of this member (POST /<id>)");
    add("data-dir", po::value(&raw.data_dir)->value_name("DIR"),
        "where log and snapshots live (default: kvstore-<id>)");
    add("accept-data-loss", po::bool_switch(&raw.accept_data_loss),
        "start from what a damaged log still holds; for the only copy there is");
    add("force-new-cluster", po::bool_switch(&raw.force_new_cluster),
        "remove all other members for good and go on alone; for a quorum that is lost for good");
    add("snapshot-count", number(raw.snapshot_count), "applied entries between two snapshots");
    add("max-request-bytes", number(raw.max_request_bytes), "largest value");
    add("heartbeat-interval", number(raw.heartbeat_ms), "milliseconds between heartbeats");
    add("election-timeout", number(raw.election_ms),
        "milliseconds without a leader before an election; at least twice the heartbeat");
    add("request-timeout", number(raw.request_timeout_ms),
        "milliseconds before the outcome of a request is given up");
    return all;
}

void require(bool condition, const std::string& complaint) {
    if (!condition) {
        throw std::invalid_argument(complaint);
    }
}

std::vector<quorate::member_info> members_of(const std::string& cluster) {
    std::vector<std::string> urls;
    boost::algorithm::split(urls, cluster, boost::algorithm::is_any_of(","));
    std::vector<quorate::member_info> members;
    std::set<std::string> seen;
    for (const std::string& url : urls) {
        const auto address = quorate::parse_peer_url(url);
        require(address && !address->secure,
                "--cluster: '" + url + "' is not a URL of the form http://HOST:PORT");
        require(seen.insert(quorate::canonical_peer_url(url)).second,
                "--cluster: lists the peer URL '" + url + "' twice");
        members.push_back({quorate::node_id(members.size() + 1), quorate::with_small_scheme(url)});
    }
    return members;
}

/// Returns: the names in Host that lead to this member for sure.
std::vector<std::string> hosts_of(const raw_options& raw, const quorate::member_info& self) {
    std::vector<std::string> names;
    boost::algorithm::split(names, raw.host_whitelist, boost::algorithm::is_any_of(","));
    char name[256] = {};
    if (::gethostname(name, sizeof(name) - 1) == 0) {
        names.emplace_back(name);
    }
    for (const std::string& url : self.peer_urls) {
        names.push_back(quorate::parse_peer_url(url)->host);
    }
    std::erase(names, std::string());
    return names;
}

options translate(const raw_options& raw) {
    options out;
    out.node.initial_members = members_of(raw.cluster);
    const auto count = static_cast<std::int64_t>(out.node.initial_members.size());
    require(raw.id >= 1 && raw.id <= count,
            "--id must be from 1 to " + std::to_string(count) + ", the number of --cluster URLs");
    require(!raw.join || !raw.force_new_cluster,
            "--force-new-cluster makes a cluster of a member that has data, and --join gives it to "
            "one that has none: use one of them");
    require(raw.port >= 0 && raw.port <= 65'535, "--port must be from 0 to 65535");
    require(raw.snapshot_count > 0, "--snapshot-count must be positive");
    require(raw.max_request_bytes > 0 && raw.max_request_bytes <= (512 << 20),
            "--max-request-bytes must be from 1 to 536870912");
    require(raw.heartbeat_ms > 0 && raw.heartbeat_ms <= 60'000,
            "--heartbeat-interval must be from 1 to 60000");
    require(raw.election_ms >= 2 * raw.heartbeat_ms && raw.election_ms <= 600'000,
            "--election-timeout must be from twice the heartbeat interval to 600000");
    require(raw.request_timeout_ms > 0, "--request-timeout must be positive");

    out.node.id = quorate::node_id(static_cast<std::uint64_t>(raw.id));
    out.node.cluster = quorate::cluster_of_token(raw.token);
    out.hosts = hosts_of(raw, out.node.initial_members[static_cast<std::size_t>(raw.id - 1)]);
    out.node.peer_url =
        out.node.initial_members[static_cast<std::size_t>(raw.id - 1)].peer_urls.front();
    out.node.announced_peer_urls = out.node.peer_url;
    out.node.join = raw.join;
    out.node.accept_data_loss = raw.accept_data_loss;
    out.node.force_new_group = raw.force_new_cluster;
    out.node.labels.token = raw.token;
    // The others know by these that this member has taken part.
    out.node.name = "kvstore-" + std::to_string(raw.id);
    out.node.client_urls = {"http://" + raw.address + ":" + std::to_string(raw.port)};
    out.node.data_directory =
        raw.data_dir.empty() ? "kvstore-" + std::to_string(raw.id) : raw.data_dir;
    out.node.tick_interval = std::chrono::milliseconds(raw.heartbeat_ms);
    out.node.engine.election_ticks = static_cast<std::uint32_t>(raw.election_ms / raw.heartbeat_ms);
    out.node.leader_wait = std::chrono::milliseconds(2 * raw.election_ms);
    out.node.request_timeout = std::chrono::milliseconds(raw.request_timeout_ms);
    out.node.snapshot_entries = static_cast<std::uint64_t>(raw.snapshot_count);
    out.node.catch_up_entries = std::min(out.node.snapshot_entries, out.node.catch_up_entries);
    // The limit that clients meet is the one on the body; the command adds the key to it.
    const auto body_bytes_max = static_cast<std::uint64_t>(raw.max_request_bytes);
    out.node.request_bytes_max = body_bytes_max + out.http.head_bytes_max + 1024;
    out.node.pending_bytes_max =
        std::max(out.node.pending_bytes_max, 2 * out.node.request_bytes_max);

    out.http.address = raw.address;
    out.http.port = static_cast<std::uint16_t>(raw.port);
    out.http.body_bytes_max = body_bytes_max;
    return out;
}

} // namespace

next_step parse(int argc, const char* const* argv, options& out) {
    raw_options raw;
    const po::options_description all = describe(raw);
    try {
        po::variables_map given;
        // Nothing may follow that is not an option, and no option may be abbreviated.
        const int style =
            po::command_line_style::unix_style ^ po::command_line_style::allow_guessing;
        po::store(
            po::command_line_parser(argc, argv).options(all).positional({}).style(style).run(),
            given);
        po::notify(given);
        if (given.count("help") != 0) {
            std::cout << "Usage: kvstore [options]\n\n"
                         "One member of a replicated, durable key-value store over HTTP:\n"
                         "  PUT /key     stores the body; 204 once it is committed and applied\n"
                         "  GET /key     200 with the bytes, or 404; linearizable on any member\n"
                         "  POST /<id>   adds the member whose peer URL is the body\n"
                         "  DELETE /<id> removes a member\n\n"
                      << all;
            return next_step::exit_well;
        }
        if (given.count("version") != 0) {
            std::cout << "kvstore " << QUORATE_VERSION_STRING << '\n';
            return next_step::exit_well;
        }
        out = translate(raw);
        return next_step::serve;
    } catch (const std::exception& wrong) {
        std::cerr << "kvstore: " << wrong.what() << "\nkvstore: see kvstore --help\n";
        return next_step::exit_badly;
    }
}

} // namespace kvstore
