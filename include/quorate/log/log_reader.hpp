// Reads a log directory into the log that it means, or says which file is damaged and where.
// Flow:       7, backwards: files → entries, hard state, where to go on
// In / Out:   directory → found_log or log_damage
// Invariants: changes nothing in the directory
// Threads:    none
#ifndef QUORATE_LOG_LOG_READER_HPP
#define QUORATE_LOG_LOG_READER_HPP

#include <quorate/log/frame_reader.hpp>
#include <quorate/log/log_store.hpp>
#include <quorate/log/recovery.hpp>
#include <quorate/log/volume.hpp>

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace quorate {

/// What a directory holds. No segments: a new log.
struct found_log {
    std::vector<segment_header> segments; ///< Those that count, oldest first.
    segment_slot slot;                    ///< The newest one of the newest segment.
    std::uint64_t generation = 0;         ///< The greatest one found in it.
    replayed_log log;                     ///< Settled at the slot's watermark.
    std::vector<std::string> litter;      ///< Files that mean nothing and can go.
    std::string note;                     ///< For the operator; empty: nothing unusual.

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
    /// then says where.
    [[nodiscard]] error_code read();

    [[nodiscard]] found_log& found() noexcept { return found_; }
    [[nodiscard]] const log_damage& damage() const noexcept { return damage_; }

private:
    using file_type = typename V::file_type;
    struct named_segment {
        std::uint64_t sequence;
        std::string name;
    };

    [[nodiscard]] error_code list_segments();
    [[nodiscard]] error_code read_headers();
    [[nodiscard]] error_code read_header(const named_segment& named);
    [[nodiscard]] error_code read_slots(file_type& file, const std::string& name);
    [[nodiscard]] error_code replay_closed(std::size_t which);
    [[nodiscard]] error_code replay_newest();
    [[nodiscard]] error_code replay_to(std::size_t which, file_type& file, std::uint64_t size,
                                       log_position mark);
    [[nodiscard]] error_code replay_tail(file_type& file, std::uint64_t size);
    error_code refuse(error_code code, const std::string& name, std::uint64_t offset,
                      std::string what) {
        damage_ = {code, name, offset, std::move(what)};
        return code;
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
    if (const error_code failed = read_headers()) {
        return failed;
    }
    if (const error_code failed = check_order(found_.segments, damage_)) {
        return failed;
    }
    found_.log = replayed_log(found_.segments.front());
    for (std::size_t i = 0; i + 1 < found_.segments.size(); ++i) {
        if (const error_code failed = replay_closed(i)) {
            return failed;
        }
    }
    return replay_newest();
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
        } else {
            found_.add_note("ignored " + disk_.path(name) + ", which is no part of a log");
        }
    }
    std::sort(named_.begin(), named_.end(),
              [](const auto& a, const auto& b) { return a.sequence < b.sequence; });
    return {};
}

/// Goes back from the newest segment to the last one that voids what is before it. Void segments
/// are not looked into: a crash may have removed any of them.
template <volume V>
error_code log_reader<V>::read_headers() {
    std::size_t first = named_.size();
    while (first > 0 && (found_.segments.empty() || !found_.segments.back().fresh)) {
        if (const error_code failed = read_header(named_[--first])) {
            return failed;
        }
    }
    std::reverse(found_.segments.begin(), found_.segments.end());
    std::reverse(checksums_.begin(), checksums_.end());
    for (std::size_t i = 0; i < first; ++i) {
        found_.litter.push_back(named_[i].name);
    }
    return {};
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
        const bool newer = header.error() == errc::unsupported_version;
        return refuse(newer ? errc::unsupported_version : errc::corrupt, named.name, 0,
                      newer ? "written by a newer version" : "the header is damaged");
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
    found_.segments.push_back(h);
    checksums_.push_back(header->checksum);
    return {};
}

template <volume V>
error_code log_reader<V>::read_slots(file_type& file, const std::string& name) {
    std::array<std::optional<segment_slot>, 2> slots;
    bool written = true;
    for (std::uint64_t i = 0; i < 2; ++i) {
        std::array<char, segment_slot_bytes> bytes;
        const result<std::size_t> got = file.read_at(slot_offset(i), bytes.data(), bytes.size());
        if (!got) {
            return refuse(got.error(), name, slot_offset(i), "a slot cannot be read");
        }
        const byte_view read(bytes.data(), *got);
        slots[i] = decode_segment_slot(read, checksums_.back());
        written = written && read.find_first_not_of('\0') != byte_view::npos;
    }
    const std::optional<segment_slot> newest = newest_slot(slots[0], slots[1]);
    if (!newest) {
        return refuse(errc::corrupt, name, slot_offset(0), "both slots are damaged");
    }
    if (written && (!slots[0] || !slots[1])) {
        found_.add_note("one slot of " + disk_.path(name) + " is invalid, the other one counts");
    }
    if (newest->closed) {
        return refuse(errc::corrupt, name, slot_offset(newest->generation),
                      "the segment after this one is missing");
    }
    found_.slot = *newest;
    found_.generation = newest->generation;
    return {};
}

