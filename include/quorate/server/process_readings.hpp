// The operating system's figures about this process: memory, processor time, descriptors.
// Flow:    none; read when somebody asks for /metrics
// Source:  Linux /proc, getrlimit; zero where the system does not tell
// Threads: any
#ifndef QUORATE_SERVER_PROCESS_READINGS_HPP
#define QUORATE_SERVER_PROCESS_READINGS_HPP

#include <quorate/base/config.hpp>

#include <cstdint>

namespace quorate {

struct process_readings {
    double cpu_seconds = 0;          ///< User and system time.
    std::uint64_t resident = 0;      ///< Units: bytes.
    std::uint64_t virtual_size = 0;  ///< Units: bytes.
    std::uint64_t virtual_limit = 0; ///< Units: bytes; all bits: none.
    std::uint64_t fds_used = 0;
    std::uint64_t fds_limit = 0;
    double started_at = 0; ///< Units: seconds since 1970.
};

/// Complexity: a few small files and one directory are read; some 0.1 ms.
[[nodiscard]] QUORATE_DECL process_readings read_process();

} // namespace quorate

#if defined(QUORATE_HEADER_ONLY)
#include <quorate/server/impl/process_readings.ipp>
#endif

#endif
