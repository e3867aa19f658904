#include <quorate/server/log_line_sink.hpp>

#include <boost/test/unit_test.hpp>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "../scratch_directory.hpp"

BOOST_AUTO_TEST_SUITE(log_line_sink_suite)

using namespace quorate;

namespace {

std::string contents(const std::filesystem::path& path) {
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), {}};
}

log_settings settings_of(log_level least, std::vector<std::string> outputs) {
    return {least, log_format::text, std::move(outputs)};
}

} // namespace

BOOST_AUTO_TEST_CASE(lines_go_to_all_outputs_from_the_level_on) {
    const quorate_test::scratch_directory scratch;
    const std::string one = scratch.path() / "one";
    const std::string two = scratch.path() / "two";
    log_line_sink sink(settings_of(log_level::warn, {one, two}));
    BOOST_TEST_REQUIRE(!sink.open());
    sink.say(log_level::info, "dropped");
    sink.write(log_level::info, sink.line(log_level::info, "dropped"));
    sink.say(log_level::warn, "kept");
    sink.write(log_level::error, sink.line(log_level::error, "worse").flag("f", true));
    BOOST_TEST(contents(one).find("dropped") == std::string::npos);
    BOOST_TEST(contents(one).find("warn kept\n") != std::string::npos);
    BOOST_TEST(contents(one).ends_with("error worse f=true\n"));
    BOOST_TEST(contents(one) == contents(two));
    BOOST_TEST(sink.lost() == 0u);
}

BOOST_AUTO_TEST_CASE(symbolic_link_is_not_followed) {
    const quorate_test::scratch_directory scratch;
    const std::filesystem::path other = scratch.path() / "other";
    const std::filesystem::path link = scratch.path() / "log";
    std::ofstream(other) << "kept";
    std::filesystem::create_symlink(other, link);
    log_line_sink sink(settings_of(log_level::debug, {link.string()}));
    std::string failed;
    BOOST_TEST(sink.open(&failed));
    BOOST_TEST(failed.find(link.string()) == 0u);
    sink.say(log_level::error, "lost");
    BOOST_TEST(contents(other) == "kept");
    log_line_sink system(settings_of(log_level::debug, {"/dev/stdout"}));
    BOOST_TEST(!system.open());
}

BOOST_AUTO_TEST_CASE(files_are_appended_to_and_opened_anew) {
    const quorate_test::scratch_directory scratch;
    const std::filesystem::path path = scratch.path() / "log";
    const std::filesystem::path moved = scratch.path() / "log.1";
    std::ofstream(path) << "before\n";
    log_line_sink sink(settings_of(log_level::debug, {path.string()}));
    BOOST_TEST_REQUIRE(!sink.open());
    sink.say(log_level::debug, "first");
    BOOST_TEST(contents(path).starts_with("before\n"));

    std::filesystem::rename(path, moved);
    sink.say(log_level::debug, "second");
    BOOST_TEST(!std::filesystem::exists(path));
    BOOST_TEST_REQUIRE(!sink.open());
    sink.say(log_level::debug, "third");
    BOOST_TEST(contents(moved).ends_with("debug second\n"));
    BOOST_TEST(contents(path).ends_with("debug third\n"));
}

BOOST_AUTO_TEST_CASE(an_output_that_cannot_be_opened_is_told_of) {
    const quorate_test::scratch_directory scratch;
    const std::string good = scratch.path() / "good";
    const std::string bad = scratch.path() / "no" / "such";
    std::string failed;
    log_line_sink sink(settings_of(log_level::info, {good, bad}));
    BOOST_TEST((sink.open(&failed) == std::errc::no_such_file_or_directory));
    BOOST_TEST(failed.starts_with(bad + ": "));
    sink.say(log_level::info, "nobody opened anything");
    BOOST_TEST(contents(good).empty());
}

BOOST_AUTO_TEST_CASE(a_full_output_costs_its_line_only) {
    const quorate_test::scratch_directory scratch;
    const std::string good = scratch.path() / "good";
    log_line_sink sink(settings_of(log_level::info, {"/dev/full", good}));
    BOOST_TEST_REQUIRE(!sink.open());
    sink.say(log_level::info, "kept there");
    BOOST_TEST(sink.lost() == 1u);
    BOOST_TEST(contents(good).ends_with("kept there\n"));
}

BOOST_AUTO_TEST_SUITE_END()
