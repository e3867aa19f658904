// The bytes of one row in a database, and of the records beside the rows.
// Flow:       beside 12; revision and row ↔ key and value
// In / Out:   row ↔ checked bytes
// Invariants: keys sort as their revisions; nothing is yielded that its checksums do not cover, and
//             these cover the key it lies under, so that no row passes for another
// Source:     doc/concept/value_backend.md, "Files of lmdb_backend"
// Threads:    none
#ifndef QUORATE_LMDB_ROW_RECORD_HPP
#define QUORATE_LMDB_ROW_RECORD_HPP

#include <quorate/base/bytes.hpp>
#include <quorate/base/config.hpp>
#include <quorate/base/result.hpp>
#include <quorate/store/value_backend.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

namespace quorate {

/// Units: bytes; `main` and `sub` of the revision, big endian.
inline constexpr std::size_t row_key_bytes = 12;
inline constexpr std::size_t row_head_bytes = 40; ///< Before the key and the value of a row.

using row_key = std::array<char, row_key_bytes>;

[[nodiscard]] inline byte_view view_of(const row_key& key) noexcept {
    return {key.data(), key.size()};
}
[[nodiscard]] QUORATE_DECL row_key encode_row_key(revision at) noexcept;
/// Returns: nothing for bytes of another length.
[[nodiscard]] QUORATE_DECL std::optional<revision> decode_row_key(byte_view bytes) noexcept;

[[nodiscard]] inline std::size_t row_record_bytes(const row& entered) noexcept {
    return row_head_bytes + entered.key.size() + entered.value.size();
}
/// Requires: row_record_bytes(entered) writable bytes at `place`.
QUORATE_DECL void encode_row(revision at, const row& entered, char* place);

/// All but the value. Errors: truncated, corrupt.
[[nodiscard]] QUORATE_DECL result<row_view> decode_row_head(revision at, byte_view bytes) noexcept;
/// The whole row, copied into one block. Errors: truncated, corrupt.
[[nodiscard]] QUORATE_DECL result<row> decode_row(revision at, byte_view bytes);

/// What stands under the key that sorts before all rows.
struct state_record {
    log_id at{}; ///< The last command that the rows reflect; zero: not a state yet.
    std::uint64_t rows = 0;
    std::uint64_t bytes = 0; ///< Of their keys and values.
    shared_bytes context;    ///< The owner's.
};

inline constexpr byte_view state_record_key{"\0", 1};
/// What the owner changes seldom stands under a key of its own, between that one and the rows.
inline constexpr byte_view tables_record_key{"\0\0", 2};
/// Returns: whether a key is of no row.
[[nodiscard]] constexpr bool is_record_key(byte_view key) noexcept {
    return key == state_record_key || key == tables_record_key;
}

[[nodiscard]] QUORATE_DECL std::string encode_state_record(const state_record& record);
/// Errors: truncated, corrupt, unsupported_version.
[[nodiscard]] QUORATE_DECL result<state_record> decode_state_record(byte_view bytes);

[[nodiscard]] QUORATE_DECL std::string encode_tables_record(byte_view tables);
/// Errors: truncated, corrupt.
[[nodiscard]] QUORATE_DECL result<shared_bytes> decode_tables_record(byte_view bytes);

} // namespace quorate

#if defined(QUORATE_HEADER_ONLY)
#include <quorate/lmdb/impl/row_record.ipp>
#endif

#endif
