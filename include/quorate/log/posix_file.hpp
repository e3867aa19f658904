// A file descriptor that reads and writes at offsets, whole or not at all.
// Flow:       7. record → durable
// Invariants: a write is retried when interrupted and continued when short; a sync never is, for
//             the kernel may have dropped what it could not write
// Source:     Rebello et al., "Can Applications Recover from fsync Failures?", ATC'20
// Threads:    one at a time
#ifndef QUORATE_LOG_POSIX_FILE_HPP
#define QUORATE_LOG_POSIX_FILE_HPP

#include <quorate/base/bytes.hpp>
#include <quorate/base/result.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

namespace quorate {

/// Returns: the error of the last system call.
[[nodiscard]] error_code last_system_error() noexcept;

/// Models volume_file. Errors: those of the operating system, in the system category.
class posix_file {
public:
    posix_file() noexcept = default;
    /// Takes over a descriptor.
    explicit posix_file(int descriptor) noexcept : descriptor_(descriptor) {}
    posix_file(posix_file&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
    posix_file& operator=(posix_file&& other) noexcept {
        std::swap(descriptor_, other.descriptor_);
        return *this;
    }
    ~posix_file() { close(); }

    [[nodiscard]] bool is_open() const noexcept { return descriptor_ >= 0; }
    [[nodiscard]] int descriptor() const noexcept { return descriptor_; }
    void close() noexcept;

    [[nodiscard]] result<std::uint64_t> size() const noexcept;
    [[nodiscard]] result<std::size_t> read_at(std::uint64_t offset, char* place,
                                              std::size_t size) const noexcept;
    [[nodiscard]] error_code write_at(std::uint64_t offset,
                                      std::span<const byte_view> pieces) noexcept;
    [[nodiscard]] error_code reserve(std::uint64_t size) noexcept;
    [[nodiscard]] error_code resize(std::uint64_t size) noexcept;
    [[nodiscard]] error_code sync_data() noexcept;

private:
    int descriptor_ = -1;
};

} // namespace quorate

#if defined(QUORATE_HEADER_ONLY)
#include <quorate/log/impl/posix_file.ipp>
#endif

#endif
