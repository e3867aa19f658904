// A YAML file → text of flags.
#include "../../example/quorated/config_file.hpp"

#include <boost/test/unit_test.hpp>

#include <fstream>
#include <string>

#include "../../example/quorated/serve_options.hpp"
#include "../scratch_directory.hpp"

using namespace quorated;

namespace {

class file_of {
public:
    explicit file_of(const std::string& text) : path_(scratch_.path() / "conf.yml") {
        std::ofstream(path_) << text;
    }
    [[nodiscard]] std::string path() const { return path_.string(); }

private:
    quorate_test::scratch_directory scratch_;
    std::filesystem::path path_;
};

} // namespace

BOOST_AUTO_TEST_SUITE(config_file_suite)

#if defined(QUORATED_WITH_YAML)

BOOST_AUTO_TEST_CASE(names_of_etcd) {
    const file_of file(
        "# sample\n"
        "name: 'n1'\n"
        "data-dir: /var/lib/n1\n"
        "wal-dir:\n"
        "snapshot-count: 5000\n"
        "strict-reconfig-check: off\n"
        "cors:\n"
        "log-outputs: [stderr, /tmp/x.log]\n"
        "grpc-keepalive-min-time: 5000000000\n"
        "experimental-corrupt-check-time: 1500000000\n"
        "initial-cluster-token: etcd-cluster-1\n"
        "client-transport-security:\n"
        "  cert-file: c.pem\n"
        "  key-file: k.pem\n"
        "  client-cert-auth: false\n"
        "  crl-file: r.pem\n"
        "peer-transport-security:\n"
        "  cert-file:\n"
        "  auto-tls: false\n"
        "no-such-thing: 1\n");
    const flag_values values = read_config_file(file.path());
    BOOST_TEST(values.given.at("name") == "n1");
    BOOST_TEST(values.given.at("snapshot-count") == "5000");
    BOOST_TEST(values.given.at("strict-reconfig-check") == "false");
    BOOST_TEST(values.given.at("log-outputs") == "stderr,/tmp/x.log");
    BOOST_TEST(values.given.at("grpc-keepalive-min-time") == "5000000000ns");
    BOOST_TEST(values.given.at("cert-file") == "c.pem");
    BOOST_TEST(values.given.at("client-crl-file") == "r.pem");
    BOOST_TEST(values.given.at("peer-auto-tls") == "false");
    BOOST_TEST(values.given.count("wal-dir") == 0);
    BOOST_TEST(values.given.count("peer-cert-file") == 0);
    BOOST_TEST_REQUIRE(values.warnings.size() == 1);
    BOOST_TEST(values.warnings[0] == "--config-file: no-such-thing is no flag's name");
}

BOOST_AUTO_TEST_CASE(it_replaces_flags_and_environment) {
    const file_of file("name: from-file\n");
    const std::string flag = "--config-file=" + file.path();
    const char* const words[] = {"--data-dir=/from/flag", flag.c_str()};
    const std::string environment[] = {"ETCD_MAX_TXN_OPS=5"};
    std::optional<int> ended;
    const serve_options options = parse_serve(words, environment, ended);
    BOOST_TEST(!ended);
    BOOST_TEST(options.name == "from-file");
    BOOST_TEST(options.data_dir == "from-file.quorate");
    BOOST_TEST(options.max_txn_ops == 128);
    BOOST_TEST(options.warnings.size() == 1);

    const std::string named[] = {"ETCD_CONFIG_FILE=" + file.path()};
    BOOST_TEST(parse_serve({}, named, ended).name == "from-file");
}

BOOST_AUTO_TEST_CASE(json_is_yaml_too) {
    const file_of file(
        "{\"name\": \"j\", \"pre-vote\": true, \"quota-backend-bytes\": 8589934592}");
    const flag_values values = read_config_file(file.path());
    BOOST_TEST(values.given.at("name") == "j");
    BOOST_TEST(values.given.at("quota-backend-bytes") == "8589934592");
}

BOOST_AUTO_TEST_CASE(an_empty_file_means_defaults) {
    BOOST_TEST(read_config_file(file_of("# nothing\n").path()).given.empty());
}

BOOST_AUTO_TEST_CASE(what_is_wrong_is_told) {
    for (const char* const wrong :
         {"a: [", "- a\n- b\n", "just words", "name: {a: b}", "name: [[a]]", "pre-vote: maybe",
          "? {a: b}\n: c", "name: \"unfinished", "name: a\n\tdata-dir: b"}) {
        BOOST_CHECK_THROW(static_cast<void>(read_config_file(file_of(wrong).path())), usage_error);
    }
    BOOST_CHECK_THROW(static_cast<void>(read_config_file("/no/such/file")), usage_error);
    const file_of large("name: " + std::string(2 << 20, 'a'));
    BOOST_CHECK_THROW(static_cast<void>(read_config_file(large.path())), usage_error);
}

#else

BOOST_AUTO_TEST_CASE(without_a_parser_it_says_so) {
    const file_of file("name: a\n");
    try {
        static_cast<void>(read_config_file(file.path()));
        BOOST_ERROR("read without a parser");
    } catch (const usage_error& wrong) {
        BOOST_TEST(std::string(wrong.what()).find("without yaml-cpp") != std::string::npos);
    }
}

#endif

BOOST_AUTO_TEST_SUITE_END()
