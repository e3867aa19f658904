// Hashing by libxcrypt. Not among the bodies of src.hpp, so that only its users link libcrypt.
// Threads: any
#ifndef QUORATE_SERVER_IMPL_PASSWORD_HPP
#define QUORATE_SERVER_IMPL_PASSWORD_HPP

#include <quorate/server/password.hpp>
#include <quorate/server/secret.hpp>

#include <crypt.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstring>
#include <memory>

namespace quorate {
namespace detail {

inline constexpr std::size_t bcrypt_salt_bytes = 16;
/// A setting is "$2b$", the cost, "$", and the salt in 22 letters; the hash adds 31 more.
inline constexpr std::size_t bcrypt_setting_size = 29;
inline constexpr std::size_t bcrypt_hash_size = 60;

/// Returns: the setting of a salt; empty when the library refuses.
[[nodiscard]] inline std::string bcrypt_setting(int cost,
                                                const std::array<char, bcrypt_salt_bytes>& salt) {
    std::array<char, CRYPT_GENSALT_OUTPUT_SIZE> setting{};
    const char* made = ::crypt_gensalt_rn("$2b$", static_cast<unsigned long>(cost), salt.data(),
                                          static_cast<int>(salt.size()), setting.data(),
                                          static_cast<int>(setting.size()));
    return made == nullptr ? std::string() : std::string(made);
}

/// Returns: the hash; empty when the library refuses. The scratch memory is erased by the library,
/// and what it leaves of the input by us.
[[nodiscard]] inline std::string bcrypt(const char* password, const std::string& setting) {
    const auto scratch = std::make_unique<crypt_data>();
    const char* made =
        ::crypt_rn(password, setting.c_str(), scratch.get(), static_cast<int>(sizeof(crypt_data)));
    std::string hash = made == nullptr ? std::string() : std::string(made);
    ::explicit_bzero(scratch.get(), sizeof(crypt_data));
    return hash;
}

/// Returns: whether it is a hash of this kind, and not anything else that the library knows.
[[nodiscard]] inline bool is_bcrypt(byte_view hash) noexcept {
    return hash.size() == bcrypt_hash_size && hash.starts_with("$2b$");
}

/// Returns: the cost of a hash, zero for anything else.
[[nodiscard]] inline int cost_of_hash(byte_view hash) noexcept {
    const auto digit = [&](std::size_t at) { return hash[at] - '0'; };
    return is_bcrypt(hash) ? digit(4) * 10 + digit(5) : 0;
}

[[nodiscard]] constexpr bool password_cost_fits(int cost) noexcept {
    return cost >= password_cost_min && cost <= password_cost_max;
}

} // namespace detail

inline result<std::string> hash_password(byte_view password, int cost,
                                         const random_source& random) {
    if (const error_code failed = check_password(password)) {
        return failed;
    }
    if (!detail::password_cost_fits(cost)) {
        return error_code(errc::invalid_option);
    }
    std::array<char, detail::bcrypt_salt_bytes> salt{};
    if (const error_code failed = random(salt)) {
        return failed;
    }
    std::string plain(password);
    std::string hash = detail::bcrypt(plain.c_str(), detail::bcrypt_setting(cost, salt));
    ::explicit_bzero(plain.data(), plain.size());
    // A library without bcrypt refuses.
    return detail::is_bcrypt(hash) ? result<std::string>(std::move(hash))
                                   : result<std::string>(error_code(errc::invalid_option));
}

inline password_task::password_task(byte_view password, byte_view hash, int cost)
    : hash_(hash),
      cost_(detail::cost_of_hash(hash)),
      cost_to_reach_(detail::password_cost_fits(cost) ? cost : password_cost_default),
      possible_(!check_password(password) && detail::password_cost_fits(cost_)) {
    if (!possible_) {
        // Anything will do that costs as much.
        cost_ = cost_to_reach_;
        hash_ = detail::bcrypt_setting(cost_, {});
    }
    cost_to_reach_ = std::max(cost_to_reach_, cost_);
    const byte_view used = password.substr(0, password_bytes_max);
    password_.reserve(used.size() + 1); // so that growing leaves no copy behind
    password_.assign(used.begin(), used.end());
    password_.push_back('\0');
}

inline password_task::~password_task() {
    if (!password_.empty()) { // not moved from
        ::explicit_bzero(password_.data(), password_.size());
    }
}

inline bool password_task::run() const {
    const std::string made =
        detail::bcrypt(password_.data(), hash_.substr(0, detail::bcrypt_setting_size));
    const bool same = same_secret(made, hash_);
    for (int cost = cost_; cost < cost_to_reach_; ++cost) { // doubles what was done so far
        static_cast<void>(detail::bcrypt(password_.data(), detail::bcrypt_setting(cost, {})));
    }
    return same && possible_;
}

inline std::uint64_t password_task::work() const noexcept {
    std::uint64_t units = std::uint64_t{1} << cost_;
    for (int cost = cost_; cost < cost_to_reach_; ++cost) {
        units += std::uint64_t{1} << cost;
    }
    return units;
}

inline result<password_question> ask_password(const auth_store& store, byte_view user,
                                              byte_view password, int cost) {
    if (!store.enabled()) {
        return error_code(errc::auth_not_enabled);
    }
    const auth_user* found = store.find_user(user);
    const byte_view hash = found == nullptr ? byte_view() : byte_view(found->password_hash);
    for (const auto& [name, one] : store.contents().users) {
        cost = std::max(cost, detail::cost_of_hash(one.password_hash));
    }
    return password_question{store.revision(), password_task(password, hash, cost)};
}

} // namespace quorate

#endif
