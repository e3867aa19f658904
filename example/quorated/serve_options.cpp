#include "serve_options.hpp"

#include <quorate/net/peer_address.hpp>
#include <quorate/server/quota.hpp>
#include <quorate/version.hpp>

#include <algorithm>
#include <cstddef>
#include <exception>
#include <iostream>
#include <map>
#include <set>
#include <string_view>
#include <utility>

#include "command_table.hpp"
#include "config_file.hpp"
#include "flag_table.hpp"
#include "flag_values.hpp"
#include "member_identity.hpp"

namespace quorated {
namespace {

/// Flags by name, as typed values.
class flag_reader {
public:
    explicit flag_reader(const flag_values& values) : values_(values) {}

    [[nodiscard]] bool has(const std::string& flag) const { return values_.given.contains(flag); }
    [[nodiscard]] std::string text(const std::string& flag) const {
        const auto found = values_.given.find(flag);
        return found != values_.given.end() ? found->second : find_flag(flag)->otherwise;
    }
    [[nodiscard]] bool boolean(const std::string& flag) const {
        return parse_boolean(flag, text(flag));
    }
    [[nodiscard]] std::int64_t number(const std::string& flag, std::int64_t least,
                                      std::int64_t most) const {
        return parse_number(flag, text(flag), least, most);
    }
    [[nodiscard]] std::uint64_t count(const std::string& flag, std::int64_t least,
                                      std::int64_t most) const {
        return static_cast<std::uint64_t>(number(flag, least, most));
    }
    [[nodiscard]] std::chrono::nanoseconds duration(const std::string& flag) const {
        return parse_duration(flag, text(flag));
    }
    [[nodiscard]] std::vector<endpoint> endpoints(const std::string& flag) const {
        return parse_endpoints(flag, text(flag));
    }
    /// Returns: which of the words it is.
    [[nodiscard]] std::size_t choice(const std::string& flag,
                                     std::initializer_list<std::string_view> words) const {
        const std::string given = text(flag);
        const auto found = std::find(words.begin(), words.end(), given);
        if (found == words.end()) {
            std::string all;
            for (const std::string_view word : words) {
                all.append(all.empty() ? "" : ", ").append(word);
            }
            throw usage_error("--" + flag + ": '" + given + "' is none of " + all);
        }
        return static_cast<std::size_t>(found - words.begin());
    }

private:
    const flag_values& values_;
};

void require(bool condition, const std::string& complaint) {
    if (!condition) {
        throw usage_error(complaint);
    }
}

/// Effects: warns of flags without effect. Errors: usage_error for one that is refused.
void check_effects(const flag_values& values, std::vector<std::string>& warnings) {
    for (const auto& [name, value] : values.given) {
        const flag_rule& rule = *find_flag(name);
        std::string written = value;
        if (rule.kind == flag_kind::boolean) {
            written = parse_boolean(name, value) ? "true" : "false";
        }
        if (written == rule.otherwise || rule.effect == flag_effect::honoured) {
            continue;
        }
        const std::string reason = std::string("--") + rule.name + ": " + rule.about;
        require(rule.effect == flag_effect::ignored, reason);
        warnings.push_back("no effect has " + reason);
    }
}

std::vector<std::string> texts_of(const std::vector<endpoint>& all) {
    std::vector<std::string> out;
    for (const endpoint& one : all) {
        out.push_back(one.text);
    }
    return out;
}

/// Refuses to listen on names, and without TLS where others could hear.
void check_listening(const std::string& flag, const std::vector<endpoint>& all,
                     bool plaintext_allowed) {
    for (const endpoint& one : all) {
        require(one.literal || one.host == "localhost",
                "--" + flag + ": '" + one.text + "' must have an IP address or localhost as host");
        require(one.tls || plaintext_allowed || one.loopback(),
                "--" + flag + ": '" + one.text +
                    "' would let others listen in and write: give it TLS (https://) where it can "
                    "have that, or say --allow-plaintext");
    }
}

/// Returns: whether no program can listen at both. An open IPv4 address takes a port everywhere.
bool same_door(const endpoint& one, const endpoint& other) {
    const std::string here = one.listen_address();
    const std::string there = other.listen_address();
    const auto covers = [](std::string_view open, std::string_view address) {
        return open == "0.0.0.0" && address.find(':') == std::string_view::npos;
    };
    return one.port != 0 && one.port == other.port &&
           (here == there || covers(here, there) || covers(there, here));
}

/// Refuses to listen twice at one address: the second door would fail when the member has begun.
void check_doors(const serve_options& told) {
    std::vector<std::pair<std::string, const endpoint*>> before;
    for (const auto& [flag, list] : {std::pair("--listen-peer-urls", &told.listen_peer),
                                     std::pair("--listen-client-urls", &told.listen_client),
                                     std::pair("--listen-metrics-urls", &told.listen_metrics)}) {
        for (const endpoint& one : *list) {
            for (const auto& [other_flag, other] : before) {
                require(!same_door(*other, one), std::string(flag) + ": '" + one.text +
                                                     "' listens where '" + other->text + "' of " +
                                                     other_flag + " does");
            }
            before.emplace_back(flag, &one);
        }
    }
}

/// Returns: whether a name can stand in paths and log lines.
bool is_member_name(const std::string& name) {
    const bool plain = std::ranges::none_of(name, [](char c) {
        const auto byte = static_cast<unsigned char>(c);
        return c == '/' || byte < 0x20 || byte == 0x7f;
    });
    return plain && name != "." && name != "..";
}

void read_member(const flag_reader& given, serve_options& out) {
    out.name = given.text("name");
    require(!out.name.empty(), "--name: must not be empty");
    require(is_member_name(out.name),
            "--name: must not hold '/' or control characters, nor be '.' or '..': the data "
            "directory is named after it");
    out.data_dir = given.text("data-dir");
    if (out.data_dir.empty()) {
        out.data_dir = out.name + ".quorate";
    }
    out.wal_dir = given.text("wal-dir");
    const bool plaintext = given.boolean("allow-plaintext");
    out.listen_peer = given.endpoints("listen-peer-urls");
    check_listening("listen-peer-urls", out.listen_peer, plaintext);
    out.listen_client = given.endpoints("listen-client-urls");
    check_listening("listen-client-urls", out.listen_client, plaintext);
    if (!given.text("listen-metrics-urls").empty()) {
        out.listen_metrics = given.endpoints("listen-metrics-urls");
        check_listening("listen-metrics-urls", out.listen_metrics, plaintext);
    }
    check_doors(out);
}

/// Returns: how many bytes of a database may be in use; `given`: zero for the default.
std::uint64_t database_bytes(std::uint64_t given, const serve_options& out) {
    constexpr std::uint64_t usual = std::uint64_t{16} << 30;
    const std::uint64_t quota = quorate::quota(out.quota_backend_bytes).limit();
    if (given == 0) {
        const std::uint64_t least = quota == UINT64_MAX ? out.max_snapshot_bytes : quota;
        return std::max(std::min(usual, out.max_snapshot_bytes), least);
    }
    require(quota == UINT64_MAX || given >= quota,
            "--max-database-bytes: " + std::to_string(given) + " is less than the quota, " +
                std::to_string(quota) +
                " (--quota-backend-bytes): the database would be full before the alarm is raised");
    return given;
}

std::chrono::milliseconds milliseconds_of(const flag_reader& given, const std::string& flag,
                                          int least) {
    const auto value = std::chrono::duration_cast<std::chrono::milliseconds>(given.duration(flag));
    require(value.count() >= least && value <= std::chrono::hours(24 * 365),
            "--" + flag + ": '" + given.text(flag) + "' is out of range");
    return value;
}

void read_limits(const flag_reader& given, serve_options& out) {
    out.snapshot_count = given.count("snapshot-count", 1, INT64_MAX);
    const auto files = [&given](const char* flag) { // zero: no limit
        const auto most = static_cast<std::uint32_t>(given.count(flag, 0, UINT32_MAX));
        return most == 0 ? UINT32_MAX : most;
    };
    out.max_snapshots = files("max-snapshots");
    out.max_wals = files("max-wals");
    const std::int64_t heartbeat = given.number("heartbeat-interval", 1, 10'000);
    const std::int64_t election = given.number("election-timeout", 1, 50'000);
    require(election >= 5 * heartbeat, "--election-timeout: " + std::to_string(election) +
                                           " ms is less than 5 times --heartbeat-interval, " +
                                           std::to_string(heartbeat) + " ms");
    out.heartbeat = std::chrono::milliseconds(heartbeat);
    out.election = std::chrono::milliseconds(election);
    out.quota_backend_bytes = given.number("quota-backend-bytes", INT64_MIN, INT64_MAX);
    out.max_txn_ops = static_cast<std::uint32_t>(given.number("max-txn-ops", 1, 1'000'000));
    out.max_request_bytes = given.count("max-request-bytes", 1, 512 << 20);
    out.max_pending_bytes = given.count("max-pending-bytes", 1, INT64_MAX);
    require(out.max_pending_bytes >= out.max_request_bytes,
            "--max-pending-bytes: " + std::to_string(out.max_pending_bytes) +
                " is less than --max-request-bytes, " + std::to_string(out.max_request_bytes));
    out.max_snapshot_bytes = given.count("max-snapshot-bytes", 1, INT64_MAX);
    out.max_snapshot_streams = given.count("max-snapshot-streams", 1, 256);
    out.max_database_bytes = database_bytes(given.count("max-database-bytes", 0, INT64_MAX), out);
}

void read_client_limits(const flag_reader& given, serve_options& out) {
    out.max_connections = static_cast<std::uint32_t>(given.count("max-connections", 8, 1 << 30));
    out.max_concurrent_streams =
        static_cast<std::uint32_t>(given.count("max-concurrent-streams", 1, UINT32_MAX));
    out.max_unfinished_bytes = given.count("max-unfinished-bytes", 1, INT64_MAX);
    // A buffer that grows may be twice as long as what it holds.
    const std::uint64_t least = 2 * out.body_bytes_max();
    require(out.max_unfinished_bytes >= least || !given.has("max-unfinished-bytes"),
            "--max-unfinished-bytes: " + std::to_string(out.max_unfinished_bytes) +
                " is less than two requests of --max-request-bytes take, " + std::to_string(least));
    out.max_unfinished_bytes = std::max(out.max_unfinished_bytes, least);
    out.client_idle_timeout = milliseconds_of(given, "client-idle-timeout", 0);
    out.shutdown_grace = milliseconds_of(given, "shutdown-grace", 1);
}

/// Returns: names and their URLs.
std::map<std::string, std::vector<endpoint>> named_urls(const std::string& text) {
    std::map<std::string, std::vector<endpoint>> out;
    for (const std::string& one : split_list(text)) {
        const std::size_t equals = one.find('=');
        require(equals != std::string::npos && equals > 0 && equals + 1 < one.size(),
                "--initial-cluster: '" + one + "' is not of the form NAME=URL");
        out[one.substr(0, equals)].push_back(
            parse_endpoint("initial-cluster", one.substr(equals + 1)));
    }
    return out;
}

/// Returns: why no cluster can be started with these; empty when one can.
std::string bootstrap_problem_of(const serve_options& options) {
    const initial_member* self = nullptr;
    std::set<std::string> seen;
    for (const initial_member& one : options.initial_cluster) {
        self = one.name == options.name ? &one : self;
        for (const std::string& url : one.peer_urls) {
            if (!seen.insert(quorate::canonical_peer_url(url)).second) {
                return "--initial-cluster: lists the peer URL '" + url + "' twice";
            }
        }
    }
    if (self == nullptr) {
        return "--initial-cluster: does not name this member, '" + options.name + "'";
    }
    for (const std::string& url : self->peer_urls) {
        if (std::ranges::count(options.advertise_peer_urls, url) == 0) {
            return "--initial-cluster: has " + self->name + "=" + url +
                   ", which --initial-advertise-peer-urls lacks";
        }
    }
    for (const std::string& url : options.advertise_peer_urls) {
        if (std::ranges::count(self->peer_urls, url) == 0) {
            return "--initial-advertise-peer-urls: has " + url + ", which --initial-cluster lacks";
        }
    }
    return "";
}

void read_advertised(const flag_reader& given, serve_options& out) {
    const std::vector<endpoint> peers = given.endpoints("initial-advertise-peer-urls");
    out.advertise_peer_urls = texts_of(peers);
    require(given.has("advertise-client-urls") || !given.has("listen-client-urls"),
            "--advertise-client-urls: is needed where --listen-client-urls is given");
    out.advertise_client_urls = texts_of(given.endpoints("advertise-client-urls"));
}

void read_cluster(const flag_reader& given, serve_options& out) {
    read_advertised(given, out);
    out.cluster_token = given.text("initial-cluster-token");
    out.token_given = given.has("initial-cluster-token");
    out.name_given = given.has("name");
    out.join = given.choice("initial-cluster-state", {"new", "existing"}) == 1;
    std::vector<quorate::node_id> ids;
    const std::string all = given.text("initial-cluster");
    if (all.empty()) {
        out.initial_cluster.push_back({{}, out.name, out.advertise_peer_urls});
    }
    for (const auto& [name, urls] : named_urls(all)) {
        out.initial_cluster.push_back({{}, name, texts_of(urls)});
    }
    for (initial_member& one : out.initial_cluster) {
        std::sort(one.peer_urls.begin(), one.peer_urls.end());
        one.id = member_id_of(one.peer_urls, out.cluster_token);
        ids.push_back(one.id);
    }
    out.id = member_id_of(out.advertise_peer_urls, out.cluster_token);
    if (!out.join) {
        out.cluster = cluster_id_of(std::move(ids));
    }
    out.bootstrap_problem = bootstrap_problem_of(out);
}

void read_compaction(const flag_reader& given, serve_options& out) {
    const std::string flag = "auto-compaction-retention";
    const std::string text = given.text(flag);
    const bool by_revision = given.choice("auto-compaction-mode", {"periodic", "revision"}) == 1;
    if (by_revision) {
        out.compaction_revisions = given.count(flag, 0, INT64_MAX);
        out.compaction = out.compaction_revisions > 0 ? compaction_mode::revision : out.compaction;
        return;
    }
    const bool hours = !text.empty() && text.find_first_not_of("0123456789") == std::string::npos;
    out.compaction_period =
        hours ? std::chrono::hours(parse_number(flag, text, 0, 2'000'000)) : given.duration(flag);
    out.compaction = out.compaction_period.count() > 0 ? compaction_mode::periodic : out.compaction;
}

/// What both sides have, under names that begin with `side`: "" or "peer-".
void read_either_tls(const flag_reader& given, const std::string& side, tls_settings& tls) {
    tls.cert_file = given.text(side + "cert-file");
    tls.key_file = given.text(side + "key-file");
    tls.trusted_ca_file = given.text(side + "trusted-ca-file");
    tls.client_cert_auth = given.boolean(side + "client-cert-auth");
    tls.only_1_3 = given.choice("tls-min-version", {"TLS1.2", "TLS1.3"}) == 1;
    tls.cipher_suites = split_list(given.text("cipher-suites"));
    require(tls.cert_file.empty() == tls.key_file.empty(),
            "--" + side + "cert-file: needs --" + side + "key-file, and the other way round");
}

void read_tls(const flag_reader& given, serve_options& out) {
    tls_settings& tls = out.client_tls;
    read_either_tls(given, "", tls);
    tls.crl_file = given.text("client-crl-file");
    tls.allowed_hostname = given.text("client-cert-allowed-hostname");
    require(!tls.client_cert_auth || !tls.trusted_ca_file.empty(),
            "--client-cert-auth: needs --trusted-ca-file");
    require(tls.client_cert_auth || (tls.crl_file.empty() && tls.allowed_hostname.empty()),
            "--client-crl-file and --client-cert-allowed-hostname: need --client-cert-auth");
}

void read_peer_tls(const flag_reader& given, serve_options& out) {
    tls_settings& tls = out.peer_tls;
    read_either_tls(given, "peer-", tls);
    tls.crl_file = given.text("peer-crl-file");
    tls.allowed_common_name = given.text("peer-cert-allowed-cn");
    tls.allowed_hostname = given.text("peer-cert-allowed-hostname");
    tls.dials = true;
    out.peer_cert_names_member = given.boolean("peer-cert-names-member");
    const bool named = !tls.allowed_common_name.empty() || !tls.allowed_hostname.empty();
    const bool asks =
        tls.client_cert_auth || named || !tls.crl_file.empty() || out.peer_cert_names_member;
    require(!asks || !tls.trusted_ca_file.empty(),
            "--peer-client-cert-auth, --peer-cert-allowed-cn, --peer-cert-allowed-hostname, "
            "--peer-crl-file and --peer-cert-names-member: need --peer-trusted-ca-file");
    require(tls.allowed_common_name.empty() || tls.allowed_hostname.empty(),
            "--peer-cert-allowed-cn: does not go with --peer-cert-allowed-hostname");
}

/// Returns: the first URL that members are to be encrypted behind; empty where there is none.
std::string encrypted_peer_url(const serve_options& options) {
    for (const endpoint& one : options.listen_peer) {
        if (one.tls) {
            return one.text;
        }
    }
    std::vector<std::string> all = options.advertise_peer_urls;
    for (const initial_member& one : options.initial_cluster) {
        all.insert(all.end(), one.peer_urls.begin(), one.peer_urls.end());
    }
    const auto found = std::ranges::find_if(
        all, [](const std::string& url) { return url.starts_with("https://"); });
    return found == all.end() ? "" : *found;
}

void check_peer_tls(const parts_built& built, serve_options& out) {
    const std::string url = encrypted_peer_url(out);
    const bool given = !out.peer_tls.cert_file.empty();
    require(built.tls || (url.empty() && !given), (given ? "--peer-cert-file" : "'" + url + "'") +
                                                      ": this program was built without TLS");
    require(url.empty() || given, "--peer-cert-file: is needed for '" + url + "'");
    require(!url.empty() || out.peer_tls.trusted_ca_file.empty() || given,
            "--peer-trusted-ca-file: needs --peer-cert-file");
    if (given && url.empty()) {
        out.warnings.emplace_back(
            "no effect has --peer-cert-file: no peer URL begins with https://");
    } else if (given && out.peer_tls.trusted_ca_file.empty()) {
        out.warnings.emplace_back(
            "whoever reaches this member can take part: --peer-trusted-ca-file is not given");
    }
}

/// Whoever asks for TLS gets it, or an answer why not.
void check_tls(const parts_built& built, serve_options& out) {
    bool encrypted = false;
    for (const auto* const list : {&out.listen_client, &out.listen_metrics}) {
        for (const endpoint& one : *list) {
            encrypted = encrypted || one.tls;
            require(!one.tls || built.tls,
                    "--listen-client-urls: '" + one.text + "': this program was built without TLS");
            require(!one.tls || !out.client_tls.cert_file.empty(),
                    "--cert-file: is needed to listen on '" + one.text + "'");
        }
    }
    if (!encrypted && !out.client_tls.cert_file.empty()) {
        out.warnings.emplace_back("no effect has --cert-file: no client URL begins with https://");
    }
    require(encrypted || !out.client_tls.client_cert_auth,
            "--client-cert-auth: no client URL begins with https://");
}

/// Returns: nothing where everything is allowed.
std::vector<std::string> allowed(std::string_view text) {
    std::vector<std::string> out = split_list(text);
    if (std::ranges::count(out, "*") > 0) {
        out.clear();
    }
    return out;
}

void read_security(const flag_reader& given, serve_options& out) {
    read_tls(given, out);
    read_peer_tls(given, out);
    out.cors = split_list(given.text("cors"));
    out.host_whitelist = allowed(given.text("host-whitelist"));
    const std::string token = given.text("auth-token");
    require(token.empty() || token == "simple",
            "--auth-token: '" + token + "': simple is the only kind there is");
    out.auth_token_ttl = std::chrono::seconds(given.number("auth-token-ttl", 1, 1 << 30));
    out.bcrypt_cost = static_cast<unsigned>(given.number("bcrypt-cost", 4, 31));
}

void read_logging(const flag_reader& given, serve_options& out) {
    out.extensive_metrics = given.choice("metrics", {"basic", "extensive"}) == 1;
    const std::size_t level =
        given.choice("log-level", {"debug", "info", "warn", "error", "panic", "fatal"});
    out.log.least = given.boolean("debug")
                        ? quorate::log_level::debug
                        : static_cast<quorate::log_level>(std::min<std::size_t>(level, 3));
    const bool json = given.choice("log-format", {"json", "text", "console"}) == 0;
    out.log.format = json ? quorate::log_format::json : quorate::log_format::text;
    const bool old = given.has("log-output") && !given.has("log-outputs");
    out.log.outputs.clear();
    for (std::string& one : split_list(given.text(old ? "log-output" : "log-outputs"))) {
        require(one != "systemd/journal",
                "--log-outputs: the journal is not written to by itself; under systemd it gets "
                "what goes to stderr");
        one = one == "default" ? "stderr" : one;
        if (!one.empty() && std::ranges::count(out.log.outputs, one) == 0) {
            out.log.outputs.push_back(one);
        }
    }
    require(!out.log.outputs.empty(), "--log-outputs: must not be empty");
}

void read_experimental(const flag_reader& given, serve_options& out) {
    out.initial_corrupt_check = given.boolean("experimental-initial-corrupt-check");
    out.corrupt_check_time = given.duration("experimental-corrupt-check-time");
    out.watch_progress_interval = given.duration("experimental-watch-progress-notify-interval");
    require(out.watch_progress_interval.count() > 0,
            "--experimental-watch-progress-notify-interval: must be positive");
    out.slow_request = given.duration("experimental-warning-apply-duration");
}

void read_own(const flag_reader& given, const parts_built& built, serve_options& out) {
    out.strict_reconfig_check = given.boolean("strict-reconfig-check");
    out.pre_vote = given.boolean("pre-vote");
    out.force_new_cluster = given.boolean("force-new-cluster");
    out.accept_data_loss = given.boolean("accept-data-loss");
    out.backend = static_cast<backend_kind>(given.choice("backend", {"memory", "lmdb"}));
    require(built.lmdb || out.backend != backend_kind::lmdb,
            "--backend: this program was built without LMDB");
    out.error_dialect = static_cast<dialect>(given.choice("error-dialect", {"3.4", "3.6"}));
}

std::string config_file_of(const flag_values& words, std::span<const std::string> environment) {
    flag_values both = words;
    add_environment(environment, both);
    return both.given["config-file"];
}

flag_values gather(flag_values words, std::span<const std::string> environment) {
    const std::string file = config_file_of(words, environment);
    if (file.empty()) {
        add_environment(environment, words);
        return words;
    }
    flag_values out = read_config_file(file);
    if (words.given.size() > (words.given.contains("config-file") ? 1U : 0U)) {
        out.warnings.emplace_back(
            "no effect have the other flags: --config-file replaces them and the environment");
    }
    return out;
}

/// Refuses the directory of one of --initial-cluster to another one of them.
void check_owner(quorate::node_id owner, const serve_options& options) {
    const initial_member* self = nullptr;
    const initial_member* other = nullptr;
    for (const initial_member& one : options.initial_cluster) {
        self = one.name == options.name ? &one : self;
        other = one.id == owner ? &one : other;
    }
    require(self == nullptr || other == nullptr || self == other,
            "--data-dir: " + options.data_dir.string() + " holds the data of " +
                (other != nullptr ? other->name : "") + ", not of this member, " + options.name);
}

/// Whose data it is goes before what the flags would make of it.
void settle_identity(serve_options& out) {
    const auto kept = identity_in(out.data_dir);
    require(kept.has_value() || !out.force_new_cluster,
            "--force-new-cluster: " + out.data_dir.string() + " holds no member's data");
    require(kept.has_value() || out.bootstrap_problem.empty(), out.bootstrap_problem);
    if (kept) {
        check_owner(kept->member, out);
        out.identified = true;
        out.has_state = holds_snapshot(out.data_dir);
        out.id = kept->member;
        out.cluster = kept->cluster ? kept->cluster : out.cluster;
    }
}

constexpr const char* introduction =
    "Usage: quorated serve [flags]\n\n"
    "Serves etcd's JSON API v3 as one member of a cluster.\n\n"
    "Flags are those of etcd 3.4, written -flag value, --flag value or --flag=value. Each may "
    "also\n"
    "come from the environment, as QUORATE_FLAG or ETCD_FLAG (--data-dir: QUORATE_DATA_DIR): a "
    "flag\n"
    "goes before both, and QUORATE_ before ETCD_. A file given with --config-file replaces all.\n"
    "Exit status 2: a flag is wrong.\n\n";

} // namespace

std::uint64_t serve_options::body_bytes_max() const noexcept {
    constexpr std::uint64_t overhead = 512 << 10; // of JSON: names, braces and escapes
    return max_request_bytes / 2 * 3 + overhead;  // half as long again in base64
}

parts_built parts_of_this_program() noexcept {
    parts_built built{false, false, reads_config_files()};
#if defined(QUORATED_WITH_TLS)
    built.tls = true;
#endif
#if defined(QUORATED_WITH_LMDB)
    built.lmdb = true;
#endif
    return built;
}

std::string description_of_parts() {
    const parts_built built = parts_of_this_program();
    const auto say = [](const char* name, bool there) {
        return std::string(there ? "with " : "without ") + name;
    };
    return say("TLS", built.tls) + ", " + say("LMDB", built.lmdb) + ", " +
           say("--config-file", built.yaml) + "\n";
}

serve_options make_serve_options(const flag_values& values, const parts_built& built) {
    serve_options out;
    out.warnings = values.warnings;
    check_effects(values, out.warnings);
    const flag_reader given(values);
    read_member(given, out);
    read_limits(given, out);
    read_client_limits(given, out);
    read_cluster(given, out);
    read_compaction(given, out);
    read_security(given, out);
    check_tls(built, out);
    check_peer_tls(built, out);
    read_logging(given, out);
    read_experimental(given, out);
    read_own(given, built, out);
    return out;
}

serve_options parse_serve(std::span<const char* const> words,
                          std::span<const std::string> environment, std::optional<int>& ended) {
    try {
        flag_values given = read_words(words);
        if (given.help) {
            std::cout << introduction << describe_flags();
            ended = exit_well;
            return {};
        }
        if (given.version) {
            std::cout << "quorated " << QUORATE_VERSION_STRING << '\n' << description_of_parts();
            ended = exit_well;
            return {};
        }
        const flag_values all = gather(std::move(given), environment);
        serve_options out = make_serve_options(all, parts_of_this_program());
        settle_identity(out);
        return out;
    } catch (const std::exception& wrong) {
        std::cerr << "quorated: " << wrong.what() << "\nquorated: see quorated serve --help\n";
        ended = exit_usage;
        return {};
    }
}

} // namespace quorated
