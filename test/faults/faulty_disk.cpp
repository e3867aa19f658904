// A disk that fails on demand, for whole programs: preloaded, it stands before the system calls
// that change files below one directory.
//
//   QUORATE_FAULT_DIRECTORY  only files below it are concerned; without it nothing happens
//   QUORATE_FAULT_SYNC       N: the N-th fdatasync or fsync fails with EIO, once. The next one
//                            succeeds and lies, as kernels do that drop what they could not write.
//   QUORATE_FAULT_SYNC_WHILE FILE: only syncs made while this file exists are counted
//   QUORATE_FAULT_FULL       FILE: while it exists, what needs space fails with ENOSPC. When it is
//                            empty every write does; when it holds the word `growing`, those into
//                            blocks that the file has already do not, as on a real disk.
//   QUORATE_FAULT_SHORT      N: no write takes more than N bytes at once
//
// Every fault is told on standard error, so that a test can tell that it happened at all.
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <climits>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

namespace {

std::string variable(const char* name) {
    const char* const value = std::getenv(name);
    return value == nullptr ? "" : value;
}
std::uint64_t number(const char* name) {
    return std::strtoull(variable(name).c_str(), nullptr, 10);
}

/// What the environment asks for, read once.
struct fault_plan {
    std::string directory = variable("QUORATE_FAULT_DIRECTORY");
    std::uint64_t failing_sync = number("QUORATE_FAULT_SYNC");
    std::string sync_while = variable("QUORATE_FAULT_SYNC_WHILE");
    std::string full = variable("QUORATE_FAULT_FULL");
    std::uint64_t write_max = number("QUORATE_FAULT_SHORT");
    std::atomic<std::uint64_t> syncs = 0;
    std::atomic<bool> told_of_short_writes = false;
};

fault_plan& plan() {
    static fault_plan only;
    return only;
}

/// Returns: the function that the program would have called.
template <class Function>
Function* real(const char* name) {
    void* const found = dlsym(RTLD_NEXT, name);
    if (found == nullptr) {
        std::fprintf(stderr, "faulty_disk: there is no %s\n", name);
        std::abort();
    }
    return reinterpret_cast<Function*>(found);
}

std::string path_of(int descriptor) {
    std::array<char, PATH_MAX> place;
    const std::string link = "/proc/self/fd/" + std::to_string(descriptor);
    const ssize_t size = ::readlink(link.c_str(), place.data(), place.size());
    return size < 0 ? "" : std::string(place.data(), static_cast<std::size_t>(size));
}

bool concerned(const std::string& path) {
    const std::string& top = plan().directory;
    return !top.empty() && (path == top || path.starts_with(top + "/"));
}

bool exists(const std::string& path) {
    return !path.empty() && ::access(path.c_str(), F_OK) == 0;
}

void tell(const char* what, const std::string& path) {
    std::fprintf(stderr, "faulty_disk: %s: %s\n", what, path.c_str());
}

/// Returns: whether bytes up to `end` need blocks that the file does not have. A hole counts as
/// blocks that are there, which is right for files that were reserved or written in order.
bool grows(int descriptor, std::uint64_t end) {
    struct stat facts {};
    return ::fstat(descriptor, &facts) != 0 || end > static_cast<std::uint64_t>(facts.st_size);
}

/// Returns: whether there is no room for bytes up to `end`; then it sets errno.
bool refuse_space(int descriptor, std::uint64_t end) {
    const std::string& flag = plan().full;
    if (!exists(flag)) {
        return false;
    }
    const std::string path = path_of(descriptor);
    struct stat facts {};
    const bool growing_only = ::stat(flag.c_str(), &facts) == 0 && facts.st_size > 0;
    if (!concerned(path) || (growing_only && !grows(descriptor, end))) {
        return false;
    }
    tell("no space", path);
    errno = ENOSPC;
    return true;
}

int sync_file(const char* name, int descriptor) {
    const std::string& flag = plan().sync_while;
    if (plan().failing_sync != 0 && (flag.empty() || exists(flag))) {
        const std::string path = path_of(descriptor);
        if (concerned(path) && ++plan().syncs == plan().failing_sync) {
            tell("sync failed", path);
            errno = EIO;
            return -1;
        }
    }
    return real<int(int)>(name)(descriptor);
}

/// Returns: how many of `size` bytes may be written at once.
std::size_t allowed(int descriptor, std::size_t size) {
    const std::uint64_t most = plan().write_max;
    if (most == 0 || size <= most) {
        return size;
    }
    const std::string path = path_of(descriptor);
    if (!concerned(path)) {
        return size;
    }
    if (!plan().told_of_short_writes.exchange(true)) {
        tell("short writes", path);
    }
    return static_cast<std::size_t>(most);
}

std::uint64_t end_of(off_t offset, std::size_t size) {
    return static_cast<std::uint64_t>(offset) + size;
}

std::uint64_t position_of(int descriptor) {
    const off_t at = ::lseek(descriptor, 0, SEEK_CUR);
    return at < 0 ? 0 : static_cast<std::uint64_t>(at);
}

/// Writes the buffers, or as much of them as one write takes, through one call per case.
template <class Write>
ssize_t write_buffers(int descriptor, const iovec* buffers, int count, std::uint64_t offset,
                      Write&& write) {
    std::size_t size = 0;
    for (int i = 0; i < count; ++i) {
        size += buffers[i].iov_len;
    }
    if (refuse_space(descriptor, offset + size)) {
        return -1;
    }
    std::size_t left = allowed(descriptor, size);
    if (left == size) {
        return write(buffers, count);
    }
    std::array<iovec, 1024> fewer;
    int used = 0;
    while (left > 0 && used < count && used < 1024) {
        iovec& buffer = fewer[static_cast<std::size_t>(used)];
        buffer = buffers[used++];
        buffer.iov_len = std::min(buffer.iov_len, left);
        left -= buffer.iov_len;
    }
    return write(fewer.data(), used);
}

ssize_t write_at(const char* name, int descriptor, const void* bytes, std::size_t size,
                 off_t offset) {
    if (refuse_space(descriptor, end_of(offset, size))) {
        return -1;
    }
    return real<ssize_t(int, const void*, std::size_t, off_t)>(name)(
        descriptor, bytes, allowed(descriptor, size), offset);
}

ssize_t write_vector_at(const char* name, int descriptor, const iovec* buffers, int count,
                        off_t offset) {
    return write_buffers(descriptor, buffers, count, end_of(offset, 0),
                         [=](const iovec* chosen, int used) {
                             return real<ssize_t(int, const iovec*, int, off_t)>(name)(
                                 descriptor, chosen, used, offset);
                         });
}

int reserve(const char* name, int descriptor, int mode, off_t offset, off_t size) {
    if (refuse_space(descriptor, end_of(offset, static_cast<std::size_t>(size)))) {
        return -1;
    }
    return real<int(int, int, off_t, off_t)>(name)(descriptor, mode, offset, size);
}

} // namespace

