// Comparison of two histories; bytes of the memory of starts.
#ifndef QUORATE_SERVER_IMPL_MEMBER_PAST_IPP
#define QUORATE_SERVER_IMPL_MEMBER_PAST_IPP

#include <quorate/base/checksum.hpp>
#include <quorate/server/member_past.hpp>

#include <utility>

namespace quorate {
namespace detail {

inline constexpr byte_view lives_magic = "QRATELIV";
inline constexpr std::uint16_t lives_version = 1;
inline constexpr std::size_t lives_fixed_bytes = 20;

} // namespace detail

QUORATE_DECL hello_status judge_history(const member_past& ours, const member_past& theirs,
                                        const past_entry& found) noexcept {
    const bool both_marked = ours.birth_applied && theirs.birth_applied;
    if (both_marked && ours.birth != theirs.birth) {
        return hello_status::other_group;
    }
    const bool same_entry = found.known && found.term == theirs.last.term;
    if (same_entry && found.held && theirs.holds_last && found.checksum != theirs.last_checksum) {
        return hello_status::other_group;
    }
    if (!ours.birth_applied || ours.birth == theirs.birth || same_entry) {
        return hello_status::ok;
    }
    const bool begins = theirs.last.index <= log_index(1) || theirs.joining;
    const bool ahead = !theirs.birth && theirs.last.index > ours.last.index;
    return begins || ahead || theirs.admits_loss ? hello_status::ok : hello_status::unproven;
}

QUORATE_DECL std::string described(birth_mark birth) {
    if (!birth) {
        return "none yet";
    }
    std::string digits(16, '0');
    std::uint64_t left = birth.value();
    for (auto digit = digits.rbegin(); digit != digits.rend(); ++digit, left >>= 4) {
        *digit = "0123456789abcdef"[left & 15];
    }
    return digits;
}

QUORATE_DECL std::string member_lives::encode() const {
    std::string bytes;
    byte_writer out(bytes);
    out.bytes(detail::lives_magic).u16(detail::lives_version).u16(0);
    out.u32(static_cast<std::uint32_t>(lives_.size()));
    for (const auto& [member, newest] : lives_) {
        out.u64(member.value()).u64(newest.starts).u64(newest.life);
    }
    out.u32(crc32c(bytes));
    return bytes;
}

QUORATE_DECL std::optional<member_lives> member_lives::decode(byte_view bytes) {
    if (bytes.size() < detail::lives_fixed_bytes) {
        return std::nullopt;
    }
    byte_reader in(bytes);
    const bool known = in.bytes(detail::lives_magic.size()) == detail::lives_magic &&
                       in.u16() == detail::lives_version && in.u16() == 0;
    const std::uint32_t count = in.u32();
    if (!known || count > members_max) {
        return std::nullopt;
    }
    member_lives read;
    for (std::uint32_t left = count; left > 0 && !in.failed(); --left) {
        const node_id member(in.u64());
        const std::uint64_t starts = in.u64();
        read.note(member, starts, in.u64());
    }
    const bool sound = in.u32() == crc32c(bytes.substr(0, bytes.size() - 4));
    return sound && in.finished() && read.lives_.size() == count ? std::optional(std::move(read))
                                                                 : std::nullopt;
}

} // namespace quorate

#endif
