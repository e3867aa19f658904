// The bytes of a command: a client's request in the log.
// Flow:       2. request → command bytes; 11. command bytes → request
// In / Out:   request → draft with room for the request id in front; bytes behind that → request
// Invariants: decode(encode(x)) = x for every x that check() lets pass, and encode(decode(b)) = b
//             for every b that decodes
// Source:     doc/format.md, "Command"
// Threads:    none
#ifndef QUORATE_FORMAT_COMMAND_HPP
#define QUORATE_FORMAT_COMMAND_HPP

#include <quorate/base/bytes.hpp>
#include <quorate/base/config.hpp>
#include <quorate/base/result.hpp>
#include <quorate/command/request.hpp>
#include <quorate/command/validate.hpp>

#include <cstddef>
#include <cstdint>

namespace quorate {

/// The version of the encoding that is written; any other is refused.
inline constexpr std::uint8_t command_version = 1;

/// What follows in a command. Values are part of the format.
enum class command_kind : std::uint8_t {
    put = 1,
    range = 2,
    delete_range = 3,
    compact = 4,
    txn = 5,
    lease_grant = 6,
    lease_revoke = 7,
    lease_checkpoint = 8,
    lease_takeover = 9,
    alarm_change = 10,
};

/// Effects: one allocation, one copy of each key and value.
/// Returns: `free_bytes` zero bytes for the caller to use, then the command.
/// Requires: all of it is shorter than 4 GiB (see validate()). What check() refuses may encode to
/// bytes that do not decode.
[[nodiscard]] QUORATE_DECL draft encode_command(const request& asked, std::size_t free_bytes);

/// Total: any bytes get an answer. Only the lists of a transaction or checkpoint are allocated, at
/// most some ten times the bytes of the command.
/// Returns: the request; its views refer to `command`, which must outlive it. What is in it is not
/// checked any further (see check()).
/// Errors: command_invalid when the bytes are not exactly one command of this version.
[[nodiscard]] QUORATE_DECL result<request> decode_command(byte_view command);

/// Returns: the slice of `whole` that `part` views, so that a decoded value is kept without a copy.
/// Requires: `part` is empty or lies within `whole`.
[[nodiscard]] inline shared_bytes slice_of(const shared_bytes& whole, byte_view part) noexcept {
    if (part.empty()) {
        return {};
    }
    QUORATE_ASSERT(part.data() >= whole.data());
    return whole.slice(static_cast<std::size_t>(part.data() - whole.data()), part.size());
}

} // namespace quorate

#if defined(QUORATE_HEADER_ONLY)
#include <quorate/format/impl/command.ipp>
#endif

#endif
