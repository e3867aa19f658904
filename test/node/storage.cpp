#include <quorate/consensus/solo.hpp>
#include <quorate/node.hpp>

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <atomic>
#include <fstream>
#include <iterator>
#include <thread>
#include <utility>

#include "support.hpp"

BOOST_AUTO_TEST_SUITE(storage)

using namespace node_test;

namespace {

struct solo_policies : file_policies {
    using consensus = solo;
};

/// A log whose disk fails at the n-th sync from now.
class failing_log {
public:
    static constexpr bool blocking = true;
    static inline std::atomic<int> syncs_left{-1}; // none: it never fails
    static inline std::atomic<bool> full{false};
    static inline std::atomic<std::uint64_t> hangs{0}; // the member whose syncs do not return
    static inline std::atomic<std::uint64_t> snapshot_hangs{0}; // those with a received snapshot

    class sync_job {
    public:
        sync_job(node_id member, bool restarts) : member_(member), restarts_(restarts) {}
        [[nodiscard]] error_code run() {
            while (hangs == member_.value() || (restarts_ && snapshot_hangs == member_.value())) {
                std::this_thread::sleep_for(milliseconds(1));
            }
            if (full) {
                return errc::no_space;
            }
            if (syncs_left == 0) {
                return make_error_code(
                    boost::system::errc::io_error); // and so does every later one
            }
            if (syncs_left > 0) {
                --syncs_left;
            }
            return {};
        }

    private:
        node_id member_;
        bool restarts_;
    };

    explicit failing_log(node_id member) : member_(member) {}
    [[nodiscard]] static result<std::unique_ptr<failing_log>> open(const log_options& options) {
        return std::make_unique<failing_log>(options.member);
    }
    [[nodiscard]] recovered_log take_recovered() { return {}; }
    void append(std::span<const entry>) {}
    void save(const hard_state&) {}
    void restart(log_id) { restarts_ = true; }
    void compact(log_index) {}
    [[nodiscard]] bool pending() const noexcept { return false; }
    [[nodiscard]] bool idle() { return false; }
    [[nodiscard]] sync_job begin_sync() { return {member_, std::exchange(restarts_, false)}; }
    void finish_sync(sync_job, error_code) {}

private:
    node_id member_;
    bool restarts_ = false;
};

static_assert(log_store<failing_log>);

struct failing_policies : memory_policies {
    using log = failing_log;
};

/// Snapshots on a disk that is full, or that hangs.
class failing_snapshots {
public:
    static constexpr bool blocking = true;
    static inline std::atomic<std::uint64_t> full{0}; // the member whose snapshots find no space
    static inline std::atomic<std::uint64_t> hangs{0};

    explicit failing_snapshots(node_id member) : member_(member) {}
    [[nodiscard]] static result<std::unique_ptr<failing_snapshots>> open(
        const snapshot_options& options) {
        return std::make_unique<failing_snapshots>(options.member);
    }
    [[nodiscard]] error_code save(const snapshot& snap) {
        while (hangs == member_.value()) {
            std::this_thread::sleep_for(milliseconds(1));
        }
        return full == member_.value() ? error_code(errc::no_space) : saved_.save(snap);
    }
    [[nodiscard]] snapshot_ptr newest() const { return saved_.newest(); }
    [[nodiscard]] snapshot_intake& intake() noexcept { return saved_.intake(); }

private:
    node_id member_;
    memory_snapshots saved_;
};

static_assert(snapshot_store<failing_snapshots>);

struct unsaved_policies : memory_policies {
    using snapshots = failing_snapshots;
};

struct unsaved_group : group<unsaved_policies> {
    explicit unsaved_group(std::uint64_t first_members) : group<unsaved_policies>(first_members) {
        failing_snapshots::full = failing_snapshots::hangs = 0;
        for (const member_info& m : initial) {
            node_options options = options_of(m.id.value());
            options.snapshot_entries = 1'000'000;
            options.snapshot_bytes = 10'000;
            options.catch_up_entries = 0;
            options.engine.log_bytes_max = 40'000;
            options.log = [this](severity, const std::string& text) { logged.push_back(text); };
            start(std::move(options));
        }
    }
    ~unsaved_group() { failing_snapshots::hangs = 0; } // so that they stop
    [[nodiscard]] std::uint64_t log_bytes(std::uint64_t id) const {
        return nodes.at(id)->status().engine.log_bytes;
    }
    /// Effects: writes at the member until it refuses. Returns: how many writes it took.
    std::size_t fill(std::uint64_t id) {
        std::size_t taken = 0;
        std::shared_ptr<outcome> last;
        do {
            last = submit(id, std::string(500, 'w'));
            BOOST_REQUIRE(finished(last));
            taken += last->well() ? 1U : 0U;
        } while (last->well() && taken < 1000);
        BOOST_TEST(last->failed == errc::log_limit);
        return taken;
    }
    [[nodiscard]] auto count_logged(const std::string& start) const {
        return std::count_if(logged.begin(), logged.end(),
                             [&start](const std::string& text) { return text.starts_with(start); });
    }