extern "C" {

int fsync(int descriptor) {
    return sync_file("fsync", descriptor);
}
int fdatasync(int descriptor) {
    return sync_file("fdatasync", descriptor);
}

ssize_t write(int descriptor, const void* bytes, std::size_t size) {
    if (refuse_space(descriptor, position_of(descriptor) + size)) {
        return -1;
    }
    return real<ssize_t(int, const void*, std::size_t)>("write")(descriptor, bytes,
                                                                 allowed(descriptor, size));
}
ssize_t writev(int descriptor, const iovec* buffers, int count) {
    return write_buffers(
        descriptor, buffers, count, position_of(descriptor), [=](const iovec* chosen, int used) {
            return real<ssize_t(int, const iovec*, int)>("writev")(descriptor, chosen, used);
        });
}
ssize_t pwrite(int descriptor, const void* bytes, std::size_t size, off_t offset) {
    return write_at("pwrite", descriptor, bytes, size, offset);
}
ssize_t pwrite64(int descriptor, const void* bytes, std::size_t size, off64_t offset) {
    return write_at("pwrite64", descriptor, bytes, size, offset);
}
ssize_t pwritev(int descriptor, const iovec* buffers, int count, off_t offset) {
    return write_vector_at("pwritev", descriptor, buffers, count, offset);
}
ssize_t pwritev64(int descriptor, const iovec* buffers, int count, off64_t offset) {
    return write_vector_at("pwritev64", descriptor, buffers, count, offset);
}
int fallocate(int descriptor, int mode, off_t offset, off_t size) {
    return reserve("fallocate", descriptor, mode, offset, size);
}
int fallocate64(int descriptor, int mode, off64_t offset, off64_t size) {
    return reserve("fallocate64", descriptor, mode, offset, size);
}

} // extern "C"
