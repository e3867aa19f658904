#include <quorate/testing/simulated_volume.hpp>

#include <set>
#include <sstream>

#include "support.hpp"

using namespace crash_test;

BOOST_AUTO_TEST_SUITE(simulated_volume_suite)

namespace {

using temporary = temporary_file<simulated_file>;

struct fixture {
    std::shared_ptr<simulated_disk> disk = std::make_shared<simulated_disk>();
    simulated_volume volume = open();

    [[nodiscard]] simulated_volume open() const {
        auto opened = simulated_volume::open(disk, "/d");
        BOOST_REQUIRE(opened.has_value());
        return std::move(*opened);
    }
    [[nodiscard]] temporary make() {
        auto made = volume.create_temporary();
        BOOST_REQUIRE(made.has_value());
        return std::move(*made);
    }
    /// A durable file of this name.
    [[nodiscard]] simulated_file make(const std::string& name, byte_view bytes) {
        temporary made = make();
        BOOST_REQUIRE(!write(made.file, 0, bytes));
        BOOST_REQUIRE(!publish(volume, made, name));
        return std::move(made.file);
    }
    [[nodiscard]] static error_code write(simulated_file& file, std::uint64_t offset,
                                          byte_view bytes) {
        return file.write_at(offset, {&bytes, 1});
    }
    void lose_power(const tear& torn = {}) { disk->crash_now({crash_kind::power_loss, torn}); }
    [[nodiscard]] std::string held(const std::string& name) const {
        return disk->contents("/d", name);
    }
    [[nodiscard]] std::vector<std::string> names() const { return disk->names("/d"); }
};

const tear keep_all{
    {part_choice::all, 0}, torn_bytes::old, torn_size::follow, {part_choice::all, 0}};

[[nodiscard]] bool is_errno(error_code code, int number) {
    return code == error_code(number, boost::system::system_category());
}

[[nodiscard]] tear bytes_torn(part_choice bytes, torn_bytes rest = torn_bytes::old,
                              torn_size size = torn_size::follow) {
    return {bytes, rest, size, {part_choice::none, 0}};
}

} // namespace

BOOST_FIXTURE_TEST_CASE(power_loss_takes_what_was_not_synced, fixture) {
    simulated_file file = make("f", "durable");
    BOOST_TEST(!write(file, 0, "volatile"));
    BOOST_TEST(held("f") == "volatile");
    lose_power();
    BOOST_TEST(held("f") == "durable");
}

BOOST_FIXTURE_TEST_CASE(power_loss_may_leave_it_all_the_same, fixture) {
    simulated_file file = make("f", "durable");
    BOOST_TEST(!write(file, 0, "volatile"));
    lose_power(keep_all);
    BOOST_TEST(held("f") == "volatile");
}

BOOST_FIXTURE_TEST_CASE(a_sync_makes_bytes_durable_but_no_names, fixture) {
    temporary made = make();
    BOOST_TEST(!write(made.file, 0, "bytes"));
    BOOST_TEST(!made.file.sync_data());
    lose_power();
    BOOST_TEST(names().empty());
}

BOOST_FIXTURE_TEST_CASE(a_sync_of_the_directory_makes_names_durable_but_no_bytes, fixture) {
    temporary made = make();
    BOOST_TEST(!write(made.file, 0, "bytes"));
    BOOST_TEST(!volume.rename(made.name, "f"));
    BOOST_TEST(!volume.sync());
    lose_power();
    BOOST_TEST(held("f").empty());
}

BOOST_FIXTURE_TEST_CASE(a_renaming_may_survive_in_each_part, fixture) {
    // Parts: the temporary name, the final one, the end of the temporary one.
    const auto survivors = [](part_choice choice) {
        fixture fresh;
        temporary made = fresh.make();
        BOOST_TEST(!fresh.volume.rename(made.name, "f"));
        BOOST_TEST(fresh.disk->unsynced().names == 3U);
        fresh.lose_power({{}, torn_bytes::old, torn_size::follow, choice});
        return fresh.names().size();
    };
    BOOST_TEST(survivors({part_choice::none, 0}) == 0U);
    BOOST_TEST(survivors({part_choice::only, 1}) == 1U);
    BOOST_TEST(survivors({part_choice::first, 2}) == 2U);
    BOOST_TEST(survivors({part_choice::all, 0}) == 1U);
}

