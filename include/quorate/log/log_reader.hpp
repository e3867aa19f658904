// Reads a log directory into the log that it means, or says which file is damaged and where.
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
#include <array>
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

template <volume V>
error_code log_reader<V>::read() {
    if (const error_code failed = list_segments()) {
        return failed;
    }
    if (named_.empty()) {
        return {};
    }
    if (const error_code failed = read_newest()) {
        if (is_damage(failed)) {
            damage_.what +=
                "; what this member promised last is lost, so remove it from its group "
                "and add it again under a new id";
        }
        return failed;
    }
    if (const error_code failed = read_chain()) {
        return failed;
    }
    if (const error_code failed = replay()) {
        return failed;
    }
    found_.salvageable = damage_.code.failed();
    return damage_.code;
}

template <volume V>
error_code log_reader<V>::list_segments() {
    result<std::vector<std::string>> names = disk_.list();
    if (!names) {
        return refuse(names.error(), "", 0, "the directory cannot be listed");
    }
    for (std::string& name : *names) {
        if (const auto sequence = parse_segment_name(name)) {
            named_.push_back({*sequence, std::move(name)});
        } else if (is_temporary(name)) {
            found_.litter.push_back(std::move(name));
        } else if (name.ends_with(broken_suffix)) {
            found_.add_note("kept " + disk_.path(name) + ", which was set aside as damaged");
        } else {
            found_.add_note("ignored " + disk_.path(name) + ", which is no part of a log");
        }
    }
    std::sort(named_.begin(), named_.end());
    for (std::size_t i = 1; i < named_.size(); ++i) {
        if (named_[i].sequence == named_[i - 1].sequence) {
            return refuse(errc::corrupt, named_[i].name, 0,
                          "has the number of " + named_[i - 1].name);
        }
    }
    found_.newest = named_.empty() ? 0 : named_.back().sequence;
    return {};
}

/// The newest segment alone knows whom this member voted for.
template <volume V>
error_code log_reader<V>::read_newest() {
    const std::string& name = named_.back().name;
    if (const error_code failed = read_header(named_.back())) {
        return failed;
    }
    result<file_type> file = disk_.open_file(name);
    return file ? read_slots(*file, name)
                : refuse(file.error(), name, 0, "the file cannot be opened");
}

template <volume V>
error_code log_reader<V>::read_header(const named_segment& named) {
    result<file_type> file = disk_.open_file(named.name);
    if (!file) {
        return refuse(file.error(), named.name, 0, "the file cannot be opened");
    }
    std::array<char, segment_header_bytes> bytes;
    const result<std::size_t> got = file->read_at(0, bytes.data(), bytes.size());
    if (!got) {
        return refuse(got.error(), named.name, 0, "the header cannot be read");
    }
    const auto header = decode_segment_header({bytes.data(), *got});
    if (!header) {
        const bool other = header.error() == errc::unsupported_version;
        return refuse(other ? errc::unsupported_version : errc::corrupt, named.name, 0,
                      other ? "written by another version" : "the header is damaged");
    }
    const segment_header& h = header->header;
    // Zero stands for a cluster that was not known yet, by a member that was about to join it.
    if (h.cluster && options_.cluster && h.cluster != options_.cluster) {
        return refuse(errc::wrong_cluster, named.name, 0,
                      "belongs to cluster " + std::to_string(h.cluster.value()) + ", not to " +
                          std::to_string(options_.cluster.value()));
    }
    if (h.member != options_.member) {
        return refuse(errc::wrong_member, named.name, 0,
                      "belongs to member " + std::to_string(h.member.value()) + ", not to " +
                          std::to_string(options_.member.value()));
    }
    if (segment_name(h) != named.name) {
        return refuse(errc::corrupt, named.name, 0, "is the file " + segment_name(h));
    }
    witness(h.base);
    found_.segments.push_back(h);
    checksums_.push_back(header->checksum);
    return {};
}

