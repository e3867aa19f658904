// The options of a service, beside those of its node.
// Flow:       none
// Source:     defaults as etcd's
#ifndef QUORATE_SERVER_SERVICE_OPTIONS_HPP
#define QUORATE_SERVER_SERVICE_OPTIONS_HPP

#include <quorate/command/validate.hpp>
#include <quorate/server/auth_tokens.hpp>
#include <quorate/server/auto_compactor.hpp>
#include <quorate/server/lessor.hpp>
#include <quorate/server/node_options.hpp>
#include <quorate/server/password.hpp>
#include <quorate/store/watch_request.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace quorate {

struct service_options {
    node_options node;

    std::int64_t quota_bytes = 0; ///< Of the store; zero: two GiB; less: no limit.
    command_limits limits;        ///< Of one request, before it is proposed.
    lessor_options lease;
    auth_token_options tokens;
    int password_cost = password_cost_default; ///< See server/password.hpp.
    /// Most passwords that wait to be hashed; more are refused. With the default cost one takes
    /// some 50 ms.
    std::size_t passwords_waiting_max = 64;
    /// Most snapshots that clients read at a time, those that do not go on reading included; more
    /// are refused.
    std::size_t snapshot_streams_max = 16;
    watch_limits watch;
    /// How often a watch that asked for progress and was told nothing else is told how far it is.
    std::chrono::milliseconds watch_progress_interval{600'000};
    auto_compaction compaction;
    /// Refuses membership changes that would leave too few members that are up.
    bool strict_reconfig_check = true;
    std::size_t learners_max = 1;
    /// How often the leader compares the members' states; zero: never.
    std::chrono::milliseconds corrupt_check_interval{0};

    /// Returns: how long nobody may have led before there is an election.
    [[nodiscard]] std::chrono::milliseconds election_timeout() const noexcept {
        return node.tick_interval * node.engine.election_ticks;
    }
};

} // namespace quorate

#endif
