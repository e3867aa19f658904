// The bytes of the store's state inside a snapshot: a header, then one row per stored change.
// Flow:       beside 11 to 13; what a snapshot carries in place of the commands before it
// In / Out:   rows in revision order ↔ a rope that shares the values
// Invariants: the same header and rows give the same bytes; where a rope is cut means nothing
// Source:     doc/format.md, "Store state"
// Threads:    none
#ifndef QUORATE_FORMAT_STATE_HPP
#define QUORATE_FORMAT_STATE_HPP

#include <quorate/base/bulk_bytes.hpp>
#include <quorate/base/bytes.hpp>
#include <quorate/base/config.hpp>
#include <quorate/base/result.hpp>
#include <quorate/command/request.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace quorate {

inline constexpr std::uint32_t state_magic = 0x53765251; // "QRvS" on disk
inline constexpr std::uint16_t state_version = 1;
inline constexpr std::size_t state_header_bytes = 32;
inline constexpr std::size_t state_row_bytes = 48; ///< Before the key and the value.

/// What is true of the whole store.
struct state_header {
    std::uint64_t current = 0;       ///< The current revision.
    std::uint64_t compact_floor = 0; ///< One above the compacted revision; zero: never compacted.
    std::uint64_t rows = 0;

    friend bool operator==(const state_header&, const state_header&) noexcept = default;
};

/// One stored change. `version` zero: the key was deleted by it.
struct state_row {
    std::uint64_t main = 0;
    std::uint32_t sub = 0;
    std::uint64_t create_revision = 0;
    std::uint64_t version = 0;
    lease_id lease{};
    shared_bytes key;
    shared_bytes value;

    friend bool operator==(const state_row&, const state_row&) noexcept = default;
};

/// Makes the rope. Values longer than a small bound are shared; row headers, keys and values so
/// small that a piece of their own would be longer than they are, are gathered into chunks.
class state_writer {
public:
    /// Effects: writes the header. Units: `header.rows` counts the calls of `add` that follow.
    QUORATE_DECL explicit state_writer(const state_header& header);
    /// Complexity: constant, amortised; shares a long value, copies the rest.
    QUORATE_DECL void add(const state_row& row);
    /// Returns: the pieces, none of them empty. This writer is spent.
    [[nodiscard]] QUORATE_DECL rope finish() &&;

private:
    /// Where a stretch of the chunk belongs among the pieces.
    struct stretch {
        std::size_t piece;
        std::size_t offset;
        std::size_t size;
    };
    void end_stretch();
    void end_chunk();

    rope pieces_;
    std::string chunk_;
    std::size_t stretch_begin_ = 0;
    std::vector<stretch> stretches_;
};

/// Reads bytes cut anywhere. Checks that lengths fit what is there before it allocates; what rows
/// mean together is the caller's to check.
/// Lifetime: the rows that it yields own what they hold.
class state_reader {
public:
    explicit state_reader(bulk_reader bytes) noexcept : bytes_(std::move(bytes)) {}

    /// To be called first, once. Errors: truncated, corrupt, unsupported_version, or of the reader.
    [[nodiscard]] QUORATE_DECL result<state_header> header();
    /// Returns: the next row; key and value are slices where the reader has them in one piece.
    /// Errors: truncated, corrupt, or of the reader.
    [[nodiscard]] QUORATE_DECL result<state_row> next();
    /// Units: bytes not read yet.
    [[nodiscard]] std::uint64_t remaining() const noexcept { return bytes_.remaining(); }

private:
    bulk_reader bytes_;
};

} // namespace quorate

#if defined(QUORATE_HEADER_ONLY)
#include <quorate/format/impl/state.ipp>
#endif

#endif
