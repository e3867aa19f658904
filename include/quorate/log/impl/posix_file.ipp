// System calls on one descriptor.
#ifndef QUORATE_LOG_IMPL_POSIX_FILE_IPP
#define QUORATE_LOG_IMPL_POSIX_FILE_IPP

#include <quorate/log/posix_file.hpp>

#include <boost/system/system_category.hpp>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

namespace quorate {

QUORATE_DECL error_code last_system_error() noexcept {
    return {errno, boost::system::system_category()};
}

QUORATE_DECL void posix_file::close() noexcept {
    if (descriptor_ >= 0) {
        // Nothing depends on the outcome: what must be durable was synced before.
        ::close(std::exchange(descriptor_, -1));
    }
}

QUORATE_DECL result<std::uint64_t> posix_file::size() const noexcept {
    struct stat facts {};
    if (::fstat(descriptor_, &facts) != 0) {
        return last_system_error();
    }
    return static_cast<std::uint64_t>(facts.st_size);
}

QUORATE_DECL result<std::size_t> posix_file::read_at(std::uint64_t offset, char* place,
                                                     std::size_t size) const noexcept {
    std::size_t have = 0;
    while (have < size) {
        const ssize_t got =
            ::pread(descriptor_, place + have, size - have, static_cast<off_t>(offset + have));
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return last_system_error();
        }
        if (got == 0) {
            break;
        }
        have += static_cast<std::size_t>(got);
    }
    return have;
}

namespace detail {

/// Writes up to an array's worth of buffers entirely.
inline error_code write_buffers(int descriptor, std::uint64_t offset, std::span<iovec> buffers) {
    while (!buffers.empty()) {
        const ssize_t wrote =
            ::pwritev(descriptor, buffers.data(), static_cast<int>(buffers.size()),
                      static_cast<off_t>(offset));
        if (wrote < 0 && errno == EINTR) {
            continue;
        }
        if (wrote < 0) {
            return last_system_error();
        }
        offset += static_cast<std::uint64_t>(wrote);
        auto left = static_cast<std::size_t>(wrote);
        while (!buffers.empty() && left >= buffers.front().iov_len) {
            left -= buffers.front().iov_len;
            buffers = buffers.subspan(1);
        }
        if (!buffers.empty()) {
            if (wrote == 0) {
                return {EIO, boost::system::system_category()};
            }
            buffers.front().iov_base = static_cast<char*>(buffers.front().iov_base) + left;
            buffers.front().iov_len -= left;
        }
    }
    return {};
}

} // namespace detail

QUORATE_DECL error_code posix_file::write_at(std::uint64_t offset,
                                             std::span<const byte_view> pieces) noexcept {
    std::array<iovec, 512> buffers; // half of what Linux takes at once; uninitialised on purpose
    while (!pieces.empty()) {
        std::size_t count = 0;
        std::uint64_t bytes = 0;
        const std::size_t batch = std::min(pieces.size(), buffers.size());
        for (const byte_view piece : pieces.first(batch)) {
            if (!piece.empty()) {
                buffers[count++] = {const_cast<char*>(piece.data()), piece.size()};
                bytes += piece.size();
            }
        }
        const std::span<iovec> filled(buffers.data(), count);
        if (const error_code failed = detail::write_buffers(descriptor_, offset, filled)) {
            return failed;
        }
        offset += bytes;
        pieces = pieces.subspan(batch);
    }
    return {};
}

QUORATE_DECL error_code posix_file::reserve(std::uint64_t size) noexcept {
    if (size == 0) {
        return {}; // the system call refuses it
    }
#if defined(__linux__)
    // Not posix_fallocate: where the file system cannot reserve, glibc writes every block instead.
    int outcome = 0;
    do {
        outcome = ::fallocate(descriptor_, 0, 0, static_cast<off_t>(size));
    } while (outcome != 0 && errno == EINTR);
    const int error = outcome == 0 ? 0 : errno;
#else
    const int error = ::posix_fallocate(descriptor_, 0, static_cast<off_t>(size));
#endif
    if (error == EOPNOTSUPP || error == ENOSYS) {
        const result<std::uint64_t> now = this->size();
        return now && *now < size ? resize(size) : error_code();
    }
    return {error, boost::system::system_category()};
}

QUORATE_DECL error_code posix_file::resize(std::uint64_t size) noexcept {
    int outcome = 0;
    do {
        outcome = ::ftruncate(descriptor_, static_cast<off_t>(size));
    } while (outcome != 0 && errno == EINTR);
    return outcome == 0 ? error_code() : last_system_error();
}

QUORATE_DECL error_code posix_file::sync_data() noexcept {
#if defined(__APPLE__)
    return ::fcntl(descriptor_, F_FULLFSYNC) == 0 ? error_code() : last_system_error();
#else
    return ::fdatasync(descriptor_) == 0 ? error_code() : last_system_error();
#endif
}

} // namespace quorate

#endif
