// A log directory read into its log, or into the name of the damaged file and the place.
// Flow:       7, backwards: files → entries, hard state, where to go on
// In / Out:   directory → found_log or log_damage
// Invariants: changes nothing in the directory; what it finds before a damage is a former state of
//             this very log
// Threads:    none
#ifndef QUORATE_LOG_LOG_READER_HPP
#define QUORATE_LOG_LOG_READER_HPP

#include <quorate/log/frame_reader.hpp>
#include <quorate/log/log_store.hpp>
#include <quorate/log/recovery.hpp>
#include <quorate/log/volume.hpp>

#include <boost/system/errc.hpp>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace quorate {

/// What a directory holds. No segments and nothing broken: a new log.
struct found_log {
    std::vector<segment_header> segments; ///< Those that count, oldest first.
    std::uint64_t newest = 0;             ///< The greatest sequence; zero: there is none.
    segment_slot slot;                    ///< The newest one of the newest segment.
    hard_state hard;                      ///< What the slot says; commit index as far as it holds.
    log_position end;                     ///< Up to here the last one of `segments` is durable.
    std::uint64_t read_end = 0;           ///< Up to this offset of it frames are sound.
    replayed_log log;                     ///< Settled at `end`.
    std::vector<std::string> litter;      ///< Files that mean nothing and can go.
    std::vector<std::string> broken;      ///< Files that a damage made void, to be set aside.
    bool salvageable = false;             ///< There is damage, and all above stands before it.
    log_id lost;      ///< With damage: no term or index that was acknowledged is greater.
    std::string note; ///< For the operator; empty: nothing unusual.

    void add_note(const std::string& sentence) {
        note += note.empty() ? sentence : "; " + sentence;
    }
};

/// One use: construct, `read`, take `found`.
template <volume V>
class log_reader {
public:
    /// Lifetime: refers to both.
    log_reader(V& disk, const log_options& options) noexcept : disk_(disk), options_(options) {}

    /// Errors: corrupt, unsupported_version, wrong_cluster, wrong_member, or the file's; `damage`
    /// then says where. If then `found().salvageable`, a log can go on from what was found.
    [[nodiscard]] error_code read();

    [[nodiscard]] found_log& found() noexcept { return found_; }
    [[nodiscard]] const log_damage& damage() const noexcept { return damage_; }

private:
    using file_type = typename V::file_type;
    struct named_segment {
        std::uint64_t sequence;
        std::string name;

        friend auto operator<=>(const named_segment&, const named_segment&) = default;
    };
    /// Where sound frames led, and why no further.
    struct stretch {
        log_position at;
        frames_end end = frames_end::limit;
        error_code failed;          // the file could not be read there
        bool contradiction = false; // a frame is sound, but its entry cannot stand there
    };

    [[nodiscard]] error_code list_segments();
    [[nodiscard]] error_code read_newest();
    [[nodiscard]] error_code read_header(const named_segment& named);
    [[nodiscard]] error_code read_slots(file_type& file, const std::string& name);
    [[nodiscard]] error_code read_chain();
    [[nodiscard]] error_code replay();
    [[nodiscard]] error_code replay_segment(std::size_t which);
    [[nodiscard]] error_code replay_closed(std::size_t which, file_type& file, std::uint64_t size);
    [[nodiscard]] error_code replay_newest(std::size_t which, file_type& file, std::uint64_t size);
    [[nodiscard]] segment_findings replay_tail(std::size_t which, file_type& file,
                                               std::uint64_t size, stretch& tail);
    [[nodiscard]] error_code replay_again(std::size_t which, std::uint64_t limit);
    [[nodiscard]] stretch replay_frames(std::size_t which, file_type& file,
                                        const log_position& start, std::uint64_t limit);

    [[nodiscard]] log_position start_of(std::size_t which) const noexcept {
        return first_position(found_.segments[which], checksums_[which]);
    }
    [[nodiscard]] bool holds_newest() const noexcept {
        return !found_.segments.empty() && found_.segments.back().sequence == found_.newest;
    }
    /// Effects: remembers that something up to there was acknowledged.
    void witness(log_id id) noexcept {
        found_.lost.term = std::max(found_.lost.term, id.term);
        found_.lost.index = std::max(found_.lost.index, id.index);
    }
    /// Effects: the segments from `which` on do not count, for something before them is damaged.
    void give_up_from(std::size_t which);
    error_code refuse(error_code code, const std::string& name, std::uint64_t offset,
                      std::string what) {
        damage_ = {code, name, offset, std::move(what)};
        return code;
    }
    error_code refuse_stretch(std::size_t which, const stretch& reached, const char* what) {
        const char* text = reached.failed          ? "the entries cannot be read"
                           : reached.contradiction ? "an entry contradicts the log"
                                                   : what;
        return refuse(reached.failed ? reached.failed : errc::corrupt,
                      segment_name(found_.segments[which]), reached.at.offset, text);
    }
    /// Returns: whether an error is damage, so that what stands before it may be of use.
    [[nodiscard]] static bool is_damage(const error_code& code) noexcept {
        return code == errc::corrupt || code == boost::system::errc::io_error;
    }

    V& disk_;
    const log_options& options_;
    std::vector<named_segment> named_;     // in the order of their sequences
    std::vector<std::uint32_t> checksums_; // of the headers of found_.segments
    found_log found_;
    log_damage damage_;
};

/// Returns: one sentence that names the file, the place and the reason.
template <volume V>
[[nodiscard]] std::string describe(const log_damage& damage, V& disk) {
    return disk.path(damage.file) + ": offset " + std::to_string(damage.offset) + ": " +
           damage.what + ": " + damage.code.message();
}

} // namespace quorate

#include <quorate/log/impl/log_reader.hpp>
#include <quorate/log/impl/log_replay.hpp>

#endif
