// The inspection of a log's segments: the ones that count, and their contents.
#ifndef QUORATE_LOG_IMPL_INSPECT_LOG_IPP
#define QUORATE_LOG_IMPL_INSPECT_LOG_IPP

#include <quorate/log/impl/inspect_frames.ipp>
#include <quorate/log/inspect.hpp>
#include <quorate/log/posix_volume.hpp>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace quorate::detail {

/// All the files of one log.
class log_inspector {
public:
    log_inspector(inspection_report& report, std::filesystem::path directory,
                  const std::optional<data_identity>& owner)
        : report_(report), directory_(std::move(directory)), owner_(owner) {}

    void run(const std::vector<std::string>& names);
    [[nodiscard]] const log_outline& outline() const noexcept { return outline_; }
    /// Returns: the first segment that counts; empty: none.
    [[nodiscard]] const std::filesystem::path& first() const noexcept { return first_; }

private:
    void sort_out(const std::vector<std::string>& names);
    void read_header(segment_file& segment);
    void check_owner(const segment_file& segment);
    void find_uses();
    void inspect(const segment_file& segment);
    void inspect_newest(const segment_file& segment, const found_slots& slots,
                        frame_inspector& frames);
    [[nodiscard]] found_slots read_slots(const segment_file& segment, read_window& window);

    inspection_report& report_;
    const std::filesystem::path directory_;
    const std::optional<data_identity> owner_;
    std::vector<segment_file> segments_; // by sequence
    log_outline outline_;
    std::filesystem::path first_;
};

inline void log_inspector::run(const std::vector<std::string>& names) {
    sort_out(names);
    if (segments_.empty()) {
        return;
    }
    for (segment_file& segment : segments_) {
        read_header(segment);
    }
    find_uses();
    for (const segment_file& segment : segments_) {
        if (segment.header) {
            inspect(segment);
        } else {
            outline_.lose_track();
        }
    }
    report_.sum().base = outline_.base();
    report_.sum().last = outline_.last();
}

inline void log_inspector::sort_out(const std::vector<std::string>& names) {
    for (const std::string& name : names) {
        if (const auto sequence = parse_segment_name(name)) {
            segments_.push_back({directory_ / name, *sequence, {}, segment_use::void_, {}});
        } else if (is_temporary(name)) {
            report_.note(directory_ / name, "left by a crash; removed at the next start");
        } else if (byte_view(name).ends_with(broken_suffix)) {
            report_.note(directory_ / name, "set aside as damaged; not read any more");
        } else {
            report_.note(directory_ / name, "no part of a log");
        }
    }
    std::sort(segments_.begin(), segments_.end(),
              [](const auto& a, const auto& b) { return a.path < b.path; });
    for (std::size_t i = 1; i < segments_.size(); ++i) {
        if (segments_[i].sequence == segments_[i - 1].sequence) {
            report_.damage(segments_[i].path, 0, errc::corrupt,
                           "has the number of " + segments_[i - 1].path.filename().string());
        }
    }
}

inline void log_inspector::read_header(segment_file& segment) {
    result<read_window> window = read_window::open(segment.path);
    const result<byte_view> bytes =
        window ? window->view(0, segment_header_bytes) : result<byte_view>(window.error());
    if (!bytes) {
        report_.damage(segment.path, 0, bytes.error(), "the file cannot be read");
        return;
    }
    const auto header = decode_segment_header(*bytes);
    if (!header) {
        report_.damage(segment.path, 0, header.error(), complaint_about_header(header.error()));
    } else if (segment_name(header->header) != segment.path.filename()) {
        report_.damage(segment.path, 0, errc::corrupt,
                       "is the file " + segment_name(header->header));
    } else {
        segment.header = *header;
        check_owner(segment);
    }
}

inline void log_inspector::check_owner(const segment_file& segment) {
    if (!owner_) {
        return;
    }
    const segment_header& h = segment.header->header;
    if (h.member != owner_->member) {
        report_.damage(segment.path, 24, errc::wrong_member,
                       "belongs to member " + std::to_string(h.member.value()) + ", not to " +
                           std::to_string(owner_->member.value()));
    } else if (h.cluster && owner_->cluster && h.cluster != owner_->cluster) {
        report_.damage(segment.path, 16, errc::wrong_cluster,
                       "belongs to cluster " + std::to_string(h.cluster.value()) + ", not to " +
                           std::to_string(owner_->cluster.value()));
    }
}

