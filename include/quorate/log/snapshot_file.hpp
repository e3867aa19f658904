// One snapshot's file: written block by block, read block by block, verified whenever it is read.
// Flow:       beside 7; a snapshot replaces the log before it
// In / Out:   head, blocks → file; offset → a verified piece
// Invariants: the header is written last, so that a file without its end is none; memory is bounded
//             by a block and the table of checksums, whatever the size
// Source:     doc/format.md, "Snapshot"
// Threads:    a writer belongs to one; a file_bulk may be read by any
#ifndef QUORATE_LOG_SNAPSHOT_FILE_HPP
#define QUORATE_LOG_SNAPSHOT_FILE_HPP

#include <quorate/base/checksum.hpp>
#include <quorate/format/snapshot.hpp>
#include <quorate/log/volume.hpp>

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace quorate {

/// The data of a snapshot in its file. Holds the file open, so that its bytes stay readable when
/// the name is gone.
template <volume_file File>
class file_bulk final : public bulk_source {
public:
    /// Requires: one checksum a block; `header` names size and hash. The data begins at `begin`.
    file_bulk(File file, std::uint64_t begin, const snapshot_header& header,
              std::vector<std::uint32_t> checksums)
        : file_(std::move(file)),
          begin_(begin),
          size_(header.data_size),
          hash_(header.data_hash),
          checksums_(std::move(checksums)) {
        QUORATE_ASSERT(checksums_.size() == bulk_blocks(size_));
    }

    [[nodiscard]] std::uint64_t size() const noexcept override { return size_; }
    [[nodiscard]] std::uint64_t hash() const override { return hash_; }
    [[nodiscard]] bool blocking() const noexcept override { return true; }
    /// Reads a whole block each time, so take all of it at once.
    [[nodiscard]] result<shared_bytes> read(std::uint64_t offset,
                                            std::size_t size_max) const override {
        const std::uint64_t begin = offset - offset % bulk_block_bytes;
        const result<shared_bytes> block = read_block(begin);
        if (!block) {
            return block.error();
        }
        const auto skipped = static_cast<std::size_t>(offset - begin);
        return block->slice(skipped, std::min(size_max, block->size() - skipped));
    }

private:
    [[nodiscard]] result<shared_bytes> read_block(std::uint64_t offset) const {
        draft block(
            static_cast<std::size_t>(std::min<std::uint64_t>(bulk_block_bytes, size_ - offset)));
        const result<std::size_t> got = [&] {
            const std::lock_guard lock(mutex_);
            return file_.read_at(begin_ + offset, block.data(), block.size());
        }();
        if (!got) {
            return got.error();
        }
        const std::uint32_t sum = checksums_[static_cast<std::size_t>(offset / bulk_block_bytes)];
        if (*got != block.size() || crc32c(block.view()) != sum) {
            return errc::corrupt;
        }
        return std::move(block).freeze();
    }

    mutable std::mutex mutex_;
    mutable File file_; // guarded by mutex_
    std::uint64_t begin_;
    std::uint64_t size_;
    std::uint64_t hash_;
    std::vector<std::uint32_t> checksums_;
};

/// Fills a new file.
template <volume_file File>
class snapshot_writer {
public:
    /// Size and hash of the header need not be known yet.
    snapshot_writer(File file, snapshot_header header)
        : file_(std::move(file)),
          header_(std::move(header)),
          begin_(encode_snapshot_header(header_).size()) {}

    /// Requires: of the blocks before this one, each had bulk_block_bytes.
    /// Errors: of the operating system.
    [[nodiscard]] error_code add(const rope& block) {
        std::vector<byte_view> views;
        std::uint32_t checksum = 0;
        std::uint64_t bytes = 0;
        for (const shared_bytes& piece : block) {
            views.push_back(piece.view());
            checksum = crc32c(piece.view(), checksum);
            bytes += piece.size();
        }
        if (const error_code failed = file_.write_at(begin_ + written_, views)) {
            return failed;
        }
        written_ += bytes;
        checksums_.push_back(checksum);
        return {};
    }

    /// Effects: completes the file and makes its bytes durable. Errors: of the operating system.
    [[nodiscard]] error_code seal() {
        bulk_hash hash;
        for (const std::uint32_t checksum : checksums_) {
            hash.add(checksum);
        }
        header_.data_size = written_;
        header_.data_hash = hash.value();
        const std::string table = encode_snapshot_table(checksums_);
        const std::string head = encode_snapshot_header(header_);
        const byte_view views[] = {table, head};
        if (const error_code failed = file_.write_at(begin_ + written_, {&views[0], 1})) {
            return failed;
        }
        if (const error_code failed = file_.write_at(0, {&views[1], 1})) {
            return failed;
        }
        return file_.sync_data();
    }

    /// Requires: sealed. Returns: the snapshot, read from the file from now on.
    [[nodiscard]] snapshot_ptr finish() && {
        auto data = std::make_shared<file_bulk<File>>(std::move(file_), begin_, header_,
                                                      std::move(checksums_));
        return std::make_shared<const snapshot>(
            snapshot{header_.last, header_.members, bulk_bytes(std::move(data))});
    }

    [[nodiscard]] const snapshot_header& header() const noexcept { return header_; }

private:
    File file_;
    snapshot_header header_;
    std::uint64_t begin_;
    std::uint64_t written_ = 0;
    std::vector<std::uint32_t> checksums_;
};

namespace detail {

/// Returns: `size` bytes from `offset` on. Errors: corrupt where the file ends before.
template <volume_file File>
[[nodiscard]] result<shared_bytes> read_exactly(File& file, std::uint64_t offset,
                                                std::size_t size) {
    draft bytes(size);
    const result<std::size_t> got = file.read_at(offset, bytes.data(), size);
    if (!got) {
        return got.error();
    }
    return *got == size ? result<shared_bytes>(std::move(bytes).freeze()) : errc::corrupt;
}

/// Errors: corrupt, unsupported_version, or of the operating system.
template <volume_file File>
[[nodiscard]] result<shared_bytes> read_snapshot_head(File& file) {
    const result<shared_bytes> intro = read_exactly(file, 0, snapshot_intro_bytes);
    if (!intro) {
        return intro.error();
    }
    const result<std::uint32_t> size = decode_snapshot_intro(intro->view());
    if (!size) {
        const bool newer = size.error() == errc::unsupported_version;
        return error_code(newer ? errc::unsupported_version : errc::corrupt);
    }
    return read_exactly(file, 0, *size);
}

} // namespace detail

/// What opening a file finds.
struct opened_snapshot {
    snapshot_header header;
    snapshot_ptr snap;
};

/// Reads header and table; no block is looked at yet, see verify(). Allocates no more than the file
/// justifies. Errors: corrupt, unsupported_version, or of the operating system.
template <volume_file File>
[[nodiscard]] result<opened_snapshot> open_snapshot_file(File file) {
    const result<std::uint64_t> size = file.size();
    if (!size) {
        return size.error();
    }
    const result<shared_bytes> head = detail::read_snapshot_head(file);
    if (!head) {
        return head.error();
    }
    result<snapshot_header> header = decode_snapshot_header(head->view());
    if (!header) {
        return header.error();
    }
    const std::uint64_t rest = *size - std::min<std::uint64_t>(*size, head->size());
    const std::uint64_t data = header->data_size;
    if (data > rest || snapshot_table_bytes(data) != rest - data) {
        return errc::corrupt;
    }
    const auto table_bytes = static_cast<std::size_t>(snapshot_table_bytes(data));
    const result<shared_bytes> table = detail::read_exactly(file, head->size() + data, table_bytes);
    if (!table) {
        return table.error();
    }
    result<std::vector<std::uint32_t>> checksums = decode_snapshot_table(table->view(), *header);
    if (!checksums) {
        return checksums.error();
    }
    auto bulk = std::make_shared<file_bulk<File>>(std::move(file), head->size(), *header,
                                                  std::move(*checksums));
    auto snap = std::make_shared<const snapshot>(
        snapshot{header->last, header->members, bulk_bytes(std::move(bulk))});
    return opened_snapshot{std::move(*header), std::move(snap)};
}

/// Reads everything once, a block at a time. Errors: corrupt, or of the operating system.
[[nodiscard]] inline error_code verify(const bulk_bytes& bytes) {
    for (std::uint64_t offset = 0; offset < bytes.size(); offset += bulk_block_bytes) {
        const result<rope> block = bytes.read_block(offset);
        if (!block) {
            return block.error();
        }
    }
    return {};
}

} // namespace quorate

#endif
