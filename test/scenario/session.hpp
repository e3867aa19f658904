// The three languages of scripts behind one interface.
// Flow:       none
// In / Out:   directive → text
// Invariants: one session per file; files know nothing of one another
#ifndef QUORATE_TEST_SCENARIO_SESSION_HPP
#define QUORATE_TEST_SCENARIO_SESSION_HPP

#include <cstdint>
#include <memory>
#include <string>

#include "script_file.hpp"

namespace quorate::scenario {

/// Runs the directives of one file, in order.
class session {
public:
    session() = default;
    session(const session&) = delete;
    session& operator=(const session&) = delete;
    virtual ~session() = default;

    /// Returns: what the directive prints; never empty. Errors: throws script_error.
    [[nodiscard]] virtual std::string run(const script_case& directive) = 0;
};

/// Groups of nodes: elections, replication, storage, and so on. `seed`: see environment.
[[nodiscard]] std::unique_ptr<session> make_group_session(std::uint64_t seed);
/// Arithmetic of quorums: `committed`, `vote`.
[[nodiscard]] std::unique_ptr<session> make_quorum_session();
/// Arithmetic of memberships: `simple`, `enter-joint`, `leave-joint`.
[[nodiscard]] std::unique_ptr<session> make_change_session();

/// Returns: whether a session of that kind knows the command.
[[nodiscard]] bool is_quorum_command(std::string_view command) noexcept;
[[nodiscard]] bool is_change_command(std::string_view command) noexcept;

} // namespace quorate::scenario

#endif
