// Rows between memory and database.
#ifndef QUORATE_LMDB_IMPL_LMDB_BACKEND_IPP
#define QUORATE_LMDB_IMPL_LMDB_BACKEND_IPP

// Programs that compile the bodies once need LMDB only when they say so.
#if defined(QUORATE_HEADER_ONLY) || defined(QUORATE_WITH_LMDB)

#include <quorate/lmdb/lmdb_backend.hpp>
#include <quorate/lmdb/state_source.hpp>

#include <algorithm>
#include <string>

namespace quorate {

QUORATE_DECL result<lmdb_backend> lmdb_backend::open(const database_options& options) {
    const result<std::uint64_t> newest = clean_lmdb_directory(options.directory);
    if (!newest) {
        return newest.error();
    }
    if (*newest == UINT64_MAX) {
        return errc::corrupt;
    }
    if (*newest == 0 || options.anew) {
        return begin(options, std::make_shared<std::atomic<std::uint64_t>>(*newest + 1));
    }
    auto opened = lmdb_environment::open(options.directory, *newest,
                                         lmdb_environment::state::standing, options.bytes_max);
    if (!opened) {
        return opened.error();
    }
    lmdb_backend backend;
    backend.environment_ = std::move(*opened);
    backend.batch_bytes_ = options.batch_bytes;
    backend.next_number_ = std::make_shared<std::atomic<std::uint64_t>>(*newest + 1);
    if (const error_code failed = backend.adopt()) {
        return failed;
    }
    return backend;
}

/// An empty one that leaves nothing behind unless it is committed.
QUORATE_DECL result<lmdb_backend> lmdb_backend::begin(
    const database_options& options, std::shared_ptr<std::atomic<std::uint64_t>> next_number) {
    auto opened = lmdb_environment::open(options.directory, (*next_number)++,
                                         lmdb_environment::state::incoming, options.bytes_max);
    if (!opened) {
        return opened.error();
    }
    lmdb_backend backend;
    backend.environment_ = std::move(*opened);
    backend.batch_bytes_ = options.batch_bytes;
    backend.next_number_ = std::move(next_number);
    backend.filling_ = true;
    backend.look_again(0); // streams must not take the place of the own reader
    if (backend.error_) {
        return backend.error_;
    }
    return backend;
}

QUORATE_DECL error_code lmdb_backend::adopt() {
    const lmdb_read* stored = reader();
    if (stored == nullptr) {
        return error_;
    }
    const result<std::optional<byte_view>> bytes = stored->get(state_record_key);
    if (!bytes) {
        return bytes.error();
    }
    if (!*bytes) {
        return errc::corrupt;
    }
    const result<state_record> record = decode_state_record(**bytes);
    if (!record) {
        return record.error();
    }
    const result<std::optional<byte_view>> last = stored->last_key();
    if (!last) {
        return last.error();
    }
    if (*last && !is_record_key(**last)) {
        const std::optional<revision> at = decode_row_key(**last);
        if (!at) {
            return errc::corrupt;
        }
        stored_last_ = last_ = *at;
    }
    size_ = record->rows;
    bytes_ = record->bytes;
    const result<std::optional<byte_view>> kept = stored->get(tables_record_key);
    if (!kept) {
        return kept.error();
    }
    result<shared_bytes> tables = *kept ? decode_tables_record(**kept) : shared_bytes();
    if (!tables) {
        return tables.error();
    }
    held_ = {record->at, record->context, *std::move(tables)};
    look_again(bytes_ + size_ * pending_rows::stored_bytes(0));
    return error_;
}

QUORATE_DECL void lmdb_backend::look_again(std::uint64_t stored_bytes) {
    stored_bytes_ = stored_bytes;
    if (reader_) {
        note(reader_->renew());
    }
    if (const lmdb_read* stored = error_ ? nullptr : reader()) {
        const result<std::uint64_t> used = stored->used_bytes();
        note(used ? error_code() : used.error());
        page_bytes_ = used ? *used : page_bytes_;
    }
}

/// Rows that are erased give back their share of the pages.
QUORATE_DECL std::uint64_t lmdb_backend::used_bytes() const noexcept {
    std::uint64_t grown = recent_.row_bytes();
    std::uint64_t erased = recent_.erased_bytes();
    if (frozen_ != nullptr) {
        grown += frozen_->row_bytes();
        erased += frozen_->erased_bytes();
    }
    const double kept = stored_bytes_ == 0
                            ? 1
                            : static_cast<double>(stored_bytes_ - std::min(stored_bytes_, erased)) /
                                  static_cast<double>(stored_bytes_);
    return grown + static_cast<std::uint64_t>(static_cast<double>(page_bytes_) * kept);
}

QUORATE_DECL std::uint64_t lmdb_backend::grown_bytes() const noexcept {
    const result<std::uint64_t> file = file_bytes();
    return std::max(file ? *file : 0, used_bytes());
}

QUORATE_DECL const lmdb_read* lmdb_backend::reader() const {
    if (environment_ == nullptr) {
        return nullptr;
    }
    if (!reader_) {
        result<lmdb_read> begun = lmdb_read::begin(environment_);
        if (!begun) {
            note(begun.error());
            return nullptr;
        }
        reader_.emplace(std::move(*begun));
    }
    return &*reader_;
}

QUORATE_DECL void lmdb_backend::put(revision at, row entered) {
    QUORATE_ASSERT(!entered.key.empty());
    QUORATE_ASSERT(at > last_);
    last_ = at;
    ++size_;
    bytes_ += entered.key.size() + entered.value.size();
    recent_.put(at, std::move(entered));
    if (filling_ && environment_ != nullptr && recent_.bytes() >= batch_bytes_) {
        flush();
    }
}

QUORATE_DECL std::optional<row> lmdb_backend::find(revision at) const {
    const lmdb_read* stored = at > stored_last_ ? nullptr : reader();
    result<std::optional<row>> found = layers(stored).find(at);
    if (!found) {
        note(found.error());
        return std::nullopt;
    }
    return *std::move(found);
}

QUORATE_DECL bool lmdb_backend::erase(revision at) {
    const lmdb_read* stored = at > stored_last_ ? nullptr : reader();
    const result<std::optional<std::uint64_t>> found = layers(stored).find_bytes(at);
    if (!found) {
        note(found.error());
        return false;
    }
    if (!*found) {
        return false;
    }
    const bool below = at <= stored_last_ || (frozen_ != nullptr && at <= frozen_last_);
    if (below) {
        recent_.erase_below(at, **found);
    } else {
        recent_.take_away(at, *recent_.find(at));
    }
    --size_;
    bytes_ -= **found;
    return true;
}

QUORATE_DECL lmdb_commit lmdb_backend::begin_commit(state_mark mark) {
    QUORATE_ASSERT(can_commit());
    if (frozen_ != nullptr) {
        // It found no space. What was erased since need not be written, and makes space.
        pending_rows both = *frozen_; // streams may read it
        both.merge(recent_);
        recent_ = std::move(both);
    }
    frozen_ = std::make_shared<const pending_rows>(std::exchange(recent_, pending_rows()));
    frozen_mark_ = std::move(mark);
    frozen_size_ = size_;
    frozen_bytes_ = bytes_;
    frozen_last_ = last_;
    job_under_way_ = true;
    const bool stands = static_cast<bool>(frozen_mark_.at.index);
    filling_ = filling_ && !stands;
    std::optional<shared_bytes> tables;
    if (frozen_mark_.tables.view() != held_.tables.view()) {
        tables = frozen_mark_.tables;
    }
    return {
        environment_, frozen_,
        encode_state_record({frozen_mark_.at, frozen_size_, frozen_bytes_, frozen_mark_.context}),
        std::move(tables), stands};
}

QUORATE_DECL error_code lmdb_backend::finish_commit(lmdb_commit job, error_code failed) {
    if (job.environment_ != environment_) {
        return {};
    }
    QUORATE_ASSERT(job_under_way_);
    job_under_way_ = false;
    if (failed) {
        if (failed != errc::no_space) {
            note(failed);
        }
        return failed;
    }
    stored_last_ = frozen_last_;
    held_ = std::move(frozen_mark_);
    frozen_.reset();
    // Lets go of the pages before the commit, too.
    look_again(frozen_bytes_ + frozen_size_ * pending_rows::stored_bytes(0));
    return error_;
}

QUORATE_DECL error_code lmdb_backend::commit(state_mark mark) {
    lmdb_commit job = begin_commit(std::move(mark));
    const error_code failed = job.run();
    return finish_commit(std::move(job), failed);
}

/// Who fills a successor has no other moment to make room.
QUORATE_DECL void lmdb_backend::flush() {
    if (can_commit()) {
        note(commit({}));
    }
}

QUORATE_DECL lmdb_backend lmdb_backend::successor() {
    lmdb_backend fresh;
    if (environment_ == nullptr) {
        fresh.error_ = error_;
        return fresh;
    }
    database_options options;
    options.directory = environment_->directory().string();
    options.bytes_max = environment_->bytes_max();
    options.batch_bytes = batch_bytes_;
    result<lmdb_backend> begun = begin(options, next_number_);
    if (!begun) {
        fresh.error_ = begun.error();
        return fresh;
    }
    return std::move(*begun);
}

QUORATE_DECL lmdb_defragmentation lmdb_backend::begin_defragmentation() {
    QUORATE_ASSERT(can_commit());
    QUORATE_ASSERT(static_cast<bool>(held_.at.index));
    job_under_way_ = true;
    return {environment_, (*next_number_)++};
}

QUORATE_DECL error_code lmdb_backend::finish_defragmentation(lmdb_defragmentation job,
                                                             error_code failed) {
    if (job.from_ != environment_) {
        return {}; // the file of a state that was replaced; the next start removes it
    }
    QUORATE_ASSERT(job_under_way_);
    job_under_way_ = false;
    if (failed) {
        return failed;
    }
    environment_ = std::move(job.into_);
    reader_.reset(); // before the other one begins: it is of the old file
    look_again(stored_bytes_);
    return error_;
}

QUORATE_DECL bulk_bytes lmdb_backend::stream(state_header header, std::vector<revision> hidden,
                                             std::uint64_t hidden_bytes) const {
    header.rows = size_ - hidden.size();
    const std::uint64_t size =
        state_header_bytes + header.rows * state_row_bytes + bytes_ - hidden_bytes;
    std::optional<lmdb_read> stored;
    error_code unreadable;
    if (environment_ != nullptr) {
        result<lmdb_read> begun = lmdb_read::begin(environment_);
        if (begun) {
            stored.emplace(std::move(*begun));
        } else {
            unreadable = begun.error();
        }
    }
    return bulk_bytes(std::make_shared<lmdb_state_source>(std::move(stored), unreadable,
                                                          stored_last_, frozen_, recent_, header,
                                                          std::move(hidden), size));
}

} // namespace quorate

#endif

#endif
