// Checks of an auth request that need no state.
#ifndef QUORATE_COMMAND_IMPL_AUTH_REQUEST_IPP
#define QUORATE_COMMAND_IMPL_AUTH_REQUEST_IPP

#include <quorate/command/auth_request.hpp>
#include <quorate/command/key_span.hpp>

namespace quorate {
namespace detail {

struct auth_checker {
    error_code operator()(const user_add& asked) const noexcept {
        if (asked.name.empty()) {
            return errc::user_empty;
        }
        if (asked.no_password) {
            return asked.password_hash.empty() ? error_code()
                                               : make_error_code(errc::password_invalid);
        }
        return hash(asked.password_hash);
    }
    error_code operator()(const user_change_password& asked) const noexcept {
        return hash(asked.password_hash);
    }
    error_code operator()(const role_add& asked) const noexcept {
        return asked.name.empty() ? make_error_code(errc::role_empty) : error_code();
    }
    error_code operator()(const role_grant_permission& asked) const noexcept {
        const permission& granted = asked.granted;
        if (granted.key.empty()) {
            return errc::permission_not_given;
        }
        const key_span span = span_of(granted.key, granted.range_end);
        if (span.kind == key_span::shape::before && span.end <= span.first) {
            return errc::invalid_auth_management;
        }
        return {};
    }
    /// The others ask for what is there, and a name that no one has is not.
    template <class Other>
    error_code operator()(const Other&) const noexcept {
        return {};
    }

    static error_code hash(byte_view given) noexcept {
        const bool usable = !given.empty() && given.size() <= password_hash_bytes_max;
        return usable ? error_code() : make_error_code(errc::password_invalid);
    }
};

struct auth_payload {
    std::uint64_t operator()(const user_add& asked) const noexcept {
        return of(asked.name, asked.password_hash);
    }
    std::uint64_t operator()(const user_change_password& asked) const noexcept {
        return of(asked.name, asked.password_hash);
    }
    std::uint64_t operator()(const user_grant_role& asked) const noexcept {
        return of(asked.name, asked.role);
    }
    std::uint64_t operator()(const user_revoke_role& asked) const noexcept {
        return of(asked.name, asked.role);
    }
    std::uint64_t operator()(const role_grant_permission& asked) const noexcept {
        return of(asked.name, asked.granted.key, asked.granted.range_end);
    }
    std::uint64_t operator()(const role_revoke_permission& asked) const noexcept {
        return of(asked.name, asked.key, asked.range_end);
    }
    template <class Other>
    std::uint64_t operator()(const Other& asked) const noexcept {
        if constexpr (requires { asked.name; }) {
            return asked.name.size();
        } else {
            return 0;
        }
    }

    template <class... Views>
    static std::uint64_t of(const Views&... views) noexcept {
        return (std::uint64_t{0} + ... + views.size());
    }
};

} // namespace detail

QUORATE_DECL error_code check(const auth_request& asked) noexcept {
    return std::visit(detail::auth_checker{}, asked);
}

QUORATE_DECL std::uint64_t payload_bytes(const auth_request& asked) noexcept {
    return std::visit(detail::auth_payload{}, asked);
}

} // namespace quorate

#endif