BOOST_FIXTURE_TEST_CASE(a_removal_that_was_not_synced_comes_undone, fixture) {
    { auto file = make("f", "bytes"); }
    BOOST_TEST(!volume.remove("f"));
    BOOST_TEST(names().empty());
    lose_power();
    BOOST_TEST(held("f") == "bytes");
    simulated_volume again = open();
    BOOST_TEST(!again.remove("f"));
    BOOST_TEST(!again.sync());
    lose_power();
    BOOST_TEST(names().empty());
}

BOOST_FIXTURE_TEST_CASE(sectors_survive_one_by_one, fixture) {
    simulated_file file = make("f", std::string(2048, 'o'));
    BOOST_TEST(!write(file, 500, std::string(1036, 'n'))); // sectors 0 to 2
    BOOST_TEST(disk->unsynced().bytes == 3U);
    lose_power(bytes_torn({part_choice::only, 1}));
    BOOST_TEST(held("f") == std::string(512, 'o') + std::string(512, 'n') + std::string(1024, 'o'));
}

BOOST_FIXTURE_TEST_CASE(garbage_stays_within_what_was_written, fixture) {
    simulated_file file = make("f", std::string(2048, 'o'));
    BOOST_TEST(!write(file, 500, std::string(1036, 'n')));
    lose_power(bytes_torn({part_choice::none, 0}, torn_bytes::garbage));
    const std::string found = held("f");
    BOOST_TEST(found.substr(0, 500) == std::string(500, 'o'));
    BOOST_TEST(found.substr(1536) == std::string(512, 'o'));
    const std::string middle = found.substr(500, 1036);
    BOOST_TEST(std::set<char>(middle.begin(), middle.end()).size() > 100U);
}

BOOST_FIXTURE_TEST_CASE(lengths_and_bytes_go_their_own_ways, fixture) {
    const auto after = [](const tear& torn) {
        fixture fresh;
        simulated_file file = fresh.make("f", "12");
        BOOST_TEST(!write(file, 0, std::string(600, 'x')));
        fresh.lose_power(torn);
        return fresh.held("f");
    };
    using choice = part_choice;
    BOOST_TEST(after(bytes_torn({choice::first, 1})) == std::string(512, 'x'));
    BOOST_TEST(after(bytes_torn({choice::only, 1})) ==
               "12" + std::string(510, '\0') + std::string(88, 'x'));
    BOOST_TEST(after(bytes_torn({choice::none, 0}, torn_bytes::old, torn_size::grown)) ==
               "12" + std::string(598, '\0'));
    BOOST_TEST(after(bytes_torn({choice::all, 0}, torn_bytes::old, torn_size::old)) == "xx");
}

BOOST_FIXTURE_TEST_CASE(a_cut_that_was_not_synced_may_be_undone, fixture) {
    simulated_file file = make("f", "0123456789");
    BOOST_TEST(!file.resize(4));
    lose_power();
    BOOST_TEST(held("f") == "0123456789");
    auto again = open().open_file("f");
    BOOST_TEST(!again->resize(4));
    lose_power(keep_all);
    BOOST_TEST(held("f") == "0123");
}

