// The writing, receiving, finding and verifying of snapshots.
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
file_snapshots<V>::~file_snapshots() {
    forget_incoming();
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
    // Who saved the newest one may have died before its name was durable; it is relied upon now.
    return kept_.empty() ? error_code() : disk_.sync();
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
        if (loaded.error() != errc::corrupt) {
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
    result<opened_snapshot> opened = open_snapshot_file(std::move(*file));
    if (!opened) {
        return opened.error();
    }
    // Zero stands for a cluster that was not known yet, by a member that was about to join it.
    const snapshot_header& header = opened->header;
    if (header.cluster && options_.cluster && header.cluster != options_.cluster) {
        return errc::wrong_cluster;
    }
    if (header.member != options_.member) {
        return errc::wrong_member;
    }
    if (header.last != log_id{named.term, named.index}) {
        return errc::corrupt;
    }
    if (const error_code failed = verify(opened->snap->data)) {
        return failed;
    }
    return std::move(opened->snap);
}

template <volume V>
auto file_snapshots<V>::create(log_id last, const membership& members) -> result<unfinished> {
    snapshot_header header{options_.cluster, options_.member, last, members, 0, 0};
    if (encode_snapshot_header(header).size() > snapshot_header_bytes_max) {
        return errc::too_large;
    }
    auto made = disk_.create_temporary();
    if (!made) {
        return made.error();
    }
    return unfinished{std::move(made->name),
                      snapshot_writer<file_type>(std::move(made->file), std::move(header))};
}

template <volume V>
error_code file_snapshots<V>::write(unfinished& made, const bulk_bytes& data, const char*& step) {
    for (std::uint64_t offset = 0; offset < data.size(); offset += bulk_block_bytes) {
        step = "read the data of";
        const result<rope> block = data.read_block(offset);
        if (!block) {
            return block.error();
        }
        step = "write";
        if (const error_code failed = made.writer.add(*block)) {
            return failed;
        }
    }
    step = "complete and sync";
    return made.writer.seal();
}

/// Requires: sealed; the disk is locked. Effects: gives the file its name, durably.
template <volume V>
result<snapshot_ptr> file_snapshots<V>::publish(unfinished& made) {
    const log_id last = made.writer.header().last;
    const std::string name = named_snapshot{last.index, last.term}.name();
    if (const error_code failed = disk_.rename(made.name, name)) {
        return failed;
    }
    made.name.clear();
    if (const error_code failed = disk_.sync()) {
        return failed;
    }
    snapshot_ptr snap = std::move(made.writer).finish();
    keep(snap);
    return snap;
}

/// Best effort: what stays behind is removed when the store is opened again.
template <volume V>
void file_snapshots<V>::discard(const unfinished& made) noexcept {
    if (!made.name.empty()) {
        static_cast<void>(disk_.remove(made.name));
    }
}

template <volume V>
void file_snapshots<V>::forget_incoming() noexcept {
    if (incoming_) {
        discard(incoming_->file);
        incoming_.reset();
    }
}

template <volume V>
error_code file_snapshots<V>::save(const snapshot& snap) {
    if (const snapshot_ptr own = newest();
        own != nullptr && own->last == snap.last && own->data.shares(snap.data)) {
        return note_failure(snap.last, "", {});
    }
    std::unique_lock lock(disk_mutex_);
    result<unfinished> made = create(snap.last, snap.members);
    lock.unlock(); // others need not wait for the bytes
    if (!made) {
        return note_failure(snap.last, "create", made.error());
    }
    const char* step = "";
    error_code failed = write(*made, snap.data, step);
    lock.lock();
    if (!failed) {
        step = "name and sync the directory of";
        failed = publish(*made).error();
    }
    if (failed) {
        discard(*made);
    }
    return note_failure(snap.last, step, failed);
}

/// Effects: remembers how the save of this snapshot ended. Returns: `code`.
template <volume V>
error_code file_snapshots<V>::note_failure(log_id last, const char* step, error_code code) {
    std::string text;
    if (code) {
        const std::string name = named_snapshot{last.index, last.term}.name();
        text = disk_.path(name) + ": " + step + ": " + code.message();
    }
    const std::lock_guard lock(mutex_);
    failure_ = std::move(text);
    return code;
}

/// Requires: the disk is locked.
template <volume V>
void file_snapshots<V>::keep(const snapshot_ptr& snap) {
    const named_snapshot named{snap->last.index, snap->last.term};
    const auto place = std::lower_bound(kept_.begin(), kept_.end(), named);
    if (place == kept_.end() || *place != named) {
        kept_.insert(place, named);
    }
    {
        const std::lock_guard lock(mutex_);
        if (newest_ == nullptr || newest_->last.index <= snap->last.index) {
            newest_ = snap;
        }
    }
    if (incoming_ && incoming_->progress.head().last.index <= snap->last.index) {
        forget_incoming();
    }
    prune();
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

template <volume V>
result<intake_ticket> file_snapshots<V>::begin(const snapshot_head& head) {
    const std::lock_guard lock(disk_mutex_);
    arrived_ = nullptr;
    // It was received, but its sender did not hear of it.
    if (const snapshot_ptr own = newest(); own != nullptr && head_of(*own) == head) {
        arrived_ = own;
        return intake_ticket{++ticket_, head.size};
    }
    if (!incoming_ || incoming_->progress.head() != head) {
        forget_incoming();
        result<unfinished> made = create(head.last, head.members);
        if (!made) {
            return made.error();
        }
        incoming_.emplace(incoming{intake_progress(head), std::move(*made)});
    }
    return intake_ticket{++ticket_, incoming_->progress.received()};
}

template <volume V>
error_code file_snapshots<V>::add(std::uint64_t ticket, const shared_bytes& block) {
    const std::lock_guard lock(disk_mutex_);
    if (ticket != ticket_ || !incoming_) {
        return make_error_code(boost::system::errc::operation_canceled);
    }
    if (const error_code failed = incoming_->progress.add(block)) {
        return failed;
    }
    const error_code failed = incoming_->file.writer.add({block});
    if (failed) {
        forget_incoming();
    }
    return failed;
}

template <volume V>
result<snapshot_ptr> file_snapshots<V>::finish(std::uint64_t ticket) {
    const std::lock_guard lock(disk_mutex_);
    if (ticket == ticket_ && arrived_ != nullptr) {
        return std::exchange(arrived_, nullptr);
    }
    if (ticket != ticket_ || !incoming_) {
        return make_error_code(boost::system::errc::operation_canceled);
    }
    incoming done = std::move(*incoming_);
    incoming_.reset();
    error_code failed = done.progress.check_whole();
    if (!failed) {
        failed = done.file.writer.seal();
    }
    if (!failed) {
        result<snapshot_ptr> snap = publish(done.file);
        if (snap) {
            return snap;
        }
        failed = snap.error();
    }
    discard(done.file);
    return failed;
}

} // namespace quorate

#endif
