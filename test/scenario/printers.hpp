// How scripts show the protocol's values.
// Flow:       none
// Invariants: the formats are pinned byte for byte by every script
// Source:     etcd-io/raft's descriptions of its values, which its public scripts contain
#ifndef QUORATE_TEST_SCENARIO_PRINTERS_HPP
#define QUORATE_TEST_SCENARIO_PRINTERS_HPP

#include <quorate/base/error.hpp>
#include <quorate/consensus/membership_change.hpp>
#include <quorate/consensus/progress.hpp>
#include <quorate/consensus/quorum.hpp>

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "parcel.hpp"

namespace quorate::scenario {

/// Deletes a snapshot and remembers in which order a script named its members, as scripts show it.
struct keeps_order {
    std::vector<node_id> voters;
    std::vector<node_id> learners;

    void operator()(const snapshot* s) const noexcept { delete s; }
};

/// One batch of effects, detached from the engine.
struct batch_copy {
    std::optional<soft_state> soft;
    std::optional<hard_state> hard;
    std::vector<read_state> reads;
    std::vector<refusal> refusals;
    std::vector<entry> append;
    snapshot_ptr install;
    std::vector<entry> apply;
    std::vector<parcel> parcels;
    bool must_sync = false;
};

/// Lower case, without prefix.
[[nodiscard]] std::string hex(node_id id);
[[nodiscard]] std::string describe(const entry& e);
/// One line each.
[[nodiscard]] std::string describe(std::span<const entry> entries);
[[nodiscard]] std::string describe(const hard_state& hard);
[[nodiscard]] std::string describe(const soft_state& soft);
[[nodiscard]] std::string describe(const snapshot_ptr& snap);
/// `indent` precedes the first line and everything that follows. No line feed at the end.
[[nodiscard]] std::string describe(const parcel& p, const std::string& indent = {});
/// Ends in a line feed unless there is nothing to show.
[[nodiscard]] std::string describe(const batch_copy& batch);
[[nodiscard]] std::string describe(const peer_progress& progress, const flow_limits& limits);
/// `voters=(1 2)&&(3) learners=(4) learners_next=(1) autoleave`
[[nodiscard]] std::string describe(const membership& members);
[[nodiscard]] std::string_view name_of(role_kind role) noexcept;
[[nodiscard]] std::string_view name_of(vote_result result) noexcept;

/// Returns: what a filter calls this parcel, such as `MsgApp`.
[[nodiscard]] std::string_view type_of(const parcel& p) noexcept;
/// Returns: whether some parcel has this type name.
[[nodiscard]] bool is_parcel_type(std::string_view name) noexcept;

/// Returns: `error: name`.
[[nodiscard]] std::string describe_error(error_code error);
/// Returns: the bytes in double quotes; what cannot be printed is escaped.
[[nodiscard]] std::string quoted(byte_view bytes);

/// Returns: the changes written as `v1 l2 r3 u4`: make voter, make learner, remove, update.
/// Errors: throws command_error for anything else.
[[nodiscard]] membership_change to_change(std::string_view text);

} // namespace quorate::scenario

#endif
