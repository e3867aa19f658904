// The rows as one sequence: the database, what is on its way there, and what came since.
// Flow:       12. command → revision
// In / Out:   revision → row; span of revisions → rows in order
// Invariants: a layer's rows are later than those of the layers below, and its erasures hide only
//             rows of those
// Threads:    one at a time
#ifndef QUORATE_LMDB_ROW_LAYERS_HPP
#define QUORATE_LMDB_ROW_LAYERS_HPP

#include <quorate/lmdb/environment.hpp>
#include <quorate/lmdb/pending_rows.hpp>
#include <quorate/lmdb/row_record.hpp>

#include <algorithm>
#include <optional>

namespace quorate {

/// Lifetime: refers to the layers that it was given.
class row_layers {
public:
    /// `stored`: null where there is no database, or nothing of it is needed. `stored_last`: no row
    /// there is later. `frozen`: null: nothing is on its way.
    row_layers(const lmdb_read* stored, revision stored_last, const pending_rows* frozen,
               const pending_rows& recent) noexcept
        : stored_(stored), stored_last_(stored_last), frozen_(frozen), recent_(recent) {}

    /// Returns: the row, or nothing. Errors: of decode_row and lmdb_error.
    [[nodiscard]] result<std::optional<row>> find(revision at) const {
        if (hidden(at)) {
            return std::optional<row>();
        }
        if (at > stored_last_) {
            std::optional<row> found = recent_.find(at);
            return found || frozen_ == nullptr ? std::move(found) : frozen_->find(at);
        }
        if (stored_ == nullptr) {
            return std::optional<row>();
        }
        const row_key key = encode_row_key(at);
        const result<std::optional<byte_view>> bytes = stored_->get(view_of(key));
        if (!bytes) {
            return bytes.error();
        }
        if (!*bytes) {
            return std::optional<row>();
        }
        result<row> found = decode_row(at, **bytes);
        if (!found) {
            return found.error();
        }
        return std::optional(std::move(*found));
    }

    /// Effects: as value_backend's scan; ends early on an error. Errors: as `find`.
    template <class Visit>
    [[nodiscard]] error_code scan(revision from, revision upto, Visit&& visit) const {
        bool going = true;
        const auto show = [&](revision at, const row& found) {
            going = hidden(at) || visit(at, found);
            return going;
        };
        if (stored_ != nullptr && from <= stored_last_ && from <= upto) {
            if (const error_code failed = scan_stored(from, std::min(upto, stored_last_), show)) {
                return failed;
            }
        }
        if (going && frozen_ != nullptr) {
            frozen_->scan(from, upto, show);
        }
        if (going) {
            recent_.scan(from, upto, show);
        }
        return {};
    }

private:
    [[nodiscard]] bool hidden(revision at) const {
        return recent_.erased(at) || (frozen_ != nullptr && frozen_->erased(at));
    }

    template <class Show>
    [[nodiscard]] error_code scan_stored(revision from, revision upto, Show&& show) const {
        error_code rotten;
        const row_key begin = encode_row_key(from);
        const auto each = [&](byte_view key, byte_view bytes) {
            const std::optional<revision> at = decode_row_key(key);
            if (!at) {
                return is_record_key(key); // they sort before the rows
            }
            if (*at > upto) {
                return false;
            }
            const result<row> found = decode_row(*at, bytes);
            if (!found) {
                rotten = found.error();
                return false;
            }
            return show(*at, *found);
        };
        const error_code failed = stored_->walk(view_of(begin), each);
        return failed ? failed : rotten;
    }

    const lmdb_read* stored_;
    revision stored_last_;
    const pending_rows* frozen_;
    const pending_rows& recent_;
};

} // namespace quorate

#endif
