#include <quorate/log/file_meta.hpp>
#include <quorate/testing/conformance/meta_store.hpp>

#include "support.hpp"

using namespace log_test;

BOOST_AUTO_TEST_SUITE(file_meta_suite)

namespace {

struct fixture {
    scratch_directory scratch;
    meta_options options{scratch.path() / "meta", "value", 100};

    [[nodiscard]] std::optional<std::string> value() const {
        const auto opened = file_meta<>::open(options);
        BOOST_REQUIRE(opened.has_value());
        const auto loaded = (*opened)->load();
        BOOST_REQUIRE(loaded.has_value());
        return *loaded;
    }
};

} // namespace

BOOST_FIXTURE_TEST_CASE(conforms, fixture) {
    const auto report = quorate::testing::meta_store_suite<file_meta<>>(options, true).run();
    BOOST_TEST(report.passed(), report);
    BOOST_TEST(names_in(options.directory).size() == 1U);
}

BOOST_FIXTURE_TEST_CASE(a_failure_at_any_operation_leaves_the_old_value_or_the_new_one, fixture) {
    bool failed = true;
    for (int at = 0; failed; ++at) {
        std::filesystem::remove_all(options.directory);
        BOOST_REQUIRE(!(*file_meta<>::open(options))->save("old"));
        result<posix_volume> disk = posix_volume::open(options.directory);
        BOOST_REQUIRE(disk.has_value());
        const auto plan = std::make_shared<fault_plan>(fault_plan{at, true, 0});
        file_meta<faulty_volume> store(faulty_volume(std::move(*disk), plan), options);
        failed = store.save("new").failed();
        const std::optional<std::string> found = value();
        BOOST_TEST((found == "old" || found == "new"));
        BOOST_TEST((failed || found == "new"));
        BOOST_TEST((failed || at == 5)); // create, write, sync, rename, sync the names
    }
}

BOOST_FIXTURE_TEST_CASE(without_space_nothing_changes, fixture) {
    BOOST_REQUIRE(!(*file_meta<>::open(options))->save("old"));
    for (int at = 0; at < 2; ++at) {
        result<posix_volume> disk = posix_volume::open(options.directory);
        BOOST_REQUIRE(disk.has_value());
        const auto plan = std::make_shared<fault_plan>(fault_plan{-1, true, 0, at});
        file_meta<faulty_volume> store(faulty_volume(std::move(*disk), plan), options);
        BOOST_TEST((store.save("new") == errc::no_space));
        BOOST_TEST((value() == "old"));
        BOOST_TEST(names_in(options.directory).size() == 1U);
        plan->full_at = -1;
        BOOST_TEST(!store.save("old"));
    }
}

BOOST_FIXTURE_TEST_CASE(a_file_over_the_limit_is_not_read, fixture) {
    BOOST_REQUIRE(!(*file_meta<>::open(options))->save("old"));
    write_file(options.directory / "value", std::string(101, 'x'));
    BOOST_TEST(((*file_meta<>::open(options))->load().error() == errc::too_large));
}

BOOST_AUTO_TEST_SUITE_END()
