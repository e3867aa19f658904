#include <map>

#include "explorer.hpp"
#include "script.hpp"

using namespace crash_test;

BOOST_AUTO_TEST_SUITE(damage)

namespace {

/// A member's files as it left them, and what it acknowledged.
struct left_behind {
    std::shared_ptr<simulated_disk> disk = std::make_shared<simulated_disk>();
    log_options options = options_of_log();
    std::unique_ptr<script> play = std::make_unique<script>(disk, options);

    /// `sealed`: the log had time to vouch for its end. `kind`: how the member ended.
    left_behind(bool sealed, crash_kind kind, std::uint64_t puts = 18) {
        BOOST_REQUIRE_MESSAGE(!play->run(puts), play->where());
        if (sealed && play->log().idle()) {
            BOOST_REQUIRE(!sync(play->log()));
        }
        BOOST_REQUIRE_EQUAL(sealed, vouched() == log().last().index);
        disk->write_back();
        disk->crash_now({kind, {}});
    }
    [[nodiscard]] const log_content& log() const { return play->expected().log; }
    [[nodiscard]] std::string newest() const { return disk->names(wal).back(); }
    /// Returns: the last entry that the newest slot of the newest file vouches for.
    [[nodiscard]] log_index vouched() const {
        const std::string bytes = disk->contents(wal, newest());
        const auto header = decode_segment_header(bytes);
        segment_slot found;
        for (std::uint64_t generation = 0; generation < 2; ++generation) {
            const byte_view place = byte_view(bytes).substr(
                static_cast<std::size_t>(slot_offset(generation)), segment_slot_bytes);
            const auto slot = decode_segment_slot(place, header->checksum);
            if (slot && slot->generation > found.generation) {
                found = *slot;
            }
        }
        return found.acknowledged.last.index;
    }
};

/// How opening damaged files may end.
struct tally {
    std::uint64_t same = 0;     ///< All that was acknowledged is there.
    std::uint64_t reported = 0; ///< The damage is named.
    std::uint64_t cut = 0;      ///< Fewer entries, behind the durable mark, after a loss of power.
    std::vector<std::string> wrong;

    void note(const std::string& finding) {
        if (wrong.size() < 10) {
            wrong.push_back(finding);
        }
    }
    void report(const std::string& what) const {
        for (const std::string& finding : wrong) {
            BOOST_ERROR(what << ": " << finding);
        }
        BOOST_TEST(wrong.empty());
        std::cout << what << ": " << same + reported + cut << " damages: " << same
                  << " did no harm, " << reported << " reported, " << cut << " cut\n";
    }
};

/// Opens damaged files and says how that ended.
class judge_of_damage {
public:
    judge_of_damage(const left_behind& left, on_damage policy, crash_kind kind)
        : left_(left), kind_(kind), vouched_(left.vouched()) {
        options_ = left.options;
        options_.if_damaged = policy;
        for (const entry& e : left.play->history()) {
            history_[e.index].push_back(e);
        }
    }

    void judge(const std::shared_ptr<simulated_disk>& disk, const std::string& what,
               tally& outcome) const {
        std::string text;
        const auto log = open_log(disk, options_, text);
        if (!log) {
            const bool named =
                log.error() == errc::corrupt || log.error() == errc::unsupported_version;
            if (!named || text.find(wal) == std::string::npos) {
                outcome.note(what + ": " + text);
            }
            ++outcome.reported;
            return;
        }
        const recovered_log found = (*log)->take_recovered();
        text = compare(found, left_.play->expected());
        if (text.empty()) {
            ++outcome.same;
        } else if (found.hard.lost.index) {
            ++outcome.reported;
            text = check_salvaged(disk, found);
        } else if (starts_behind_snapshot(found)) {
            ++outcome.reported; // whoever opens both notices
            text.clear();
        } else if (may_be_cut(found)) {
            ++outcome.cut;
            text.clear();
        }
        if (!text.empty()) {
            outcome.note(what + ": " + text);
        }
    }
    /// Returns: what is wrong with a fenced log; nothing when all is well.
    [[nodiscard]] std::string check_fence(const recovered_log& found) const {
        const log_content& acknowledged = left_.log();
        if (found.hard.lost.index < acknowledged.last().index) {
            return "the fence stands at " + std::to_string(found.hard.lost.index.value());
        }
        const hard_state& old = acknowledged.hard;
        if (found.hard.term < old.term || found.hard.lost.term < old.term ||
            (found.hard.term == old.term && found.hard.vote != old.vote)) {
            return "the promised term or vote is forgotten";
        }
        return were_written(found) ? "" : "an entry was never written";
    }

private:
    /// What was salvaged is fenced for good, until someone lifts it.
    [[nodiscard]] std::string check_salvaged(const std::shared_ptr<simulated_disk>& disk,
                                             const recovered_log& found) const {
        if (found.damage.find(wal) == std::string::npos) {
            return "the damage is not named: " + found.damage;
        }
        disk->crash_now({});
        std::string text;
        log_options options = options_;
        options.if_damaged = on_damage::refuse;
        const auto again = open_log(disk, options, text);
        if (!again) {
            return "salvaged, but then: " + text;
        }
        const recovered_log kept = (*again)->take_recovered();
        const bool same =
            kept.entries == found.entries && kept.hard == found.hard && kept.base == found.base;
        return same ? check_fence(found) : "salvaged, but then it is another log";
    }
    /// A former state of the log may hold entries that were replaced later.
    [[nodiscard]] bool were_written(const recovered_log& found) const {
        return std::all_of(found.entries.begin(), found.entries.end(), [this](const entry& e) {
            const auto known = history_.find(e.index);
            return known != history_.end() &&
                   std::count(known->second.begin(), known->second.end(), e) > 0;
        });
    }
    [[nodiscard]] bool starts_behind_snapshot(const recovered_log& found) const {
        return found.base.index > left_.play->expected().snap->last.index;
    }
    [[nodiscard]] bool may_be_cut(const recovered_log& found) const {
        const log_index last =
            found.entries.empty() ? found.base.index : found.entries.back().index;
        return kind_ == crash_kind::power_loss && last >= vouched_ && found.hard.commit <= last &&
               were_written(found);
    }

