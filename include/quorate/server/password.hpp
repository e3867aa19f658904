// Passwords: hashed before they can reach the log, and compared with hashes. Slow by design.
// Flow:       1. a password → its hash, or whether it is the right one; on a worker thread
// In / Out:   password → bcrypt hash ("$2b$..."); password and hash → yes or no
// Invariants: no password outlives its task; how long a comparison takes does not depend on how
//             much is right, nor on whether there is such a user
// Source:     bcrypt of libxcrypt: a program that includes this links libcrypt (-lcrypt)
// Threads:    any; a task is run once, by one
#ifndef QUORATE_SERVER_PASSWORD_HPP
#define QUORATE_SERVER_PASSWORD_HPP

#include <quorate/base/bytes.hpp>
#include <quorate/base/error.hpp>
#include <quorate/base/result.hpp>
#include <quorate/server/random_source.hpp>
#include <quorate/store/auth_store.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace quorate {

/// Units: each step doubles the work. Ten takes some 50 ms.
inline constexpr int password_cost_min = 4;
inline constexpr int password_cost_max = 31;
inline constexpr int password_cost_default = 10;
/// Units: bytes. bcrypt looks at no more.
inline constexpr std::size_t password_bytes_max = 72;

/// Errors: password_invalid when it is too long or has a zero byte, as bcrypt would take another
/// one for it.
[[nodiscard]] inline error_code check_password(byte_view password) noexcept {
    const bool usable =
        password.size() <= password_bytes_max && password.find('\0') == byte_view::npos;
    return usable ? error_code() : make_error_code(errc::password_invalid);
}

/// Makes a hash with a salt of its own, for user_add and user_change_password.
/// Errors: password_invalid; invalid_option for a cost out of range; of the random source.
/// Complexity: doubles with each cost.
[[nodiscard]] result<std::string> hash_password(byte_view password,
                                                int cost = password_cost_default,
                                                const random_source& random = system_random);

/// One comparison, made on the owner's strand and run wherever there is time for it.
class password_task {
public:
    /// `hash` is empty where there is none: no such user, or one without a password. `cost`: how
    /// much work the comparison is, whatever the cost of the hash, unless that is higher.
    password_task(byte_view password, byte_view hash, int cost = password_cost_default);
    password_task(password_task&&) = default;
    password_task& operator=(password_task&&) = delete;
    password_task(const password_task&) = delete;
    password_task& operator=(const password_task&) = delete;
    /// Overwrites the password.
    ~password_task();

    /// Returns: whether it is the password of that hash.
    [[nodiscard]] bool run() const;
    /// Units: that of a hash with a cost of zero. Returns: what `run` takes.
    [[nodiscard]] std::uint64_t work() const noexcept;

private:
    std::vector<char> password_; // ends with a zero; moving it leaves no copy behind
    std::string hash_;
    int cost_;          // of the hash
    int cost_to_reach_; // not less
    bool possible_;
};

/// A comparison, and the auth revision of the hash: what auth_tokens::give() needs afterwards.
struct password_question {
    std::uint64_t checked_at;
    password_task task;
};

/// Called on the owner's strand; the task is then run elsewhere. A user that is not there, or has
/// no password, gets a task as well, which takes as long and finds the password wrong. So does a
/// user whose hash has another cost: all take as long as the highest cost of all users.
/// Errors: auth_not_enabled. Complexity: linear in the users.
[[nodiscard]] result<password_question> ask_password(const auth_store& store, byte_view user,
                                                     byte_view password,
                                                     int cost = password_cost_default);

} // namespace quorate

#include <quorate/server/impl/password.hpp>

#endif
