// Ids that tell one request from every other, across members and restarts.
// Flow:       2. request → command bytes; the id stands in the command's first sixteen bytes
// Invariants: never zero; two runs of any members share no id unless they drew the same 64 random
//             bits
// Source:     doc/format.md, "Command"
#ifndef QUORATE_SERVER_REQUEST_IDS_HPP
#define QUORATE_SERVER_REQUEST_IDS_HPP

#include <quorate/base/ids.hpp>

#include <cstdint>

namespace quorate {

/// Neither the member's id nor a clock is part of an id: ids of members may be any 64 bits, and a
/// clock may go back while a member is down.
class request_ids {
public:
    /// `life`: 64 random bits, drawn anew at each start of each member.
    explicit request_ids(std::uint64_t life) noexcept : life_(life) {}

    [[nodiscard]] request_id next() noexcept { return request_id(++number_, life_); }

private:
    std::uint64_t life_;
    std::uint64_t number_ = 0;
};

} // namespace quorate

#endif
