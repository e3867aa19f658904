// Joining of spans.
#ifndef QUORATE_STORE_IMPL_KEY_COVER_IPP
#define QUORATE_STORE_IMPL_KEY_COVER_IPP

#include <quorate/store/key_cover.hpp>

#include <algorithm>
#include <utility>

namespace quorate {

QUORATE_DECL void key_cover::add(const key_span& span) {
    piece added{std::string(span.first), std::string(span.end), false};
    switch (span.kind) {
    // The next key after a key is the key and a zero byte.
    case key_span::shape::one: added.end.assign(span.first).push_back('\0'); break;
    case key_span::shape::before: break;
    case key_span::shape::rest: added.endless = true; break;
    }
    if (!added.endless && added.end <= added.first) {
        return;
    }
    // Those that end before it begins stay; those after them that begin where it ends, or before,
    // become part of it.
    const auto from = std::find_if(pieces_.begin(), pieces_.end(), [&](const piece& one) {
        return one.endless || one.end >= added.first;
    });
    const auto upto = std::find_if(from, pieces_.end(), [&](const piece& one) {
        return !added.endless && one.first > added.end;
    });
    for (auto joined = from; joined != upto; ++joined) {
        added.first = std::min(added.first, joined->first);
        added.endless = added.endless || joined->endless;
        added.end = std::max(added.end, joined->end);
    }
    pieces_.insert(pieces_.erase(from, upto), std::move(added));
}

QUORATE_DECL bool key_cover::covers(const key_span& span) const noexcept {
    const auto after = std::upper_bound(
        pieces_.begin(), pieces_.end(), span.first,
        [](byte_view key, const piece& one) { return key < byte_view(one.first); });
    if (after == pieces_.begin()) {
        return false;
    }
    const piece& near = *std::prev(after);
    if (near.endless) {
        return true;
    }
    const bool holds_first = span.first < byte_view(near.end);
    switch (span.kind) {
    case key_span::shape::one: return holds_first;
    case key_span::shape::before: return holds_first && span.end <= byte_view(near.end);
    case key_span::shape::rest: return false;
    }
    return false;
}

} // namespace quorate

#endif
