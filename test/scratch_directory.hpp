// An empty directory for a test, gone with all that is in it.
#ifndef QUORATE_TEST_SCRATCH_DIRECTORY_HPP
#define QUORATE_TEST_SCRATCH_DIRECTORY_HPP

#include <stdlib.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <string>
#include <system_error>

namespace quorate_test {

/// Where a test keeps its files. Most only need them to look like files, and sync thousands of
/// times; those that are about the disk say so.
enum class medium { memory, disk };

/// Returns: where temporary files go; for `memory` to a file system that has no disk, if any.
[[nodiscard]] inline std::filesystem::path directory_on(medium where) {
    if (where == medium::memory && ::access("/dev/shm", W_OK) == 0) {
        return "/dev/shm";
    }
    return std::filesystem::temp_directory_path();
}

class scratch_directory {
public:
    explicit scratch_directory(medium where = medium::memory)
        : scratch_directory(directory_on(where)) {}
    /// Throws: std::system_error when it cannot be made.
    explicit scratch_directory(const std::filesystem::path& parent) {
        std::string name = (parent / "quorate_test_XXXXXX").string();
        if (::mkdtemp(name.data()) == nullptr) {
            throw std::system_error(errno, std::system_category(), name);
        }
        path_ = name;
    }
    scratch_directory(const scratch_directory&) = delete;
    scratch_directory& operator=(const scratch_directory&) = delete;
    ~scratch_directory() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }

    [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }

private:
    std::filesystem::path path_;
};

} // namespace quorate_test

#endif