    const left_behind& left_;
    crash_kind kind_;
    log_index vouched_;
    log_options options_;
    std::map<log_index, std::vector<entry>> history_;
};

/// Returns: for each byte whether all of its bits are worth flipping: what is not payload, nor
/// padding between headers and slots, nor reserved.
[[nodiscard]] std::vector<bool> telling_bytes(const std::shared_ptr<simulated_disk>& disk,
                                              const std::string& name) {
    const std::string bytes = disk->contents(wal, name);
    std::vector<bool> telling(bytes.size());
    const auto mark = [&telling](std::uint64_t from, std::uint64_t size) {
        for (std::uint64_t at = from; at < from + size && at < telling.size(); ++at) {
            telling[static_cast<std::size_t>(at)] = true;
        }
    };
    mark(0, segment_header_bytes);
    mark(slot_offset(0), slot_copies * segment_slot_bytes);
    mark(slot_offset(1), slot_copies * segment_slot_bytes);
    for (const std::uint64_t place : frame_places(*disk, wal, name)) {
        mark(place, frame_prefix_bytes);
    }
    return telling;
}

void flip_everything(bool sealed, crash_kind kind, on_damage policy, const std::string& what) {
    const left_behind left(sealed, kind);
    const judge_of_damage judge(left, policy, kind);
    tally outcome;
    for (const std::string& name : left.disk->names(wal)) {
        const std::string sound = left.disk->contents(wal, name);
        const std::vector<bool> telling = telling_bytes(left.disk, name);
        const std::size_t padding_step = full_run() ? 1 : slow_run ? 101 : 13;
        for (std::size_t at = 0; at < sound.size(); ++at) {
            const bool padding = !telling[at] && sound[at] == '\0';
            if (padding && at % padding_step != 0) {
                continue;
            }
            const std::size_t step = !telling[at] ? 8 : slow_run ? 4 : 1;
            for (std::size_t bit = at % step; bit < 8; bit += step) {
                std::string bytes = sound;
                bytes[at] = static_cast<char>(bytes[at] ^ (1 << bit));
                const auto disk = left.disk->clone();
                disk->replace(wal, name, std::move(bytes));
                judge.judge(disk,
                            name + ", byte " + std::to_string(at) + ", bit " + std::to_string(bit),
                            outcome);
            }
        }
    }
    outcome.report("bits flipped, " + what);
    BOOST_TEST(outcome.same > 500U);
    BOOST_TEST(outcome.reported > 500U);
}

void cut_everything(bool sealed, crash_kind kind, on_damage policy, const std::string& what) {
    const left_behind left(sealed, kind);
    const judge_of_damage judge(left, policy, kind);
    const std::string name = left.newest();
    const std::string sound = left.disk->contents(wal, name);
    tally outcome;
    const std::size_t least = sound.size() - std::min<std::size_t>(sound.size(), 8 << 10);
    for (std::size_t size = least; size < sound.size(); ++size) {
        const auto disk = left.disk->clone();
        disk->replace(wal, name, sound.substr(0, size));
        judge.judge(disk, name + " cut to " + std::to_string(size) + " bytes", outcome);
    }
    outcome.report("newest 8 KiB cut, " + what);
    BOOST_TEST(outcome.reported > 100U);
    BOOST_TEST(outcome.same > 100U);
    BOOST_TEST((outcome.cut > 0) == (kind == crash_kind::power_loss && !sealed));
}

void remove_everything(on_damage policy) {
    const left_behind left(true, crash_kind::kill, 30);
    const judge_of_damage judge(left, policy, crash_kind::kill);
    tally outcome;
    for (const std::string& name : left.disk->names(wal)) {
        const auto disk = left.disk->clone();
        auto volume = simulated_volume::open(disk, wal);
        BOOST_REQUIRE(!volume->remove(name));
        judge.judge(disk, name + " removed", outcome);
        const auto empty = left.disk->clone();
        empty->replace(wal, name, "");
        judge.judge(empty, name + " emptied", outcome);
    }
    outcome.report("files removed or emptied");
    BOOST_TEST(outcome.same == 0U);
}

/// Salvaging is itself crashed at each change in each way.
void crash_while_salvaging(const std::string& what, const left_behind& left,
                           const std::shared_ptr<simulated_disk>& damaged) {
    const judge_of_damage judge(left, on_damage::salvage, crash_kind::kill);
    log_options options = left.options;
    options.if_damaged = on_damage::salvage;
    explorer crashes(3, [&](const std::shared_ptr<simulated_disk>& disk) -> std::string {
        std::string failure;
        const auto log = open_log(disk, options, failure);
        disk->observe(nullptr);
        return log ? judge.check_fence((*log)->take_recovered()) : failure;
    });
    damaged->observe([&](std::uint64_t) { crashes.explore(*damaged, 1); });
    std::string failure;
    const auto log = open_log(damaged, options, failure);
    BOOST_TEST(log.has_value(), failure);
    crashes.report("salvaging after " + what);
    BOOST_TEST(crashes.recoveries() > 10U);
}

/// Returns: a copy with one bit of a file flipped.
[[nodiscard]] std::shared_ptr<simulated_disk> flipped(const left_behind& left,
                                                      const std::string& name, std::size_t at) {
    std::string bytes = left.disk->contents(wal, name);
    bytes[at] = static_cast<char>(bytes[at] ^ 4);
    const auto disk = left.disk->clone();
    disk->replace(wal, name, std::move(bytes));
    return disk;
}

} // namespace

