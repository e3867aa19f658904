// A directory of the operating system as a volume.
// Flow:       7. record → durable
// Invariants: files are 0600, the directory 0700 when made here; links are never followed
// Threads:    one at a time
#ifndef QUORATE_LOG_POSIX_VOLUME_HPP
#define QUORATE_LOG_POSIX_VOLUME_HPP

#include <quorate/log/posix_file.hpp>
#include <quorate/log/volume.hpp>

#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

namespace quorate {

/// Makes the directory, and its parents, when they are missing; what it made is durable.
/// Errors: those of the operating system.
[[nodiscard]] error_code make_directory(const std::filesystem::path& directory);

/// Returns: a number of this run of the machine, which no later run shares; zero where the system
/// does not tell.
[[nodiscard]] std::uint64_t boot_number() noexcept;

/// Models volume. Errors: those of the operating system, in the system category.
class posix_volume {
public:
    using file_type = posix_file;

    [[nodiscard]] static result<posix_volume> open(const std::filesystem::path& directory);

    [[nodiscard]] result<std::vector<std::string>> list() const;
    [[nodiscard]] result<posix_file> open_file(const std::string& name);
    [[nodiscard]] result<temporary_file<posix_file>> create_temporary();
    [[nodiscard]] error_code rename(const std::string& from, const std::string& to) noexcept;
    [[nodiscard]] error_code remove(const std::string& name) noexcept;
    [[nodiscard]] error_code sync() noexcept;
    [[nodiscard]] std::string path(const std::string& name) const;
    [[nodiscard]] std::uint64_t boot() const noexcept { return boot_; }
    /// Returns: the free bytes of the file system; the largest number where it does not tell.
    [[nodiscard]] std::uint64_t free_bytes() const noexcept;

private:
    posix_volume(posix_file directory, std::filesystem::path path) noexcept
        : directory_(std::move(directory)), path_(std::move(path)), boot_(boot_number()) {}

    posix_file directory_;
    std::filesystem::path path_;
    std::uint64_t boot_;
};

static_assert(volume<posix_volume>);

} // namespace quorate

#if defined(QUORATE_HEADER_ONLY)
#include <quorate/log/impl/posix_volume.ipp>
#endif

#endif
