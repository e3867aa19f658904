// System calls on one directory.
#ifndef QUORATE_LOG_IMPL_POSIX_VOLUME_IPP
#define QUORATE_LOG_IMPL_POSIX_VOLUME_IPP

#include <quorate/log/posix_volume.hpp>

#include <boost/system/system_category.hpp>

#include <dirent.h>
#include <fcntl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <memory>

namespace quorate {

namespace detail {

inline result<posix_file> open_directory(const std::filesystem::path& path) noexcept {
    const int descriptor = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor < 0) {
        return last_system_error();
    }
    return posix_file(descriptor);
}

/// Names are durable once their directory is synced as a file; fdatasync need not do that.
inline error_code sync_directory(const posix_file& directory) noexcept {
    return ::fsync(directory.descriptor()) == 0 ? error_code() : last_system_error();
}

struct directory_closer {
    void operator()(DIR* stream) const noexcept { ::closedir(stream); }
};

} // namespace detail

QUORATE_DECL error_code make_directory(const std::filesystem::path& directory) {
    const std::filesystem::path above = directory.parent_path();
    bool made = ::mkdir(directory.c_str(), 0700) == 0;
    if (!made && errno == ENOENT && !above.empty() && above != directory) {
        if (const error_code failed = make_directory(above)) {
            return failed;
        }
        made = ::mkdir(directory.c_str(), 0700) == 0;
    }
    if (!made && errno != EEXIST) {
        return last_system_error();
    }
    const result<posix_file> parent = detail::open_directory(above.empty() ? "." : above);
    // One that was there before is synced too, for who made it may have died before its own sync;
    // but not being allowed to is no reason to refuse it.
    const error_code outcome = parent ? detail::sync_directory(*parent) : parent.error();
    return made ? outcome : error_code();
}

QUORATE_DECL std::uint64_t boot_number() noexcept {
    const posix_file file(::open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC));
    std::array<char, 64> text;
    const result<std::size_t> got = file.read_at(0, text.data(), text.size());
    if (!file.is_open() || !got) {
        return 0;
    }
    // FNV-1a; the text is random already.
    std::uint64_t number = 0xCBF29CE484222325;
    for (std::size_t i = 0; i < *got; ++i) {
        number = (number ^ static_cast<unsigned char>(text[i])) * 0x100000001B3;
    }
    return *got == 0 ? 0 : number;
}

QUORATE_DECL result<posix_volume> posix_volume::open(const std::filesystem::path& directory) {
    if (const error_code failed = make_directory(directory)) {
        return failed;
    }
    result<posix_file> opened = detail::open_directory(directory);
    if (!opened) {
        return opened.error();
    }
    return posix_volume(std::move(*opened), directory);
}

QUORATE_DECL result<std::vector<std::string>> posix_volume::list() const {
    const std::unique_ptr<DIR, detail::directory_closer> stream(::opendir(path_.c_str()));
    if (stream == nullptr) {
        return last_system_error();
    }
    std::vector<std::string> names;
    for (;;) {
        errno = 0;
        const dirent* found = ::readdir(stream.get());
        if (found == nullptr) {
            break;
        }
        const byte_view name(found->d_name);
        if (name != "." && name != "..") {
            names.emplace_back(name);
        }
    }
    if (errno != 0) {
        return last_system_error();
    }
    return names;
}

QUORATE_DECL result<posix_file> posix_volume::open_file(const std::string& name) {
    const int descriptor =
        ::openat(directory_.descriptor(), name.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    if (descriptor < 0) {
        return last_system_error();
    }
    return posix_file(descriptor);
}

QUORATE_DECL result<temporary_file<posix_file>> posix_volume::create_temporary() {
    for (;;) {
        unsigned long long number = 0;
        if (::getrandom(&number, sizeof(number), 0) != static_cast<ssize_t>(sizeof(number))) {
            return last_system_error();
        }
        char digits[17];
        std::snprintf(digits, sizeof(digits), "%016llx", number);
        std::string name = digits + std::string(temporary_suffix);
        const int descriptor = ::openat(directory_.descriptor(), name.c_str(),
                                        O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (descriptor >= 0) {
            return temporary_file<posix_file>{posix_file(descriptor), std::move(name)};
        }
        if (errno != EEXIST && errno != EINTR) {
            return last_system_error();
        }
    }
}

QUORATE_DECL error_code posix_volume::rename(const std::string& from,
                                             const std::string& to) noexcept {
    const int at = directory_.descriptor();
    return ::renameat(at, from.c_str(), at, to.c_str()) == 0 ? error_code() : last_system_error();
}

QUORATE_DECL error_code posix_volume::remove(const std::string& name) noexcept {
    return ::unlinkat(directory_.descriptor(), name.c_str(), 0) == 0 ? error_code()
                                                                     : last_system_error();
}

QUORATE_DECL error_code posix_volume::sync() noexcept {
    return detail::sync_directory(directory_);
}

QUORATE_DECL std::uint64_t posix_volume::free_bytes() const noexcept {
    struct statvfs found {};
    if (::fstatvfs(directory_.descriptor(), &found) != 0 || found.f_blocks == 0) {
        return UINT64_MAX;
    }
    // Some of it is for the superuser alone.
    const std::uint64_t blocks = ::geteuid() == 0 ? found.f_bfree : found.f_bavail;
    return blocks * found.f_frsize;
}

QUORATE_DECL std::string posix_volume::path(const std::string& name) const {
    return (path_ / name).string();
}

} // namespace quorate

#endif