BOOST_AUTO_TEST_CASE(every_bit_flipped_after_a_kill_refused) {
    flip_everything(false, crash_kind::kill, on_damage::refuse, "killed, refused");
}

BOOST_AUTO_TEST_CASE(every_bit_flipped_after_a_kill_salvaged) {
    flip_everything(false, crash_kind::kill, on_damage::salvage, "killed, salvaged");
}

BOOST_AUTO_TEST_CASE(every_bit_flipped_after_a_power_loss) {
    flip_everything(false, crash_kind::power_loss, on_damage::refuse, "power lost, refused");
}

BOOST_AUTO_TEST_CASE(every_bit_of_a_sealed_log_flipped_after_a_power_loss) {
    flip_everything(true, crash_kind::power_loss, on_damage::salvage, "sealed, power lost");
}

BOOST_AUTO_TEST_CASE(every_byte_cut_off) {
    cut_everything(false, crash_kind::kill, on_damage::refuse, "killed, refused");
    cut_everything(false, crash_kind::kill, on_damage::salvage, "killed, salvaged");
    cut_everything(false, crash_kind::power_loss, on_damage::refuse, "power lost");
    cut_everything(true, crash_kind::power_loss, on_damage::refuse, "sealed, power lost");
}

BOOST_AUTO_TEST_CASE(every_file_removed) {
    remove_everything(on_damage::refuse);
    remove_everything(on_damage::salvage);
}

BOOST_AUTO_TEST_CASE(every_crash_while_salvaging) {
    const left_behind left(false, crash_kind::kill, 30);
    const std::vector<std::string> names = left.disk->names(wal);
    BOOST_REQUIRE(names.size() > 2U);
    const std::size_t frame = segment_head_bytes + frame_prefix_bytes;
    crash_while_salvaging("a flip in the newest segment", left, flipped(left, names.back(), frame));
    crash_while_salvaging("a flip in a middle one", left, flipped(left, names[1], frame));
    crash_while_salvaging("a flip in the first one", left, flipped(left, names[0], frame));
    const auto removed = left.disk->clone();
    auto volume = simulated_volume::open(removed, wal);
    BOOST_REQUIRE(!volume->remove(names[names.size() - 2]));
    BOOST_REQUIRE(!volume->sync());
    crash_while_salvaging("a segment was removed", left, removed);
}

BOOST_AUTO_TEST_SUITE_END()
