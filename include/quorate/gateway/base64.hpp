// Bytes as text: the standard alphabet with padding, and where a text is not that.
// Flow:       1. JSON text → request; and 13, reply → JSON text
// In / Out:   bytes ↔ RFC 4648 §4
// Source:     which texts are refused, and the position that is reported, are Go's encoding/base64,
//             so that clients read the errors they know from etcd
// Threads:    any
#ifndef QUORATE_GATEWAY_BASE64_HPP
#define QUORATE_GATEWAY_BASE64_HPP

#include <quorate/base/bytes.hpp>
#include <quorate/base/config.hpp>

#include <cstddef>
#include <string>
#include <string_view>

namespace quorate::gateway {

/// Returns: how many characters so many bytes make.
[[nodiscard]] constexpr std::size_t base64_text_size(std::size_t bytes) noexcept {
    return (bytes + 2) / 3 * 4;
}
/// Returns: how many bytes a text of that size makes at most.
[[nodiscard]] constexpr std::size_t base64_bytes_max(std::size_t text) noexcept {
    return (text + 3) / 4 * 3;
}

/// Effects: appends `bytes` as text.
QUORATE_DECL void append_base64(std::string& out, byte_view bytes);

struct base64_decoded {
    std::size_t size = 0; ///< Bytes that were written.
    bool valid = false;
    std::size_t bad_offset = 0; ///< Where in the text it is wrong, when it is not valid.
};

/// Effects: writes what `text` stands for; line ends in it are left out.
/// Requires: room for base64_bytes_max(text.size()) bytes at `out`. The text may lie elsewhere
/// only.
[[nodiscard]] QUORATE_DECL base64_decoded decode_base64(std::string_view text, char* out) noexcept;

} // namespace quorate::gateway

#if defined(QUORATE_HEADER_ONLY)
#include <quorate/gateway/impl/base64.ipp>
#endif

#endif