    std::vector<std::string> logged;
};

struct failing_group : group<failing_policies> {
    explicit failing_group(std::uint64_t first_members) : group<failing_policies>(first_members) {
        failing_log::syncs_left = -1;
        failing_log::full = false;
        failing_log::hangs = 0;
        failing_log::snapshot_hangs = 0;
    }
    ~failing_group() { failing_log::hangs = failing_log::snapshot_hangs = 0; } // so that they stop
};

std::string word_of(std::size_t bytes) {
    return std::string(bytes, 'w');
}

std::filesystem::path newest_segment(const std::filesystem::path& wal) {
    std::filesystem::path newest;
    for (const auto& file : std::filesystem::directory_iterator(wal)) {
        if (newest.empty() || file.path().filename() > newest.filename()) {
            newest = file.path();
        }
    }
    return newest;
}

std::string read_file(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

template <class Policies>
void check_restart() {
    group<Policies> g(1);
    for (int life = 0; life < 3; ++life) {
        g.start_all();
        // Everything acknowledged before is there for the first reader.
        const auto read = g.read(1);
        BOOST_REQUIRE(g.finished(read));
        BOOST_TEST(read->well());
        BOOST_TEST(g.words(1).words().size() == static_cast<std::size_t>(life) * 10);
        for (int i = 0; i < 10; ++i) {
            BOOST_REQUIRE(g.wrote(1, std::to_string(life) + "/" + std::to_string(i)));
        }
        g.stop(1);
    }
}

} // namespace

BOOST_AUTO_TEST_CASE(one_member_finds_again_what_it_acknowledged) {
    check_restart<file_policies>();
}

BOOST_AUTO_TEST_CASE(so_does_one_without_an_election) {
    check_restart<solo_policies>();
}

BOOST_AUTO_TEST_CASE(a_log_may_pass_from_one_engine_to_the_other) {
    const scratch_directory directory(medium::disk);
    const auto run = [&directory](auto& g, std::size_t before) {
        node_options options = g.options_of(1);
        options.data_directory = directory.path() / "data";
        g.start(std::move(options));
        const auto read = g.read(1);
        BOOST_REQUIRE(g.finished(read));
        BOOST_TEST(g.words(1).words().size() == before);
        BOOST_TEST(g.wrote(1, "word"));
        g.stop(1);
    };
    for (std::size_t round = 0; round < 2; ++round) {
        file_group elected(1);
        run(elected, 2 * round);
        group<solo_policies> alone(1);
        run(alone, 2 * round + 1);
    }
}

BOOST_AUTO_TEST_CASE(one_alone_takes_no_second_voter) {
    group<solo_policies> g(1);
    g.start_all();
    const auto result = std::make_shared<outcome>();
    g.nodes.at(1)->add_member({node_id(2), g.url(2)}, change_kind::add_voter, g.into(result));
    BOOST_REQUIRE(g.finished(result));
    BOOST_TEST(result->failed == errc::invalid_membership);
    BOOST_TEST(g.wrote(1, "word"));
}

BOOST_AUTO_TEST_CASE(a_full_disk_refuses_writes_and_goes_on_once_there_is_space) {
    for (const std::uint64_t members : {1U, 3U}) {
        failing_group g(members);
        g.start_all();
        BOOST_REQUIRE(g.wrote(g.leader(), "before"));
        failing_log::full = true;
        const std::uint64_t leader = g.leader();
        const auto caught = g.submit(leader, "caught"); // accepted before the disk was known full
        BOOST_REQUIRE(g.run_until([&] { return g.nodes.at(leader)->status().disk_full; }));
        BOOST_TEST(g.submit(leader, "refused")->failed == errc::no_space);
        BOOST_TEST(!caught->done, caught->failed.message());
        BOOST_TEST(!g.ended.contains(leader));
        const auto read = g.read(leader);
        BOOST_REQUIRE(g.finished(read));
        BOOST_TEST(read->well());
        BOOST_TEST(g.words(leader).count("before") == 1u);
        failing_log::full = false;
        BOOST_REQUIRE(g.finished(caught));
        BOOST_TEST(caught->well());
        BOOST_REQUIRE(g.run_until([&] { return g.leader() != 0; }));
        BOOST_TEST(g.wrote(g.leader(), "after"));
        BOOST_TEST(g.words(g.leader()).count("caught") == 1u);
        BOOST_TEST(g.words(g.leader()).count("refused") == 0u);
    }
}

BOOST_AUTO_TEST_CASE(leader_with_a_hanging_disk_hands_over_and_says_so) {
    failing_group g(3);
    std::vector<std::string> logged;
    for (std::uint64_t id = 1; id <= 3; ++id) {
        node_options options = g.options_of(id);
        options.log = [&logged](severity, const std::string& text) { logged.push_back(text); };
        g.start(std::move(options));
    }
    BOOST_REQUIRE(g.run_until([&] { return g.leader() != 0; }));
    const std::uint64_t old = g.leader();
    BOOST_REQUIRE(g.wrote(old, "before"));
    failing_log::hangs = old;
    const auto caught = g.submit(old, "caught");
    BOOST_REQUIRE(g.run_until([&] { return g.leader(old) != 0; }));
    BOOST_TEST(g.wrote(g.leader(old), "elsewhere"));
    BOOST_TEST(g.nodes.at(old)->status().disk_hangs);
    const auto said = [&logged](const std::string& start) {
        return std::any_of(logged.begin(), logged.end(),
                           [&start](const std::string& text) { return text.starts_with(start); });
    };
    BOOST_TEST(said("the disk hangs: a sync of the log has not returned for "));
    BOOST_TEST(!said("the disk works again"));
    failing_log::hangs = 0;
    BOOST_REQUIRE(g.finished(caught));
    BOOST_TEST(caught->well());
    BOOST_TEST(said("the disk works again"));
    BOOST_REQUIRE(g.agree(3));
}

BOOST_AUTO_TEST_CASE(leader_with_a_hanging_disk_accepts_bounded_bytes) {
    failing_group g(1);
    node_options options = g.options_of(1);
    options.engine.append_bytes_max = 1000;
    options.engine.unstable_bytes_max = 20'000;
    g.start(std::move(options));
    BOOST_REQUIRE(g.wrote(1, "before"));
    failing_log::hangs = 1;
    std::vector<std::shared_ptr<outcome>> results;
    for (int i = 0; i < 100; ++i) {
        results.push_back(g.submit(1, word_of(1000)));
    }
    const auto refused = [&results] {
        return std::count_if(results.begin(), results.end(), [](const auto& one) {
            return one->done && one->failed == errc::unsynced_limit;
        });
    };
    BOOST_TEST(g.run_until([&] { return refused() >= 80; }));
    BOOST_REQUIRE(g.run_until([&] { return g.nodes.at(1)->status().disk_hangs; }));
    BOOST_TEST(refused() < 90);
    failing_log::hangs = 0;
    for (const auto& one : results) {
        BOOST_REQUIRE(g.finished(one));
        BOOST_TEST((one->well() || one->failed == errc::unsynced_limit));
    }
    BOOST_TEST(g.words(1).words().size() == 101u - static_cast<std::size_t>(refused()));
}

BOOST_AUTO_TEST_CASE(follower_with_a_hanging_disk_catches_up_once_it_works) {
    failing_group g(3);
    for (std::uint64_t id = 1; id <= 3; ++id) {
        node_options options = g.options_of(id);
        options.engine.append_bytes_max = 1000;
        options.engine.unstable_bytes_max = 4000;
        g.start(std::move(options));
    }
    BOOST_REQUIRE(g.run_until([&] { return g.leader() != 0; }));
    const std::uint64_t slow = g.follower();
    BOOST_REQUIRE(g.wrote(g.leader(), "before"));
    failing_log::hangs = slow;
    for (int i = 0; i < 50; ++i) {
        BOOST_REQUIRE(g.wrote(g.leader(), word_of(500)));
    }
    const engine_status held = g.nodes.at(slow)->status().engine;
    BOOST_TEST(held.last.value() < g.nodes.at(g.leader())->status().engine.last.value() - 30);
    failing_log::hangs = 0;
    BOOST_TEST(g.agree(51));
}

BOOST_AUTO_TEST_CASE(save_of_a_received_snapshot_that_hangs_is_noticed) {
    failing_group g(3);
    const auto often = [&g](std::uint64_t id) {
        node_options options = g.options_of(id);
        options.snapshot_entries = 10;
        options.catch_up_entries = 0;
        options.tick_interval = milliseconds(2);
        return options;
    };
    g.start(often(1));
    g.start(often(2));
    for (int i = 0; i < 40; ++i) {
        BOOST_REQUIRE(g.wrote(1, std::to_string(i)));
    }
    node_options late = often(3);
    std::vector<std::string> logged;
    late.log = [&logged](severity, const std::string& text) { logged.push_back(text); };
    g.start(late);
    failing_log::snapshot_hangs = 3;
    BOOST_TEST(g.run_until([&] { return g.nodes.at(3)->status().disk_hangs; }));
    BOOST_TEST(std::any_of(logged.begin(), logged.end(), [](const std::string& text) {
        return text.starts_with("the disk hangs: a sync of the log and of a snapshot has not");
    }));
    BOOST_TEST(g.wrote(1, "meanwhile"));
    failing_log::snapshot_hangs = 0;
    BOOST_TEST(g.agree(41));
    BOOST_TEST(!g.nodes.at(3)->status().disk_hangs);
}

BOOST_AUTO_TEST_CASE(leader_without_space_for_snapshots_accepts_bounded_bytes) {
    unsaved_group g(1);
    BOOST_REQUIRE(g.run_until([&] { return g.leader() == 1; }));
    failing_snapshots::full = 1;
    const std::size_t taken = g.fill(1);
    BOOST_TEST(g.log_bytes(1) < 42'000U);
    BOOST_REQUIRE(
        g.run_until([&] { return g.count_logged("the log behind the last snapshot") > 0; }));
    BOOST_REQUIRE(g.finished(g.read(1)));
    BOOST_TEST(g.count_logged("the log behind the last snapshot is full") == 1);
    const auto refused = g.submit(1, "refused");
    BOOST_REQUIRE(g.finished(refused));
    BOOST_TEST(refused->failed == errc::log_limit);
    failing_snapshots::full = 0;
    // Without any write: time makes the snapshot due.
    BOOST_REQUIRE(g.run_until([&] { return g.log_bytes(1) < 10'000; }));
    BOOST_TEST(g.wrote(1, "after"));
    BOOST_TEST(g.words(1).words().size() == taken + 1);
    BOOST_TEST(g.run_until([&] { return g.count_logged("a snapshot made room in the log") == 1; }));
}

BOOST_AUTO_TEST_CASE(leader_whose_snapshot_hangs_accepts_bounded_bytes) {
    unsaved_group g(1);
    BOOST_REQUIRE(g.run_until([&] { return g.leader() == 1; }));
    failing_snapshots::hangs = 1;
    g.fill(1);
    BOOST_TEST(g.log_bytes(1) < 42'000U);
    failing_snapshots::hangs = 0;
    BOOST_REQUIRE(g.run_until([&] { return g.log_bytes(1) < 40'000; }));
    BOOST_TEST(g.wrote(1, "after"));
}

BOOST_AUTO_TEST_CASE(leader_with_a_full_log_hands_over) {
    unsaved_group g(3);
    BOOST_REQUIRE(g.run_until([&] { return g.leader() != 0; }));
    const std::uint64_t old = g.leader();
    failing_snapshots::full = old;
    // It may hand over before it has refused a write, and then forwards.
    for (int i = 0; i < 1000 && g.leader(old) == 0; ++i) {
        BOOST_REQUIRE(g.finished(g.submit(old, std::string(500, 'w'))));
    }
    BOOST_REQUIRE(g.run_until([&] { return g.leader(old) != 0; }));
    const std::uint64_t next = g.leader(old);
    for (int i = 0; i < 200; ++i) {
        BOOST_REQUIRE(g.wrote(next, std::string(500, 'x')));
    }
    // As a follower it goes on.
    BOOST_TEST(g.agree(200));
    BOOST_TEST(g.log_bytes(old) > 80'000U);
    BOOST_TEST(g.log_bytes(next) < 42'000U);
    failing_snapshots::full = 0;
    BOOST_TEST(g.run_until([&] { return g.log_bytes(old) < 20'000; }));
}

BOOST_AUTO_TEST_CASE(voter_with_a_hanging_disk_gets_no_leadership) {
    failing_group g(3);
    g.start_all();
    const std::uint64_t slow = g.follower();
    failing_log::hangs = slow;
    BOOST_REQUIRE(g.wrote(g.leader(), "word"));
    BOOST_REQUIRE(g.run_until([&] { return g.nodes.at(slow)->status().disk_hangs; }));
    const auto move = [&g](auto... to) {
        const auto asked = std::make_shared<outcome>();
        if (const std::uint64_t leader = g.leader(); leader != 0) {
            g.nodes.at(leader)->transfer_leadership(to..., g.into(asked));
            g.finished(asked);
        }
        return asked;
    };
    // Once the leader has heard of the disk.
    BOOST_TEST(
        g.run_until([&] { return move(node_id(slow))->failed == errc::transferee_invalid; }));
    const std::uint64_t old = g.leader();
    BOOST_TEST(g.run_until([&] { return move()->well(); }));
    BOOST_TEST(g.run_until([&] { return g.leader() != 0; }));
    BOOST_TEST(g.leader() != slow);
    BOOST_TEST(old != slow);
    failing_log::hangs = 0;
}

BOOST_AUTO_TEST_CASE(a_group_finds_again_what_it_acknowledged) {
    file_group g;
    for (int life = 0; life < 2; ++life) {
        g.start_all();
        for (int i = 0; i < 10; ++i) {
            BOOST_REQUIRE(g.wrote(1 + static_cast<std::uint64_t>(i) % 3, "word"));
        }
        BOOST_REQUIRE(g.agree(10 * (static_cast<std::size_t>(life) + 1)));
        for (std::uint64_t id = 1; id <= 3; ++id) {
            g.stop(id);
        }
    }
    g.start_all();
    BOOST_REQUIRE(g.agree(20));
    BOOST_TEST(g.words(1).words().size() == 20u);
}

BOOST_AUTO_TEST_CASE(members_that_restart_one_by_one_miss_nothing) {
    file_group g;
    g.start_all();
    std::size_t count = 0;
    for (std::uint64_t id = 1; id <= 3; ++id) {
        g.stop(id);
        BOOST_REQUIRE(g.run_until([&] { return g.leader() != 0; }));
        BOOST_REQUIRE(g.wrote(g.leader(), "without " + std::to_string(id)));
        ++count;
        g.start(id);
        BOOST_REQUIRE(g.wrote(id, "with " + std::to_string(id)));
        ++count;
        BOOST_REQUIRE(g.agree(count));
    }
    BOOST_TEST(g.words(1).words().size() == count);
}

BOOST_AUTO_TEST_CASE(a_torn_end_is_cut_off_and_reported) {
    file_group g(1);
    g.start_all();
    BOOST_REQUIRE(g.wrote(1, "word"));
    const std::filesystem::path wal = g.options_of(1).data_directory / "wal";
    g.stop(1);
    const std::filesystem::path segment = newest_segment(wal);
    std::string bytes = read_file(segment);
    // Behind the last frame the file is reserved, and zero.
    const std::size_t end = (bytes.find_last_not_of('\0') / 8 + 1) * 8;
    bytes.replace(end, 20, "the beginning of one");
    std::ofstream(segment, std::ios::binary) << bytes;
    std::string said;
    node_options options = g.options_of(1);
    options.log = [&said](severity level, const std::string& text) {
        said += level == severity::warning ? text : "";
    };
    g.start(std::move(options));
    BOOST_TEST(said != "");
    BOOST_REQUIRE(g.wrote(1, "again"));
    BOOST_TEST(g.words(1).words().size() == 2u);
}

BOOST_AUTO_TEST_CASE(slow_syncs_are_logged) {
    file_group g(1);
    std::size_t told = 0;
    node_options options = g.options_of(1);
    options.slow_sync = std::chrono::nanoseconds(1);
    options.log = [&told](severity level, const std::string& text) {
        told +=
            level == severity::warning && text.starts_with("slow disk: a sync of the log took ");
    };
    g.start(options);
    BOOST_REQUIRE(g.run_until([&] { return g.leader() != 0; }));
    BOOST_REQUIRE(g.wrote(1, "word"));
    BOOST_TEST(told > 0u);
    g.stop(1);
    told = 0;
    options.slow_sync = std::chrono::hours(1);
    g.start(options);
    BOOST_REQUIRE(g.run_until([&] { return g.leader() != 0; }));
    BOOST_REQUIRE(g.wrote(1, "word"));
    BOOST_TEST(told == 0u);
}

BOOST_AUTO_TEST_CASE(a_damaged_log_is_refused_with_its_name) {
    file_group g(1);
    g.start_all();
    for (int i = 0; i < 10; ++i) {
        BOOST_REQUIRE(g.wrote(1, "a word of some length that can be damaged"));
    }
    const std::filesystem::path wal = g.options_of(1).data_directory / "wal";
    g.stop(1);
    const std::filesystem::path segment = newest_segment(wal);
    std::string bytes = read_file(segment);
    const std::size_t place = bytes.find("a word of");
    BOOST_REQUIRE(place != std::string::npos);
    bytes[place] = 'A';
    std::ofstream(segment, std::ios::binary) << bytes;
    auto& node = g.add(g.options_of(1));
    BOOST_TEST(node.start() == errc::corrupt);
    BOOST_TEST(node.explanation().find(segment.filename().string()) != std::string::npos);
}

BOOST_AUTO_TEST_CASE(directories_have_one_user_and_one_owner) {
    file_group g(1);
    g.start_all();
    node_options same = g.options_of(1);
    same.id = node_id(2);
    same.initial_members = {{node_id(2), g.url(2)}};
    auto& second = g.add(same);
    BOOST_TEST(second.start() == errc::directory_locked);
    BOOST_TEST(second.explanation() != "");
    g.stop(2);
    g.stop(1);
    auto& other = g.add(same);
    BOOST_TEST(other.start() == errc::wrong_member);
    g.stop(2);
    node_options foreign = g.options_of(1);
    foreign.cluster = cluster_id(8);
    auto& elsewhere = g.add(foreign);
    BOOST_TEST(elsewhere.start() == errc::wrong_cluster);
}

BOOST_AUTO_TEST_CASE(a_start_that_cannot_work_is_explained) {
    memory_group g(1);
    node_options stranger = g.options_of(2);
    auto& node = g.add(stranger);
    BOOST_TEST(node.start() == errc::invalid_option);
    BOOST_TEST(node.explanation() != "");
    BOOST_TEST(g.submit(2, "word")->failed == errc::stopped);
    g.stop(2);
    node_options odd = g.options_of(1);
    odd.engine.heartbeat_ticks = 0;
    BOOST_TEST(g.add(odd).start() == errc::invalid_option);
}

// The first sync that fails ends the member: nothing it could not write is acknowledged.
BOOST_AUTO_TEST_CASE(a_disk_that_fails_ends_the_member) {
    failing_group g(1);
    g.start_all();
    BOOST_REQUIRE(g.wrote(1, "before"));
    const auto waits = g.read(1);
    failing_log::syncs_left = 0;
    const auto lost = g.submit(1, "lost");
    BOOST_REQUIRE(g.run_until([&] { return g.ended.count(1) == 1; }));
    BOOST_TEST((g.ended.at(1) == boost::system::errc::io_error));
    BOOST_TEST(lost->calls == 1);
    BOOST_TEST(lost->failed == errc::outcome_unknown);
    BOOST_TEST(waits->calls == 1);
    BOOST_TEST(g.nodes.at(1)->status().ended);
    BOOST_TEST(g.nodes.at(1)->explanation().find("log") != std::string::npos);
    BOOST_TEST(g.submit(1, "after")->failed == errc::stopped);
    BOOST_TEST(g.read(1)->failed == errc::stopped);
    g.run_for(milliseconds(50));
    BOOST_TEST(g.words(1).count("lost") == 0u);
    BOOST_TEST(g.ended.size() == 1u);
}

BOOST_AUTO_TEST_CASE(whatever_sync_fails_no_acknowledged_write_is_missing) {
    for (int n = 0; n < 12; ++n) {
        failing_group g(1);
        g.start_all();
        failing_log::syncs_left = n;
        std::vector<std::shared_ptr<outcome>> results;
        for (int i = 0; g.ended.empty() && i < 1000; ++i) {
            results.push_back(g.submit(1, std::to_string(i)));
            g.run_for(milliseconds(1));
        }
        BOOST_REQUIRE(g.ended.size() == 1u);
        for (std::size_t i = 0; i < results.size(); ++i) {
            BOOST_REQUIRE(results[i]->calls == 1);
            BOOST_TEST(g.words(1).count(std::to_string(i)) == (results[i]->failed ? 0u : 1u));
        }
    }
}

BOOST_AUTO_TEST_SUITE_END()
