// Giving, finding and forgetting tokens.
#ifndef QUORATE_SERVER_IMPL_AUTH_TOKENS_IPP
#define QUORATE_SERVER_IMPL_AUTH_TOKENS_IPP

#include <quorate/server/auth_tokens.hpp>
#include <quorate/server/secret.hpp>

#include <algorithm>
#include <array>
#include <utility>

namespace quorate {
namespace detail {

// 96 bits to find a token by, so that none is given twice, and 144 that nobody guesses.
inline constexpr std::size_t token_name_size = 16;
inline constexpr std::size_t token_size = 40;

/// Six bits of each byte: 64 letters, each as likely as the others.
[[nodiscard]] inline std::string token_text(const std::array<char, token_size>& random) {
    static constexpr byte_view letters =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    static_assert(letters.size() == 64);
    std::string text;
    for (const char byte : random) {
        text.push_back(letters[static_cast<unsigned char>(byte) % 64]);
    }
    return text;
}

} // namespace detail

QUORATE_DECL result<std::string> auth_tokens::give(const auth_store& store, byte_view user,
                                                   std::uint64_t checked_at, time_point now) {
    if (!store.enabled()) {
        return errc::auth_not_enabled;
    }
    given made{{}, {}, std::string(user), checked_at, now + options_.ttl};
    if (!worth_something(store, made)) {
        return errc::auth_old_revision;
    }
    std::array<char, detail::token_size> random{};
    std::string text;
    do {
        if (const error_code failed = random_(random)) {
            return failed;
        }
        text = detail::token_text(random);
        made.name = text.substr(0, detail::token_name_size);
    } while (by_name_.contains(made.name));
    made.secret = text.substr(detail::token_name_size);
    sweep(now);
    make_room(user);
    const position place = used_.insert(used_.end(), std::move(made));
    by_name_.emplace(place->name, place);
    ++per_user_[place->user];
    return text;
}

QUORATE_DECL result<issuer> auth_tokens::use(const auth_store& store, byte_view token,
                                             time_point now) {
    if (token.size() != detail::token_size) {
        return errc::invalid_auth_token;
    }
    const auto found = by_name_.find(token.substr(0, detail::token_name_size));
    if (found == by_name_.end() ||
        !same_secret(found->second->secret, token.substr(detail::token_name_size))) {
        return errc::invalid_auth_token;
    }
    const position place = found->second;
    if (place->expires <= now || !worth_something(store, *place)) {
        forget(place);
        return errc::invalid_auth_token;
    }
    place->expires = now + options_.ttl;
    used_.splice(used_.end(), used_, place);
    return issuer{place->user, store.revision()};
}

QUORATE_DECL void auth_tokens::sweep(time_point now) {
    while (!used_.empty() && used_.front().expires <= now) {
        forget(used_.begin());
    }
}

/// Whether the password that was checked is still the user's, and has been all the time.
inline bool auth_tokens::worth_something(const auth_store& store, const given& token) {
    const auth_user* user = store.find_user(token.user);
    return store.enabled() && token.checked_at >= store.enabled_since() && user != nullptr &&
           token.checked_at >= user->credentials_revision && token.checked_at <= store.revision();
}

inline void auth_tokens::make_room(byte_view user) {
    const auto own = per_user_.find(std::string(user));
    if (own != per_user_.end() && own->second >= std::max<std::size_t>(options_.per_user_max, 1)) {
        forget(std::find_if(used_.begin(), used_.end(),
                            [user](const given& one) { return one.user == user; }));
    }
    while (used_.size() >= std::max<std::size_t>(options_.tokens_max, 1)) {
        forget(used_.begin());
    }
}

inline void auth_tokens::forget(position token) {
    by_name_.erase(token->name);
    const auto own = per_user_.find(token->user);
    if (--own->second == 0) {
        per_user_.erase(own);
    }
    used_.erase(token);
}

} // namespace quorate

#endif
