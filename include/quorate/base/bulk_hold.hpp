// Bytes that hold something else for as long as they, or copies of them, live.
// Flow:       beside 11; a snapshot that counts among those that are being read
// In / Out:   bytes, what they hold → the same bytes
// Threads:    as bulk_bytes; what is held ends on the thread that lets go of the bytes last
#ifndef QUORATE_BASE_BULK_HOLD_HPP
#define QUORATE_BASE_BULK_HOLD_HPP

#include <quorate/base/bulk_bytes.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

namespace quorate {
namespace detail {

class holding_source final : public bulk_source {
public:
    holding_source(bulk_bytes bytes, std::shared_ptr<const void> held)
        : held_(std::move(held)), bytes_(std::move(bytes)) {}

    [[nodiscard]] std::uint64_t size() const noexcept override { return bytes_.size(); }
    [[nodiscard]] std::uint64_t hash() const override { return bytes_.hash(); }
    [[nodiscard]] result<shared_bytes> read(std::uint64_t offset,
                                            std::size_t size_max) const override {
        return bytes_.read(offset, size_max);
    }
    [[nodiscard]] bool blocking() const noexcept override { return bytes_.blocking(); }

private:
    std::shared_ptr<const void> held_; // goes last
    bulk_bytes bytes_;
};

} // namespace detail

/// Returns: the same bytes; `held` is let go of behind the last copy of them.
[[nodiscard]] inline bulk_bytes holding(std::shared_ptr<const void> held, bulk_bytes bytes) {
    return bulk_bytes(std::make_shared<detail::holding_source>(std::move(bytes), std::move(held)));
}

} // namespace quorate

#endif
