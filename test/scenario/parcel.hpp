// What travels in a script: a message between nodes, or between a node and its storage threads.
// Flow:       5, 8, 9. effects → frame → step, written down for scripts
// Invariants: only a peer parcel can come from another node
// Source:     etcd-io/raft's storage messages, which this engine expresses as effects and marks
#ifndef QUORATE_TEST_SCENARIO_PARCEL_HPP
#define QUORATE_TEST_SCENARIO_PARCEL_HPP

#include <quorate/consensus/effects.hpp>

#include <cstdint>
#include <optional>
#include <vector>

namespace quorate::scenario {

/// Pseudo nodes: the two storage threads that each node owns.
inline constexpr node_id append_thread{UINT64_MAX};
inline constexpr node_id apply_thread{UINT64_MAX - 1};

enum class parcel_kind : std::uint8_t {
    peer,                    ///< Made by the engine; stepped when delivered.
    storage_append,          ///< To the append thread: write this, then send the responses.
    storage_append_response, ///< Carries the engine's stable mark back.
    storage_apply,           ///< To the apply thread.
    storage_apply_response,  ///< Carries the engine's applied mark back.
};

/// One parcel. Owns everything it shows.
struct parcel {
    parcel_kind kind = parcel_kind::peer;
    message header; ///< All fields but the entries, which are below.
    node_id vote;   ///< storage_append: of the changed hard state.
    std::vector<entry> entries;
    std::vector<parcel> responses; ///< Sent once the work is done.
    std::optional<stable_mark> stable;
    std::optional<applied_mark> applied;

    parcel() = default;
    explicit parcel(const message& m) : header(m), entries(m.entries.begin(), m.entries.end()) {
        header.entries = {};
    }
    parcel(parcel_kind k, node_id from, node_id to) : kind(k) {
        header.from = from;
        header.to = to;
    }

    /// Lifetime: the entries are views into this parcel.
    [[nodiscard]] message to_message() const {
        message m = header;
        m.entries = entries;
        return m;
    }
    /// Returns: whether it never leaves its node, so that no network can lose it.
    [[nodiscard]] bool local() const noexcept {
        return header.from == header.to || is_thread(header.from) || is_thread(header.to);
    }

private:
    [[nodiscard]] static bool is_thread(node_id id) noexcept {
        return id == append_thread || id == apply_thread;
    }
};

} // namespace quorate::scenario

#endif
