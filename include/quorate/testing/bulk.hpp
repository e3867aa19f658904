// Bulk bytes of tests: in one string, and from a source that can be watched and broken.
// Flow:       none
// Source:     for tests of what carries or keeps snapshots
// Threads:    a source may be read by any; its counters by one when nobody reads
#ifndef QUORATE_TESTING_BULK_HPP
#define QUORATE_TESTING_BULK_HPP

#include <quorate/base/bulk_bytes.hpp>
#include <quorate/base/checksum.hpp>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

namespace quorate::testing {

/// Returns: all the bytes. Requires: they can be read.
[[nodiscard]] inline std::string bytes_of(const bulk_bytes& bytes) {
    std::string all;
    while (all.size() < bytes.size()) {
        const result<shared_bytes> piece = bytes.read(all.size(), UINT32_MAX);
        QUORATE_ASSERT(piece.has_value());
        all.append(piece->view());
    }
    return all;
}

/// As large as one likes without memory: each byte follows from its offset.
class made_up_source final : public bulk_source {
public:
    explicit made_up_source(std::uint64_t size) : size_(size) {
        bulk_hash all;
        for (std::uint64_t at = 0; at < size_; at += bulk_block_bytes) {
            all.add(crc32c(make(at, std::min<std::uint64_t>(bulk_block_bytes, size_ - at)).view()));
        }
        hash_ = all.value();
    }

    [[nodiscard]] std::uint64_t size() const noexcept override { return size_; }
    [[nodiscard]] std::uint64_t hash() const override { return hash_; }
    [[nodiscard]] bool blocking() const noexcept override { return true; }
    [[nodiscard]] result<shared_bytes> read(std::uint64_t offset,
                                            std::size_t size_max) const override {
        if (offset >= broken_from) {
            return errc::corrupt;
        }
        const std::uint64_t size = std::min<std::uint64_t>(size_max, size_ - offset);
        const std::uint64_t given = std::min<std::uint64_t>(size, bulk_block_bytes);
        bytes_read += given;
        return make(offset, given);
    }

    mutable std::atomic<std::uint64_t> bytes_read = 0;
    std::atomic<std::uint64_t> broken_from = UINT64_MAX; ///< Offset of the first rotten byte.

private:
    [[nodiscard]] static shared_bytes make(std::uint64_t offset, std::uint64_t size) {
        draft bytes(static_cast<std::size_t>(size));
        for (std::size_t i = 0; i < bytes.size(); ++i) {
            const std::uint64_t at = offset + i;
            bytes.data()[i] = static_cast<char>((at ^ (at >> 8) ^ (at >> 16)) & 0xff);
        }
        return std::move(bytes).freeze();
    }

    std::uint64_t size_;
    std::uint64_t hash_ = 0;
};

} // namespace quorate::testing

#endif
