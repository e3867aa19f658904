// Text of flags → the options of a server: defaults, checks, ids as etcd computes them.
#include "../../example/quorated/serve_options.hpp"

#include <boost/test/unit_test.hpp>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <vector>

#include "../../example/quorated/flag_values.hpp"
#include "../../example/quorated/member_identity.hpp"
#include "../scratch_directory.hpp"

using namespace quorated;
using namespace std::chrono_literals;

namespace {

constexpr parts_built everything{true, true};

serve_options options_of(std::vector<const char*> words, parts_built built = everything) {
    return make_serve_options(read_words(words), built);
}

std::string refusal_of(std::vector<const char*> words, parts_built built = everything) {
    try {
        static_cast<void>(options_of(std::move(words), built));
    } catch (const usage_error& wrong) {
        return wrong.what();
    }
    return "";
}

bool complains(std::vector<const char*> words, std::string_view how) {
    const std::string complaint = refusal_of(std::move(words));
    BOOST_TEST_MESSAGE(complaint);
    return complaint.starts_with(how);
}

} // namespace

BOOST_AUTO_TEST_SUITE(serve_options_suite)

BOOST_AUTO_TEST_CASE(limits_of_clients_that_contradict_each_other_are_refused) {
    BOOST_TEST(
        complains({"--max-unfinished-bytes", "100000"}, "--max-unfinished-bytes: 100000 is"));
    BOOST_TEST(complains({"--max-connections", "7"}, "--max-connections:"));
    BOOST_TEST(complains({"--max-concurrent-streams", "0"}, "--max-concurrent-streams:"));
    BOOST_TEST(complains({"--shutdown-grace", "0s"}, "--shutdown-grace: '0s'"));
    BOOST_TEST(complains({"--client-idle-timeout", "-1s"}, "--client-idle-timeout:"));
    const serve_options large =
        options_of({"--max-request-bytes", "400000000", "--max-pending-bytes", "536870912"});
    BOOST_TEST(large.max_unfinished_bytes >= 2 * large.body_bytes_max());
    const serve_options given =
        options_of({"--max-connections", "100", "--max-concurrent-streams", "9",
                    "--max-unfinished-bytes", "9000000", "--client-idle-timeout", "1m"});
    BOOST_TEST(given.max_connections == 100U);
    BOOST_TEST(given.max_concurrent_streams == 9U);
    BOOST_TEST(given.max_unfinished_bytes == 9'000'000U);
    BOOST_TEST((given.client_idle_timeout == 1min));
}

