// Changes of the rows that the database does not have yet.
// Flow:       12. command → revision
// In / Out:   rows and erasures of older rows → what one commit writes
// Invariants: every row here is later than all rows of the layers below; what is erased lies in one
//             of those
// Source:     etcd's batched transactions and the read buffer in front of them
// Threads:    the owner's, until it is committed; then any may read
#ifndef QUORATE_LMDB_PENDING_ROWS_HPP
#define QUORATE_LMDB_PENDING_ROWS_HPP

#include <quorate/store/memory_backend.hpp>

#include <boost/unordered/unordered_flat_set.hpp>

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
        rows_.put(at, std::move(entered));
    }
    [[nodiscard]] std::optional<row> find(revision at) const { return rows_.find(at); }
    /// Returns: whether the row is hidden, wherever below it lies.
    [[nodiscard]] bool erased(revision at) const { return erased_.contains(at); }
    /// Effects: takes away a row that is here.
    void take_away(revision at, const row& found) {
        bytes_ -= cost_of(found);
        rows_.erase(at);
    }
    /// Effects: hides a row of a layer below.
    void erase_below(revision at) {
        if (erased_.insert(at).second) {
            bytes_ += sizeof(revision) * 2;
        }
    }

    template <class Visit>
    void scan(revision from, revision upto, Visit&& visit) const {
        rows_.scan(from, upto, std::forward<Visit>(visit));
    }
    /// Returns: what is hidden, in order: neighbours lie on one page of the database.
    [[nodiscard]] std::vector<revision> erasures() const {
        std::vector<revision> sorted(erased_.begin(), erased_.end());
        std::sort(sorted.begin(), sorted.end());
        return sorted;
    }

    [[nodiscard]] bool empty() const noexcept { return rows_.size() == 0 && erased_.empty(); }
    /// Units: about the memory that it holds.
    [[nodiscard]] std::uint64_t bytes() const noexcept { return bytes_; }

private:
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
    boost::unordered_flat_set<revision, revision_hash> erased_;
    std::uint64_t bytes_ = 0;
};

} // namespace quorate

#endif
