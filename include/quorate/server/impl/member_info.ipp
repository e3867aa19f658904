// Limits and bytes of a member.
#ifndef QUORATE_SERVER_IMPL_MEMBER_INFO_IPP
#define QUORATE_SERVER_IMPL_MEMBER_INFO_IPP

#include <quorate/net/peer_address.hpp>
#include <quorate/server/member_info.hpp>

#include <algorithm>

namespace quorate {
namespace detail {

inline constexpr std::uint32_t tells_peer_urls = 1;
inline constexpr std::uint32_t tells_attributes = 2;
inline constexpr std::uint32_t tells_birth = 4;
inline constexpr std::uint32_t tells_new_group = 8;
inline constexpr std::uint32_t tells_all = 15;

inline void encode_text(const std::string& text, byte_writer& out) {
    out.u32(static_cast<std::uint32_t>(text.size())).bytes(text);
}

inline void encode_urls(const std::vector<std::string>& urls, byte_writer& out) {
    out.u32(static_cast<std::uint32_t>(urls.size()));
    for (const std::string& url : urls) {
        encode_text(url, out);
    }
}

[[nodiscard]] inline std::string read_text(byte_reader& in) {
    const std::uint32_t size = in.u32();
    if (size > member_text_bytes_max) {
        in.fail();
    }
    return std::string(in.bytes(size));
}

[[nodiscard]] inline std::vector<std::string> read_urls(byte_reader& in) {
    std::vector<std::string> urls;
    std::uint32_t left = in.u32();
    if (left > member_urls_max) {
        in.fail();
    }
    for (; left > 0 && !in.failed(); --left) {
        urls.push_back(read_text(in));
    }
    return urls;
}

} // namespace detail

QUORATE_DECL bool urls_within_limits(const std::vector<std::string>& urls) noexcept {
    // A comma separates URLs where a transport is given them.
    return urls.size() <= member_urls_max &&
           std::all_of(urls.begin(), urls.end(), [](const std::string& url) {
               return !url.empty() && url.size() <= member_text_bytes_max &&
                      url.find(',') == std::string::npos;
           });
}

QUORATE_DECL bool within_limits(const member_info& member) noexcept {
    return member.id && !member.peer_urls.empty() && urls_within_limits(member.peer_urls) &&
           member.name.size() <= member_text_bytes_max && urls_within_limits(member.client_urls);
}

QUORATE_DECL bool can_be_member(const member_info& member) {
    const auto usable = [](const std::string& url) {
        const auto address = parse_peer_url(url);
        return address && address->port != 0;
    };
    return within_limits(member) &&
           std::all_of(member.peer_urls.begin(), member.peer_urls.end(), usable);
}

QUORATE_DECL std::string joined_peer_urls(const member_info& member) {
    std::string joined;
    for (const std::string& url : member.peer_urls) {
        joined += (joined.empty() ? "" : ",") + url;
    }
    return joined;
}

QUORATE_DECL void encode_member(const member_info& member, byte_writer& out) {
    QUORATE_ASSERT(within_limits(member));
    out.u64(member.id.value());
    detail::encode_urls(member.peer_urls, out);
    detail::encode_text(member.name, out);
    detail::encode_urls(member.client_urls, out);
}

QUORATE_DECL member_info read_member(byte_reader& in) {
    member_info member;
    member.id = node_id(in.u64());
    member.peer_urls = detail::read_urls(in);
    member.name = detail::read_text(in);
    member.client_urls = detail::read_urls(in);
    if (!within_limits(member)) {
        in.fail();
    }
    return member;
}

QUORATE_DECL std::string encode(const member_update& update) {
    std::string bytes;
    byte_writer out(bytes);
    out.u32((update.peer_urls ? detail::tells_peer_urls : 0) |
            (update.attributes ? detail::tells_attributes : 0) |
            (update.birth ? detail::tells_birth : 0) |
            (update.new_group ? detail::tells_new_group : 0));
    encode_member(update.info, out);
    if (update.birth) {
        out.u64(update.birth.value());
    }
    return bytes;
}

QUORATE_DECL std::optional<member_update> decode_member_update(byte_view bytes) {
    byte_reader in(bytes);
    const std::uint32_t told = in.u32();
    member_update update{read_member(in),
                         (told & detail::tells_peer_urls) != 0,
                         (told & detail::tells_attributes) != 0,
                         {},
                         (told & detail::tells_new_group) != 0};
    const bool marks = (told & detail::tells_birth) != 0;
    if (marks) {
        update.birth = birth_mark(in.u64());
    }
    const bool known = (told & ~detail::tells_all) == 0 && marks == static_cast<bool>(update.birth);
    return known && (marks || !update.new_group) && in.finished() ? std::optional(std::move(update))
                                                                  : std::nullopt;
}

} // namespace quorate

#endif
