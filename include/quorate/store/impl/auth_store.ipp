// Changes of users, roles and permissions.
#ifndef QUORATE_STORE_IMPL_AUTH_STORE_IPP
#define QUORATE_STORE_IMPL_AUTH_STORE_IPP

#include <quorate/base/assert.hpp>
#include <quorate/store/auth_store.hpp>

#include <algorithm>
#include <set>
#include <tuple>
#include <utility>

namespace quorate {
namespace detail {

/// Far below where a counter could overflow, far above what any store reaches.
inline constexpr std::uint64_t auth_revision_max = std::uint64_t{1} << 62;

/// The order of a role's permissions.
struct permission_order {
    bool operator()(const role_permission& a, const role_permission& b) const noexcept {
        return std::tie(a.key, a.range_end) < std::tie(b.key, b.range_end);
    }
};

/// Returns: where the role is among the sorted roles of a user, or would be.
template <class Roles>
[[nodiscard]] auto place_of(Roles& roles, byte_view role) noexcept {
    return std::lower_bound(roles.begin(), roles.end(), role);
}

[[nodiscard]] inline bool has_role(const auth_user& user, byte_view role) noexcept {
    const auto place = place_of(user.roles, role);
    return place != user.roles.end() && *place == role;
}

/// Returns: whether it was there.
inline bool take_role(auth_user& user, byte_view role) {
    const auto place = place_of(user.roles, role);
    if (place == user.roles.end() || *place != role) {
        return false;
    }
    user.roles.erase(place);
    return true;
}

} // namespace detail

/// One overload for each request.
struct auth_store::applier {
    auth_store& self;

    using outcome = result<auth_reply>;

    outcome changed() const {
        ++self.held_.revision;
        return auth_reply{};
    }
    template <class Value>
    outcome names_of(const name_table<Value>& from) const {
        auth_names found;
        found.names.reserve(from.size());
        for (const auto& [name, value] : from) {
            found.names.push_back(name);
        }
        return auth_reply{std::move(found)};
    }

    outcome operator()(const auth_enable&) const {
        if (self.enabled()) {
            return auth_reply{};
        }
        const auth_user* root = self.find_user(root_name);
        if (root == nullptr) {
            return errc::root_user_not_found;
        }
        if (!detail::has_role(*root, root_name)) {
            return errc::root_role_not_granted;
        }
        // No new revision, as in etcd: whoever is nobody was admitted without one.
        self.held_.enabled_since = self.held_.revision;
        return auth_reply{};
    }
    outcome operator()(const auth_disable&) const {
        if (!self.enabled()) {
            return auth_reply{};
        }
        self.held_.enabled_since = 0;
        return changed();
    }
    outcome operator()(const auth_status&) const {
        return auth_reply{auth_state{self.enabled(), self.held_.revision}};
    }

    outcome operator()(const user_add& asked) const {
        auth_user added{
            std::string(asked.password_hash), asked.no_password, {}, self.held_.revision + 1};
        if (!self.held_.users.try_emplace(std::string(asked.name), std::move(added)).second) {
            return errc::user_exists;
        }
        return changed();
    }
    outcome operator()(const user_delete& asked) const {
        if (self.enabled() && asked.name == root_name) {
            return errc::invalid_auth_management;
        }
        const auto found = self.held_.users.find(asked.name);
        if (found == self.held_.users.end()) {
            return errc::user_not_found;
        }
        self.held_.users.erase(found);
        return changed();
    }
    outcome operator()(const user_change_password& asked) const {
        const auto found = self.held_.users.find(asked.name);
        if (found == self.held_.users.end()) {
            return errc::user_not_found;
        }
        auth_user& user = found->second;
        if (!user.no_password) {
            user.password_hash = std::string(asked.password_hash);
        }
        user.credentials_revision = self.held_.revision + 1;
        return changed();
    }
    outcome operator()(const user_grant_role& asked) const {
        const auto found = self.held_.users.find(asked.name);
        if (found == self.held_.users.end()) {
            return errc::user_not_found;
        }
        if (asked.role != root_name && !self.held_.roles.contains(asked.role)) {
            return errc::role_not_found;
        }
        auth_user& user = found->second;
        if (detail::has_role(user, asked.role)) {
            return auth_reply{};
        }
        user.roles.insert(detail::place_of(user.roles, asked.role), std::string(asked.role));
        return changed();
    }
    outcome operator()(const user_revoke_role& asked) const {
        if (self.enabled() && asked.name == root_name && asked.role == root_name) {
            return errc::invalid_auth_management;
        }
        const auto found = self.held_.users.find(asked.name);
        if (found == self.held_.users.end()) {
            return errc::user_not_found;
        }
        if (!detail::take_role(found->second, asked.role)) {
            return errc::role_not_granted;
        }
        return changed();
    }
    outcome operator()(const user_get& asked) const {
        const auth_user* user = self.find_user(asked.name);
        if (user == nullptr) {
            return errc::user_not_found;
        }
        return auth_reply{auth_names{user->roles}};
    }
    outcome operator()(const user_list&) const { return names_of(self.held_.users); }

