// How batches become files.
// Flow:    7. entries → frames → durable
#ifndef QUORATE_LOG_IMPL_SEGMENT_WRITER_HPP
#define QUORATE_LOG_IMPL_SEGMENT_WRITER_HPP

#include <quorate/log/segment_writer.hpp>

namespace quorate {

template <volume V>
error_code segment_writer<V>::fail(const char* step, const std::string& name, error_code code) {
    failure_ = disk_.path(name) + ": " + step + ": " + code.message();
    return code;
}

template <volume V>
error_code segment_writer<V>::execute(const log_batch& batch) {
    if (poisoned_) {
        return errc::poisoned;
    }
    error_code failed;
    try {
        failed = perform(batch);
    } catch (const std::bad_alloc&) {
        failed = fail("write", name_, make_error_code(boost::system::errc::not_enough_memory));
    }
    poisoned_ = failed.failed();
    return failed;
}

template <volume V>
error_code segment_writer<V>::perform(const log_batch& batch) {
    for (const entry& e : batch.entries) {
        if (e.payload.size() > frame_payload_max) {
            return fail("write", name_, errc::too_large);
        }
    }
    hard_ = batch.hard.value_or(hard_);
    error_code failed;
    if (batch.restart) {
        failed = restart(*batch.restart, batch.entries);
    } else if (!batch.entries.empty() && end_.offset >= options_.segment_bytes) {
        failed = rotate(batch.entries);
    } else if (batch.writes()) {
        failed = write_group(batch.entries);
    }
    if (!failed && batch.compact) {
        failed = drop_before(batch.compact);
    }
    return failed;
}

/// Effects: prepares `pieces_` to be written at `at.offset`. Returns: the position behind them.
template <volume V>
log_position segment_writer<V>::gather(std::span<const entry> entries, std::uint64_t sequence,
                                       log_position at) {
    prefixes_.resize(entries.size() * frame_prefix_bytes);
    char* prefix = prefixes_.data();
    for (const entry& e : entries) {
        encode_frame_prefix(e, sequence, at, prefix);
        pieces_.emplace_back(prefix, frame_prefix_bytes);
        pieces_.push_back(e.payload.view());
        prefix += frame_prefix_bytes;
    }
    return at;
}

template <volume V>
std::array<char, segment_slot_bytes> segment_writer<V>::make_slot(std::uint32_t checksum,
                                                                  const log_position& acknowledged,
                                                                  bool closed) const noexcept {
    std::array<char, segment_slot_bytes> bytes;
    encode_segment_slot({generation_, closed, hard_, acknowledged}, checksum, bytes.data());
    return bytes;
}

/// Frames and slot go out in any order before the sync, so the slot vouches for `end_`, which an
/// earlier sync made durable, and not for these frames.
template <volume V>
error_code segment_writer<V>::write_group(std::span<const entry> entries) {
    pieces_.clear();
    const log_position after = gather(entries, segments_.back().sequence, end_);
    if (const error_code failed = file_->write_at(end_.offset, pieces_)) {
        return fail("write", name_, failed);
    }
    ++generation_;
    const auto slot = make_slot(checksum_, end_, false);
    const byte_view slot_bytes(slot.data(), slot.size());
    if (const error_code failed = file_->write_at(slot_offset(generation_), {&slot_bytes, 1})) {
        return fail("write", name_, failed);
    }
    if (const error_code failed = file_->sync_data()) {
        return fail("sync", name_, failed);
    }
    end_ = after;
    return {};
}

template <volume V>
segment_header segment_writer<V>::next_header() const noexcept {
    const segment_header& newest = segments_.back();
    return {options_.cluster, options_.member, newest.sequence + 1, end_.last, false,
            end_.offset,      end_.chain};
}

/// The file gets its name only once all of it is durable. So its first slot vouches for all of it.
template <volume V>
error_code segment_writer<V>::begin_segment(const segment_header& header,
                                            std::span<const entry> entries) {
    auto made = disk_.create_temporary();
    const std::string name = segment_name(header);
    if (!made) {
        return fail("create", name, made.error());
    }
    if (const error_code failed = made->file.reserve(options_.segment_bytes)) {
        return fail("reserve", name, failed);
    }
    std::string head = encode_segment_header(header);
    const std::uint32_t checksum = decode_segment_header(head)->checksum;
    head.resize(segment_head_bytes, '\0');
    pieces_.assign(1, head);
    const log_position end = gather(entries, header.sequence, first_position(header, checksum));
    ++generation_;
    const auto slot = make_slot(checksum, end, false);
    head.replace(slot_offset(generation_), slot.size(), slot.data(), slot.size());
    if (const error_code failed = made->file.write_at(0, pieces_)) {
        return fail("write", name, failed);
    }
    if (const error_code failed = publish(disk_, *made, name)) {
        return fail("publish", name, failed);
    }
    file_ = std::move(made->file);
    name_ = name;
    checksum_ = checksum;
    end_ = end;
    segments_.push_back(header);
    return {};
}

/// Says in the old segment that there is a newer one, so that its loss would be noticed, and gives
/// back what was reserved in vain. Neither needs to be durable, so neither is synced.
template <volume V>
error_code segment_writer<V>::close_segment(file_type& file, const segment_header& header,
                                            std::uint32_t checksum, const log_position& end) {
    ++generation_;
    const auto slot = make_slot(checksum, end, true);
    const byte_view slot_bytes(slot.data(), slot.size());
    if (const error_code failed = file.write_at(slot_offset(generation_), {&slot_bytes, 1})) {
        return fail("close", segment_name(header), failed);
    }
    if (const error_code failed = file.resize(end.offset)) {
        return fail("shorten", segment_name(header), failed);
    }
    return {};
}

template <volume V>
error_code segment_writer<V>::rotate(std::span<const entry> entries) {
    const segment_header old_header = segments_.back();
    const std::uint32_t old_checksum = checksum_;
    const log_position old_end = end_;
    file_type old_file = std::move(*file_);
    if (const error_code failed = begin_segment(next_header(), entries)) {
        return failed;
    }
    return close_segment(old_file, old_header, old_checksum, old_end);
}

template <volume V>
error_code segment_writer<V>::restart(log_id id, std::span<const entry> entries) {
    segment_header header = next_header();
    header.base = id;
    header.fresh = true;
    header.previous_end = 0;
    header.previous_chain = 0;
    std::vector<std::string> names;
    for (const segment_header& old : segments_) {
        names.push_back(segment_name(old));
    }
    if (const error_code failed = begin_segment(header, entries)) {
        return failed;
    }
    segments_.erase(segments_.begin(), segments_.end() - 1);
    return remove_all(names);
}

/// Void files may go in any order.
template <volume V>
error_code segment_writer<V>::remove_all(const std::vector<std::string>& names) {
    for (const std::string& name : names) {
        if (const error_code failed = disk_.remove(name)) {
            return fail("remove", name, failed);
        }
    }
    if (!names.empty()) {
        if (const error_code failed = disk_.sync()) {
            return fail("sync", "", failed);
        }
    }
    return {};
}

/// Everything before a segment stands at or below its base. Each removal is durable before the
/// next one, so that no crash leaves a gap.
template <volume V>
error_code segment_writer<V>::drop_before(log_index upto) {
    std::size_t keep = segments_.size() - 1;
    while (keep > 0 && segments_[keep].base.index > upto) {
        --keep;
    }
    for (std::size_t i = 0; i < keep; ++i) {
        if (const error_code failed = remove_all({segment_name(segments_[i])})) {
            return failed;
        }
    }
    segments_.erase(segments_.begin(), segments_.begin() + static_cast<std::ptrdiff_t>(keep));
    return {};
}

/// Whatever lies beyond the watermark was read from the page cache and may not be on the disk, and
/// behind it there may be parts of writes that never completed. So neither is built upon: what is
/// sound is written again into a new file.
template <volume V>
error_code segment_writer<V>::open(found_log& found, const hard_state& hard) {
    hard_ = hard;
    generation_ = found.generation;
    if (found.segments.empty()) {
        segment_header first{options_.cluster, options_.member, 1, {}, true, 0, 0};
        const error_code failed = begin_segment(first, {});
        return failed ? failed : remove_all(found.litter);
    }
    segments_ = found.segments;
    end_ = found.slot.acknowledged;
    const segment_header old = segments_.back();
    error_code failed;
    if (end_.offset == segment_head_bytes) {
        // The newest one holds nothing for certain: take its place instead of piling up.
        segments_.pop_back();
        failed = begin_segment(old, found.log.unsettled());
    } else {
        auto file = disk_.open_file(segment_name(old));
        if (!file) {
            return fail("open", segment_name(old), file.error());
        }
        const std::uint32_t checksum = decode_segment_header(encode_segment_header(old))->checksum;
        const log_position end = end_;
        failed = begin_segment(next_header(), found.log.unsettled());
        if (!failed) {
            failed = close_segment(*file, old, checksum, end);
        }
    }
    return failed ? failed : remove_all(found.litter);
}

} // namespace quorate

#endif
