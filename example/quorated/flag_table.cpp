#include "flag_table.hpp"

namespace quorated {
namespace {

using enum flag_group;
using enum flag_kind;
using enum flag_effect;

constexpr const char* no_discovery = "there is no discovery service; name all in --initial-cluster";
constexpr const char* no_proxy = "there is no v2 API, and so no proxy for it";
constexpr const char* no_grpc = "clients come over HTTP, not gRPC";
constexpr const char* own_leases = "what is left of long leases is always noted";
constexpr const char* own_batch = "commits of the database are paced by what is in flight";

constexpr flag_rule table[] = {
    {"name", member, text, honoured, "default", "name of this member"},
    {"data-dir", member, text, honoured, "", "where its data lives (empty: NAME.quorate)"},
    {"wal-dir", member, text, honoured, "",
     "where the log lives, to which wal in --data-dir is a symbolic link then (empty: there)"},
    {"snapshot-count", member, text, honoured, "100000", "applied entries between two snapshots"},
    {"heartbeat-interval", member, text, honoured, "100", "milliseconds between heartbeats"},
    {"election-timeout", member, text, honoured, "1000",
     "milliseconds without a leader before an election; at least 5 heartbeats"},
    {"initial-election-tick-advance", member, boolean, ignored, "true",
     "a first election waits no longer than any other"},
    {"listen-peer-urls", member, text, honoured, "http://localhost:2380",
     "where to listen for other members"},
    {"listen-client-urls", member, text, honoured, "http://localhost:2379",
     "where to listen for clients"},
    {"max-snapshots", member, text, honoured, "2",
     "most snapshot files that stay (0: all); each holds the whole state"},
    {"max-wals", member, text, honoured, "1",
     "most files of the log that stay, unless more are needed (0: all)"},
    {"quota-backend-bytes", member, text, honoured, "0",
     "bytes of the store that raise the alarm (0: 2 GiB, negative: no limit)"},
    {"backend-batch-interval", member, duration, ignored, "", own_batch},
    {"backend-batch-limit", member, text, ignored, "0", own_batch},
    {"max-txn-ops", member, text, honoured, "128", "most operations of a transaction"},
    {"max-request-bytes", member, text, honoured, "1572864", "largest request"},
    {"max-concurrent-streams", member, text, honoured, "4294967295",
     "watches, waits for locks and other open answers of all clients; never more than seven "
     "eighths "
     "of the connections"},
    {"grpc-keepalive-min-time", member, duration, ignored, "5s", no_grpc},
    {"grpc-keepalive-interval", member, duration, ignored, "2h", no_grpc},
    {"grpc-keepalive-timeout", member, duration, ignored, "20s", no_grpc},
    {"enable-grpc-gateway", member, boolean, ignored, "true", "the JSON API is always there"},

    {"initial-advertise-peer-urls", clustering, text, honoured, "http://localhost:2380",
     "where other members reach this one"},
    {"initial-cluster", clustering, text, honoured, "",
     "NAME=URL,... of all members (empty: this one alone)"},
    {"initial-cluster-state", clustering, text, honoured, "new",
     "new, or existing to join a cluster that was told of this member"},
    {"initial-cluster-token", clustering, text, honoured, "etcd-cluster",
     "name of the cluster; members of others are refused"},
    {"advertise-client-urls", clustering, text, honoured, "http://localhost:2379",
     "where clients reach this member"},
    {"discovery", clustering, text, refused, "", no_discovery},
    {"discovery-fallback", clustering, text, ignored, "proxy", no_discovery},
    {"discovery-proxy", clustering, text, refused, "", no_discovery},
    {"discovery-srv", clustering, text, refused, "", no_discovery},
    {"discovery-srv-name", clustering, text, refused, "", no_discovery},
    {"strict-reconfig-check", clustering, boolean, honoured, "true",
     "refuse membership changes that could cost the quorum"},
    {"pre-vote", clustering, boolean, honoured, "true",
     "ask for votes before an election is started"},
    {"auto-compaction-mode", clustering, text, honoured, "periodic", "periodic or revision"},
    {"auto-compaction-retention", clustering, text, honoured, "0",
     "how long, or how many revisions, to keep (0: all; a number without a unit: hours)"},
    {"enable-v2", clustering, boolean, refused, "false", "there is no v2 API"},

    {"cert-file", security, text, honoured, "", "certificate that clients are shown"},
    {"key-file", security, text, honoured, "", "its private key"},
    {"client-cert-auth", security, boolean, honoured, "false",
     "clients need a certificate that --trusted-ca-file vouches for"},
    {"client-crl-file", security, text, honoured, "", "client certificates that were revoked"},
    {"client-cert-allowed-hostname", security, text, honoured, "",
     "the one host name that client certificates may be for"},
    {"trusted-ca-file", security, text, honoured, "", "who vouches for client certificates"},
    {"auto-tls", security, boolean, refused, "false",
     "certificates are not made up; give --cert-file and --key-file"},
    {"tls-min-version", security, text, honoured, "TLS1.2", "TLS1.2 or TLS1.3"},
    {"peer-cert-file", security, text, honoured, "", "certificate that other members are shown"},
    {"peer-key-file", security, text, honoured, "", "its private key"},
    {"peer-client-cert-auth", security, boolean, honoured, "false",
     "members that connect need a certificate that --peer-trusted-ca-file vouches for"},
    {"peer-trusted-ca-file", security, text, honoured, "", "who vouches for members' certificates"},
    {"peer-cert-allowed-cn", security, text, honoured, "",
     "the one common name that members' certificates may have"},
    {"peer-cert-allowed-hostname", security, text, honoured, "",
     "the one host name that members' certificates may be for"},
    {"peer-auto-tls", security, boolean, refused, "false",
     "certificates are not made up; give --peer-cert-file and --peer-key-file"},
    {"peer-crl-file", security, text, honoured, "", "members' certificates that were revoked"},
    {"cipher-suites", security, text, honoured, "", "TLS cipher suites, separated by commas"},
    {"cors", security, text, honoured, "",
     "origins of web pages that may ask, such as https://ops.example (*: all; empty: the page of "
     "this member alone)"},
    {"host-whitelist", security, text, honoured, "*",
     "host names that requests without TLS may name (*: all)"},

    {"auth-token", auth, text, honoured, "simple", "kind of tokens; simple is the only one"},
    {"bcrypt-cost", auth, text, honoured, "10", "strength of password hashes, 4 to 31"},
    {"auth-token-ttl", auth, text, honoured, "300", "seconds that an unused token lasts"},

    {"enable-pprof", monitoring, boolean, ignored, "false", "there is no profiler to ask"},
    {"metrics", monitoring, text, honoured, "basic",
     "basic, or extensive for the time that requests take"},
    {"listen-metrics-urls", monitoring, text, honoured, "",
     "where else to answer /metrics and health checks, and nothing else"},

    {"logger", logging, text, ignored, "capnslog", "there is one logger; see --log-format"},
    {"log-outputs", logging, text, honoured, "default",
     "stderr, stdout or files, separated by commas (default: stderr)"},
    {"log-output", logging, text, honoured, "default", "the old name of --log-outputs"},
    {"log-level", logging, text, honoured, "info", "debug, info, warn, error, panic or fatal"},
    {"log-format", logging, text, honoured, "json", "json or text (or console)"},
    {"debug", logging, boolean, honoured, "false", "the old name of --log-level=debug"},
    {"log-package-levels", logging, text, ignored, "", "there is one level for all"},

    {"experimental-initial-corrupt-check", experimental, boolean, honoured, "false",
     "compare the state with other members' before serving clients"},
    {"experimental-corrupt-check-time", experimental, duration, honoured, "0s",
     "time between comparisons of the state with other members' (0: never)"},
    {"experimental-enable-v2v3", experimental, text, refused, "", "there is no v2 API"},
    {"experimental-backend-bbolt-freelist-type", experimental, text, ignored, "array",
     "the database is not bbolt"},
    {"experimental-enable-lease-checkpoint", experimental, boolean, ignored, "false", own_leases},
    {"experimental-enable-lease-checkpoint-persist", experimental, boolean, ignored, "false",
     own_leases},
    {"experimental-compaction-batch-limit", experimental, text, ignored, "1000",
     "a compaction takes steps of its own"},
    {"experimental-peer-skip-client-san-verification", experimental, boolean, ignored, "false",
     "certificates are not compared with addresses that connections come from; see "
     "--peer-cert-names-member"},
    {"experimental-watch-progress-notify-interval", experimental, duration, honoured, "10m",
     "time between notes to watchers that see no change"},
    {"experimental-warning-apply-duration", experimental, duration, honoured, "100ms",
     "a request that takes longer is logged"},

    {"force-new-cluster", unsafe, boolean, honoured, "false",
     "make a cluster of this member's data alone, when a quorum is lost for good"},
    {"unsafe-no-fsync", unsafe, boolean, refused, "false",
     "what was acknowledged would be lost with the power"},

    {"config-file", own, text, honoured, "",
     "a YAML file with the names of these flags; it replaces flags and environment"},
    {"backend", own, text, honoured, "memory", "what holds values: memory or lmdb"},
    {"error-dialect", own, text, honoured, "3.4", "whose error answers to give: 3.4 or 3.6"},
    {"allow-plaintext", own, boolean, honoured, "false",
     "listen without TLS on other addresses than this machine's own"},
    {"peer-cert-names-member", own, boolean, honoured, "false",
     "a member that connects needs a certificate for a host of its peer URLs"},
    {"max-pending-bytes", own, text, honoured, "536870912",
     "bytes of all requests that wait at this member; more are refused"},
    {"max-snapshot-bytes", own, text, honoured, "68719476736",
     "bytes of the largest snapshot that is sent or received"},
    {"max-snapshot-streams", own, text, honoured, "16",
     "snapshots that clients read at a time; more are refused"},
    {"max-database-bytes", own, text, honoured, "0",
     "bytes in use in the database of --backend lmdb (0: 16 GiB, or the quota where that is more)"},
    {"max-connections", own, text, honoured, "16384",
     "connections of all clients; never more than descriptors allow"},
    {"max-unfinished-bytes", own, text, honoured, "268435456",
     "bytes of all requests that are being received or not answered; beyond, the oldest unfinished "
     "ones end"},
    {"client-idle-timeout", own, duration, honoured, "0s",
     "time after which a connection without a request is closed (0: never)"},
    {"shutdown-grace", own, duration, honoured, "2s",
     "time that unfinished requests and unread answers have when the member stops"},
    {"accept-data-loss", own, boolean, honoured, "false",
     "start from what a damaged log still holds; for the only copy there is"},

    {"proxy", retired, text, refused, "off", no_proxy},
    {"proxy-failure-wait", retired, text, ignored, "5000", no_proxy},
    {"proxy-refresh-interval", retired, text, ignored, "30000", no_proxy},
    {"proxy-dial-timeout", retired, text, ignored, "1000", no_proxy},
    {"proxy-write-timeout", retired, text, ignored, "5000", no_proxy},
    {"proxy-read-timeout", retired, text, ignored, "0", no_proxy},
};

void describe(const flag_rule& rule, std::string& out) {
    out.append("  --").append(rule.name).append(" '").append(rule.otherwise).append("'\n    ");
    if (rule.effect == ignored) {
        out.append("Without effect: ");
    } else if (rule.effect == refused) {
        out.append("Refused: ");
    }
    out.append(rule.about).append(".\n");
}

} // namespace

std::span<const flag_rule> all_flags() noexcept {
    return table;
}

const flag_rule* find_flag(std::string_view name) noexcept {
    constexpr std::string_view trial = "experimental-";
    const flag_rule* renamed = nullptr;
    for (const flag_rule& rule : table) {
        const std::string_view own = rule.name;
        if (own == name) {
            return &rule;
        }
        if (own.starts_with(trial) && own.substr(trial.size()) == name) {
            renamed = &rule;
        }
    }
    return renamed;
}

const char* title_of(flag_group group) noexcept {
    switch (group) {
    case member: return "Member";
    case clustering: return "Clustering";
    case security: return "Security";
    case auth: return "Auth";
    case monitoring: return "Monitoring";
    case logging: return "Logging";
    case experimental: return "Experimental; the same without \"experimental-\"";
    case unsafe: return "Unsafe";
    case own: return "Not in etcd, but for the first";
    case retired: break;
    }
    return "Retired";
}

std::string describe_flags() {
    std::string out;
    const flag_rule* before = nullptr;
    for (const flag_rule& rule : table) {
        if (before == nullptr || before->group != rule.group) {
            out.append(before == nullptr ? "" : "\n").append(title_of(rule.group)).append(":\n");
        }
        describe(rule, out);
        before = &rule;
    }
    return out;
}

} // namespace quorated
