// A member of the group as everybody knows it: its name and its addresses.
// Flow:       11; travels with membership changes and in the member table
// In / Out:   member_info → bytes → member_info
// Invariants: what is decoded is within the limits
// Source:     doc/format.md, "Members"
// Threads:    any
#ifndef QUORATE_SERVER_MEMBER_INFO_HPP
#define QUORATE_SERVER_MEMBER_INFO_HPP

#include <quorate/base/config.hpp>
#include <quorate/base/ids.hpp>
#include <quorate/format/primitives.hpp>

#include <concepts>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace quorate {

/// URLs of one kind that a member may have.
inline constexpr std::size_t member_urls_max = 64;
/// Bytes of a URL or a name.
inline constexpr std::size_t member_text_bytes_max = 4096;

struct member_info {
    node_id id{};
    std::vector<std::string> peer_urls;   ///< Where its peers reach it, tried in this order.
    std::string name;                     ///< For people; empty until it is known.
    std::vector<std::string> client_urls; ///< What it told clients; empty until it is known.

    member_info() = default;
    template <std::convertible_to<std::string> Url>
    member_info(node_id member, Url peer_url) : id(member), peer_urls{std::move(peer_url)} {}
    member_info(node_id member, std::vector<std::string> urls, std::string called = {},
                std::vector<std::string> for_clients = {})
        : id(member),
          peer_urls(std::move(urls)),
          name(std::move(called)),
          client_urls(std::move(for_clients)) {}

    friend bool operator==(const member_info&, const member_info&) noexcept = default;
};

/// Returns: whether there are not too many of them, and none is empty or too long.
[[nodiscard]] bool urls_within_limits(const std::vector<std::string>& urls) noexcept;

/// Returns: whether it can be encoded: somebody's, at least one peer URL, nothing empty or over a
/// limit but for the name. Says nothing of whether they are URLs.
[[nodiscard]] bool within_limits(const member_info& member) noexcept;

/// Returns: whether it is within the limits, and a peer can connect to each of its peer URLs: they
/// are URLs, with a port other than 0, which is for listeners.
[[nodiscard]] bool can_be_member(const member_info& member);

/// Returns: the peer URLs with commas between them, as a transport takes them.
[[nodiscard]] std::string joined_peer_urls(const member_info& member);

/// What a membership change tells of a member. The parts that are not told stay as they are.
struct member_update {
    member_info info;
    bool peer_urls = true;  ///< Whether `info.peer_urls` is told.
    bool attributes = true; ///< Whether `info.name` and `info.client_urls` are.
    /// The group's mark, where it has none yet; zero: none is proposed.
    birth_mark birth{};
    bool new_group = false; ///< `birth` replaces the mark that the group has.
};

/// Effects: writes it. Requires: within_limits(member).
void encode_member(const member_info& member, byte_writer& out);
/// Returns: what was written; fails the reader on anything else.
[[nodiscard]] member_info read_member(byte_reader& in);

/// Requires: within_limits(update.info).
[[nodiscard]] std::string encode(const member_update& update);
/// Returns: what was encoded, or none for other bytes.
[[nodiscard]] std::optional<member_update> decode_member_update(byte_view bytes);

} // namespace quorate

#if defined(QUORATE_HEADER_ONLY)
#include <quorate/server/impl/member_info.ipp>
#endif

#endif
