// The union of key spans: the permissions of a user together.
// Flow:       11 and 12. granted spans → whether a request lies within them
// In / Out:   spans in any order, overlapping or not → yes or no
// Invariants: the pieces are in order and never touch, so a span is covered exactly when one piece
//             covers it
// Source:     etcd's unified range permissions
// Threads:    none
#ifndef QUORATE_STORE_KEY_COVER_HPP
#define QUORATE_STORE_KEY_COVER_HPP

#include <quorate/base/bytes.hpp>
#include <quorate/base/config.hpp>
#include <quorate/command/key_span.hpp>

#include <cstddef>
#include <string>
#include <vector>

namespace quorate {

class key_cover {
public:
    /// Effects: covers the keys of the span too; a span without keys adds nothing.
    /// Complexity: linear in the pieces.
    QUORATE_DECL void add(const key_span& span);

    /// Returns: whether every key that the span can hold is covered. A span that can hold none is
    /// taken for its first key, so that nothing is allowed for being turned around.
    /// Complexity: logarithmic in the pieces.
    [[nodiscard]] QUORATE_DECL bool covers(const key_span& span) const noexcept;

    /// Returns: how many pieces are left after joining.
    [[nodiscard]] std::size_t size() const noexcept { return pieces_.size(); }

private:
    struct piece {
        std::string first;
        std::string end; ///< Not included; not used when there is none.
        bool endless = false;
    };

    std::vector<piece> pieces_;
};

} // namespace quorate

#if defined(QUORATE_HEADER_ONLY)
#include <quorate/store/impl/key_cover.ipp>
#endif

#endif