BOOST_FIXTURE_TEST_CASE(a_kill_loses_nothing_but_part_of_the_newest_write, fixture) {
    simulated_file file = make("f", "0123456789");
    temporary made = make();
    BOOST_TEST(!volume.rename(made.name, "g"));
    BOOST_TEST(!write(file, 2, "abc"));
    BOOST_TEST(!write(file, 8, "XYZW"));
    BOOST_TEST(disk->newest_write() == 4U);
    const std::uint64_t boot = disk->boot();
    disk->crash_now({crash_kind::kill, {}, 1});
    BOOST_TEST(disk->boot() == boot);
    BOOST_TEST(held("f") == "01abc567X9");
    BOOST_TEST(names().size() == 2U);
    lose_power(); // what the dead process wrote was never synced
    BOOST_TEST(held("f") == "0123456789");
    BOOST_TEST(names().size() == 1U);
    BOOST_TEST(disk->boot() != boot);
}

BOOST_FIXTURE_TEST_CASE(a_kill_may_undo_the_newest_write_altogether, fixture) {
    simulated_file file = make("f", "01");
    BOOST_TEST(!write(file, 5, "abc"));
    disk->crash_now({crash_kind::kill, {}, 0});
    BOOST_TEST(held("f") == "01");
    lose_power(keep_all);
    BOOST_TEST(held("f") == "01");
}

BOOST_FIXTURE_TEST_CASE(what_was_open_is_dead_after_a_crash, fixture) {
    simulated_file file = make("f", "01");
    const std::uint64_t before = disk->changes();
    disk->crash_now({crash_kind::kill, {}});
    BOOST_TEST(is_errno(write(file, 0, "x"), EIO));
    BOOST_TEST(is_errno(file.size().error(), EIO));
    BOOST_TEST(is_errno(volume.list().error(), EIO));
    BOOST_TEST(is_errno(volume.sync(), EIO));
    BOOST_TEST(disk->changes() == before);
    BOOST_TEST(open().open_file("f").has_value());
}

BOOST_FIXTURE_TEST_CASE(a_planned_crash_comes_after_its_change, fixture) {
    simulated_file file = make("f", "01");
    disk->plan_crash(disk->changes() + 2, {crash_kind::kill, {}});
    BOOST_TEST(!write(file, 0, "a"));
    BOOST_TEST(is_errno(write(file, 1, "b"), EIO));
    BOOST_TEST(disk->crashes() == 1U);
    BOOST_TEST(held("f") == "ab");
}

BOOST_FIXTURE_TEST_CASE(a_failed_sync_drops_what_it_could_not_write, fixture) {
    simulated_file file = make("f", "old");
    BOOST_TEST(!write(file, 0, "new"));
    disk->fail({disk->changes() + 1});
    BOOST_TEST(is_errno(file.sync_data(), EIO));
    BOOST_TEST(held("f") == "new"); // the cache still has it
    disk->drop_cache();
    BOOST_TEST(held("f") == "old");
    BOOST_TEST(!write(file, 0, "New"));
    disk->fail({disk->changes() + 1});
    BOOST_TEST(file.sync_data().failed());
    BOOST_TEST(!file.sync_data()); // and the next sync has nothing to do
    BOOST_TEST(!write(file, 3, "er"));
    BOOST_TEST(!file.sync_data());
    lose_power();
    BOOST_TEST(held("f") == "older");
}

BOOST_FIXTURE_TEST_CASE(faults_come_when_they_should, fixture) {
    simulated_file file = make("f", "old");
    const std::uint64_t now = disk->changes();
    disk->fail({now + 2, 2, EIO, 1});
    disk->fail({disk->reads() + 1, 1, EIO, 0, true});
    BOOST_TEST(is_errno(file.size().error(), EIO));
    BOOST_TEST(file.size().value() == 3U);
    BOOST_TEST(!write(file, 0, "A"));
    BOOST_TEST(is_errno(write(file, 1, "XY"), EIO));
    BOOST_TEST(is_errno(volume.remove("f"), EIO));
    BOOST_TEST(!write(file, 2, "C"));
    BOOST_TEST(held("f") == "AXC");
    disk->fail({now + 5, UINT64_MAX, ENOSPC});
    BOOST_TEST(is_errno(volume.sync(), ENOSPC));
    BOOST_TEST(is_errno(volume.sync(), ENOSPC));
    disk->clear_faults();
    BOOST_TEST(!volume.sync());
}

