// The reading of a file of another program.
#ifndef QUORATE_LOG_IMPL_PLAIN_FILE_IPP
#define QUORATE_LOG_IMPL_PLAIN_FILE_IPP

#include <quorate/base/checksum.hpp>
#include <quorate/log/plain_file.hpp>

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <utility>

namespace quorate {

QUORATE_DECL result<shared_bytes> plain_file::read(std::uint64_t offset,
                                                   std::size_t size_max) const {
    const std::uint64_t left = size_ - offset;
    const std::uint64_t most = std::min<std::uint64_t>(size_max, bulk_block_bytes);
    draft bytes(static_cast<std::size_t>(std::min(left, most)));
    const result<std::size_t> got = file_.read_at(offset, bytes.data(), bytes.size());
    if (!got) {
        return got.error();
    }
    return *got == bytes.size() ? result<shared_bytes>(std::move(bytes).freeze()) : errc::truncated;
}

QUORATE_DECL std::uint64_t plain_file::hash() const {
    bulk_hash all;
    for (std::uint64_t offset = 0; offset < size_; offset += bulk_block_bytes) {
        const result<shared_bytes> block = read(offset, bulk_block_bytes);
        all.add(block ? crc32c(block->view()) : 0);
    }
    return all.value();
}

QUORATE_DECL result<posix_file> open_plain_file(const std::filesystem::path& path) {
    // Without waiting: a pipe that nobody writes to is refused like one that somebody does.
    posix_file file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    struct stat facts {};
    if (!file.is_open() || ::fstat(file.descriptor(), &facts) != 0) {
        return last_system_error();
    }
    if (!S_ISREG(facts.st_mode)) {
        return make_error_code(boost::system::errc::invalid_argument);
    }
    return file;
}

} // namespace quorate

#endif
