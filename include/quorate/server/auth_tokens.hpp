// Tokens given for passwords: the identity of a client, while it comes back often enough.
// Flow:       1. the token of a request → issuer
// In / Out:   user, token and time → issuer, or an error
// Invariants: a token is worth nothing once its user is deleted or has another password, or
//             authentication was turned off: that is asked of the auth store at every use, so no
//             event can be missed
// Source:     etcd's simple tokens; differs: they are valid on the member that gave them
// Threads:    none (owner's strand)
#ifndef QUORATE_SERVER_AUTH_TOKENS_HPP
#define QUORATE_SERVER_AUTH_TOKENS_HPP

#include <quorate/base/bytes.hpp>
#include <quorate/base/config.hpp>
#include <quorate/base/result.hpp>
#include <quorate/command/issuer.hpp>
#include <quorate/server/random_source.hpp>
#include <quorate/store/auth_store.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <list>
#include <string>
#include <unordered_map>
#include <utility>

namespace quorate {

struct auth_token_options {
    /// How long a token lasts that is not used.
    std::chrono::seconds ttl{300};
    /// Most tokens of one user; with another one the least recently used ends.
    std::size_t per_user_max = 1024;
    /// Most tokens of all users, in the same way.
    std::size_t tokens_max = 65536;
};

/// Gives tokens, knows them again, and forgets them.
class auth_tokens {
public:
    using time_point = std::chrono::steady_clock::time_point;

    explicit auth_tokens(const auth_token_options& options = {},
                         random_source random = system_random)
        : options_(options), random_(std::move(random)) {}
    auth_tokens(auth_tokens&&) = default;
    auth_tokens& operator=(auth_tokens&&) = default;
    auth_tokens(const auth_tokens&) = delete;
    auth_tokens& operator=(const auth_tokens&) = delete;
    ~auth_tokens() = default;

    /// To be called when the password was found right.
    /// `checked_at`: the auth revision of the store that the hash was read from.
    /// Returns: a token of letters, digits, '-' and '_'.
    /// Errors: auth_not_enabled; auth_old_revision when the user or the password changed after the
    /// hash was read: begin again; of the random source.
    [[nodiscard]] QUORATE_DECL result<std::string> give(const auth_store& store, byte_view user,
                                                        std::uint64_t checked_at, time_point now);

    /// Effects: the token lasts its time from now on.
    /// Returns: who it was given to, admitted under the store's current auth revision.
    /// Lifetime: until the next call that is not const.
    /// Errors: invalid_auth_token when it is unknown, expired, or worth nothing any more.
    [[nodiscard]] QUORATE_DECL result<issuer> use(const auth_store& store, byte_view token,
                                                  time_point now);

    /// Effects: forgets what has expired. Complexity: linear in those.
    QUORATE_DECL void sweep(time_point now);
    [[nodiscard]] std::size_t size() const noexcept { return used_.size(); }

private:
    struct given {
        std::string name;   ///< The half that it is found by.
        std::string secret; ///< The half that is compared.
        std::string user;
        std::uint64_t checked_at;
        time_point expires;
    };
    using position = std::list<given>::iterator;

    [[nodiscard]] static bool worth_something(const auth_store& store, const given& token);
    void make_room(byte_view user);
    void forget(position token);

    auth_token_options options_;
    random_source random_;
    /// Least recently used first, so the next to expire are in front.
    std::list<given> used_;
    std::unordered_map<byte_view, position> by_name_; // views into the list
    std::unordered_map<std::string, std::size_t> per_user_;
};

} // namespace quorate

#if defined(QUORATE_HEADER_ONLY)
#include <quorate/server/impl/auth_tokens.ipp>
#endif

#endif
