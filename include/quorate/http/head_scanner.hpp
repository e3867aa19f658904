// The search for the end of a request's head, with early refusals.
// Flow:       0. HTTP bytes → http::request
// In / Out:   bytes so far → incomplete, complete with a size, or a status that refuses
// Invariants: no head over the limit is complete; every line of a complete head ends with CRLF and
//             none but the first starts with a blank (obs-fold)
// Source:     RFC 9112 §2.2, §5.2. Beast's parser applies its limit to what is unparsed rather than
//             to the whole head, and accepts obs-fold; it is given whole heads that passed here.
// Threads:    the owner's
#ifndef QUORATE_HTTP_HEAD_SCANNER_HPP
#define QUORATE_HTTP_HEAD_SCANNER_HPP

#include <quorate/base/bytes.hpp>
#include <quorate/base/config.hpp>

#include <cstddef>

namespace quorate::http::detail {

struct scan_result {
    std::size_t head_bytes = 0; ///< Not zero: the head is complete and this long.
    unsigned refusal = 0;       ///< Not zero: the status to refuse with.
};

/// Remembers how far it looked, so that bytes arriving one by one cost linear time in total.
class head_scanner {
public:
    explicit head_scanner(std::size_t head_bytes_max) noexcept : limit_(head_bytes_max) {}

    /// Requires: `bytes` starts with what earlier calls since `reset` were given.
    /// Returns: neither size nor refusal while more bytes are needed. Refusals: 400 for a first
    /// byte that starts no method, a line that ends without CR and a folded line; 414 for a request
    /// line over the limit; 431 for a head over the limit.
    [[nodiscard]] scan_result scan(byte_view bytes) noexcept;

    void reset() noexcept { position_ = line_begin_ = 0; }

private:
    std::size_t limit_;
    std::size_t position_ = 0;   ///< Bytes before it are known to hold no unseen line end.
    std::size_t line_begin_ = 0; ///< Of the line that is not complete yet.
};

} // namespace quorate::http::detail

#if defined(QUORATE_HEADER_ONLY)
#include <quorate/http/impl/head_scanner.ipp>
#endif

#endif
