// The bytes of users, roles and permissions inside a snapshot, in front of the store's state.
// Flow:       beside 11 to 13; what a snapshot carries in place of the auth requests before it
// In / Out:   the contents of an auth store ↔ bytes
// Invariants: equal contents give equal bytes, and other bytes do not decode
// Source:     doc/format.md, "Auth state"
// Threads:    none
#ifndef QUORATE_FORMAT_AUTH_CONTENTS_HPP
#define QUORATE_FORMAT_AUTH_CONTENTS_HPP

#include <quorate/base/bulk_bytes.hpp>
#include <quorate/base/bytes.hpp>
#include <quorate/base/config.hpp>
#include <quorate/base/result.hpp>
#include <quorate/command/auth_reply.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace quorate {

inline constexpr std::uint32_t auth_contents_magic = 0x75615251; // "QRau" on disk
inline constexpr std::uint16_t auth_contents_version = 1;
inline constexpr std::size_t auth_contents_header_bytes = 16;

/// By name, in the order of its bytes.
template <class Value>
using name_table = std::map<std::string, Value, std::less<>>;

/// One user, as replicated.
struct auth_user {
    std::string password_hash{}; ///< Empty with `no_password`.
    bool no_password = false;
    std::vector<std::string> roles{}; ///< Ascending, none twice.
    /// The auth revision that made the user, or last changed the password.
    std::uint64_t credentials_revision = 0;

    friend bool operator==(const auth_user&, const auth_user&) noexcept = default;
};

/// The permissions of a role: ascending by key, then range end; no two for the same keys.
using role_permissions = std::vector<role_permission>;

/// All that an auth store knows.
struct auth_contents {
    std::uint64_t revision = 1;
    std::uint64_t enabled_since = 0; ///< See auth_store. Zero: not enabled.
    name_table<auth_user> users{};
    name_table<role_permissions> roles{};

    friend bool operator==(const auth_contents&, const auth_contents&) noexcept = default;
};

/// Returns: the bytes, header and all.
[[nodiscard]] QUORATE_DECL shared_bytes encode_auth_contents(const auth_contents& contents);

/// Returns: whether auth contents come next, as far as can be read; takes nothing from the reader.
[[nodiscard]] QUORATE_DECL bool finds_auth_contents(bulk_reader state);

/// Effects: takes the contents from the front. Allocates no more than some times the bytes there.
/// Returns: the contents. What they mean together is the caller's to check (auth_store::restore).
/// Errors: truncated, corrupt, unsupported_version, or of the reader.
[[nodiscard]] QUORATE_DECL result<auth_contents> take_auth_contents(bulk_reader& state);

} // namespace quorate

#if defined(QUORATE_HEADER_ONLY)
#include <quorate/format/impl/auth_contents.ipp>
#endif

#endif
