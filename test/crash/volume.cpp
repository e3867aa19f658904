#include <quorate/log/posix_volume.hpp>
#include <quorate/log/segmented_log.hpp>
#include <quorate/testing/conformance/log_store.hpp>
#include <quorate/testing/conformance/snapshot_store.hpp>
#include <quorate/testing/conformance/volume.hpp>
#include <quorate/testing/simulated_volume.hpp>

#include "support.hpp"

using namespace crash_test;

BOOST_AUTO_TEST_SUITE(volume_conformance)

BOOST_AUTO_TEST_CASE(a_simulated_volume_conforms) {
    for (const bool reserves : {true, false}) {
        disk_options options;
        options.reserves = reserves;
        const auto disk = std::make_shared<simulated_disk>(options);
        const simulated_mount mount(disk, "/simulated");
        const auto report = volume_suite<simulated_volume>("/simulated/a/b").run();
        BOOST_TEST(report.passed(), report);
    }
}

BOOST_AUTO_TEST_CASE(a_posix_volume_conforms) {
    const scratch_directory scratch(medium::disk);
    const auto report = volume_suite<posix_volume>(scratch.path() / "a" / "b").run();
    BOOST_TEST(report.passed(), report);
}

BOOST_AUTO_TEST_CASE(a_log_on_a_simulated_volume_conforms) {
    const auto disk = std::make_shared<simulated_disk>();
    const simulated_mount mount(disk, "/simulated");
    for (std::uint64_t seed = 1; seed <= 4; ++seed) {
        log_options options = options_of_log();
        options.directory = "/simulated/" + std::to_string(seed);
        options.segment_bytes = seed % 2 == 0 ? 16 << 10 : 0;
        log_store_suite<segmented_log<simulated_volume>> suite(options, true, seed);
        const auto report = suite.run(200);
        BOOST_TEST(report.passed(), "seed " << seed << '\n' << report);
    }
}

BOOST_AUTO_TEST_CASE(snapshots_on_a_simulated_volume_conform) {
    const auto disk = std::make_shared<simulated_disk>();
    const simulated_mount mount(disk, "/simulated");
    snapshot_options options = options_of_snapshots();
    options.directory = "/simulated/snap";
    snapshot_store_suite<file_snapshots<simulated_volume>> suite(options, true);
    const auto report = suite.run();
    BOOST_TEST(report.passed(), report);
}

BOOST_AUTO_TEST_SUITE_END()
