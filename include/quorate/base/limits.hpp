// Size limits that are the same for every member of every group, and how they relate.
// Flow:       2 to 9
// Invariants: each entry that a member may admit can be written, read back, sent and received by
//             every member, whatever its options are
// Source:     doc/configuration.md, "Limits"
#ifndef QUORATE_BASE_LIMITS_HPP
#define QUORATE_BASE_LIMITS_HPP

#include <cstdint>

namespace quorate {

// Options may only lower what these allow (see node_limits.hpp for the relations of the options).
// A member that lowered a limit still takes the larger entries of its log and of its leader.

/// Units: bytes. The payload of one entry: a command, or a membership change.
inline constexpr std::uint64_t entry_bytes_limit = std::uint64_t{513} << 20;
/// Units: bytes. One frame between members; it holds at least one entry.
inline constexpr std::uint64_t frame_bytes_limit = entry_bytes_limit + (std::uint64_t{1} << 20);
/// Units: bytes. All members of a member table, encoded. With the ids of removed members it fits
/// one answer to a joining member, and the front of a snapshot.
inline constexpr std::uint64_t member_table_bytes_limit = 896 << 10;

/// In a frame an entry may be so many times as long as append_bytes_max counts it: a record header
/// of 32 bytes for an empty entry, which counts 6.
inline constexpr std::uint64_t frame_bytes_per_append_byte = 6;

static_assert(entry_bytes_limit < UINT32_MAX, "a record holds the size of its payload in 32 bits");
static_assert(frame_bytes_limit < UINT32_MAX, "a frame holds its size in 32 bits");

} // namespace quorate

#endif
