#include <quorate/server/server_metrics.hpp>

#include <boost/test/unit_test.hpp>

#include <map>
#include <set>
#include <sstream>
#include <string>

BOOST_AUTO_TEST_SUITE(server_metrics_suite)

using namespace quorate;

namespace {

/// What a scrape says: types by family, values by sample.
struct scrape {
    std::map<std::string, std::string> types;
    std::map<std::string, std::string> values;
    std::multiset<std::string> families;

    explicit scrape(const std::string& text) {
        std::istringstream lines(text);
        std::string family;
        for (std::string line; std::getline(lines, line);) {
            std::istringstream words(line);
            std::string hash, kind;
            if (line.starts_with("# ")) {
                words >> hash >> kind >> family;
                if (kind == "TYPE") {
                    words >> types[family];
                    families.insert(family);
                }
                continue;
            }
            const std::size_t blank = line.rfind(' ');
            // A sample stands below its own family, and only once.
            BOOST_TEST(line.starts_with(family), line);
            BOOST_TEST(values.emplace(line.substr(0, blank), line.substr(blank + 1)).second, line);
        }
    }
    [[nodiscard]] std::string value(const std::string& sample) const {
        const auto found = values.find(sample);
        return found == values.end() ? "absent" : found->second;
    }
};

server_readings full() {
    server_readings now;
    now.server_version = "3.4.23";
    now.cluster_version = "3.4";
    now.own_version = "9.9";
    now.self = node_id(0xbdae9bbc11dd390d);
    now.has_leader = now.is_leader = true;
    now.is_learner = now.defragmenting = now.disk_full = false;
    now.term = now.committed = now.applied = now.pending = 5;
    now.quota_bytes = std::uint64_t{2} << 30;
    now.db_bytes = now.db_bytes_in_use = 4096;
    now.current_revision = now.compact_revision = now.keys = now.leases = 6;
    now.watch_streams = now.watchers = now.slow_watchers = now.pending_events = now.events = 7;
    now.auth_revision = 8;
    now.client_received_bytes = now.client_sent_bytes = 9;
    now.peers = {{node_id(0x1a), true, 1, 2, 3, 4}, {node_id(0x1b), false, 5, {}, 0, 0}};
    now.process = read_process();
    return now;
}

} // namespace

BOOST_AUTO_TEST_CASE(what_alerts_are_written_for_is_there) {
    server_metrics metrics;
    metrics.round_trips.try_emplace(node_id(0x1a), buckets::of_disk());
    metrics.wal_fsync.observe(0.001);
    metrics.backend_commit.observe(0.001);
    const scrape seen(metrics.text(full(), true));
    const std::map<std::string, std::string> wanted = {
        {"etcd_server_has_leader", "gauge"},
        {"etcd_server_is_leader", "gauge"},
        {"etcd_server_leader_changes_seen_total", "counter"},
        {"etcd_server_proposals_failed_total", "counter"},
        {"etcd_server_proposals_committed_total", "gauge"},
        {"etcd_server_proposals_applied_total", "gauge"},
        {"etcd_server_proposals_pending", "gauge"},
        {"etcd_server_quota_backend_bytes", "gauge"},
        {"etcd_server_id", "gauge"},
        {"etcd_server_version", "gauge"},
        {"etcd_cluster_version", "gauge"},
        {"etcd_disk_wal_fsync_duration_seconds", "histogram"},
        {"etcd_disk_backend_commit_duration_seconds", "histogram"},
        {"etcd_mvcc_db_total_size_in_bytes", "gauge"},
        {"etcd_mvcc_db_total_size_in_use_in_bytes", "gauge"},
        {"etcd_network_peer_sent_failures_total", "counter"},
        {"etcd_network_peer_round_trip_time_seconds", "histogram"},
        {"grpc_server_handled_total", "counter"},
        {"grpc_server_handling_seconds", "histogram"},
        {"os_fd_limit", "gauge"},
        {"process_resident_memory_bytes", "gauge"}};
    for (const auto& [name, type] : wanted) {
        BOOST_TEST(seen.types.count(name) == 1u, name);
        BOOST_TEST((seen.types.count(name) == 1 && seen.types.at(name) == type), name);
    }
    for (const auto& family : seen.families) {
        BOOST_TEST(seen.families.count(family) == 1u, family);
    }
}

BOOST_AUTO_TEST_CASE(readings_and_counts_are_told) {
    server_metrics metrics;
    metrics.puts.add(3);
    metrics.leader_changes_seen.add();
    metrics.wal_fsync.observe(0.003);
    const scrape seen(metrics.text(full(), false));
    BOOST_TEST(seen.value("etcd_server_id{server_id=\"bdae9bbc11dd390d\"}") == "1");
    BOOST_TEST(seen.value("etcd_mvcc_put_total") == "3");
    BOOST_TEST(seen.value("etcd_debugging_mvcc_put_total") == "3");
    BOOST_TEST(seen.value("etcd_server_leader_changes_seen_total") == "1");
    BOOST_TEST(seen.value("etcd_server_has_leader") == "1");
    BOOST_TEST(seen.value("etcd_server_is_learner") == "0");
    BOOST_TEST(seen.value("etcd_server_quota_backend_bytes") == "2147483648");
    BOOST_TEST(seen.value("etcd_disk_wal_fsync_duration_seconds_bucket{le=\"0.002\"}") == "0");
    BOOST_TEST(seen.value("etcd_disk_wal_fsync_duration_seconds_bucket{le=\"0.004\"}") == "1");
    BOOST_TEST(seen.value("etcd_network_peer_sent_bytes_total{To=\"1a\"}") == "1");
    BOOST_TEST(seen.value("etcd_network_peer_received_bytes_total{From=\"1b\"}") == "absent");
    const std::string active = "etcd_network_active_peers{Local=\"bdae9bbc11dd390d\",Remote=";
    BOOST_TEST(seen.value(active + "\"1a\"}") == "1");
    BOOST_TEST(seen.value(active + "\"1b\"}") == "0");
    BOOST_TEST(seen.value("os_fd_used") != "0");
    BOOST_TEST(seen.types.count("grpc_server_handling_seconds") == 0u);
}

BOOST_AUTO_TEST_CASE(what_nobody_told_is_not_told) {
    const scrape seen(server_metrics().text({}, false));
    for (const char* const name :
         {"etcd_server_has_leader", "etcd_server_id", "etcd_mvcc_db_total_size_in_bytes",
          "etcd_debugging_mvcc_keys_total", "etcd_network_peer_sent_bytes_total", "quorate_term",
          "etcd_network_peer_round_trip_time_seconds", "etcd_disk_backend_commit_duration_seconds",
          "etcd_server_slow_apply_total"}) {
        BOOST_TEST(seen.types.count(name) == 0u, name);
    }
    BOOST_TEST(seen.types.count("etcd_mvcc_put_total") == 1u);
}

BOOST_AUTO_TEST_SUITE_END()