template <volume V>
error_code log_reader<V>::read_slots(file_type& file, const std::string& name) {
    found_slots slots;
    for (std::size_t place = 0; place < slots.size(); ++place) {
        std::array<char, slot_copies * segment_slot_bytes> bytes;
        const result<std::size_t> got =
            file.read_at(slot_offset(place), bytes.data(), bytes.size());
        if (!got) {
            return refuse(got.error(), name, slot_offset(place), "a slot cannot be read");
        }
        for (std::size_t copy = 0; copy < slot_copies; ++copy) {
            const byte_view read(bytes.data(), *got);
            const std::size_t start = std::min(copy * segment_slot_bytes, read.size());
            const auto slot = decode_segment_slot(read.substr(start), checksums_.back());
            if (slot && slot->generation % 2 == place) {
                slots[place][copy] = slot;
            }
        }
    }
    const slot_findings findings = compare_slots(slots, disk_.boot());
    if (judge(findings) == slot_verdict::damaged) {
        return refuse(errc::corrupt, name, slot_offset(0), "the slots are damaged");
    }
    if (findings.invalid_copies != 0) {
        found_.add_note("of the four copies of slots in " + disk_.path(name) + ", " +
                        std::to_string(findings.invalid_copies) + " cannot be used");
    }
    if (findings.newest->closed) {
        return refuse(errc::corrupt, name, slot_offset(findings.newest->generation),
                      "the segment after this one is missing");
    }
    found_.slot = *findings.newest;
    found_.hard = found_.slot.hard;
    found_.hard.commit = {}; // until the log is known to be the one that it was meant for
    witness(found_.slot.acknowledged.last);
    witness(found_.slot.written.last);
    witness({{}, found_.slot.hard.commit});
    return {};
}

template <volume V>
void log_reader<V>::give_up_from(std::size_t which) {
    for (std::size_t i = which; i < found_.segments.size(); ++i) {
        found_.broken.push_back(segment_name(found_.segments[i]));
    }
    found_.segments.resize(which);
    checksums_.resize(which);
}

/// Goes back from the newest segment to the last one that voids what is before it. Void segments
/// are not looked into: a crash may have removed any of them. What is behind a segment that is
/// damaged or missing does not count any more.
template <volume V>
error_code log_reader<V>::read_chain() {
    std::size_t older = named_.size() - 1; // those not looked at yet
    while (older > 0) {
        if (!found_.segments.empty()) {
            const segment_header& next = found_.segments.back();
            while (older > 0 && named_[older - 1].sequence > next.previous()) {
                found_.broken.push_back(named_[--older].name);
            }
            if (older == 0 || next.fresh) {
                break;
            }
            if (named_[older - 1].sequence != next.previous()) {
                static_cast<void>(refuse(errc::corrupt, segment_name(next), 0,
                                         "the segment before this one is missing"));
                give_up_from(0);
            }
        }
        const error_code failed = read_header(named_[--older]);
        if (failed && !is_damage(failed)) {
            return failed;
        }
        if (failed) {
            give_up_from(0);
            found_.broken.push_back(named_[older].name);
        }
    }
    while (older > 0) {
        found_.litter.push_back(named_[--older].name);
    }
    std::reverse(found_.segments.begin(), found_.segments.end());
    std::reverse(checksums_.begin(), checksums_.end());
    return {};
}

template <volume V>
error_code log_reader<V>::replay() {
    if (found_.segments.empty()) {
        return {};
    }
    found_.log = replayed_log(found_.segments.front());
    for (std::size_t i = 0; i < found_.segments.size(); ++i) {
        const error_code failed = replay_segment(i);
        if (failed && !is_damage(failed)) {
            return failed;
        }
        if (failed) {
            give_up_from(i + 1);
        }
    }
    return {};
}

template <volume V>
error_code log_reader<V>::replay_segment(std::size_t which) {
    const std::string name = segment_name(found_.segments[which]);
    result<file_type> file = disk_.open_file(name);
    if (!file) {
        return refuse(file.error(), name, 0, "the file cannot be opened");
    }
    const result<std::uint64_t> size = file->size();
    if (!size) {
        return refuse(size.error(), name, 0, "the file has no size");
    }
    if (which + 1 < found_.segments.size()) {
        return replay_closed(which, *file, *size);
    }
    if (holds_newest()) {
        return replay_newest(which, *file, *size);
    }
    // The one behind it is lost, and with it the mark: all that is sound was there once.
    found_.end = replay_frames(which, *file, start_of(which), *size).at;
    found_.log.settle();
    return {};
}

/// Replays the frames from `start` to `limit`, as far as they are sound.
template <volume V>
auto log_reader<V>::replay_frames(std::size_t which, file_type& file, const log_position& start,
                                  std::uint64_t limit) -> stretch {
    frame_reader<file_type> frames(file, found_.segments[which].sequence, start, limit);
    stretch reached{start, frames_end::limit, {}, false};
    for (;; reached.at = frames.position()) {
        result<std::optional<entry>> read = frames.next();
        if (!read) {
            reached.failed = read.error();
            return reached;
        }
        if (!*read) {
            reached.end = frames.end();
            return reached;
        }
        if (!found_.log.accept(std::move(**read))) {
            reached.end = frames_end::invalid;
            reached.contradiction = true;
            return reached;
        }
    }
}

