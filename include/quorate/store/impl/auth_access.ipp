// The permissions of users.
#ifndef QUORATE_STORE_IMPL_AUTH_ACCESS_IPP
#define QUORATE_STORE_IMPL_AUTH_ACCESS_IPP

#include <quorate/store/auth_store.hpp>

#include <algorithm>
#include <type_traits>

namespace quorate {

inline user_access auth_store::gathered(const auth_user& user) const {
    user_access access;
    for (const std::string& role : user.roles) {
        access.root = access.root || role == root_name;
        const auto found = held_.roles.find(role);
        if (found == held_.roles.end()) {
            continue; // The role root needs no definition.
        }
        for (const role_permission& one : found->second) {
            const key_span span = span_of(one.key, one.range_end);
            if (one.kind != permission_kind::write) {
                access.reads.add(span);
            }
            if (one.kind != permission_kind::read) {
                access.writes.add(span);
            }
        }
    }
    return access;
}

QUORATE_DECL result<const user_access*> auth_store::access_of(const issuer& by) const {
    if (!enabled() || by.is_cluster) {
        return nullptr;
    }
    if (by.is_nobody()) {
        return errc::user_empty;
    }
    if (by.auth_revision != held_.revision) {
        return errc::auth_old_revision;
    }
    if (gathered_at_ != held_.revision) {
        access_.clear();
        gathered_at_ = held_.revision;
    }
    auto found = access_.find(by.user);
    if (found == access_.end()) {
        const auth_user* user = find_user(by.user);
        if (user == nullptr) {
            return errc::permission_denied;
        }
        found = access_.try_emplace(std::string(by.user), gathered(*user)).first;
    }
    return &found->second;
}

QUORATE_DECL error_code auth_store::permits_user(const issuer& by) const {
    const result<const user_access*> access = access_of(by);
    return access ? error_code() : access.error();
}

QUORATE_DECL error_code auth_store::permits_root(const issuer& by) const {
    const result<const user_access*> access = access_of(by);
    if (!access) {
        return access.error();
    }
    return *access == nullptr || (*access)->root ? error_code()
                                                 : make_error_code(errc::permission_denied);
}

QUORATE_DECL error_code auth_store::permits_read(const issuer& by, const key_span& span) const {
    const result<const user_access*> access = access_of(by);
    if (!access) {
        return access.error();
    }
    const user_access* may = *access;
    return may == nullptr || may->root || may->reads.covers(span)
               ? error_code()
               : make_error_code(errc::permission_denied);
}

/// As permits_root, but an issuer that is no user any more is told so, as by etcd.
inline error_code auth_store::permits_management(const issuer& by) const {
    const error_code refused = permits_root(by);
    return refused == errc::permission_denied && find_user(by.user) == nullptr
               ? make_error_code(errc::user_not_found)
               : refused;
}

QUORATE_DECL error_code auth_store::permits(const issuer& by, const auth_request& asked) const {
    const error_code refused = permits_management(by);
    if (refused != errc::permission_denied) {
        return refused;
    }
    const bool own = std::visit(
        [&](const auto& one) {
            using kind = std::remove_cvref_t<decltype(one)>;
            if constexpr (std::is_same_v<kind, user_get>) {
                return one.name == by.user;
            } else if constexpr (std::is_same_v<kind, role_get>) {
                const auth_user* user = find_user(by.user);
                return user != nullptr &&
                       std::binary_search(user->roles.begin(), user->roles.end(), one.name);
            } else {
                return false;
            }
        },
        asked);
    return own ? error_code() : refused;
}

} // namespace quorate

#endif
