#include "../node/support.hpp"
#include "support.hpp"

using namespace crash_test;
using node_test::milliseconds;

/// Two members acknowledge what the third never saw. Then one of the two loses it.
BOOST_AUTO_TEST_SUITE(trap)

namespace {

/// The node reserves segments of many megabytes, which are slow to carry about in memory.
class small_file : public simulated_file {
public:
    explicit small_file(simulated_file file) : simulated_file(std::move(file)) {}
    [[nodiscard]] error_code reserve(std::uint64_t size) {
        return simulated_file::reserve(std::min<std::uint64_t>(size, 64 << 10));
    }
};

class small_volume : public simulated_volume {
public:
    using file_type = small_file;

    [[nodiscard]] static result<small_volume> open(const std::filesystem::path& directory) {
        result<simulated_volume> opened = simulated_volume::open(directory);
        return opened ? result<small_volume>(small_volume(std::move(*opened))) : opened.error();
    }
    [[nodiscard]] result<small_file> open_file(const std::string& name) {
        result<simulated_file> file = simulated_volume::open_file(name);
        return file ? result<small_file>(small_file(std::move(*file))) : file.error();
    }
    [[nodiscard]] result<temporary_file<small_file>> create_temporary() {
        auto made = simulated_volume::create_temporary();
        if (!made) {
            return made.error();
        }
        return temporary_file<small_file>{small_file(std::move(made->file)), made->name};
    }

private:
    explicit small_volume(simulated_volume disk) : simulated_volume(std::move(disk)) {}
};

static_assert(volume<small_volume>);

struct trap_policies : default_policies {
    using log = segmented_log<small_volume>;
    using transport = loopback_transport;
    using machine = node_test::word_list;
};

enum class ending { stop, kill, power_loss };

constexpr std::size_t writes = 100;

/// The story up to the moment when all are down.
struct story {
    explicit story(ending how) {
        for (std::uint64_t id = 1; id <= 3; ++id) {
            disks.push_back(std::make_shared<simulated_disk>());
            mounts.push_back(
                std::make_unique<simulated_mount>(disks.back(), directory_of(id).parent_path()));
        }
        group.start_all();
        leads = group.leader();
        cut_off = leads % 3 + 1;
        follows = 6 - leads - cut_off;
        BOOST_REQUIRE(group.wrote(leads, "first"));
        BOOST_REQUIRE(group.agree(1));
        group.isolate(cut_off);
        std::vector<std::shared_ptr<node_test::outcome>> asked;
        for (std::size_t i = 0; i < writes; ++i) {
            asked.push_back(group.submit(leads, "write " + std::to_string(i)));
            if (i % 8 == 7) {
                BOOST_REQUIRE(group.finished(asked.back()));
            }
        }
        for (const auto& outcome : asked) {
            BOOST_REQUIRE(group.finished(outcome));
            BOOST_REQUIRE(outcome->well());
        }
        group.run_for(milliseconds(60)); // long enough for a quiet log to vouch for its end
        for (std::uint64_t id = 1; id <= 3; ++id) {
            if (how != ending::stop) {
                const bool kill = how == ending::kill;
                disk(id).crash_now({kill ? crash_kind::kill : crash_kind::power_loss, {}});
            }
        }
        for (std::uint64_t id = 1; id <= 3; ++id) {
            group.stop(id);
        }
        group.network.heal();
    }
    [[nodiscard]] std::filesystem::path directory_of(std::uint64_t id) const {
        return group.directory.path() / std::to_string(id) / "wal";
    }
    [[nodiscard]] simulated_disk& disk(std::uint64_t id) const {
        return *disks[static_cast<std::size_t>(id - 1)];
    }
    [[nodiscard]] bool has_all_writes(std::uint64_t id) const {
        for (std::size_t i = 0; i < writes; ++i) {
            if (group.words(id).count("write " + std::to_string(i)) != 1) {
                return false;
            }
        }
        return true;
    }
    template <class Change>
    void damage(std::uint64_t id, Change change) {
        const std::string wal_of = directory_of(id).string();
        const std::string name = disk(id).names(wal_of).back();
        std::string bytes = disk(id).contents(wal_of, name);
        change(bytes, frame_places(disk(id), wal_of, name));
        disk(id).replace(wal_of, name, std::move(bytes));
    }

