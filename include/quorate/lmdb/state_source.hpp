// A state read from its database piece by piece, as of one moment.
// Flow:       beside 11 to 13; what a snapshot carries in place of the commands before it
// In / Out:   rows → the bytes of format/state.hpp
// Invariants: the bytes are those of the moment it was made, whatever the database does since;
//             memory held does not grow with the rows
// Source:     an LMDB reader sees the pages of its moment, which no writer reuses
// Threads:    any; several may read at once, in turn
#ifndef QUORATE_LMDB_STATE_SOURCE_HPP
#define QUORATE_LMDB_STATE_SOURCE_HPP

#include <quorate/base/bulk_bytes.hpp>
#include <quorate/base/bytes.hpp>
#include <quorate/base/config.hpp>
#include <quorate/format/state.hpp>
#include <quorate/lmdb/environment.hpp>
#include <quorate/lmdb/pending_rows.hpp>
#include <quorate/lmdb/row_layers.hpp>

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

namespace quorate {

class lmdb_state_source final : public bulk_source {
public:
    /// `stored`: nothing without a database, or where it cannot be read: `unreadable` is what
    /// reading fails with then. `size`: of the bytes that header and rows make; where they make
    /// others, reading fails as corrupt. `hidden`: in order.
    lmdb_state_source(std::optional<lmdb_read> stored, error_code unreadable, revision stored_last,
                      std::shared_ptr<const pending_rows> frozen, pending_rows recent,
                      const state_header& header, std::vector<revision> hidden, std::uint64_t size)
        : failed_(unreadable),
          stored_(std::move(stored)),
          stored_last_(stored_last),
          frozen_(std::move(frozen)),
          recent_(std::move(recent)),
          header_(header),
          hidden_(std::move(hidden)),
          size_(size),
          marks_{mark{0, {}}} {}

    [[nodiscard]] std::uint64_t size() const noexcept override { return size_; }
    /// Returns: zero when not all can be read. Complexity: linear, once.
    [[nodiscard]] QUORATE_DECL std::uint64_t hash() const override;
    /// Complexity: constant, amortised, where it goes on behind the last one; else linear in the
    /// distance from the nearest place that was read before.
    [[nodiscard]] QUORATE_DECL result<shared_bytes> read(std::uint64_t offset,
                                                         std::size_t size_max) const override;
    [[nodiscard]] bool blocking() const noexcept override { return true; }

private:
    /// Where a chunk begins: its offset, and the revision from which on its rows are.
    struct mark {
        std::uint64_t offset;
        revision from;
    };
    [[nodiscard]] error_code load(std::uint64_t offset) const;
    [[nodiscard]] error_code load_chunk(const mark& begin) const;

    error_code failed_;
    std::optional<lmdb_read> stored_;
    revision stored_last_;
    std::shared_ptr<const pending_rows> frozen_;
    pending_rows recent_;
    state_header header_;
    std::vector<revision> hidden_;
    std::uint64_t size_;

    mutable std::mutex mutex_;
    mutable std::vector<mark> marks_; // of all chunks up to the furthest that was read
    mutable rope chunk_;
    mutable std::uint64_t chunk_begin_ = 0;
    mutable std::uint64_t chunk_end_ = 0;
    mutable std::optional<std::uint64_t> hash_;
};

} // namespace quorate

#if defined(QUORATE_HEADER_ONLY)
#include <quorate/lmdb/impl/state_source.ipp>
#endif

#endif
