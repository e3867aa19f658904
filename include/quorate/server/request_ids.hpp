// Numbers that tell one request from every other, across members and restarts.
// Flow:       2. request → command bytes; the id stands in the command's first eight bytes
// Invariants: never zero; unique as long as a member's clock does not go back by more than the
//             time it was down
// Source:     etcd's layout: member, start time in milliseconds, counter
#ifndef QUORATE_SERVER_REQUEST_IDS_HPP
#define QUORATE_SERVER_REQUEST_IDS_HPP

#include <quorate/base/ids.hpp>

#include <cstdint>

namespace quorate {

/// 16 bits of the member, 40 bits of start time, 8 bits of counter that carry into the time: a
/// member may take 256 numbers a millisecond for ever before it runs ahead of its clock.
class request_ids {
public:
    /// `start_ms`: milliseconds since the epoch when this member started.
    request_ids(node_id member, std::uint64_t start_ms) noexcept
        : prefix_((member.value() & 0xffff) << 48), suffix_((start_ms << 8) & suffix_mask) {}

    [[nodiscard]] request_id next() noexcept {
        suffix_ = (suffix_ + 1) & suffix_mask;
        suffix_ += suffix_ == 0 ? 1U : 0U;
        return request_id(prefix_ | suffix_);
    }

private:
    static constexpr std::uint64_t suffix_mask = (std::uint64_t{1} << 48) - 1;
    std::uint64_t prefix_;
    std::uint64_t suffix_;
};

} // namespace quorate

#endif