BOOST_FIXTURE_TEST_CASE(a_full_disk_takes_what_fits_until_there_is_space, fixture) {
    simulated_file file = make("f", std::string(1024, 'o'));
    BOOST_TEST(disk->used_bytes() == 1024U);
    disk->set_capacity(2048);
    BOOST_TEST(is_errno(file.reserve(2049), ENOSPC));
    BOOST_TEST(disk->used_bytes() == 1024U);
    BOOST_TEST(is_errno(write(file, 1000, std::string(2000, 'n')), ENOSPC));
    BOOST_TEST(held("f").size() == 2048U);
    BOOST_TEST(!write(file, 0, std::string(2048, 'm'))); // needs no new place
    disk->set_capacity(4096);
    BOOST_TEST(!file.reserve(4096));
    { auto other = make(); }
    BOOST_TEST(!volume.remove("f"));
    BOOST_TEST(disk->used_bytes() == 0U);
}

BOOST_FIXTURE_TEST_CASE(a_clone_goes_its_own_way, fixture) {
    simulated_file file = make("f", "old");
    BOOST_TEST(!write(file, 0, "new"));
    const auto copy = disk->clone();
    copy->crash_now({});
    BOOST_TEST(copy->contents("/d", "f") == "old");
    BOOST_TEST(held("f") == "new");
    BOOST_TEST(!write(file, 0, "New"));
    BOOST_TEST(held("f") == "New");
}

BOOST_FIXTURE_TEST_CASE(an_observer_is_told_of_each_change, fixture) {
    simulated_file file = make("f", "old");
    const std::uint64_t before = disk->changes();
    std::vector<std::uint64_t> seen;
    disk->observe([&](std::uint64_t number) {
        seen.push_back(number);
        BOOST_TEST(disk->clone()->contents("/d", "f").front() == 'a'); // it was done before
    });
    BOOST_TEST(!write(file, 0, "a"));
    disk->fail({before + 2});
    BOOST_TEST(file.resize(1).failed());
    BOOST_TEST(!file.resize(2));
    const std::vector<std::uint64_t> expected{before + 1, before + 3};
    BOOST_TEST(seen == expected, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(tears_differ_and_cover_each_prefix) {
    for (const std::uint64_t bytes : {0U, 1U, 2U, 3U, 7U, 40U}) {
        for (const std::uint64_t names : {0U, 1U, 3U}) {
            std::set<std::string> told;
            const std::vector<tear> tears = all_tears({bytes, names});
            for (const tear& torn : tears) {
                std::ostringstream out;
                out << torn;
                told.insert(out.str());
            }
            BOOST_TEST(told.size() == tears.size());
            for (std::uint64_t first = 1; first < bytes; ++first) {
                const tear prefix = bytes_torn({part_choice::first, first});
                BOOST_TEST(std::count(tears.begin(), tears.end(), prefix) == 1);
            }
        }
    }
}

BOOST_AUTO_TEST_CASE(a_mount_is_found_by_the_paths_below_it) {
    const auto one = std::make_shared<simulated_disk>();
    const auto two = std::make_shared<simulated_disk>();
    const simulated_mount outer(one, "/m");
    {
        const simulated_mount inner(two, "/m/x/");
        BOOST_TEST((simulated_mount::find("/m/x/y") == two));
        BOOST_TEST((simulated_mount::find("/m/x") == two));
        BOOST_TEST((simulated_mount::find("/m/xy") == one));
    }
    BOOST_TEST((simulated_mount::find("/m/x/y") == one));
    BOOST_TEST((simulated_mount::find("/n") == nullptr));
    BOOST_TEST(is_errno(simulated_volume::open("/n").error(), ENODEV));
}

BOOST_AUTO_TEST_SUITE_END()
