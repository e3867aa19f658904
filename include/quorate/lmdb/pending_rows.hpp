// Changes of the rows that the database does not have yet.
// Flow:       12. command → revision
// In / Out:   rows and erasures of older rows → what one commit writes
// Invariants: every row here is later than all rows of the layers below; what is erased lies in one
//             of those
// Source:     etcd's batched transactions and the read buffer in front of them
// Threads:    the owner's, until it is committed; then any may read
#ifndef QUORATE_LMDB_PENDING_ROWS_HPP
#define QUORATE_LMDB_PENDING_ROWS_HPP

#include <quorate/lmdb/row_record.hpp>
#include <quorate/store/memory_backend.hpp>

#include <boost/unordered/unordered_flat_map.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

namespace quorate {

class pending_rows {
public:
    /// Requires: as memory_backend.
    void put(revision at, row entered) {
        bytes_ += cost_of(entered);
        row_bytes_ += stored_bytes(entered.key.size() + entered.value.size());
        rows_.put(at, std::move(entered));
    }
    [[nodiscard]] std::optional<row> find(revision at) const { return rows_.find(at); }
    /// Returns: whether the row is hidden, wherever below it lies.
    [[nodiscard]] bool erased(revision at) const { return erased_.contains(at); }
    /// Effects: takes away a row that is here.
    void take_away(revision at, const row& found) {
        bytes_ -= cost_of(found);
        row_bytes_ -= stored_bytes(found.key.size() + found.value.size());
        rows_.erase(at);
    }
    /// Effects: hides a row of a layer below, whose key and value have so many bytes.
    void erase_below(revision at, std::uint64_t row_bytes) {
        if (erased_.try_emplace(at, row_bytes).second) {
            bytes_ += erasure_cost;
            erased_bytes_ += stored_bytes(row_bytes);
        }
    }
    /// Effects: what this and `later` stand for together is here. Requires: `later` lies above
    /// this.
    void merge(const pending_rows& later) {
        for (const auto& [at, bytes] : later.erased_) {
            if (const std::optional<row> here = rows_.find(at)) {
                take_away(at, *here);
            } else {
                erase_below(at, bytes);
            }
        }
        later.rows_.scan({0, 0}, {UINT64_MAX, UINT32_MAX}, [&](revision at, const row& entered) {
            put(at, entered);
            return true;
        });
    }

    template <class Visit>
    void scan(revision from, revision upto, Visit&& visit) const {
        rows_.scan(from, upto, std::forward<Visit>(visit));
    }
    /// Returns: what is hidden, in order: neighbours lie on one page of the database.
    [[nodiscard]] std::vector<revision> erasures() const {
        std::vector<revision> sorted;
        sorted.reserve(erased_.size());
        for (const auto& one : erased_) {
            sorted.push_back(one.first);
        }
        std::sort(sorted.begin(), sorted.end());
        return sorted;
    }

    [[nodiscard]] bool empty() const noexcept { return rows_.size() == 0 && erased_.empty(); }
    /// Units: about the memory that it holds.
    [[nodiscard]] std::uint64_t bytes() const noexcept { return bytes_; }
    /// Units: about the bytes that the rows here will take in the database, and that the rows which
    /// are hidden take there.
    [[nodiscard]] std::uint64_t row_bytes() const noexcept { return row_bytes_; }
    [[nodiscard]] std::uint64_t erased_bytes() const noexcept { return erased_bytes_; }

    /// Units: bytes of a page that a row takes whose key and value have so many; free space aside.
    [[nodiscard]] static constexpr std::uint64_t stored_bytes(std::uint64_t row_bytes) noexcept {
        return row_bytes + row_head_bytes + row_key_bytes + page_entry_bytes;
    }

private:
    static constexpr std::uint64_t page_entry_bytes = 10; // of LMDB
    static constexpr std::uint64_t erasure_cost = 2 * (sizeof(revision) + sizeof(std::uint64_t));
    struct revision_hash {
        std::size_t operator()(revision at) const noexcept {
            const std::uint64_t mixed =
                (at.main + (std::uint64_t{at.sub} << 40)) * 0x9e3779b97f4a7c15;
            return static_cast<std::size_t>(mixed ^ (mixed >> 32));
        }
    };
    [[nodiscard]] static std::uint64_t cost_of(const row& one) noexcept {
        return one.key.size() + one.value.size() + 2 * sizeof(row);
    }

    memory_backend rows_;
    boost::unordered_flat_map<revision, std::uint64_t, revision_hash> erased_;
    std::uint64_t bytes_ = 0;
    std::uint64_t row_bytes_ = 0;
    std::uint64_t erased_bytes_ = 0;
};

} // namespace quorate

#endif
