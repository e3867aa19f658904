#include "explorer.hpp"
#include "script.hpp"

using namespace crash_test;

BOOST_AUTO_TEST_SUITE(poison)

namespace {

constexpr std::uint64_t puts = 30;

/// Returns: how many changes the whole script makes on a disk that does not fail.
std::uint64_t changes_of_script(const log_options& options) {
    const auto disk = std::make_shared<simulated_disk>();
    script play(disk, options);
    BOOST_REQUIRE_MESSAGE(!play.run(puts), play.where());
    return disk->changes();
}

/// Returns: what is wrong with what is left on the disk; nothing when all is well.
std::string reopen(const std::shared_ptr<simulated_disk>& disk, const log_options& options,
                   const expectation& expected) {
    std::string failure;
    const auto snapshots = open_snapshots(disk, failure);
    if (snapshots == nullptr) {
        return failure;
    }
    failure = compare(snapshots->newest(), expected);
    if (!failure.empty()) {
        return failure;
    }
    auto log = open_log(disk, options, failure);
    if (!log && log.error() == errc::no_space) {
        disk->set_capacity(UINT64_MAX); // recovery writes a new segment, and so may have to wait
        log = open_log(disk, options, failure);
    }
    return log ? compare((*log)->take_recovered(), expected) : failure;
}

/// What is left when the member ends in each way, with the disk in order again.
void check_left(const std::shared_ptr<simulated_disk>& disk, const log_options& options,
                const expectation& expected, const std::string& what) {
    disk->clear_faults();
    for (const crash& how : {crash{crash_kind::kill, {}}, crash{crash_kind::power_loss, {}},
                             crash{crash_kind::power_loss,
                                   {{part_choice::all, 0},
                                    torn_bytes::old,
                                    torn_size::follow,
                                    {part_choice::all, 0}}}}) {
        const auto copy = disk->clone();
        copy->crash_now(how);
        const std::string wrong = reopen(copy, options, expected);
        BOOST_TEST(wrong.empty(), what << ", then " << tell(how) << ": " << wrong);
    }
    const auto copy = disk->clone();
    copy->crash_now({crash_kind::kill, {}});
    copy->drop_cache();
    const std::string wrong = reopen(copy, options, expected);
    BOOST_TEST(wrong.empty(), what << ", then kill and an empty cache: " << wrong);
}

/// Every change of the script fails, once or from then on.
void fail_everything(const disk_fault& kind, const std::string& what) {
    const log_options options = options_of_log();
    const std::uint64_t changes = changes_of_script(options);
    std::uint64_t failed = 0;
    for (std::uint64_t number = 1; number <= changes; ++number) {
        const auto disk = std::make_shared<simulated_disk>();
        disk_fault fault = kind;
        fault.first = number;
        disk->fail(fault);
        script play(disk, options);
        const std::string place = what + " at change " + std::to_string(number);
        if (play.run(puts)) {
            ++failed;
            BOOST_TEST(!play.where().empty(), place << ": no reason is given");
            if (play.where().starts_with("log: " + wal) && play.opened()) {
                BOOST_TEST((play.again() == errc::poisoned), place << ": not poisoned");
            }
        }
        check_left(disk, options, play.expected(), place);
    }
    std::cout << what << ": " << changes << " failing changes, " << failed << " reported\n";
    // Removing what is not needed any more may fail: it is tried again later.
    BOOST_TEST(failed + 10 > changes);
}

} // namespace

BOOST_AUTO_TEST_CASE(every_change_fails_once) {
    fail_everything({}, "EIO once");
}

BOOST_AUTO_TEST_CASE(every_change_fails_for_good) {
    disk_fault fault;
    fault.count = UINT64_MAX;
    fail_everything(fault, "EIO from then on");
}

BOOST_AUTO_TEST_CASE(every_write_is_short_and_fails) {
    disk_fault fault;
    fault.kept = 100;
    fail_everything(fault, "EIO after 100 bytes");
}

BOOST_AUTO_TEST_CASE(every_read_of_a_recovery_fails) {
    const log_options options = options_of_log();
    const auto disk = std::make_shared<simulated_disk>();
    script play(disk, options);
    BOOST_REQUIRE_MESSAGE(!play.run(puts), play.where());
    disk->crash_now({crash_kind::kill, {}});
    const auto whole = disk->clone();
    const std::uint64_t before = whole->reads();
    BOOST_REQUIRE(reopen(whole, options, play.expected()).empty());
    const std::uint64_t reads = whole->reads() - before;
    for (std::uint64_t number = 1; number <= reads; ++number) {
        const auto copy = disk->clone();
        disk_fault fault;
        fault.first = copy->reads() + number;
        fault.reads = true;
        copy->fail(fault);
        BOOST_TEST(!reopen(copy, options, play.expected()).empty(), "read " << number);
        check_left(copy, options, play.expected(), "EIO at read " + std::to_string(number));
    }
    std::cout << "EIO while recovering: " << reads << " failing reads\n";
    BOOST_TEST(reads > 20U);
}

BOOST_AUTO_TEST_CASE(every_change_finds_the_disk_full_once) {
    const log_options options = options_of_log();
    const std::uint64_t changes = changes_of_script(options);
    std::uint64_t refused = 0;
    std::uint64_t fatal = 0;
    for (const std::uint64_t kept : {0U, 100U}) {
        for (std::uint64_t number = 1; number <= changes; ++number) {
            const auto disk = std::make_shared<simulated_disk>();
            disk->fail({number, 1, ENOSPC, kept, false});
            script play(disk, options);
            const std::string place = "full at change " + std::to_string(number);
            play.when_full = [&] {
                ++refused;
                check_left(disk->clone(), options, play.expected(), place);
                return true;
            };
            fatal += play.run(puts) ? 1U : 0U;
            check_left(disk, options, play.expected(), place);
        }
    }
    std::cout << "ENOSPC once: " << 2 * changes << " failing changes, " << refused
              << " jobs refused and then done, " << fatal << " reported\n";
    BOOST_TEST(refused > changes / 2);
}

BOOST_AUTO_TEST_CASE(a_full_disk_refuses_until_there_is_space) {
    for (const bool reserves : {true, false}) {
        disk_options kind;
        kind.reserves = reserves;
        const log_options options = options_of_log();
        const auto disk = std::make_shared<simulated_disk>(kind);
        std::uint64_t capacity = 64 << 10;
        disk->set_capacity(capacity);
        script play(disk, options);
        std::uint64_t refused = 0;
        play.when_full = [&] {
            ++refused;
            check_left(disk->clone(), options, play.expected(), "full");
            capacity += 700;
            disk->set_capacity(capacity);
            return true;
        };
        BOOST_TEST(!play.run(60), play.where());
        BOOST_TEST(refused > 3U);
        check_left(disk, options, play.expected(), "after all");
        std::cout << "disk full: " << refused << " jobs refused and then done\n";
    }
}

BOOST_AUTO_TEST_SUITE_END()