template <volume V>
error_code log_reader<V>::replay_closed(std::size_t which) {
    const segment_header& header = found_.segments[which];
    const segment_header& later = found_.segments[which + 1];
    const std::string name = segment_name(header);
    result<file_type> file = disk_.open_file(name);
    if (!file) {
        return refuse(file.error(), name, 0, "the file cannot be opened");
    }
    const result<std::uint64_t> size = file->size();
    if (!size) {
        return refuse(size.error(), name, 0, "the file has no size");
    }
    const log_position mark{later.previous_end, later.previous_chain, later.base, 0};
    return replay_to(which, *file, *size, mark);
}

template <volume V>
error_code log_reader<V>::replay_newest() {
    const std::string name = segment_name(found_.segments.back());
    result<file_type> file = disk_.open_file(name);
    if (!file) {
        return refuse(file.error(), name, 0, "the file cannot be opened");
    }
    const result<std::uint64_t> size = file->size();
    if (!size) {
        return refuse(size.error(), name, 0, "the file has no size");
    }
    if (const error_code failed = read_slots(*file, name)) {
        return failed;
    }
    const std::size_t which = found_.segments.size() - 1;
    if (const error_code failed = replay_to(which, *file, *size, found_.slot.acknowledged)) {
        return failed;
    }
    found_.log.settle();
    return replay_tail(*file, *size);
}

/// Replays what must be there: everything up to the mark.
template <volume V>
error_code log_reader<V>::replay_to(std::size_t which, file_type& file, std::uint64_t size,
                                    log_position mark) {
    const segment_header& header = found_.segments[which];
    const std::string name = segment_name(header);
    const bool closed = which + 1 < found_.segments.size();
    frame_reader<file_type> frames(file, header.sequence, first_position(header, checksums_[which]),
                                   std::min(mark.offset, size));
    for (;;) {
        const log_position before = frames.position();
        result<std::optional<entry>> read = frames.next();
        if (!read) {
            return refuse(read.error(), name, before.offset, "the entries cannot be read");
        }
        if (!*read) {
            break;
        }
        if (!found_.log.accept(std::move(**read))) {
            return refuse(errc::corrupt, name, before.offset, "an entry contradicts the log");
        }
    }
    const log_position& reached = frames.position();
    if (closed) {
        mark.truncations = reached.truncations; // the next header does not name them
    }
    const segment_findings findings{closed, reached.offset == mark.offset, reached == mark,
                                    frames.end()};
    if (judge(findings) == segment_verdict::damaged) {
        return refuse(errc::corrupt, name, reached.offset,
                      findings.mark_reached ? "the entries are not those that were acknowledged"
                                            : "acknowledged entries are damaged or missing");
    }
    return {};
}

/// Replays what may be there: the last group, which nobody vouches for but its own checksums.
template <volume V>
error_code log_reader<V>::replay_tail(file_type& file, std::uint64_t size) {
    const std::string name = segment_name(found_.segments.back());
    frame_reader<file_type> frames(file, found_.segments.back().sequence, found_.slot.acknowledged,
                                   size);
    segment_findings findings{false, true, true, frames_end::limit};
    log_position sound = frames.position();
    for (;; sound = frames.position()) {
        result<std::optional<entry>> read = frames.next();
        if (!read) {
            return refuse(read.error(), name, sound.offset, "the entries cannot be read");
        }
        if (!*read) {
            findings.end = frames.end();
            break;
        }
        if (!found_.log.accept(std::move(**read))) {
            findings.end = frames_end::invalid;
            break;
        }
    }
    if (judge(findings) == segment_verdict::torn) {
        found_.add_note("cut an incomplete write off " + disk_.path(name) + " at offset " +
                        std::to_string(sound.offset));
    }
    return {};
}

/// Returns: one sentence that names the file, the place and the reason.
template <volume V>
[[nodiscard]] std::string describe(const log_damage& damage, V& disk) {
    return disk.path(damage.file) + ": offset " + std::to_string(damage.offset) + ": " +
           damage.what + ": " + damage.code.message();
}

} // namespace quorate

#endif
