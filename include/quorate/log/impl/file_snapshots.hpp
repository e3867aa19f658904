// How snapshots are written, found and verified.
// Flow:    beside 7; a snapshot replaces the log before it
#ifndef QUORATE_LOG_IMPL_FILE_SNAPSHOTS_HPP
#define QUORATE_LOG_IMPL_FILE_SNAPSHOTS_HPP

#include <quorate/log/file_snapshots.hpp>

namespace quorate {

template <volume V>
result<std::unique_ptr<file_snapshots<V>>> file_snapshots<V>::open(
    const snapshot_options& options) {
    result<V> disk = V::open(options.directory);
    return disk ? open(options, std::move(*disk)) : disk.error();
}

template <volume V>
result<std::unique_ptr<file_snapshots<V>>> file_snapshots<V>::open(const snapshot_options& options,
                                                                   V disk) {
    std::unique_ptr<file_snapshots> store(new file_snapshots(options, std::move(disk)));
    if (const error_code failed = store->list()) {
        return failed;
    }
    if (const error_code failed = store->load_newest()) {
        return failed;
    }
    return store;
}

template <volume V>
error_code file_snapshots<V>::list() {
    const result<std::vector<std::string>> names = disk_.list();
    if (!names) {
        return names.error();
    }
    for (const std::string& name : *names) {
        if (const auto numbers = parse_numbered_name(name, ".snap")) {
            kept_.push_back({log_index(numbers->second), term_id(numbers->first)});
        } else if (is_temporary(name)) {
            if (const error_code failed = disk_.remove(name)) {
                return failed;
            }
        }
    }
    std::sort(kept_.begin(), kept_.end());
    return {};
}

template <volume V>
error_code file_snapshots<V>::load_newest() {
    while (!kept_.empty()) {
        const std::string name = kept_.back().name();
        result<snapshot_ptr> loaded = load(kept_.back());
        if (loaded) {
            newest_ = std::move(*loaded);
            return {};
        }
        if (loaded.error() != errc::corrupt && loaded.error() != errc::truncated) {
            return loaded.error();
        }
        note_ += (note_.empty() ? "" : "; ") + disk_.path(name) + " is damaged and was renamed";
        if (const error_code failed = disk_.rename(name, name + ".broken")) {
            return failed;
        }
        if (const error_code failed = disk_.sync()) {
            return failed;
        }
        kept_.pop_back();
    }
    return {};
}

template <volume V>
result<snapshot_ptr> file_snapshots<V>::load(const named_snapshot& named) {
    result<file_type> file = disk_.open_file(named.name());
    if (!file) {
        return file.error();
    }
    const result<std::uint64_t> size = file->size();
    if (!size) {
        return size.error();
    }
    std::array<char, snapshot_intro_bytes> intro;
    const result<std::size_t> got = file->read_at(0, intro.data(), intro.size());
    if (!got) {
        return got.error();
    }
    const result<std::uint32_t> head_size = decode_snapshot_intro({intro.data(), *got});
    if (!head_size) {
        const bool newer = head_size.error() == errc::unsupported_version;
        return error_code(newer ? errc::unsupported_version : errc::corrupt);
    }
    const result<shared_bytes> head = read_block(*file, 0, *head_size);
    if (!head) {
        return head.error();
    }
    const result<snapshot_header> header = decode_snapshot_header(head->view());
    if (!header) {
        return header.error();
    }
    // Zero stands for a cluster that was not known yet, by a member that was about to join it.
    if (header->cluster && options_.cluster && header->cluster != options_.cluster) {
        return errc::wrong_cluster;
    }
    if (header->member != options_.member) {
        return errc::wrong_member;
    }
    const std::uint64_t around = std::uint64_t{*head_size} + snapshot_trailer_bytes;
    const bool fits = *size >= around && header->data_size == *size - around;
    if (!fits || header->last != log_id{named.term, named.index}) {
        return errc::corrupt;
    }
    auto snap = std::make_shared<snapshot>();
    snap->last = header->last;
    snap->members = header->members;
    if (const error_code failed =
            load_data(*file, *head_size, header->data_size, crc32c(head->view()), snap->data)) {
        return failed;
    }
    return snapshot_ptr(std::move(snap));
}

template <volume V>
error_code file_snapshots<V>::load_data(file_type& file, std::uint64_t offset, std::uint64_t size,
                                        std::uint32_t checksum, rope& data) {
    while (size > 0) {
        const auto step = static_cast<std::size_t>(std::min<std::uint64_t>(size, read_block_bytes));
        result<shared_bytes> block = read_block(file, offset, step);
        if (!block) {
            return block.error();
        }
        if (block->size() != step) {
            return errc::truncated;
        }
        checksum = crc32c(block->view(), checksum);
        data.push_back(std::move(*block));
        offset += step;
        size -= step;
    }
    std::array<char, snapshot_trailer_bytes> trailer;
    const result<std::size_t> got = file.read_at(offset, trailer.data(), trailer.size());
    if (!got) {
        return got.error();
    }
    const bool whole = *got == trailer.size();
    return whole && load_little<std::uint32_t>(trailer.data()) == checksum ? error_code()
                                                                           : errc::corrupt;
}

template <volume V>
error_code file_snapshots<V>::write(temporary_file<file_type>& made, const snapshot& snap) {
    const std::string head = encode_snapshot_header(
        {options_.cluster, options_.member, snap.last, snap.members, rope_size(snap.data)});
    std::vector<byte_view> pieces{head};
    std::uint32_t checksum = crc32c(head);
    for (const shared_bytes& piece : snap.data) {
        pieces.push_back(piece.view());
        checksum = crc32c(piece.view(), checksum);
    }
    std::array<char, snapshot_trailer_bytes> trailer;
    store_little(trailer.data(), checksum);
    pieces.emplace_back(trailer.data(), trailer.size());
    if (const error_code failed = made.file.write_at(0, pieces)) {
        return failed;
    }
    return publish(disk_, made, named_snapshot{snap.last.index, snap.last.term}.name());
}

template <volume V>
error_code file_snapshots<V>::save(const snapshot& snap) {
    auto made = disk_.create_temporary();
    if (!made) {
        return made.error();
    }
    if (const error_code failed = write(*made, snap)) {
        if (is_temporary(made->name)) {
            // Best effort: what stays behind is removed when the store is opened again.
            static_cast<void>(disk_.remove(made->name));
        }
        return failed;
    }
    const named_snapshot named{snap.last.index, snap.last.term};
    const auto place = std::lower_bound(kept_.begin(), kept_.end(), named);
    if (place == kept_.end() || *place != named) {
        kept_.insert(place, named);
    }
    auto shared = std::make_shared<const snapshot>(snap);
    {
        const std::lock_guard lock(mutex_);
        if (newest_ == nullptr || newest_->last.index <= snap.last.index) {
            newest_ = std::move(shared);
        }
    }
    prune();
    return {};
}

/// Failing to remove an old snapshot harms nothing: it is tried again at the next save.
template <volume V>
void file_snapshots<V>::prune() noexcept {
    while (kept_.size() > std::max<std::size_t>(options_.keep, 1)) {
        if (disk_.remove(kept_.front().name())) {
            return;
        }
        kept_.erase(kept_.begin());
    }
}

} // namespace quorate

#endif
