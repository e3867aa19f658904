// Words and variables → text of flags.
#include "../../example/quorated/flag_values.hpp"

#include <boost/test/unit_test.hpp>

#include <string>
#include <vector>

#include "../../example/quorated/flag_table.hpp"

using namespace quorated;

namespace {

flag_values read(std::vector<const char*> words) {
    return read_words(words);
}

std::string complaint_of(std::vector<const char*> words) {
    try {
        static_cast<void>(read(std::move(words)));
    } catch (const usage_error& wrong) {
        return wrong.what();
    }
    return "";
}

} // namespace

BOOST_AUTO_TEST_SUITE(flag_values_suite)

BOOST_AUTO_TEST_CASE(go_spellings) {
    for (const auto& words : std::vector<std::vector<const char*>>{
             {"--name", "a"}, {"-name", "a"}, {"--name=a"}, {"-name=a"}}) {
        BOOST_TEST(read(words).given.at("name") == "a");
    }
    BOOST_TEST(read({"--name=a=b"}).given.at("name") == "a=b");
    BOOST_TEST(read({"--name="}).given.at("name").empty());
    BOOST_TEST(read({"--name", "-x"}).given.at("name") == "-x");
    BOOST_TEST(read({"--name=a", "--name=b"}).given.at("name") == "b");
}

BOOST_AUTO_TEST_CASE(booleans_take_no_word) {
    const flag_values values = read({"--pre-vote", "--strict-reconfig-check=false", "-name", "x"});
    BOOST_TEST(values.given.at("pre-vote") == "true");
    BOOST_TEST(values.given.at("strict-reconfig-check") == "false");
    BOOST_TEST(values.given.at("name") == "x");
    BOOST_TEST(complaint_of({"--pre-vote", "false"}) == "'false' is not a valid flag");
}

BOOST_AUTO_TEST_CASE(what_is_no_flag) {
    BOOST_TEST(complaint_of({"--nonsense=1"}) == "--nonsense: there is no such flag");
    BOOST_TEST(complaint_of({"name"}) == "'name' is not a valid flag");
    for (const char* const word : {"", "-", "--", "---name", "--=x"}) {
        BOOST_TEST(complaint_of({word}) == "'" + std::string(word) + "' is not a valid flag");
    }
    BOOST_TEST(complaint_of({"--name"}) == "--name: needs a value");
    BOOST_TEST(complaint_of({"--na=x"}) == "--na: there is no such flag");
}

BOOST_AUTO_TEST_CASE(help_and_version_are_seen_anywhere) {
    BOOST_TEST(read({"--name", "a", "-h"}).help);
    BOOST_TEST(read({"--help"}).help);
    BOOST_TEST(read({"-version"}).version);
    BOOST_TEST(!read({"--name", "--help"}).help);
}

BOOST_AUTO_TEST_CASE(names_without_experimental) {
    const flag_values values = read({"--corrupt-check-time", "1h"});
    BOOST_TEST(values.given.at("experimental-corrupt-check-time") == "1h");
    BOOST_TEST((find_flag("vote") == nullptr));
}

BOOST_AUTO_TEST_CASE(the_environment_comes_after_flags) {
    const std::vector<std::string> lines = {
        "ETCD_NAME=e",          "QUORATE_NAME=q",     "ETCD_DATA_DIR=/e", "ETCD_WAL_DIR=",
        "QUORATE_MAX_TXN_OPS=", "ETCD_MAX_TXN_OPS=7", "PATH=/bin",        "NAME=n"};
    flag_values values;
    add_environment(lines, values);
    BOOST_TEST(values.given.at("name") == "q");
    BOOST_TEST(values.given.at("data-dir") == "/e");
    BOOST_TEST(values.given.at("max-txn-ops") == "7");
    BOOST_TEST(values.given.size() == 3);
    BOOST_TEST(values.warnings.empty());

    flag_values told = read({"--name=f"});
    add_environment(lines, told);
    BOOST_TEST(told.given.at("name") == "f");
}

BOOST_AUTO_TEST_CASE(variables_of_no_flag_are_warned_of) {
    const std::vector<std::string> lines = {"ETCD_NAEM=x", "ETCDCTL_API=3", "QUORATE_NOISE=1"};
    flag_values values;
    add_environment(lines, values);
    BOOST_TEST_REQUIRE(values.warnings.size() == 2);
    BOOST_TEST(values.warnings[0] == "the environment variable ETCD_NAEM belongs to no flag");
}

BOOST_AUTO_TEST_CASE(the_help_names_every_flag_once) {
    const std::string help = describe_flags();
    for (const flag_rule& rule : all_flags()) {
        const std::string line = "\n  --" + std::string(rule.name) + " '";
        const std::size_t first = help.find(line);
        BOOST_TEST((first != std::string::npos), rule.name);
        BOOST_TEST((help.find(line, first + 1) == std::string::npos), rule.name);
        BOOST_TEST((find_flag(rule.name) == &rule), rule.name);
    }
}

BOOST_AUTO_TEST_SUITE_END()
