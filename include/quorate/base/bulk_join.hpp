// Bytes of memory in front of bytes that lie elsewhere, as one.
// Flow:       beside 11; a snapshot of which a part is in memory
// In / Out:   front, rest → both, one behind the other
// Invariants: none of the rest is read before it is asked for
// Threads:    as bulk_bytes
#ifndef QUORATE_BASE_BULK_JOIN_HPP
#define QUORATE_BASE_BULK_JOIN_HPP

#include <quorate/base/bulk_bytes.hpp>
#include <quorate/base/checksum.hpp>

#include <algorithm>
#include <atomic>
#include <memory>
#include <utility>

namespace quorate {
namespace detail {

class joined_source final : public bulk_source {
public:
    joined_source(shared_bytes front, bulk_bytes rest)
        : front_(std::move(front)), rest_(std::move(rest)) {}

    [[nodiscard]] std::uint64_t size() const noexcept override {
        return front_.size() + rest_.size();
    }
    [[nodiscard]] result<shared_bytes> read(std::uint64_t offset,
                                            std::size_t size_max) const override {
        if (offset < front_.size()) {
            const auto from = static_cast<std::size_t>(offset);
            return front_.slice(from, std::min(size_max, front_.size() - from));
        }
        return rest_.read(offset - front_.size(), size_max);
    }
    /// Zero when the rest cannot be read: whoever reads the bytes finds that out too.
    [[nodiscard]] std::uint64_t hash() const override {
        if (!hashed_.load(std::memory_order_acquire)) {
            hash_.store(compute_hash(), std::memory_order_relaxed);
            hashed_.store(true, std::memory_order_release);
        }
        return hash_.load(std::memory_order_relaxed);
    }
    [[nodiscard]] bool blocking() const noexcept override { return rest_.blocking(); }

private:
    [[nodiscard]] std::uint64_t compute_hash() const {
        bulk_hash whole;
        for (std::uint64_t begin = 0; begin < size(); begin += bulk_block_bytes) {
            const std::uint64_t end = std::min<std::uint64_t>(begin + bulk_block_bytes, size());
            std::uint32_t checksum = 0;
            for (std::uint64_t at = begin; at < end;) {
                const result<shared_bytes> piece = read(at, static_cast<std::size_t>(end - at));
                if (!piece) {
                    return 0;
                }
                checksum = crc32c(piece->view(), checksum);
                at += piece->size();
            }
            whole.add(checksum);
        }
        return whole.value();
    }

    shared_bytes front_;
    bulk_bytes rest_;
    // Two that ask for the first time at once both compute the same number.
    mutable std::atomic<bool> hashed_ = false;
    mutable std::atomic<std::uint64_t> hash_ = 0;
};

} // namespace detail

/// Returns: both, one behind the other; a rope stays a rope.
[[nodiscard]] inline rope join_bulk(shared_bytes front, rope rest) {
    rest.insert(rest.begin(), std::move(front));
    return rest;
}
[[nodiscard]] inline bulk_bytes join_bulk(shared_bytes front, bulk_bytes rest) {
    return bulk_bytes(std::make_shared<detail::joined_source>(std::move(front), std::move(rest)));
}

} // namespace quorate

#endif
