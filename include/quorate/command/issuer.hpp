// On whose behalf a request is made.
// Flow:       1 and 2. a client's credentials → what travels with the command; and 11
// In / Out:   a token or a certificate, already checked → a user's name
// Invariants: a front door makes issuers of users only; `cluster()` is for what members start
//             themselves, such as revoking an expired lease
// Source:     the header of etcd's raft requests
// Threads:    none
#ifndef QUORATE_COMMAND_ISSUER_HPP
#define QUORATE_COMMAND_ISSUER_HPP

#include <quorate/base/bytes.hpp>

#include <cstdint>

namespace quorate {

/// Nobody, a user, or the cluster itself.
/// Lifetime: refers to the user's name.
struct issuer {
    byte_view user{};
    /// The auth revision that the user's credentials were checked under. Whoever applies the
    /// command under another one refuses it.
    std::uint64_t auth_revision = 0;
    bool is_cluster = false;

    [[nodiscard]] static issuer nobody() noexcept { return {}; }
    [[nodiscard]] static issuer cluster() noexcept { return {{}, 0, true}; }

    [[nodiscard]] bool is_nobody() const noexcept { return user.empty() && !is_cluster; }

    friend bool operator==(const issuer&, const issuer&) noexcept = default;
};

} // namespace quorate

#endif
