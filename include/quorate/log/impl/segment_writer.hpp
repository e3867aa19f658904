// The writing of batches to files.
// Flow:    7. entries → frames → durable
#ifndef QUORATE_LOG_IMPL_SEGMENT_WRITER_HPP
#define QUORATE_LOG_IMPL_SEGMENT_WRITER_HPP

#include <quorate/log/segment_writer.hpp>

#include <cstring>

namespace quorate {

namespace detail {

/// Copying fewer bytes than this costs less than one more piece of a gathering write.
inline constexpr std::size_t gather_copy_max = 512;
/// Less is not worth reserving. Units: bytes.
inline constexpr std::uint64_t reserved_bytes_min = 64 << 10;
/// A segment for which nothing could be reserved ends at this part of its size.
inline constexpr std::uint64_t least_segment_part = 16;
/// The part of a segment's size that entries leave free on the disk: a start needs a little space.
inline constexpr std::uint64_t spare_part = 64;

} // namespace detail

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
    failure_.clear();
    error_code failed;
    try {
        failed = perform(batch);
    } catch (const std::bad_alloc&) {
        const auto exhausted = boost::system::errc::not_enough_memory;
        failed = fail("write", current_.name, make_error_code(exhausted));
    }
    poisoned_ = failed.failed() && failed != errc::no_space;
    return failed;
}

