// Descriptors of a process, and how many of them connections of clients may take.
// Flow:       none; at the start of a process and of a server
// Invariants: a quarter of the descriptors is left for logs, snapshots, peers and listeners
// Source:     getrlimit(2), RLIMIT_NOFILE
// Threads:    any
#ifndef QUORATE_SERVER_DESCRIPTORS_HPP
#define QUORATE_SERVER_DESCRIPTORS_HPP

#include <quorate/base/config.hpp>

#include <cstddef>

namespace quorate {

/// Returns: how many descriptors the process may open; SIZE_MAX where there is no limit.
[[nodiscard]] std::size_t descriptor_limit() noexcept;

/// Effects: raises the soft limit of descriptors to the hard limit. Returns: the limit after that.
std::size_t raise_descriptor_limit() noexcept;

/// Returns: the descriptors that connections of clients may take of `all`; at least one.
[[nodiscard]] constexpr std::size_t client_descriptors(std::size_t all) noexcept {
    const std::size_t share = all / 4 * 3;
    return share == 0 ? 1 : share;
}

} // namespace quorate

#if defined(QUORATE_HEADER_ONLY)
#include <quorate/server/impl/descriptors.ipp>
#endif

#endif
