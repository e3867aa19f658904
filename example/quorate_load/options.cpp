#include "options.hpp"

#include <quorate/version.hpp>

#include <boost/algorithm/string/classification.hpp>
#include <boost/algorithm/string/split.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/program_options.hpp>

#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <iostream>
#include <limits>
#include <stdexcept>
#include <string_view>

#include "stamped_value.hpp"

namespace quorate_load {
namespace {

namespace po = boost::program_options;
using boost::asio::ip::tcp;

struct raw_options {
    std::string api = "kvstore";
    std::string endpoints;
    std::int64_t connections = 64;
    std::int64_t clients = 0;
    std::int64_t threads = 1;
    double rate = 0;
    std::int64_t total = 0;
    double duration = 0;
    double warmup = 0;
    double timeout = 10;
    std::int64_t key_size = 16;
    std::int64_t value_size = 256;
    std::int64_t key_space = 10'000;
    std::int64_t seed = 1;
    std::string workload = "put";
    double mix = 0.5;
    std::string progress = "auto";
};

const char* const about =
    "Usage: quorate_load [options]\n\n"
    "Asks a server as fast as it answers, measures, and checks every answer. Each client sends "
    "its\n"
    "next request when it has the answer to the last one. A GET has to answer with a value that "
    "was\n"
    "written to that key, and none older than what was acknowledged before the GET began.\n"
    "Exit status: 0, 1 when an answer was wrong or none came, 2 when the options are wrong.\n\n";

template <class T>
po::typed_value<T>* given(T& place, const char* name) {
    return po::value(&place)->default_value(place)->value_name(name);
}

po::options_description describe(raw_options& raw, options& out) {
    po::options_description all("Options");
    auto add = all.add_options();
    add("help,h", "print this and exit");
    add("version", "print the version and exit");
    add("api", given(raw.api, "NAME"),
        "what the server speaks: kvstore (PUT /key, GET /key) or json (etcd's JSON API v3)");
    add("endpoints", po::value(&raw.endpoints)->value_name("URL,..."),
        "http://HOST:PORT; connections are spread over them (default: port 9121 or 2379 here)");
    add("connections", given(raw.connections, "N"), "connections in all");
    add("clients", po::value(&raw.clients)->value_name("N"),
        "clients, each with one request under way (default: one a connection); more than that "
        "share connections by pipelining");
    add("threads", given(raw.threads, "N"), "threads, each with its share of connections and keys");
    add("rate", given(raw.rate, "N"), "at most so many requests a second; 0: as many as can be");
    add("total", given(raw.total, "N"), "end after so many requests; 0: no limit");
    add("duration", given(raw.duration, "SECONDS"),
        "end after so long; 0: no limit, or 10 when there is no --total");
    add("warmup", given(raw.warmup, "SECONDS"), "run so long before measuring");
    add("fill", po::bool_switch(&out.fill), "write every key once before all else");
    add("workload", given(raw.workload, "NAME"), "put, get or mixed");
    add("mix", po::value(&raw.mix)->value_name("SHARE"),
        "share of PUTs from 0 to 1; implies --workload mixed, whose default is 0.5");
    add("serializable", po::bool_switch(&out.serializable),
        "reads that the asked member answers alone; they may be old (json only)");
    add("key-size", given(raw.key_size, "BYTES"), "length of keys, with the leading slash");
    add("value-size", given(raw.value_size, "BYTES"), "length of values, at least 28");
    add("key-space", given(raw.key_space, "N"), "number of different keys");
    add("sequential-keys", po::bool_switch(&out.sequential_keys), "keys in order, not at random");
    add("seed", given(raw.seed, "N"), "what keys, kinds of requests and values are drawn from");
    add("timeout", given(raw.timeout, "SECONDS"), "give a request up after so long");
    add("json", po::bool_switch(&out.json), "print the result as one JSON object");
    add("progress", given(raw.progress, "WHEN"),
        "a line a second on standard error: auto (on a terminal), always or never");
    return all;
}

void require(bool condition, const std::string& complaint) {
    if (!condition) {
        throw std::invalid_argument(complaint);
    }
}

std::uint64_t in_range(const char* name, std::int64_t value, std::int64_t least,
                       std::int64_t most) {
    require(value >= least && value <= most, std::string(name) + " must be from " +
                                                 std::to_string(least) + " to " +
                                                 std::to_string(most));
    return static_cast<std::uint64_t>(value);
}

std::chrono::nanoseconds seconds_of(const char* name, double value, bool positive = false) {
    require(std::isfinite(value) && value >= 0 && value <= 86'400 && (value > 0 || !positive),
            std::string(name) + " must be seconds, at most 86400");
    return std::chrono::duration_cast<std::chrono::nanoseconds>(
        std::chrono::duration<double>(value));
}

// Returns: HOST:PORT of a URL.
std::string_view host_of(std::string_view url) {
    require(url.substr(0, 8) != "https://", "--endpoints: TLS is not supported, use http://");
    if (url.substr(0, 7) == "http://") {
        url.remove_prefix(7);
    }
    return !url.empty() && url.back() == '/' ? url.substr(0, url.size() - 1) : url;
}

void find_endpoints(const std::string& list, options& out) {
    boost::asio::io_context context;
    tcp::resolver resolver(context);
    std::vector<std::string> urls;
    boost::algorithm::split(urls, list, boost::algorithm::is_any_of(","));
    for (const std::string& url : urls) {
        const std::string_view host = host_of(url);
        const std::size_t colon = host.rfind(':');
        require(colon != std::string_view::npos && colon > 0 && colon + 1 < host.size() &&
                    host.find_first_of("/@ ") == std::string_view::npos,
                "--endpoints: '" + url + "' is not of the form http://HOST:PORT");
        std::string_view name = host.substr(0, colon);
        if (name.size() > 2 && name.front() == '[' && name.back() == ']') {
            name = name.substr(1, name.size() - 2);
        }
        boost::system::error_code failed;
        const auto found = resolver.resolve(name, host.substr(colon + 1), failed);
        require(!failed, "--endpoints: '" + url + "': " + failed.message());
        out.endpoints.push_back(found.begin()->endpoint());
        if (out.host.empty()) {
            out.host = host;
        }
    }
}

void choose_workload(const raw_options& raw, bool has_mix, options& out) {
    require(raw.workload == "put" || raw.workload == "get" || raw.workload == "mixed",
            "--workload must be put, get or mixed");
    require(raw.mix >= 0 && raw.mix <= 1, "--mix must be from 0 to 1");
    const bool mixed = has_mix || raw.workload == "mixed";
    out.put_share = mixed ? raw.mix : raw.workload == "put" ? 1 : 0;
}

void choose_api(const raw_options& raw, options& out) {
    require(raw.api != "grpc", "--api grpc is not supported; kvstore and json are");
    require(raw.api == "kvstore" || raw.api == "json", "--api must be kvstore or json");
    out.api = raw.api == "json" ? api::json : api::kvstore;
    require(out.api == api::json || !out.serializable,
            "--serializable: all reads of kvstore are linearizable; use --api json");
    const char* const here =
        out.api == api::json ? "http://127.0.0.1:2379" : "http://127.0.0.1:9121";
    find_endpoints(raw.endpoints.empty() ? here : raw.endpoints, out);
}

void choose_keys(const raw_options& raw, options& out) {
    out.key_size = in_range("--key-size", raw.key_size, 2, 1024);
    out.key_space = in_range("--key-space", raw.key_space, 1, 10'000'000);
    // A slash, then the key's number in decimal.
    require(out.key_size > std::to_string(out.key_space - 1).size(),
            "--key-size is too small for so many keys");
    out.value_size = in_range("--value-size", raw.value_size,
                              static_cast<std::int64_t>(value_maker::stamp_size), 64 << 20);
}

void translate(const raw_options& raw, options& out) {
    choose_api(raw, out);
    choose_keys(raw, out);
    out.connections = in_range("--connections", raw.connections, 1, 10'000);
    const auto clients = raw.clients == 0 ? raw.connections : raw.clients;
    out.clients = in_range("--clients", clients, raw.connections, 1'000'000);
    out.threads =
        in_range("--threads", raw.threads, 1, std::min<std::int64_t>(raw.connections, 64));
    require(out.key_space >= out.threads, "--key-space must be at least --threads");
    require(std::isfinite(raw.rate) && raw.rate >= 0 && raw.rate <= 1e7,
            "--rate must be from 0 to 10000000");
    out.rate = raw.rate;
    out.total = in_range("--total", raw.total, 0, std::int64_t{1} << 40);
    out.duration = seconds_of("--duration", raw.duration);
    if (out.total == 0 && out.duration == std::chrono::nanoseconds(0)) {
        out.duration = std::chrono::seconds(10);
    }
    out.warmup = seconds_of("--warmup", raw.warmup);
    out.timeout = seconds_of("--timeout", raw.timeout, true);
    out.seed = in_range("--seed", raw.seed, 0, std::numeric_limits<std::int64_t>::max());
    require(raw.progress == "auto" || raw.progress == "always" || raw.progress == "never",
            "--progress must be auto, always or never");
    out.progress =
        raw.progress == "always" || (raw.progress == "auto" && ::isatty(STDERR_FILENO) != 0);
}

} // namespace

std::optional<int> parse(int argc, const char* const* argv, options& out) {
    raw_options raw;
    const po::options_description all = describe(raw, out);
    try {
        po::variables_map found;
        // Nothing may follow that is not an option, and no option may be abbreviated.
        const int style =
            po::command_line_style::unix_style ^ po::command_line_style::allow_guessing;
        po::store(
            po::command_line_parser(argc, argv).options(all).positional({}).style(style).run(),
            found);
        po::notify(found);
        if (found.count("help") != 0) {
            std::cout << about << all;
            return EXIT_SUCCESS;
        }
        if (found.count("version") != 0) {
            std::cout << "quorate_load " << QUORATE_VERSION_STRING << '\n';
            return EXIT_SUCCESS;
        }
        choose_workload(raw, found.count("mix") != 0, out);
        translate(raw, out);
        return std::nullopt;
    } catch (const std::exception& wrong) {
        std::cerr << "quorate_load: " << wrong.what()
                  << "\nquorate_load: see quorate_load --help\n";
        return 2;
    }
}

} // namespace quorate_load