template <volume V>
error_code segment_writer<V>::perform(const log_batch& batch) {
    for (const entry& e : batch.entries) {
        if (e.payload.size() > frame_payload_max) {
            return fail("write", current_.name, errc::too_large);
        }
    }
    const hard_state hard = batch.hard.value_or(hard_);
    error_code failed;
    if (batch.restart) {
        failed = restart(*batch.restart, batch.entries, hard);
    } else if (!batch.entries.empty() && current_.end.offset >= bytes_max(current_)) {
        failed = rotate(batch.entries, hard);
    } else if (batch.writes() || (batch.seal && !vouched_)) {
        failed = write_group(batch.entries, hard);
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
    const auto is_copied = [](const entry& e) {
        return e.payload.size() <= detail::gather_copy_max;
    };
    std::size_t total = 0;
    for (const entry& e : entries) {
        total += frame_prefix_bytes + (is_copied(e) ? e.payload.size() : 0);
    }
    if (bytes_.size() < total) {
        bytes_.resize(total); // before anything points into it
    }
    char* place = bytes_.data();
    const char* run = place; // of bytes that stand one behind the other here as in the file
    for (const entry& e : entries) {
        encode_frame_prefix(e, sequence, at, place);
        place += frame_prefix_bytes;
        if (!is_copied(e)) {
            pieces_.emplace_back(run, static_cast<std::size_t>(place - run));
            pieces_.push_back(e.payload.view());
            run = place;
        } else if (!e.payload.empty()) {
            std::memcpy(place, e.payload.data(), e.payload.size());
            place += e.payload.size();
        }
    }
    if (place != run) {
        pieces_.emplace_back(run, static_cast<std::size_t>(place - run));
    }
    return at;
}

template <volume V>
auto segment_writer<V>::encode(const segment_slot& slot, std::uint32_t checksum) noexcept
    -> slot_bytes {
    slot_bytes bytes;
    encode_segment_slot(slot, checksum, bytes.data());
    for (std::size_t copy = 1; copy < slot_copies; ++copy) {
        std::memcpy(bytes.data() + copy * segment_slot_bytes, bytes.data(), segment_slot_bytes);
    }
    return bytes;
}

/// Frames and slot may reach the disk in any order before the sync, so after a loss of power the
/// slot vouches for what an earlier sync made durable, and not for these frames. But it is written
/// behind them: as long as the machine runs, it vouches for them too.
template <volume V>
error_code segment_writer<V>::write_group(std::span<const entry> entries, const hard_state& hard) {
    pieces_.clear();
    file_type& file = *current_.file;
    const log_position after = gather(entries, segments_.back().sequence, current_.end);
    if (const error_code failed = check_spare(after.offset)) {
        return failed;
    }
    if (const error_code failed = file.write_at(current_.end.offset, pieces_)) {
        return fail_unless_full("write", current_.name, failed);
    }
    segment_slot slot{
        current_.generation + 1, false, hard, hard_.commit, current_.end, after, boot_};
    const slot_bytes bytes = encode(slot, current_.checksum);
    const byte_view piece(bytes.data(), bytes.size());
    if (const error_code failed = file.write_at(slot_offset(slot.generation), {&piece, 1})) {
        withdraw(slot); // a part of it may be there, and the frames may yet be written over
        return fail_unless_full("write", current_.name, failed);
    }
    if (const error_code failed = file.sync_data()) {
        withdraw(slot);
        return fail("sync", current_.name, failed);
    }
    current_.end = after;
    current_.generation = slot.generation;
    hard_ = hard;
    vouched_ = entries.empty();
    return {};
}

/// A failed sync may have dropped frames and kept their slot, on a machine that runs on. Whoever
/// opens the log next shall not take that for damage to something acknowledged.
template <volume V>
void segment_writer<V>::withdraw(const segment_slot& slot) noexcept {
    segment_slot unsure = slot;
    unsure.boot = 0;
    const slot_bytes bytes = encode(unsure, current_.checksum);
    const byte_view piece(bytes.data(), bytes.size());
    static_cast<void>(current_.file->write_at(slot_offset(slot.generation), {&piece, 1}));
}

template <volume V>
segment_header segment_writer<V>::next_header() const noexcept {
    const segment_header& newest = segments_.back();
    segment_header header;
    header.cluster = options_.cluster;
    header.member = options_.member;
    header.sequence = newest.sequence + 1;
    header.base = current_.end.last;
    header.previous_end = current_.end.offset;
    header.previous_chain = current_.end.chain;
    return header;
}

/// Effects: reserves the place of a segment, or what fits in half of the free space: the rest is
/// for snapshots and the next segment. Where less is reserved, a note says so.
template <volume V>
error_code segment_writer<V>::reserve(open_segment& begun) {
    const std::uint64_t whole = options_.segment_bytes;
    std::uint64_t size = std::min(whole, free_bytes_of(disk_) / 2);
    error_code failed = begun.file->reserve(size);
    while (is_out_of_space(failed) && size > 0) {
        size = size / 2 < detail::reserved_bytes_min ? 0 : size / 2;
        failed = begun.file->resize(0); // a part of it may have got its place
        if (!failed && size > 0 && !(failed = begun.file->reserve(size))) {
            size /= 2;
            failed = begun.file->resize(size);
        }
    }
    if (failed) {
        return fail_unless_full("reserve", begun.name, failed);
    }
    begun.reserved = size;
    if (size < whole) {
        note_ = "there is little space on the disk: " + std::to_string(size) + " of " +
                std::to_string(whole) + " bytes are reserved for " + disk_.path(begun.name);
    }
    return {};
}

/// Returns: the bytes at which a segment is closed: what is reserved. The next one may get more,
/// and a limit on the length of files holds for each.
template <volume V>
std::uint64_t segment_writer<V>::bytes_max(const open_segment& segment) const noexcept {
    return segment.reserved != 0 ? segment.reserved
                                 : options_.segment_bytes / detail::least_segment_part;
}

/// Errors: no_space where entries up to `end` of the segment would take the space of the next
/// start.
template <volume V>
error_code segment_writer<V>::check_spare(std::uint64_t end) {
    const std::uint64_t spare = options_.segment_bytes / detail::spare_part;
    if (end <= current_.reserved || free_bytes_of(disk_) >= spare) {
        return {};
    }
    return fail_unless_full("write", current_.name,
                            make_error_code(boost::system::errc::no_space_on_device));
}

/// Effects: writes all of a new segment. Both places for slots say the same, so that none is ever
/// without a valid one.
template <volume V>
error_code segment_writer<V>::fill_segment(open_segment& begun, const segment_header& header,
                                           std::span<const entry> entries, const hard_state& hard) {
    if (const error_code failed = reserve(begun)) {
        return failed;
    }
    std::string head = encode_segment_header(header);
    begun.checksum = decode_segment_header(head)->checksum;
    head.resize(segment_head_bytes, '\0');
    pieces_.assign(1, head);
    begun.end = gather(entries, header.sequence, first_position(header, begun.checksum));
    for (begun.generation = 1;; ++begun.generation) {
        const segment_slot slot{begun.generation, false,     hard, hard.commit,
                                begun.end,        begun.end, boot_};
        const slot_bytes bytes = encode(slot, begun.checksum);
        head.replace(slot_offset(slot.generation), bytes.size(), bytes.data(), bytes.size());
        if (begun.generation == 2) {
            break;
        }
    }
    if (const error_code failed = begun.file->write_at(0, pieces_)) {
        return fail_unless_full("write", begun.name, failed);
    }
    return {};
}

/// The file gets its name only once all of it is durable. So its first slots vouch for all of it.
template <volume V>
error_code segment_writer<V>::begin_segment(const segment_header& header,
                                            std::span<const entry> entries,
                                            const hard_state& hard) {
    open_segment begun;
    begun.name = segment_name(header);
    auto made = disk_.create_temporary();
    if (!made) {
        return fail_unless_full("create", begun.name, made.error());
    }
    begun.file = std::move(made->file);
    if (const error_code failed = fill_segment(begun, header, entries, hard)) {
        if (failed == errc::no_space) {
            begun.file.reset();
            static_cast<void>(disk_.remove(made->name)); // gives back what it has reserved
        }
        return failed;
    }
    if (const error_code failed = begun.file->sync_data()) {
        return fail("sync", begun.name, failed);
    }
    if (const error_code failed = disk_.rename(made->name, begun.name)) {
        return fail("rename", begun.name, failed);
    }
    if (const error_code failed = disk_.sync()) {
        return fail("sync the directory of", begun.name, failed);
    }
    current_ = std::move(begun);
    segments_.push_back(header);
    hard_ = hard;
    vouched_ = true;
    return {};
}

/// Says in the old segment that there is a newer one, so that its loss would be noticed, and gives
/// back what was reserved in vain. Neither needs to be durable, so neither is synced, nor matters
/// where there is no space for it.
template <volume V>
error_code segment_writer<V>::close_segment(open_segment& old) {
    const segment_slot slot{old.generation + 1, true, hard_, hard_.commit, old.end, old.end, boot_};
    const slot_bytes bytes = encode(slot, old.checksum);
    const byte_view piece(bytes.data(), bytes.size());
    error_code failed = old.file->write_at(slot_offset(slot.generation), {&piece, 1});
    if (!failed) {
        failed = old.file->resize(old.end.offset);
    }
    const bool matters = failed && !is_out_of_space(failed);
    return matters ? fail("close", old.name, failed) : error_code();
}

template <volume V>
error_code segment_writer<V>::rotate(std::span<const entry> entries, const hard_state& hard) {
    if (const error_code failed = check_spare(UINT64_MAX)) {
        return failed;
    }
    const segment_header header = next_header();
    open_segment old = std::exchange(current_, {});
    if (const error_code failed = begin_segment(header, entries, hard)) {
        current_ = std::move(old);
        return failed;
    }
    return close_segment(old);
}

template <volume V>
error_code segment_writer<V>::restart(log_id id, std::span<const entry> entries,
                                      const hard_state& hard) {
    segment_header header = next_header();
    header.base = id;
    header.fresh = true;
    header.previous_end = 0;
    header.previous_chain = 0;
    std::vector<std::string> names;
    for (const segment_header& old : segments_) {
        names.push_back(segment_name(old));
    }
    if (const error_code failed = begin_segment(header, entries, hard)) {
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

/// What was damaged is of no use here and may be of some to who looks for the reason.
template <volume V>
error_code segment_writer<V>::set_aside(const std::vector<std::string>& names) {
    for (const std::string& name : names) {
        if (const error_code failed = disk_.rename(name, name + std::string(broken_suffix))) {
            return fail("set aside", name, failed);
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
    for (; keep > 0 && segments_.size() > options_.segments_kept; --keep) {
        if (const error_code failed = remove_all({segment_name(segments_.front())})) {
            return failed;
        }
        segments_.erase(segments_.begin());
    }
    return {};
}

/// Whatever lies beyond the watermark was read from the page cache and may not be on the disk, and
/// behind it there may be parts of writes that never completed. So neither is built upon: what is
/// sound is written again into a new file. After damage that file has a number beyond all others,
/// and with its name all that was damaged becomes void at once.
template <volume V>
error_code segment_writer<V>::open(found_log& found, const hard_state& hard) {
    error_code failed = go_on(found, hard);
    if (failed == errc::no_space && give_back_reserve(found) == error_code()) {
        failed = go_on(found, hard);
    }
    if (!failed) {
        failed = set_aside(found.broken);
    }
    return failed ? failed : remove_all(found.litter);
}

/// Effects: cuts off what the newest segment has reserved and not used. Frames that are not durable
/// yet stay. Errors: no_space where there is nothing of the kind; the file's.
template <volume V>
error_code segment_writer<V>::give_back_reserve(const found_log& found) {
    if (found.segments.empty() || found.read_end < segment_head_bytes) {
        return errc::no_space;
    }
    auto file = disk_.open_file(segment_name(found.segments.back()));
    if (!file) {
        return file.error();
    }
    const result<std::uint64_t> size = file->size();
    return size && *size > found.read_end ? file->resize(found.read_end)
                                          : make_error_code(errc::no_space);
}

/// Effects: begins the segment that the log goes on in.
template <volume V>
error_code segment_writer<V>::go_on(found_log& found, const hard_state& hard) {
    segments_ = found.segments;
    current_.end = found.end;
    const std::uint64_t continued = segments_.empty() ? 0 : segments_.back().sequence;
    if (found.newest - continued > UINT32_MAX) {
        return fail("open", "", errc::corrupt);
    }
    if (!found.salvageable && continued != 0) {
        return current_.end.offset == segment_head_bytes ? replace_segment(found, hard)
                                                         : continue_segment(found, hard);
    }
    segment_header header;
    if (continued == 0) {
        header.cluster = options_.cluster;
        header.member = options_.member;
        header.fresh = true;
    } else {
        header = next_header();
    }
    header.sequence = found.newest + 1;
    header.skipped = static_cast<std::uint32_t>(found.newest - continued);
    return begin_segment(header, found.log.unsettled(), hard);
}

/// The newest one holds nothing for certain: takes its place instead of piling up.
template <volume V>
error_code segment_writer<V>::replace_segment(const found_log& found, const hard_state& hard) {
    const segment_header old = segments_.back();
    segments_.pop_back();
    return begin_segment(old, found.log.unsettled(), hard);
}

template <volume V>
error_code segment_writer<V>::continue_segment(const found_log& found, const hard_state& hard) {
    const segment_header old = segments_.back();
    open_segment closing;
    closing.name = segment_name(old);
    auto file = disk_.open_file(closing.name);
    if (!file) {
        return fail("open", closing.name, file.error());
    }
    closing.file = std::move(*file);
    closing.checksum = decode_segment_header(encode_segment_header(old))->checksum;
    closing.end = current_.end;
    closing.generation = found.slot.generation;
    const error_code failed = begin_segment(next_header(), found.log.unsettled(), hard);
    return failed ? failed : close_segment(closing);
}

} // namespace quorate

#endif
