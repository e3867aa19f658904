// The number of a cluster, from the name that an operator gives it.
// Flow:    none
// Source:  FNV-1a, 64 bits; etcd's --initial-cluster-token serves the same end
#ifndef QUORATE_SERVER_CLUSTER_TOKEN_HPP
#define QUORATE_SERVER_CLUSTER_TOKEN_HPP

#include <quorate/base/ids.hpp>

#include <cstdint>
#include <string_view>

namespace quorate {

/// Returns: the same number for the same name, everywhere and for ever; never zero. Members whose
/// numbers differ refuse each other's frames and directories.
[[nodiscard]] constexpr cluster_id cluster_of_token(std::string_view token) noexcept {
    std::uint64_t hash = 0xcbf29ce484222325U;
    for (const char c : token) {
        hash ^= static_cast<unsigned char>(c);
        hash *= 0x100000001b3U;
    }
    return cluster_id(hash == 0 ? 1 : hash);
}

} // namespace quorate

#endif