BOOST_AUTO_TEST_CASE(defaults) {
    const serve_options options = options_of({});
    BOOST_TEST(options.name == "default");
    BOOST_TEST(options.data_dir == "default.quorate");
    BOOST_TEST(options.listen_client.at(0).text == "http://localhost:2379");
    BOOST_TEST(options.listen_peer.at(0).text == "http://localhost:2380");
    BOOST_TEST(options.snapshot_count == 100'000);
    BOOST_TEST((options.heartbeat == 100ms && options.election == 1000ms));
    BOOST_TEST(options.max_txn_ops == 128);
    BOOST_TEST(options.max_request_bytes == 1'572'864);
    BOOST_TEST(options.max_pending_bytes == 536'870'912);
    BOOST_TEST(options.max_snapshot_bytes == 68'719'476'736);
    BOOST_TEST(options.max_snapshot_streams == 16);
    BOOST_TEST(options.max_database_bytes == 17'179'869'184);
    BOOST_TEST(options.max_connections == 16'384U);
    BOOST_TEST(options.max_concurrent_streams == UINT32_MAX);
    BOOST_TEST(options.max_unfinished_bytes == 268'435'456U);
    BOOST_TEST((options.client_idle_timeout == 0ms && options.shutdown_grace == 2s));
    BOOST_TEST((options.compaction == compaction_mode::off));
    BOOST_TEST((options.auth_token_ttl == 300s));
    BOOST_TEST(options.bcrypt_cost == 10);
    BOOST_TEST((options.watch_progress_interval == 10min));
    BOOST_TEST((options.slow_request == 100ms));
    BOOST_TEST((options.log.least == quorate::log_level::info));
    BOOST_TEST((options.log.outputs == std::vector<std::string>{"stderr"}));
    BOOST_TEST((options.pre_vote && options.strict_reconfig_check && !options.join));
    BOOST_TEST((options.cors.empty() && options.host_whitelist.empty()));
    BOOST_TEST(options.bootstrap_problem.empty());
    BOOST_TEST(options.warnings.empty());
}

BOOST_AUTO_TEST_CASE(ids_are_those_of_etcd) {
    const serve_options one = options_of({"--initial-advertise-peer-urls=http://127.0.0.1:23801",
                                          "--initial-cluster=default=http://127.0.0.1:23801"});
    BOOST_TEST(one.id.value() == 0xbdae9bbc11dd390d);
    BOOST_TEST(one.cluster.value() == 0xd1cfaf999eb97a2a);

    const serve_options three = options_of(
        {"--name=b", "--initial-cluster-token=tok-1",
         "--initial-advertise-peer-urls=http://127.0.0.1:23801,http://10.0.0.9:7",
         "--initial-cluster=c=http://10.0.0.3:2380,b=http://127.0.0.1:23801,a=http://10.0.0.1:2380,"
         "b=http://10.0.0.9:7"});
    BOOST_TEST(three.id.value() == 0xb47ddfb31def1d0b);
    BOOST_TEST(three.cluster.value() == 0xe5375c10260026bf);
    BOOST_TEST(three.bootstrap_problem.empty());
    BOOST_TEST_REQUIRE(three.initial_cluster.size() == 3);
    BOOST_TEST(three.initial_cluster[1].name == "b");
    BOOST_TEST(three.initial_cluster[1].id.value() == three.id.value());
    BOOST_TEST(three.initial_cluster[1].peer_urls.at(0) == "http://10.0.0.9:7");
}

BOOST_AUTO_TEST_CASE(what_does_not_fit_together_is_told) {
    for (const char* name : {"--name=../x", "--name=/tmp", "--name=a/b", "--name=.", "--name=..",
                             "--name=a\nb", "--name=a\x1b[2J", "--name=a\x7f"}) {
        BOOST_TEST(complains({name}, "--name"));
    }
    BOOST_TEST(options_of({"--name=..x", "--initial-cluster=..x=http://localhost:2380"}).name ==
               "..x");
    BOOST_TEST(
        options_of({"--name=x", "--initial-cluster=a=http://localhost:2380"}).bootstrap_problem ==
        "--initial-cluster: does not name this member, 'x'");
    BOOST_TEST(options_of({"--initial-cluster=default=http://localhost:9"}).bootstrap_problem ==
               "--initial-cluster: has default=http://localhost:9, which "
               "--initial-advertise-peer-urls lacks");
    BOOST_TEST(
        options_of({"--initial-cluster=default=http://localhost:2380,b=http://localhost:2380"})
            .bootstrap_problem ==
        "--initial-cluster: lists the peer URL 'http://localhost:2380' twice");
    BOOST_TEST(complains({"--initial-cluster=http"}, "--initial-cluster: 'http' is not"));
    BOOST_TEST(complains({"--initial-cluster=a="}, "--initial-cluster: 'a=' is not"));
    BOOST_TEST(complains({"--initial-cluster=a=b"}, "--initial-cluster: 'b' is not"));
}

BOOST_AUTO_TEST_CASE(data_says_itself_whose_it_is) {
    const quorate_test::scratch_directory scratch;
    const std::string data = "--data-dir=" + scratch.path().string();
    const char* const words[] = {data.c_str(), "--initial-cluster=other=http://127.0.0.1:1"};
    std::optional<int> ended;
    static_cast<void>(parse_serve(words, {}, ended));
    BOOST_TEST((ended == 2));

    const char* const forced[] = {data.c_str(), "--force-new-cluster"};
    ended.reset();
    static_cast<void>(parse_serve(forced, {}, ended));
    BOOST_TEST((ended == 2)); // nobody survived there

    std::ofstream(scratch.path() / "identity") << "nonsense";
    BOOST_TEST(!identity_in(scratch.path()).has_value());
    {
        auto opened = quorate::data_directory::open(scratch.path() / "member");
        BOOST_TEST_REQUIRE(!!opened);
        BOOST_TEST(!opened->claim({quorate::cluster_id(7), quorate::node_id(8)}));
    }
    std::filesystem::copy_file(scratch.path() / "member" / "identity", scratch.path() / "identity",
                               std::filesystem::copy_options::overwrite_existing);
    ended.reset();
    const serve_options kept = parse_serve(words, {}, ended);
    BOOST_TEST(!ended.has_value());
    BOOST_TEST(kept.id.value() == 8u);
    BOOST_TEST(kept.cluster.value() == 7u);
    BOOST_TEST(!kept.force_new_cluster);
    BOOST_TEST(parse_serve(forced, {}, ended).force_new_cluster);
    BOOST_TEST(!ended.has_value());
}

BOOST_AUTO_TEST_CASE(data_of_another_member_is_refused) {
    const quorate_test::scratch_directory scratch;
    const std::string a = "http://127.0.0.1:1";
    const std::string b = "http://127.0.0.1:2";
    {
        auto opened = quorate::data_directory::open(scratch.path() / "b");
        BOOST_TEST_REQUIRE(!!opened);
        BOOST_TEST(!opened->claim({quorate::cluster_id(7), member_id_of({b}, "etcd-cluster")}));
    }
    const auto status_of = [&](const std::string& name, const std::string& url,
                               const std::string& listed) {
        const std::string given[] = {"--data-dir=" + (scratch.path() / "b").string(),
                                     "--name=" + name, "--initial-advertise-peer-urls=" + url,
                                     "--initial-cluster=" + listed};
        const char* const words[] = {given[0].c_str(), given[1].c_str(), given[2].c_str(),
                                     given[3].c_str()};
        std::optional<int> ended;
        const serve_options options = parse_serve(words, {}, ended);
        BOOST_TEST((ended.has_value() || (options.identified && !options.has_state)));
        return ended.value_or(0);
    };
    BOOST_TEST(status_of("a", a, "a=" + a + ",b=" + b) == 2);
    BOOST_TEST(status_of("b", b, "a=" + a + ",b=" + b) == 0);
    // Flags that only look old are not looked at.
    BOOST_TEST(status_of("new-name", b, "a=" + a + ",b=" + b) == 0);
    BOOST_TEST(status_of("a", a, "a=" + a) == 0);
}

BOOST_AUTO_TEST_CASE(one_that_joins_does_not_know_its_cluster) {
    const serve_options options = options_of({"--initial-cluster-state=existing"});
    BOOST_TEST(options.join);
    BOOST_TEST(options.cluster.value() == 0);
    BOOST_TEST(complains({"--initial-cluster-state=old"}, "--initial-cluster-state: 'old'"));
}

BOOST_AUTO_TEST_CASE(the_lone_member_is_its_cluster) {
    const serve_options options =
        options_of({"--name=n", "--initial-advertise-peer-urls=http://127.0.0.1:5"});
    BOOST_TEST_REQUIRE(options.initial_cluster.size() == 1);
    BOOST_TEST(options.initial_cluster[0].name == "n");
    BOOST_TEST(options.initial_cluster[0].peer_urls.at(0) == "http://127.0.0.1:5");
    BOOST_TEST(options.data_dir == "n.quorate");
}

BOOST_AUTO_TEST_CASE(listening_in_the_open_must_be_wanted) {
    for (const char* const flag :
         {"--listen-client-urls", "--listen-peer-urls", "--listen-metrics-urls"}) {
        const std::string given = std::string(flag) + "=http://0.0.0.0:2381";
        const char* const also = "--advertise-client-urls=http://10.0.0.1:2379";
        BOOST_TEST(complains({given.c_str(), also}, std::string(flag) + ": 'http://0.0.0.0:2381'"));
        BOOST_TEST(refusal_of({given.c_str(), also, "--allow-plaintext"}).empty());
        const std::string name = std::string(flag) + "=http://some.host:2379";
        BOOST_TEST(complains({name.c_str(), also, "--allow-plaintext"}, flag));
    }
    BOOST_TEST(complains({"--listen-client-urls=http://127.0.0.1:1"}, "--advertise-client-urls"));
}

BOOST_AUTO_TEST_CASE(one_address_in_two_listen_flags_is_refused) {
    const std::string clients = "--listen-client-urls=http://127.0.0.1:7";
    const char* const also = "--advertise-client-urls=http://127.0.0.1:7";
    const auto refusal_beside = [&](const char* other) {
        return refusal_of({clients.c_str(), also, other, "--allow-plaintext"});
    };
    const std::string one = "'http://127.0.0.1:7' listens where ";
    BOOST_TEST(refusal_beside("--listen-peer-urls=http://localhost:7") ==
               "--listen-client-urls: " + one + "'http://localhost:7' of --listen-peer-urls does");
    BOOST_TEST(refusal_beside("--listen-peer-urls=http://0.0.0.0:7") ==
               "--listen-client-urls: " + one + "'http://0.0.0.0:7' of --listen-peer-urls does");
    BOOST_TEST(refusal_beside("--listen-metrics-urls=http://127.0.0.1:7") ==
               "--listen-metrics-urls: " + one +
                   "'http://127.0.0.1:7' of --listen-client-urls does");
    for (const char* const other :
         {"--listen-peer-urls=http://127.0.0.2:7", "--listen-peer-urls=http://127.0.0.1:8",
          "--listen-peer-urls=http://[::1]:7", "--listen-metrics-urls=http://127.0.0.2:7"}) {
        BOOST_TEST(refusal_beside(other) == "");
    }
}

BOOST_AUTO_TEST_CASE(tls) {
    const std::vector<const char*> wanted = {"--listen-client-urls=https://0.0.0.0:2379",
                                             "--advertise-client-urls=https://a:2379",
                                             "--cert-file=c.pem", "--key-file=k.pem"};
    const serve_options options = options_of(wanted);
    BOOST_TEST(options.client_tls.cert_file == "c.pem");
    BOOST_TEST(options.listen_client.at(0).tls);
    BOOST_TEST(refusal_of(wanted, {false, true}).find("without TLS") != std::string::npos);
    BOOST_TEST(complains({wanted[0], wanted[1]}, "--cert-file: is needed"));
    BOOST_TEST(complains({wanted[0], wanted[1], wanted[2]}, "--cert-file: needs --key-file"));
    BOOST_TEST(complains({wanted[0], wanted[1], wanted[2], wanted[3], "--client-cert-auth"},
                         "--client-cert-auth: needs --trusted-ca-file"));
    BOOST_TEST(complains({"--client-cert-auth", "--trusted-ca-file=ca"}, "--client-cert-auth: no"));
    BOOST_TEST(options_of({wanted[2], wanted[3]}).warnings.size() == 1);
}

BOOST_AUTO_TEST_CASE(tls_between_members) {
    const std::vector<const char*> wanted = {
        "--name=a",
        "--listen-peer-urls=https://0.0.0.0:1,http://127.0.0.1:2",
        "--initial-advertise-peer-urls=https://a:1",
        "--initial-cluster=a=https://a:1",
        "--peer-cert-file=c.pem",
        "--peer-key-file=k.pem",
        "--peer-trusted-ca-file=ca.pem",
        "--peer-client-cert-auth",
        "--peer-crl-file=r.pem",
        "--peer-cert-allowed-cn=member",
        "--peer-cert-names-member",
        "--tls-min-version=TLS1.3"};
    const auto with = [&](std::vector<const char*> more) {
        more.insert(more.begin(), wanted.begin(), wanted.begin() + 4);
        return more;
    };
    const serve_options options = options_of(wanted);
    BOOST_TEST(options.warnings.empty());
    BOOST_TEST(options.listen_peer.size() == 2U);
    BOOST_TEST(options.peer_tls.cert_file == "c.pem");
    BOOST_TEST(options.peer_tls.key_file == "k.pem");
    BOOST_TEST(options.peer_tls.trusted_ca_file == "ca.pem");
    BOOST_TEST(options.peer_tls.crl_file == "r.pem");
    BOOST_TEST(options.peer_tls.allowed_common_name == "member");
    BOOST_TEST(options.peer_tls.client_cert_auth);
    BOOST_TEST(options.peer_tls.only_1_3);
    BOOST_TEST(options.peer_tls.dials);
    BOOST_TEST(options.peer_cert_names_member);
    BOOST_TEST(refusal_of(wanted, {false, true}).find("without TLS") != std::string::npos);
    BOOST_TEST(complains(with({}), "--peer-cert-file: is needed for 'https://0.0.0.0:1'"));
    BOOST_TEST(complains({wanted[0], wanted[2], wanted[3]}, "--peer-cert-file: is needed"));
    BOOST_TEST(complains(with({"--peer-cert-file=c"}), "--peer-cert-file: needs --peer-key-file"));
    BOOST_TEST(complains(with({wanted[4], wanted[5], wanted[7]}), "--peer-client-cert-auth"));
    BOOST_TEST(complains(
        with({wanted[4], wanted[5], wanted[6], wanted[9], "--peer-cert-allowed-hostname=b"}),
        "--peer-cert-allowed-cn: does not go with"));
    BOOST_TEST(complains({wanted[6]}, "--peer-trusted-ca-file: needs --peer-cert-file"));
    BOOST_TEST(options_of({wanted[4], wanted[5]}).warnings.size() == 1);
    BOOST_TEST(options_of(with({wanted[4], wanted[5]})).warnings.size() == 1);
    BOOST_TEST(complains({"--peer-auto-tls"}, "--peer-auto-tls: certificates are not made up"));
}

BOOST_AUTO_TEST_CASE(compaction) {
    const auto by = [](const char* mode, const char* retention) {
        const std::string both[] = {std::string("--auto-compaction-mode=") + mode,
                                    std::string("--auto-compaction-retention=") + retention};
        return options_of({both[0].c_str(), both[1].c_str()});
    };
    BOOST_TEST((by("periodic", "3").compaction_period == 3h));
    BOOST_TEST((by("periodic", "5m").compaction_period == 5min));
    BOOST_TEST((by("periodic", "5m").compaction == compaction_mode::periodic));
    BOOST_TEST((by("periodic", "0").compaction == compaction_mode::off));
    BOOST_TEST(by("revision", "1000").compaction_revisions == 1000);
    BOOST_TEST((by("revision", "1000").compaction == compaction_mode::revision));
    BOOST_TEST((by("revision", "0").compaction == compaction_mode::off));
    BOOST_CHECK_THROW(by("revision", "5m"), usage_error);
    BOOST_CHECK_THROW(by("never", "5"), usage_error);
}

BOOST_AUTO_TEST_CASE(bounds) {
    BOOST_TEST(complains({"--election-timeout=499"}, "--election-timeout: 499 ms is less"));
    BOOST_TEST(complains({"--election-timeout=50001"}, "--election-timeout: '50001'"));
    BOOST_TEST(complains({"--heartbeat-interval=0"}, "--heartbeat-interval: '0'"));
    BOOST_TEST(complains({"--bcrypt-cost=3"}, "--bcrypt-cost: '3'"));
    BOOST_TEST(complains({"--max-request-bytes=0"}, "--max-request-bytes: '0'"));
    BOOST_TEST(complains({"--max-pending-bytes=1000"},
                         "--max-pending-bytes: 1000 is less than --max-request-bytes, 1572864"));
    BOOST_TEST(complains({"--max-txn-ops=-1"}, "--max-txn-ops: '-1'"));
    BOOST_TEST(complains({"--name="}, "--name: must not be empty"));
    BOOST_TEST(options_of({"--quota-backend-bytes=-1"}).quota_backend_bytes == -1);
    BOOST_TEST(options_of({"--quota-backend-bytes=-1"}).max_database_bytes == 68'719'476'736);
    BOOST_TEST(options_of({"--quota-backend-bytes=20000000000"}).max_database_bytes ==
               20'000'000'000);
    BOOST_TEST(complains({"--max-database-bytes=2147483647"},
                         "--max-database-bytes: 2147483647 is less than the quota, 2147483648"));
    BOOST_TEST(complains({"--max-snapshot-streams=0"}, "--max-snapshot-streams: '0'"));
}

BOOST_AUTO_TEST_CASE(without_effect_or_refused) {
    BOOST_TEST(options_of({"--enable-pprof"}).warnings.size() == 1);
    BOOST_TEST(options_of({"--enable-pprof=false"}).warnings.empty());
    BOOST_TEST(options_of({"--enable-pprof"}).warnings.size() == 1);
    BOOST_TEST(options_of({"--enable-pprof=f"}).warnings.empty());
    for (const char* const refused :
         {"--discovery=http://d", "--discovery-srv=x", "--proxy=on", "--enable-v2", "--auto-tls",
          "--unsafe-no-fsync", "--experimental-enable-v2v3=/p", "--auth-token=jwt"}) {
        const std::string flag = std::string(refused).substr(0, std::string(refused).find('='));
        BOOST_TEST(complains({refused}, flag + ": "));
    }
    BOOST_TEST(refusal_of({"--proxy=off", "--discovery="}).empty());
    BOOST_TEST(refusal_of({"--backend=lmdb"}, {true, false}).find("LMDB") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(choices_and_lists) {
    BOOST_TEST((options_of({"--log-level=fatal"}).log.least == quorate::log_level::error));
    BOOST_TEST((options_of({"--debug"}).log.least == quorate::log_level::debug));
    BOOST_TEST((options_of({"--log-format=console"}).log.format == quorate::log_format::text));
    BOOST_TEST((options_of({"--log-outputs=stdout,/x/y,stdout,default"}).log.outputs ==
                std::vector<std::string>{"stdout", "/x/y", "stderr"}));
    BOOST_TEST(
        (options_of({"--log-output=stdout"}).log.outputs == std::vector<std::string>{"stdout"}));
    BOOST_TEST((options_of({"--backend=lmdb"}).backend == backend_kind::lmdb));
    BOOST_TEST((options_of({"--error-dialect=3.6"}).error_dialect == dialect::etcd_3_6));
    BOOST_TEST(complains({"--error-dialect=3.5"}, "--error-dialect: '3.5' is none of 3.4, 3.6"));
    BOOST_TEST((options_of({"--cors=http://a,http://b"}).cors ==
                std::vector<std::string>{"http://a", "http://b"}));
    BOOST_TEST(options_of({"--host-whitelist=a,*"}).host_whitelist.empty());
    BOOST_TEST(options_of({"--metrics=extensive"}).extensive_metrics);
}

BOOST_AUTO_TEST_CASE(files_that_stay_have_a_place_and_bounds) {
    BOOST_TEST(options_of({}).wal_dir.empty());
    BOOST_TEST((options_of({}).max_snapshots == 2 && options_of({}).max_wals == 1));
    const serve_options given = options_of({"--wal-dir=/w", "--max-snapshots=7", "--max-wals=9"});
    BOOST_TEST((given.wal_dir == "/w"));
    BOOST_TEST((given.max_snapshots == 7 && given.max_wals == 9));
    BOOST_TEST(given.warnings.empty());
    const serve_options endless = options_of({"--max-snapshots=0", "--max-wals=0"});
    BOOST_TEST((endless.max_snapshots == UINT32_MAX && endless.max_wals == UINT32_MAX));
    BOOST_TEST(complains({"--max-wals=-1"}, "--max-wals: '-1' is not a number from 0"));
}

BOOST_AUTO_TEST_CASE(capital_letters_of_a_scheme_make_no_other_member) {
    const serve_options small = options_of({"--initial-cluster=default=http://127.0.0.1:1",
                                            "--initial-advertise-peer-urls=http://127.0.0.1:1",
                                            "--listen-peer-urls=http://127.0.0.1:1"});
    const serve_options capital = options_of({"--initial-cluster=default=HTTP://127.0.0.1:1",
                                              "--initial-advertise-peer-urls=Http://127.0.0.1:1",
                                              "--listen-peer-urls=HTTP://127.0.0.1:1"});
    BOOST_TEST(capital.bootstrap_problem == "");
    BOOST_TEST((capital.id == small.id && capital.cluster == small.cluster));
    BOOST_TEST((capital.advertise_peer_urls == small.advertise_peer_urls));
    BOOST_TEST(capital.listen_peer.front().text == "http://127.0.0.1:1");
}

BOOST_AUTO_TEST_SUITE_END()
