// The relations, one by one.
#ifndef QUORATE_SERVER_IMPL_NODE_LIMITS_IPP
#define QUORATE_SERVER_IMPL_NODE_LIMITS_IPP

#include <quorate/server/node_limits.hpp>

namespace quorate {
namespace detail {

struct named_limit {
    const char* name;
    std::uint64_t value;
};

[[nodiscard]] inline std::string text_of(const named_limit& one) {
    return std::string(one.name) + " (" + std::to_string(one.value) + ")";
}

[[nodiscard]] inline std::string over(const named_limit& small, const named_limit& large,
                                      const std::string& why) {
    return small.value <= large.value
               ? std::string()
               : text_of(small) + " is greater than " + text_of(large) + ": " + why;
}

} // namespace detail

QUORATE_DECL std::string limit_problem(const node_options& options, std::uint64_t frame_bytes_max,
                                       bool has_database) {
    using detail::over;
    const detail::named_limit largest_request{"request_bytes_max", options.request_bytes_max};
    const detail::named_limit append{"engine.append_bytes_max", options.engine.append_bytes_max};
    const detail::named_limit in_frame{"the longest entry in a frame of the transport",
                                       longest_entry(frame_bytes_max)};
    const detail::named_limit per_append{
        "the append_bytes_max that a frame of the transport always holds",
        longest_entry(frame_bytes_max) / frame_bytes_per_append_byte};
    const std::uint64_t log_bytes_max =
        options.engine.log_bytes_max == 0 ? unlimited : options.engine.log_bytes_max;
    const std::string problems[] = {
        over(largest_request, {"entry_bytes_limit", entry_bytes_limit},
             "no member could take the entry"),
        over(largest_request, in_frame, "no follower could be sent the entry"),
        over(append, per_append, "no follower could be sent the message"),
        over(largest_request, {"pending_bytes_max", options.pending_bytes_max},
             "a request of that size would never be admitted"),
        over(append, {"peer_queue_bytes_max", options.peer_queue_bytes_max},
             "the queue of a peer would hold no message"),
        over({"snapshot_bytes", options.snapshot_bytes},
             {"half of engine.log_bytes_max", log_bytes_max / 2},
             "writes would be refused while a snapshot is being saved"),
        has_database ? over({"database_bytes_max", options.database_bytes_max},
                            {"snapshot_bytes_max", options.snapshot_bytes_max},
                            "a member that lags could not be sent the state")
                     : std::string(),
        has_database ? over({"the quota", options.database_bytes_least},
                            {"database_bytes_max", options.database_bytes_max},
                            "the database would be full before the quota is reached")
                     : std::string(),
    };
    for (const std::string& problem : problems) {
        if (!problem.empty()) {
            return problem;
        }
    }
    return {};
}

QUORATE_DECL std::string switch_problem(const raft_options& engine) {
    struct rule {
        const char* name;
        bool on;
        const char* why;
    };
    const rule rules[] = {
        {"answer_refusals", engine.answer_refusals,
         "a forwarded request could be applied twice after a change of leader"},
        {"check_leader", engine.check_leader, "two leaders of one term would go unnoticed"},
        {"async_storage", engine.async_storage, "entries would be applied before they are durable"},
        {"validate_changes", engine.validate_changes,
         "two membership changes could be under way at once"},
        {"join_from_any_snapshot", engine.join_from_any_snapshot,
         "a joining member would be sent the same snapshot again and again"},
        {"repair_lost_logs", engine.repair_lost_logs,
         "a member whose disk lost entries would never get them back"},
        {"strict_leases", engine.strict_leases,
         "a leader that was replaced could go on answering reads"},
        {"durable_candidacy", engine.durable_candidacy,
         "a candidate that crashed could be elected twice in one term"},
        {"transfer_timer", engine.transfer_timer,
         "requests for a transfer could keep a leader that reaches no quorum"},
    };
    for (const rule& one : rules) {
        if (!one.on) {
            return std::string("engine.") + one.name +
                   " is off, and a node rests on it: " + one.why;
        }
    }
    return {};
}

QUORATE_DECL std::string held_entry_problem(std::span<const entry> held,
                                            std::uint64_t frame_bytes_max) {
    const std::uint64_t longest = longest_entry(frame_bytes_max);
    for (const entry& e : held) {
        if (e.payload.size() > longest) {
            return "entry " + std::to_string(e.index.value()) + " of the log has " +
                   std::to_string(e.payload.size()) +
                   " bytes, and a frame of the transport holds at most " + std::to_string(longest) +
                   ": no follower could be sent the entry";
        }
    }
    return {};
}

} // namespace quorate

#endif