/// Goes back from the newest segment to the one that voids what is before it.
inline void log_inspector::find_uses() {
    segments_.back().use = segment_use::newest;
    std::size_t at = segments_.size() - 1;
    for (; at > 0; segments_[--at].use = segment_use::closed) {
        const segment_file& now = segments_[at];
        if (!now.header) {
            continue; // the one before it is looked at without knowing where it has to end
        }
        const segment_header& header = now.header->header;
        std::size_t before = at;
        while (before > 0 && segments_[before - 1].sequence > header.previous()) {
            --before;
        }
        if (header.fresh || before == 0) {
            break;
        }
        if (segments_[before - 1].sequence != header.previous()) {
            report_.damage(now.path, 0, errc::corrupt, "the segment before this one is missing");
        } else {
            segments_[before - 1].mark =
                log_position{header.previous_end, header.previous_chain, header.base, 0};
        }
        at = before;
    }
    first_ = segments_[at].path;
}

inline found_slots log_inspector::read_slots(const segment_file& segment, read_window& window) {
    found_slots slots;
    for (std::size_t place = 0; place < slots.size(); ++place) {
        for (std::size_t copy = 0; copy < slot_copies; ++copy) {
            const std::uint64_t offset = slot_offset(place) + copy * segment_slot_bytes;
            const result<byte_view> bytes = window.view(offset, segment_slot_bytes);
            const auto slot = bytes ? decode_segment_slot(*bytes, segment.header->checksum)
                                    : std::optional<segment_slot>();
            if (slot && slot->generation % 2 == place) {
                slots[place][copy] = slot;
            } else if (segment.use == segment_use::newest) {
                report_.note(segment.path, "the copy of a slot at offset " +
                                               std::to_string(offset) + " cannot be used");
            }
        }
    }
    return slots;
}

inline void log_inspector::inspect(const segment_file& segment) {
    result<read_window> window = read_window::open(segment.path);
    if (!window) {
        report_.damage(segment.path, 0, window.error(), "the file cannot be read");
        return;
    }
    ++report_.sum().segments;
    const segment_header& header = segment.header->header;
    const found_slots slots = read_slots(segment, *window);
    report_.visitor().on_segment(
        {segment.path.string(), window->size(), segment.use, header, slots});
    if (segment.use == segment_use::void_) {
        report_.note(segment.path, "void, as a later segment says; not read any more");
        return;
    }
    if (segment.path == first_) {
        outline_.start(header);
    }
    frame_inspector frames(report_, outline_, segment, *window);
    if (segment.use == segment_use::newest) {
        inspect_newest(segment, slots, frames);
    } else if (segment.mark) {
        static_cast<void>(frames.require(*segment.mark));
    } else {
        frames.rest(false);
        outline_.lose_track();
    }
}

inline void log_inspector::inspect_newest(const segment_file& segment, const found_slots& slots,
                                          frame_inspector& frames) {
    const slot_findings findings = compare_slots(slots, boot_number());
    if (judge(findings) == slot_verdict::damaged) {
        report_.damage(segment.path, slot_offset(0), errc::corrupt,
                       "the slots are damaged, so what this member promised last is lost");
    }
    if (!findings.newest) {
        frames.rest(false);
        return;
    }
    const segment_slot& slot = *findings.newest;
    report_.sum().hard = slot.hard;
    if (slot.closed) {
        report_.damage(segment.path, slot_offset(slot.generation), errc::corrupt,
                       "the segment after this one is missing");
    }
    if (slot.hard.lost.index) {
        report_.note(segment.path, "the member lost entries up to " +
                                       std::to_string(slot.hard.lost.index.value()) +
                                       " and is fenced until its group has given them back");
    }
    // What a crash of the process alone leaves is complete; a loss of power may take the last
    // write.
    const bool followed =
        frames.require(slot.acknowledged) &&
        (findings.same_boot ? frames.require(slot.written) : frames.allow(slot.written));
    if (followed) {
        frames.rest(true);
    }
}

} // namespace quorate::detail

#endif