/// Replays once more, without what turned out not to be trustworthy.
template <volume V>
error_code log_reader<V>::replay_again(std::size_t which, std::uint64_t limit) {
    found_.log = replayed_log(found_.segments.front());
    for (std::size_t i = 0; i <= which; ++i) {
        const std::string name = segment_name(found_.segments[i]);
        result<file_type> file = disk_.open_file(name);
        if (!file) {
            return refuse(file.error(), name, 0, "the file cannot be opened");
        }
        const std::uint64_t end = i == which ? limit : found_.segments[i + 1].previous_end;
        const stretch reached = replay_frames(i, *file, start_of(i), end);
        found_.end = reached.at;
        if (reached.at.offset != end) {
            const auto changed = boost::system::errc::resource_unavailable_try_again;
            return refuse(make_error_code(changed), name, reached.at.offset,
                          "was not the same when it was read again");
        }
    }
    found_.log.settle();
    return {};
}

template <volume V>
error_code log_reader<V>::replay_closed(std::size_t which, file_type& file, std::uint64_t size) {
    const segment_header& later = found_.segments[which + 1];
    const stretch reached =
        replay_frames(which, file, start_of(which), std::min(later.previous_end, size));
    // The next header does not name the truncations.
    const log_position mark{later.previous_end, later.previous_chain, later.base,
                            reached.at.truncations};
    segment_findings findings;
    findings.closed = true;
    findings.acknowledged = compare_marks(reached.at, mark);
    if (judge(findings) != segment_verdict::damaged) {
        return {};
    }
    found_.end = reached.at;
    found_.log.settle();
    if (findings.acknowledged == mark_check::differs) {
        if (const error_code failed = replay_again(which, segment_head_bytes)) {
            return failed;
        }
        return refuse_stretch(which, reached, "the entries are not those that were acknowledged");
    }
    return refuse_stretch(which, reached, "acknowledged entries are damaged or missing");
}

template <volume V>
error_code log_reader<V>::replay_newest(std::size_t which, file_type& file, std::uint64_t size) {
    const segment_slot& slot = found_.slot;
    stretch reached =
        replay_frames(which, file, start_of(which), std::min(slot.acknowledged.offset, size));
    segment_findings findings;
    findings.acknowledged = compare_marks(reached.at, slot.acknowledged);
    found_.end = reached.at;
    found_.log.settle();
    if (findings.acknowledged == mark_check::met) {
        findings = replay_tail(which, file, size, reached);
        found_.hard.commit =
            findings.written == mark_check::met ? slot.hard.commit : slot.acknowledged_commit;
    }
    switch (judge(findings)) {
    case segment_verdict::sound:
        return reached.failed ? refuse_stretch(which, reached, "") : error_code();
    case segment_verdict::torn:
        if (reached.failed) {
            return refuse_stretch(which, reached, "");
        }
        found_.add_note("cut an incomplete write off " +
                        disk_.path(segment_name(found_.segments[which])) + " at offset " +
                        std::to_string(reached.at.offset));
        return {};
    case segment_verdict::damaged: break;
    }
    const bool differs =
        findings.acknowledged == mark_check::differs || findings.written == mark_check::differs;
    if (differs) {
        const bool all = findings.acknowledged == mark_check::differs;
        const std::uint64_t limit = all ? segment_head_bytes : slot.acknowledged.offset;
        if (const error_code failed = replay_again(which, limit)) {
            return failed;
        }
    }
    return refuse_stretch(which, reached,
                          differs ? "the entries are not those that were acknowledged"
                                  : "acknowledged entries are damaged or missing");
}

/// Replays what the newest slot does not vouch for in every case: its own group, and one more that
/// may have been under way.
template <volume V>
segment_findings log_reader<V>::replay_tail(std::size_t which, file_type& file, std::uint64_t size,
                                            stretch& tail) {
    const segment_slot& slot = found_.slot;
    segment_findings findings;
    findings.same_boot = is_same_boot(slot, disk_.boot());
    findings.acknowledged = mark_check::met;
    tail = replay_frames(which, file, slot.acknowledged, std::min(slot.written.offset, size));
    findings.written = compare_marks(tail.at, slot.written);
    if (findings.written == mark_check::met && !tail.failed) {
        tail = replay_frames(which, file, slot.written, size);
    }
    findings.end = tail.end;
    return findings;
}

/// Returns: one sentence that names the file, the place and the reason.
template <volume V>
[[nodiscard]] std::string describe(const log_damage& damage, V& disk) {
    return disk.path(damage.file) + ": offset " + std::to_string(damage.offset) + ": " +
           damage.what + ": " + damage.code.message();
}

} // namespace quorate

#endif