    outcome operator()(const role_add& asked) const {
        if (!self.held_.roles.try_emplace(std::string(asked.name)).second) {
            return errc::role_exists;
        }
        return changed();
    }
    outcome operator()(const role_delete& asked) const {
        if (self.enabled() && asked.name == root_name) {
            return errc::invalid_auth_management;
        }
        const auto found = self.held_.roles.find(asked.name);
        if (found == self.held_.roles.end()) {
            return errc::role_not_found;
        }
        for (auto& [name, user] : self.held_.users) {
            detail::take_role(user, asked.name);
        }
        self.held_.roles.erase(found);
        return changed();
    }
    outcome operator()(const role_get& asked) const {
        const auto found = self.held_.roles.find(asked.name);
        if (found == self.held_.roles.end()) {
            return errc::role_not_found;
        }
        return auth_reply{auth_permissions{found->second}};
    }
    outcome operator()(const role_list&) const { return names_of(self.held_.roles); }
    outcome operator()(const role_grant_permission& asked) const {
        const auto found = self.held_.roles.find(asked.name);
        if (found == self.held_.roles.end()) {
            return errc::role_not_found;
        }
        role_permission added{asked.granted.kind, std::string(asked.granted.key),
                              std::string(asked.granted.range_end)};
        const auto [from, upto] = std::equal_range(found->second.begin(), found->second.end(),
                                                   added, detail::permission_order());
        if (from != upto) {
            from->kind = added.kind;
        } else {
            found->second.insert(from, std::move(added));
        }
        return changed();
    }
    outcome operator()(const role_revoke_permission& asked) const {
        const auto found = self.held_.roles.find(asked.name);
        if (found == self.held_.roles.end()) {
            return errc::role_not_found;
        }
        const std::size_t gone = std::erase_if(found->second, [&](const role_permission& one) {
            return one.key == asked.key && one.range_end == asked.range_end;
        });
        return gone == 0 ? outcome(errc::permission_not_granted) : changed();
    }
};

QUORATE_DECL result<auth_reply> auth_store::apply(const auth_request& asked) {
    result<auth_reply> done = std::visit(applier{*this}, asked);
    QUORATE_ASSERT(!enabled() || find_user(root_name) != nullptr);
    return done;
}

QUORATE_DECL const auth_user* auth_store::find_user(byte_view name) const noexcept {
    const auto found = held_.users.find(name);
    return found == held_.users.end() ? nullptr : &found->second;
}

QUORATE_DECL error_code auth_store::restore(auth_contents contents) {
    auth_store fresh;
    fresh.held_ = std::move(contents);
    if (!fresh.sound()) {
        return errc::corrupt;
    }
    *this = std::move(fresh);
    return {};
}

QUORATE_DECL shared_bytes auth_store::in_front_of(const shared_bytes& state) const {
    if (pristine()) {
        return state;
    }
    std::string bytes(encode_auth_contents(held_).view());
    return shared_bytes::copy_of(bytes.append(state.view()));
}

QUORATE_DECL result<auth_store> auth_store::take(bulk_reader& state) {
    auth_store fresh;
    if (!finds_auth_contents(state)) {
        return fresh;
    }
    result<auth_contents> found = take_auth_contents(state);
    if (!found) {
        return found.error();
    }
    const error_code failed = fresh.restore(*std::move(found));
    // Contents that say nothing would be a second way to write an equal state.
    if (failed || fresh.pristine()) {
        return error_code(errc::corrupt);
    }
    return fresh;
}

namespace detail {

/// Whether each element comes before the next.
template <class Sequence, class Before>
[[nodiscard]] bool strictly_ordered(const Sequence& elements, Before before) {
    return std::adjacent_find(elements.begin(), elements.end(), [&](const auto& a, const auto& b) {
               return !before(a, b);
           }) == elements.end();
}

[[nodiscard]] inline bool sound_role(byte_view name,
                                     const std::vector<role_permission>& permissions) {
    const auto usable = [&](const role_permission& one) {
        const permission granted{one.kind, one.key, one.range_end};
        return !check(auth_request(role_grant_permission{name, granted}));
    };
    return !name.empty() && std::all_of(permissions.begin(), permissions.end(), usable) &&
           strictly_ordered(permissions, permission_order());
}

} // namespace detail

inline bool auth_store::sound_user(byte_view name, const auth_user& user) const {
    const bool hash_fits = user.password_hash.size() <= password_hash_bytes_max &&
                           user.password_hash.empty() == user.no_password;
    const bool since_fits =
        user.credentials_revision > first_revision && user.credentials_revision <= held_.revision;
    const auto known = [this](const std::string& role) {
        return role == root_name || held_.roles.contains(role);
    };
    return !name.empty() && hash_fits && since_fits &&
           std::all_of(user.roles.begin(), user.roles.end(), known) &&
           detail::strictly_ordered(user.roles, std::less<>());
}

/// Whether requests can have led here.
inline bool auth_store::sound() const {
    // Each user, role, grant and permission took a revision of its own, beside the first.
    std::uint64_t changes = held_.users.size() + held_.roles.size();
    std::set<std::uint64_t> credentials;
    for (const auto& [name, user] : held_.users) {
        if (!sound_user(name, user) || !credentials.insert(user.credentials_revision).second) {
            return false;
        }
        changes += user.roles.size();
    }
    for (const auto& [name, permissions] : held_.roles) {
        if (!detail::sound_role(name, permissions)) {
            return false;
        }
        changes += permissions.size();
    }
    const bool counted = held_.revision <= detail::auth_revision_max &&
                         held_.revision >= first_revision + changes &&
                         held_.enabled_since <= held_.revision;
    const auth_user* root = find_user(root_name);
    return counted && (!enabled() || (root != nullptr && detail::has_role(*root, root_name)));
}

} // namespace quorate

#endif
