// The contents of the segments that count, and the verdict on each segment.
// Flow:    7, backwards: the chain of segments → entries, hard state
#ifndef QUORATE_LOG_IMPL_LOG_REPLAY_HPP
#define QUORATE_LOG_IMPL_LOG_REPLAY_HPP

#include <quorate/log/log_reader.hpp>

namespace quorate {

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
    found_.read_end = reached.at.offset;
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

} // namespace quorate

#endif
