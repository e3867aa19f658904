// Relations between the options of a node that must hold before it starts.
// Flow:       none
// In / Out:   options → a sentence about the first relation that does not hold
// Invariants: a member that starts can send, write and read back everything that it admits
// Source:     base/limits.hpp; doc/configuration.md, "Limits"
// Threads:    any
#ifndef QUORATE_SERVER_NODE_LIMITS_HPP
#define QUORATE_SERVER_NODE_LIMITS_HPP

#include <quorate/base/config.hpp>
#include <quorate/base/limits.hpp>
#include <quorate/consensus/entry.hpp>
#include <quorate/format/frame.hpp>
#include <quorate/server/node_options.hpp>

#include <cstdint>
#include <span>
#include <string>

namespace quorate {

/// Returns: payload bytes of the longest entry in a frame of so many bytes.
[[nodiscard]] constexpr std::uint64_t longest_entry(std::uint64_t frame_bytes_max) noexcept {
    return frame_bytes_max > frame_bytes_around_entry ? frame_bytes_max - frame_bytes_around_entry
                                                      : 0;
}

/// Returns: which option contradicts another option or the transport, with both values; empty when
/// all fit. `frame_bytes_max`: the longest frame of the transport. `has_database`: the state
/// machine may grow up to `database_bytes_max`.
[[nodiscard]] std::string limit_problem(const node_options& options, std::uint64_t frame_bytes_max,
                                        bool has_database);

/// Returns: which rule of the engine is switched off although a node rests on it; empty: none.
[[nodiscard]] std::string switch_problem(const raft_options& engine);

/// Returns: which of the entries in a member's log fits no frame of its transport; empty: none.
/// Complexity: linear.
[[nodiscard]] std::string held_entry_problem(std::span<const entry> held,
                                             std::uint64_t frame_bytes_max);

} // namespace quorate

#if defined(QUORATE_HEADER_ONLY)
#include <quorate/server/impl/node_limits.ipp>
#endif

#endif
