// A small value that is kept as long as the process lives: for tests and groups without a disk.
// Flow:       before 1
// Source:     doc/concept/meta_store.md
// Threads:    one
#ifndef QUORATE_LOG_MEMORY_META_HPP
#define QUORATE_LOG_MEMORY_META_HPP

#include <quorate/log/meta_store.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

namespace quorate {

/// Models meta_store.
class memory_meta {
public:
    /// `max_bytes` as in `meta_options`.
    explicit memory_meta(std::uint64_t max_bytes) noexcept : max_bytes_(max_bytes) {}

    [[nodiscard]] static result<std::unique_ptr<memory_meta>> open(const meta_options& options) {
        return std::make_unique<memory_meta>(options.max_bytes);
    }

    [[nodiscard]] result<std::optional<std::string>> load() const { return value_; }

    /// Errors: too_large.
    [[nodiscard]] error_code save(byte_view value) {
        if (value.size() > max_bytes_) {
            return errc::too_large;
        }
        value_.emplace(value);
        return {};
    }

private:
    std::uint64_t max_bytes_;
    std::optional<std::string> value_;
};

static_assert(meta_store<memory_meta>);

} // namespace quorate

#endif
