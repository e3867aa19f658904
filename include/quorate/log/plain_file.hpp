// A file of the operating system as bytes that are read where they lie.
// Flow:       none; what a program was given as a file, on its way to whoever reads bulk_bytes
// In / Out:   offset → a piece
// Invariants: no more than a block is held in memory
// Threads:    any
#ifndef QUORATE_LOG_PLAIN_FILE_HPP
#define QUORATE_LOG_PLAIN_FILE_HPP

#include <quorate/base/bulk_bytes.hpp>
#include <quorate/base/result.hpp>
#include <quorate/log/posix_file.hpp>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <utility>

namespace quorate {

/// The first `size` bytes of a file. Nothing vouches for them: whoever needs that checks them. It
/// is held open, so that its name may go.
class plain_file final : public bulk_source {
public:
    /// Requires: it had so many bytes, once.
    plain_file(posix_file file, std::uint64_t size) noexcept
        : file_(std::move(file)), size_(size) {}

    [[nodiscard]] std::uint64_t size() const noexcept override { return size_; }
    /// Complexity: reads the whole file. A part that cannot be read counts as one without bytes:
    /// whoever reads it himself hears of that.
    [[nodiscard]] std::uint64_t hash() const override;
    /// Errors: truncated where the file has become shorter, or of the operating system.
    [[nodiscard]] result<shared_bytes> read(std::uint64_t offset,
                                            std::size_t size_max) const override;
    [[nodiscard]] bool blocking() const noexcept override { return true; }

private:
    posix_file file_;
    std::uint64_t size_;
};

/// Returns: the file, open for reading. Errors: of the operating system; invalid_argument for what
/// is no regular file.
[[nodiscard]] result<posix_file> open_plain_file(const std::filesystem::path& path);

} // namespace quorate

#if defined(QUORATE_HEADER_ONLY)
#include <quorate/log/impl/plain_file.ipp>
#endif

#endif
