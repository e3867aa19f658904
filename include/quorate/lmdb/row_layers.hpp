// The rows as one sequence: the database, the commit under way, and the newest rows.
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
#include <cstdint>
#include <optional>
#include <utility>

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

    /// Returns: how many bytes key and value of the row have, or nothing. Reads no value from the
    /// disk. Errors: as `find`.
    [[nodiscard]] result<std::optional<std::uint64_t>> find_bytes(revision at) const {
        if (at > stored_last_ || stored_ == nullptr || hidden(at)) {
            const result<std::optional<row>> found = find(at);
            if (!found) {
                return found.error();
            }
            std::optional<std::uint64_t> bytes;
            if (*found) {
                bytes = (*found)->key.size() + (*found)->value.size();
            }
            return bytes;
        }
        const row_key key = encode_row_key(at);
        const result<std::optional<byte_view>> bytes = stored_->get(view_of(key));
        if (!bytes) {
            return bytes.error();
        }
        if (!*bytes) {
            return std::optional<std::uint64_t>();
        }
        const result<row_view> head = decode_row_head(at, **bytes);
        if (!head) {
            return head.error();
        }
        return std::optional<std::uint64_t>(head->bytes());
    }

    /// Effects: as value_backend's scan; ends early on an error. Errors: as `find`.
    template <class Visit>
    [[nodiscard]] error_code scan(revision from, revision upto, Visit&& visit) const {
        const auto stored = [](revision at, byte_view bytes) { return decode_row(at, bytes); };
        return scan(from, upto, std::forward<Visit>(visit), stored,
                    [](const row& found) -> const row& { return found; });
    }
    /// The same with a row_view of each row, whose value is not checked, nor read from the disk.
    template <class Visit>
    [[nodiscard]] error_code scan_heads(revision from, revision upto, Visit&& visit) const {
        const auto stored = [](revision at, byte_view bytes) { return decode_row_head(at, bytes); };
        return scan(from, upto, std::forward<Visit>(visit), stored, [](const row& found) {
            return row_view{found.key.view(), found.value.view(), found.create_revision,
                            found.version, found.lease};
        });
    }

private:
    [[nodiscard]] bool hidden(revision at) const {
        return recent_.erased(at) || (frozen_ != nullptr && frozen_->erased(at));
    }

    /// `decode` makes of stored bytes, and `convert` of a row in memory, what is visited.
    template <class Visit, class Decode, class Convert>
    [[nodiscard]] error_code scan(revision from, revision upto, Visit&& visit, Decode decode,
                                  Convert convert) const {
        bool going = true;
        const auto show = [&](revision at, const auto& found) {
            going = hidden(at) || visit(at, found);
            return going;
        };
        if (stored_ != nullptr && from <= stored_last_ && from <= upto) {
            if (const error_code failed =
                    scan_stored(from, std::min(upto, stored_last_), decode, show)) {
                return failed;
            }
        }
        const auto show_row = [&](revision at, const row& found) {
            return show(at, convert(found));
        };
        if (going && frozen_ != nullptr) {
            frozen_->scan(from, upto, show_row);
        }
        if (going) {
            recent_.scan(from, upto, show_row);
        }
        return {};
    }

    template <class Decode, class Show>
    [[nodiscard]] error_code scan_stored(revision from, revision upto, Decode decode,
                                         Show&& show) const {
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
            const auto found = decode(*at, bytes);
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
