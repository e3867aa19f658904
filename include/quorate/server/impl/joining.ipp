// The comparison of lists of URLs, and the sentences for differences.
#ifndef QUORATE_SERVER_IMPL_JOINING_IPP
#define QUORATE_SERVER_IMPL_JOINING_IPP

#include <quorate/server/joining.hpp>

#include <algorithm>
#include <utility>

namespace quorate {
namespace detail {

[[nodiscard]] inline bool same_urls(std::vector<std::string> a, std::vector<std::string> b) {
    std::sort(a.begin(), a.end());
    std::sort(b.begin(), b.end());
    return a == b;
}

[[nodiscard]] inline const member_info* find_by_urls(const member_table& members,
                                                     const std::vector<std::string>& urls) {
    const auto found = std::find_if(members.begin(), members.end(), [&](const member_info& m) {
        return same_urls(m.peer_urls, urls);
    });
    return found == members.end() ? nullptr : &*found;
}

/// Returns: NAME=URL,... as far as there are names; no more of it than fits a line.
[[nodiscard]] inline std::string described(const member_table& members) {
    constexpr std::size_t line_bytes_max = 1000;
    std::string text;
    for (const member_info& m : members) {
        const std::string name = m.name.empty() ? "(not started)" : m.name;
        text.append(text.empty() ? "" : ", ").append(name).append("=").append(joined_peer_urls(m));
        if (text.size() > line_bytes_max) {
            return text.substr(0, line_bytes_max) + "...";
        }
    }
    return text;
}

[[nodiscard]] inline std::string joined_urls(const std::vector<std::string>& urls) {
    return joined_peer_urls(member_info(node_id(), urls));
}

} // namespace detail

QUORATE_DECL std::string problem_of_return(node_id id, const member_table& members) {
    const std::string who = "member " + std::to_string(id.value());
    if (members.was_removed(id)) {
        return who + " was removed from the cluster and cannot come back; add it as a new one";
    }
    const member_info* known = members.find(id);
    // First members have names from the start; where clients find one it says itself.
    if (known != nullptr && !known->client_urls.empty()) {
        return who + " (" + known->name +
               ") has taken part in the cluster already, and what it promised is not in this data "
               "directory; remove it from the cluster and add it as a new one";
    }
    return "";
}

QUORATE_DECL joining match_newcomer(const newcomer& who, const member_table& members) {
    const std::string all = "; its members are " + detail::described(members);
    if (who.id && members.was_removed(who.id)) {
        return {{}, problem_of_return(who.id, members)};
    }
    const member_info* self = detail::find_by_urls(members, who.peer_urls);
    if (self == nullptr) {
        return {{},
                "no member of the cluster has the peer URLs " + detail::joined_urls(who.peer_urls) +
                    ": add this member first" + all};
    }
    if (who.id && self->id != who.id) {
        return {{},
                "the data directory is that of member " + std::to_string(who.id.value()) +
                    ", and the peer URLs " + detail::joined_urls(who.peer_urls) + " are those of " +
                    std::to_string(self->id.value())};
    }
    if (who.expected.size() != members.size()) {
        return {{},
                "member count is unequal: " + std::to_string(who.expected.size()) +
                    " are expected, the cluster has " + std::to_string(members.size()) + all};
    }
    for (const member_info& one : who.expected) {
        if (detail::find_by_urls(members, one.peer_urls) == nullptr) {
            return {{},
                    "no member of the cluster has the peer URLs " + joined_peer_urls(one) +
                        " that are given for " + one.name + all};
        }
    }
    std::string problem = problem_of_return(self->id, members);
    return problem.empty() ? joining{self->id, {}} : joining{{}, std::move(problem)};
}

} // namespace quorate

#endif
