#include <quorate/log/data_directory.hpp>
#include <quorate/log/file_meta.hpp>

#include "explorer.hpp"

using namespace crash_test;

BOOST_AUTO_TEST_SUITE(meta_crash)

namespace {

/// What is read after a crash; a reason when it cannot be.
std::string load(const std::shared_ptr<simulated_disk>& disk) {
    auto volume = simulated_volume::open(disk, "/member");
    if (!volume) {
        return volume.error().message();
    }
    file_meta<simulated_volume> store(std::move(*volume), {"/member", "identity", 100});
    const auto found = store.load();
    return found ? found->value_or("") : found.error().message();
}

} // namespace

/// The identity of a data directory, written once without a cluster and then with it.
BOOST_AUTO_TEST_CASE(every_crash_of_an_identity) {
    const auto disk = std::make_shared<simulated_disk>();
    std::string acknowledged;
    std::string saving;
    explorer crashes(1, [&](const std::shared_ptr<simulated_disk>& left) -> std::string {
        const std::string found = load(left);
        left->observe(nullptr);
        if (found != acknowledged && found != saving) {
            return "there is neither the old value nor the new one";
        }
        if (!found.empty() && !decode_identity(found)) {
            return "it is no identity";
        }
        left->crash_now({});
        return load(left) == found ? "" : "a power loss took what was read";
    });
    disk->observe([&](std::uint64_t) { crashes.explore(*disk); });
    auto volume = simulated_volume::open(disk, "/member");
    BOOST_REQUIRE(volume.has_value());
    file_meta<simulated_volume> store(std::move(*volume), {"/member", "identity", 100});
    for (const std::uint64_t cluster : {0U, 77U}) {
        saving = encode_identity({cluster_id(cluster), node_id(3)});
        BOOST_REQUIRE(!store.save(saving));
        acknowledged = saving;
    }
    crashes.explore(*disk);
    crashes.report("identity");
    BOOST_TEST(crashes.recoveries() > 50U);
}

BOOST_AUTO_TEST_CASE(every_change_of_an_identity_fails) {
    for (const int error : {EIO, ENOSPC}) {
        for (std::uint64_t change = 1; change <= 10; ++change) {
            const auto disk = std::make_shared<simulated_disk>();
            auto volume = simulated_volume::open(disk, "/member");
            BOOST_REQUIRE(volume.has_value());
            file_meta<simulated_volume> store(std::move(*volume), {"/member", "identity", 100});
            const std::string old = encode_identity({cluster_id(), node_id(3)});
            const std::string wanted = encode_identity({cluster_id(77), node_id(3)});
            disk->fail({change + 1, 1, error, 7, false});
            const bool first = !store.save(old);
            const bool second = !store.save(wanted);
            BOOST_TEST(!(first && second));
            disk->clear_faults();
            disk->crash_now({});
            const std::string found = load(disk);
            const bool is_known = found == wanted || found == old || found.empty();
            BOOST_TEST(is_known);
            BOOST_TEST((!second || found == wanted), "change " << change);
            BOOST_TEST((!first || !found.empty()), "change " << change);
        }
    }
}

BOOST_AUTO_TEST_SUITE_END()
