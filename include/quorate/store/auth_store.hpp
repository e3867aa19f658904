// Users, roles and permissions, replicated.
// Flow:       12 and 13. committed auth request → auth revision → reply; and every request's check
// In / Out:   auth requests → replies; an issuer → what it may do
// Invariants: a pure function of the requests applied; while enabled there is a user root with the
//             role root; the roles of a user exist, or are root; the auth revision grows with
//             every change
// Source:     etcd's auth store; doc/auth.md says what differs
// Threads:    none (owner's strand)
#ifndef QUORATE_STORE_AUTH_STORE_HPP
#define QUORATE_STORE_AUTH_STORE_HPP

#include <quorate/base/config.hpp>
#include <quorate/base/result.hpp>
#include <quorate/command/auth_reply.hpp>
#include <quorate/command/auth_request.hpp>
#include <quorate/command/issuer.hpp>
#include <quorate/format/auth_contents.hpp>
#include <quorate/store/key_cover.hpp>

#include <cstdint>
#include <string>

namespace quorate {

/// What one user may do.
struct user_access {
    bool root = false; ///< Everything; the covers are then not looked at.
    key_cover reads;
    key_cover writes;
};

class auth_store {
public:
    /// Effects: carries it out; a change makes one auth revision. On an error nothing changes.
    /// Requires: check() lets it pass, and permits() does.
    /// Errors: user_exists, user_not_found, role_exists, role_not_found, role_not_granted,
    /// permission_not_granted; root_user_not_found, root_role_not_granted when enabling;
    /// invalid_auth_management when root would lose what it must have while enabled.
    /// Complexity: logarithmic in users and roles; a role's deletion is linear in the users.
    QUORATE_DECL result<auth_reply> apply(const auth_request& asked);

    /// Whether the issuer may ask this: changes and lists are for root alone, but users may look at
    /// themselves and at their roles. Everything goes while not enabled.
    /// Errors: user_empty, auth_old_revision, user_not_found, permission_denied.
    [[nodiscard]] QUORATE_DECL error_code permits(const issuer& by,
                                                  const auth_request& asked) const;

    /// Returns: what the issuer may do; null where nothing is refused: while not enabled, and to
    /// the cluster itself. Lifetime: until the next change.
    /// Errors: user_empty; auth_old_revision when the issuer's is not the current one;
    /// permission_denied when there is no such user.
    [[nodiscard]] QUORATE_DECL result<const user_access*> access_of(const issuer& by) const;

    /// For what is no request to the store, such as the list of members: any user, or root alone.
    /// Errors: as access_of; permission_denied.
    [[nodiscard]] QUORATE_DECL error_code permits_user(const issuer& by) const;
    [[nodiscard]] QUORATE_DECL error_code permits_root(const issuer& by) const;
    /// For watches. Errors: as access_of; permission_denied.
    [[nodiscard]] QUORATE_DECL error_code permits_read(const issuer& by,
                                                       const key_span& span) const;

    [[nodiscard]] bool enabled() const noexcept { return held_.enabled_since != 0; }
    /// Returns: 1 at first.
    [[nodiscard]] std::uint64_t revision() const noexcept { return held_.revision; }
    /// Returns: the auth revision when it was last enabled; zero while it is not. Credentials that
    /// were checked before it are worth nothing.
    [[nodiscard]] std::uint64_t enabled_since() const noexcept { return held_.enabled_since; }
    /// Returns: null when there is none. Lifetime: until the next change.
    [[nodiscard]] QUORATE_DECL const auth_user* find_user(byte_view name) const noexcept;
    [[nodiscard]] const auth_contents& contents() const noexcept { return held_; }

    /// Returns: whether nothing was ever asked of it.
    [[nodiscard]] bool pristine() const noexcept { return held_.revision == first_revision; }
    /// Effects: becomes one with these contents, if a store can have them; else nothing changes.
    /// Errors: corrupt.
    QUORATE_DECL error_code restore(auth_contents contents);

    /// Returns: the contents and then those bytes; those alone when nothing was ever asked, so that
    /// whoever uses no authentication has none in its state.
    [[nodiscard]] QUORATE_DECL shared_bytes in_front_of(const shared_bytes& state) const;
    /// Effects: takes what in_front_of() put there from the front, if anything.
    /// Errors: as take_auth_contents(); corrupt for contents that no store can have.
    [[nodiscard]] static QUORATE_DECL result<auth_store> take(bulk_reader& state);

    friend bool operator==(const auth_store& a, const auth_store& b) noexcept {
        return a.held_ == b.held_;
    }

private:
    static constexpr std::uint64_t first_revision = 1; // as auth_contents begins
    struct applier;

    [[nodiscard]] user_access gathered(const auth_user& user) const;
    [[nodiscard]] error_code permits_management(const issuer& by) const;
    [[nodiscard]] bool sound() const;
    [[nodiscard]] bool sound_user(byte_view name, const auth_user& user) const;

    auth_contents held_;

    // What users may do at `gathered_at_`, each gathered when first asked for.
    mutable name_table<user_access> access_;
    mutable std::uint64_t gathered_at_ = 0;
};

} // namespace quorate

#if defined(QUORATE_HEADER_ONLY)
#include <quorate/store/impl/auth_access.ipp>
#include <quorate/store/impl/auth_store.ipp>
#endif

#endif
