// One position of the replicated log, and the small state that must be durable beside it.
// Flow:       4. proposal → entry
// Invariants: R1 (index dense), R2 (term never decreases along a log)
// Source:     Raft §5.3; thesis figure 3.1
#ifndef QUORATE_CONSENSUS_ENTRY_HPP
#define QUORATE_CONSENSUS_ENTRY_HPP

#include <quorate/base/bytes.hpp>
#include <quorate/base/ids.hpp>

#include <cstdint>
#include <span>

namespace quorate {

/// What an entry's payload means. Values are part of the record format.
enum class entry_kind : std::uint8_t {
    normal = 0,       ///< Bytes for the state machine; empty for a new leader's first entry (§8).
    change = 1,       ///< One membership change (thesis §4.1).
    joint_change = 2, ///< A list of changes and how to make them; empty: leave the joint config.
};

struct entry {
    term_id term{};
    log_index index{};
    entry_kind kind = entry_kind::normal;
    /// CRC32C of the payload, computed once by whoever made the payload. Opaque to consensus; the
    /// disk and the wire both carry it.
    std::uint32_t payload_checksum = 0;
    shared_bytes payload{};

    [[nodiscard]] log_id id() const noexcept { return {term, index}; }
    friend bool operator==(const entry&, const entry&) noexcept = default;
};

/// What a member acknowledged and no longer holds: its disk lost it. Zero: nothing.
/// Such a member is fenced: it neither votes nor campaigns, for it would speak for a log that it
/// does not have, until a leader has given back everything that can be committed (Alagappan et
/// al., "Protocol-Aware Recovery", FAST'18).
struct lost_log {
    term_id term{};    ///< The member's term when the loss was found; it was in none later.
    log_index index{}; ///< The last entry that it ever acknowledged, or a later one.

    friend bool operator==(const lost_log&, const lost_log&) noexcept = default;
};

/// The index of a loss whose extent nobody knows.
inline constexpr log_index everything_lost{UINT64_MAX};

/// The loss of a member that started from an older copy of its directory, or from none. Its terms
/// and votes are gone as well as its entries, so the term of the loss is unknown. Its
/// acknowledgements count for nothing until a leader has confirmed it: see impl/raft_stale.ipp.
inline constexpr lost_log stale_copy{term_id{UINT64_MAX}, everything_lost};

/// What a member promised and must remember across a crash (Raft figure 2, "persistent state").
struct hard_state {
    term_id term{};
    node_id vote{};     ///< Whom it voted for in `term`; none when zero.
    log_index commit{}; ///< May lag behind after a crash: it needs no sync of its own.
    lost_log lost{};    ///< Fenced while its index is not zero.

    [[nodiscard]] bool empty() const noexcept { return *this == hard_state{}; }
    friend bool operator==(const hard_state&, const hard_state&) noexcept = default;
};

enum class role_kind : std::uint8_t { follower, candidate, leader, pre_candidate };

/// What is known now and need not be remembered.
struct soft_state {
    node_id leader{}; ///< None when zero.
    role_kind role = role_kind::follower;

    friend bool operator==(const soft_state&, const soft_state&) noexcept = default;
};

/// Returns: the bytes that size limits count for an entry: its encoding in the reference's wire
/// form (field tags, varints, payload), so that limits mean the same there and here.
[[nodiscard]] inline std::uint64_t encoded_size(const entry& e) noexcept {
    const auto varint = [](std::uint64_t v) noexcept {
        std::uint64_t bytes = 1;
        for (; v >= 0x80; v >>= 7) {
            ++bytes;
        }
        return bytes;
    };
    std::uint64_t size = 2 + (1 + varint(e.term.value())) + (1 + varint(e.index.value()));
    if (!e.payload.empty()) {
        size += 1 + varint(e.payload.size()) + e.payload.size();
    }
    return size;
}

/// Returns: the bytes of memory that the engine holds an entry in.
[[nodiscard]] inline std::uint64_t held_size(std::size_t payload_bytes) noexcept {
    return sizeof(entry) + payload_bytes;
}
[[nodiscard]] inline std::uint64_t held_size(std::span<const entry> entries) noexcept {
    std::uint64_t size = 0;
    for (const entry& e : entries) {
        size += held_size(e.payload.size());
    }
    return size;
}

/// Returns: the summed encoded size. Complexity: linear.
[[nodiscard]] inline std::uint64_t encoded_size(std::span<const entry> entries) noexcept {
    std::uint64_t size = 0;
    for (const entry& e : entries) {
        size += encoded_size(e);
    }
    return size;
}

/// Returns: the summed payload bytes. Complexity: linear.
[[nodiscard]] inline std::uint64_t payload_size(std::span<const entry> entries) noexcept {
    std::uint64_t size = 0;
    for (const entry& e : entries) {
        size += e.payload.size();
    }
    return size;
}

} // namespace quorate

#endif
