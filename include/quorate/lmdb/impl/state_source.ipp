// Chunks of rows, made when they are read.
#ifndef QUORATE_LMDB_IMPL_STATE_SOURCE_IPP
#define QUORATE_LMDB_IMPL_STATE_SOURCE_IPP

// Programs that compile the bodies once need LMDB only when they say so.
#if defined(QUORATE_HEADER_ONLY) || defined(QUORATE_WITH_LMDB)

#include <quorate/base/checksum.hpp>
#include <quorate/lmdb/state_source.hpp>

#include <algorithm>

namespace quorate {
namespace detail {

/// Large against the cost of finding its first row again.
inline constexpr std::uint64_t lmdb_chunk_bytes = 256 * 1024;

} // namespace detail

QUORATE_DECL std::uint64_t lmdb_state_source::hash() const {
    {
        const std::lock_guard lock(mutex_);
        if (hash_) {
            return *hash_;
        }
    }
    bulk_hash all;
    for (std::uint64_t block = 0; block < size_; block += bulk_block_bytes) {
        const std::uint64_t end = std::min<std::uint64_t>(size_, block + bulk_block_bytes);
        std::uint32_t checksum = 0;
        for (std::uint64_t at = block; at < end;) {
            const result<shared_bytes> piece = read(at, static_cast<std::size_t>(end - at));
            if (!piece) {
                return 0;
            }
            checksum = crc32c(piece->view(), checksum);
            at += piece->size();
        }
        all.add(checksum);
    }
    const std::lock_guard lock(mutex_);
    hash_ = all.value();
    return *hash_;
}

QUORATE_DECL result<shared_bytes> lmdb_state_source::read(std::uint64_t offset,
                                                          std::size_t size_max) const {
    if (failed_) {
        return failed_;
    }
    const std::lock_guard lock(mutex_);
    if (const error_code failed = load(offset)) {
        return failed;
    }
    std::uint64_t begin = chunk_begin_;
    for (const shared_bytes& piece : chunk_) {
        if (offset < begin + piece.size()) {
            const auto skipped = static_cast<std::size_t>(offset - begin);
            return piece.slice(skipped, std::min(size_max, piece.size() - skipped));
        }
        begin += piece.size();
    }
    return errc::corrupt;
}

/// Makes the chunk that holds `offset`, and those before it that never were made.
QUORATE_DECL error_code lmdb_state_source::load(std::uint64_t offset) const {
    if (offset >= chunk_begin_ && offset < chunk_end_) {
        return {};
    }
    const auto later = [](std::uint64_t at, const mark& m) noexcept { return at < m.offset; };
    auto place = std::upper_bound(marks_.begin(), marks_.end(), offset, later);
    mark next = *std::prev(place);
    do {
        if (const error_code failed = load_chunk(next)) {
            return failed;
        }
        next = marks_.back();
    } while (offset >= chunk_end_);
    return {};
}

QUORATE_DECL error_code lmdb_state_source::load_chunk(const mark& begin) const {
    state_writer out(header_);
    std::uint64_t made = state_header_bytes;
    revision next;
    bool more = false;
    const row_layers layers(stored_ ? &*stored_ : nullptr, stored_last_, frozen_.get(), recent_);
    const error_code failed =
        layers.scan(begin.from, {UINT64_MAX, UINT32_MAX}, [&](revision at, const row& found) {
            if (std::binary_search(hidden_.begin(), hidden_.end(), at)) {
                return true;
            }
            more = made >= detail::lmdb_chunk_bytes;
            if (more) {
                next = at;
                return false;
            }
            out.add({at.main, at.sub, found.create_revision, found.version, found.lease, found.key,
                     found.value});
            made += state_row_bytes + found.key.size() + found.value.size();
            return true;
        });
    if (failed) {
        return failed;
    }
    chunk_ = std::move(out).finish();
    if (begin.offset != 0) {
        // Only the first chunk begins with the header, which is at the front of its first piece.
        made -= state_header_bytes;
        chunk_.front() = chunk_.front().slice(state_header_bytes);
    }
    chunk_begin_ = begin.offset;
    chunk_end_ = begin.offset + made;
    if (more ? chunk_end_ >= size_ : chunk_end_ != size_) {
        chunk_end_ = chunk_begin_ = 0;
        chunk_.clear();
        return errc::corrupt;
    }
    if (more && chunk_end_ > marks_.back().offset) {
        marks_.push_back({chunk_end_, next});
    }
    return {};
}

} // namespace quorate

#endif

#endif