    std::vector<std::shared_ptr<simulated_disk>> disks;
    std::vector<std::unique_ptr<simulated_mount>> mounts;
    node_test::group<trap_policies> group;
    std::uint64_t leads = 0;
    std::uint64_t follows = 0;
    std::uint64_t cut_off = 0;
};

/// Damages the follower that has the writes, starts it with the one that has not, then the third.
template <class Change>
void spring(ending how, Change change) {
    story told(how);
    told.damage(told.follows, change);
    told.group.start(told.follows);
    told.group.start(told.cut_off);
    bool led = false;
    told.group.run_until(
        [&] {
            for (const auto& [id, member] : told.group.nodes) {
                led = led || member->status().engine.soft.role == role_kind::leader;
            }
            return led;
        },
        milliseconds(500)); // ten election timeouts
    BOOST_TEST(!led);
    told.group.start(told.leads);
    BOOST_TEST(told.group.run_until([&] { return told.group.leader() != 0; }));
    BOOST_TEST(told.group.agree(1 + writes));
    for (std::uint64_t id = 1; id <= 3; ++id) {
        BOOST_TEST(told.has_all_writes(id), "member " << id);
    }
    BOOST_TEST(told.group.wrote(told.group.leader(), "last"));
    BOOST_TEST(told.group.agree(2 + writes));
}

/// Cuts the file where one record ends and the next begins.
auto cut(std::size_t records) {
    return [records](std::string& bytes, const std::vector<std::uint64_t>& places) {
        BOOST_REQUIRE(places.size() > records);
        bytes.resize(static_cast<std::size_t>(places[places.size() - 1 - records]));
    };
}

/// The same, as if what follows had never been written into the reserved space.
auto wipe(std::size_t records) {
    return [records](std::string& bytes, const std::vector<std::uint64_t>& places) {
        BOOST_REQUIRE(places.size() > records);
        const auto from = static_cast<std::size_t>(places[places.size() - 1 - records]);
        std::fill(bytes.begin() + static_cast<std::ptrdiff_t>(from), bytes.end(), '\0');
    };
}

/// Flips a bit in the middle of a record.
auto flip(std::size_t records) {
    return [records](std::string& bytes, const std::vector<std::uint64_t>& places) {
        BOOST_REQUIRE(places.size() > records);
        const std::uint64_t at =
            (places[places.size() - 1 - records] + places[places.size() - records]) / 2;
        bytes[static_cast<std::size_t>(at)] ^= 8;
    };
}

constexpr ending endings[] = {ending::stop, ending::kill, ending::power_loss};

} // namespace

BOOST_AUTO_TEST_CASE(without_damage_the_two_go_on_with_all_writes) {
    for (const ending how : endings) {
        story told(how);
        told.group.start(told.follows);
        told.group.start(told.cut_off);
        BOOST_TEST(told.group.run_until([&] { return told.group.leader() != 0; }));
        BOOST_TEST(told.group.agree(1 + writes));
        BOOST_TEST(told.has_all_writes(told.cut_off));
    }
}

/// The trap is real: a member that forgets what it lost leads without it.
BOOST_AUTO_TEST_CASE(a_member_that_accepts_its_loss_falls_into_it) {
    story told(ending::stop);
    told.damage(told.follows, cut(60));
    node_options forgetful = told.group.options_of(told.follows);
    forgetful.accept_data_loss = true;
    told.group.start(forgetful);
    told.group.start(told.cut_off);
    BOOST_TEST(told.group.run_until([&] { return told.group.leader() != 0; }));
    BOOST_TEST(told.group.wrote(told.group.leader(), "last"));
    BOOST_TEST(!told.has_all_writes(told.group.leader()));
}

BOOST_AUTO_TEST_CASE(a_tail_cut_at_a_record_boundary) {
    for (const ending how : endings) {
        spring(how, cut(60));
    }
    spring(ending::kill, cut(1));
}

BOOST_AUTO_TEST_CASE(a_tail_of_zeros) {
    spring(ending::stop, wipe(1));
    spring(ending::kill, wipe(90));
    spring(ending::power_loss, wipe(1));
}

BOOST_AUTO_TEST_CASE(a_bit_flipped_in_the_tail) {
    for (const ending how : endings) {
        spring(how, flip(50));
    }
    spring(ending::power_loss, flip(1));
}

BOOST_AUTO_TEST_SUITE_END()
