// basic_node: ids that it does not know, and members that are not where the group has them.
#ifndef QUORATE_IMPL_NODE_UNKNOWN_HPP
#define QUORATE_IMPL_NODE_UNKNOWN_HPP

#include <quorate/net/peer_address.hpp>
#include <quorate/node.hpp>
#include <quorate/server/server_metrics.hpp>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

namespace quorate {
namespace detail {

/// Returns: the URLs between the commas, in ascending order.
[[nodiscard]] inline std::vector<std::string> sorted_urls(std::string_view joined) {
    std::vector<std::string> urls;
    for (std::size_t comma = 0; comma != std::string_view::npos;) {
        comma = joined.find(',');
        urls.emplace_back(joined.substr(0, comma));
        joined.remove_prefix(comma == std::string_view::npos ? joined.size() : comma + 1);
    }
    std::sort(urls.begin(), urls.end());
    return urls;
}

[[nodiscard]] inline bool has_peer_urls(const member_info& member, std::string_view joined) {
    return sorted_urls(joined_peer_urls(member)) == sorted_urls(joined);
}

} // namespace detail

// The rule for ids that this member does not know: a member that it knows has to name them. Where
// none does and this member has had no leader for long, it may be the one that is behind: then it
// hears what leaders and candidates send. doc/concept/transport.md has the argument.
template <class Policies>
admission basic_node<Policies>::on_unknown(node_id id) {
    if (options_.metrics != nullptr) {
        options_.metrics->unknown_members.add();
    }
    if (failed_ || stopping_ || members_.was_removed(id)) {
        return admission::refuse;
    }
    const clock::time_point now = runtime_.now();
    unknown_.on_greeting(id);
    if (unknown_.begin_round(now)) {
        ask_who_is_member();
    }
    const bool empty = members_.size() == 0 && options_.initial_members.empty();
    const auto patience =
        elections_without_leader * options_.engine.election_ticks * options_.tick_interval;
    if (options_.peer_certificates_name_members || (!empty && now - leader_heard_ < patience)) {
        return admission::wait;
    }
    if (unconfirmed_lines_.admit(now)) {
        say(severity::warning,
            "hears member " + std::to_string(id.value()) +
                " as a leader or candidate, though no member that this one knows names it: there "
                "was no leader for long, so this member may be the one that is behind" +
                unconfirmed_lines_.left_out());
    }
    return admission::unconfirmed;
}

template <class Policies>
void basic_node<Policies>::ask_who_is_member() {
    const member_table known =
        members_.size() > 0 ? members_ : member_table(options_.initial_members);
    for (const member_info& m : known) {
        if (m.id == options_.id || calls_.size() >= options_.calls_in_flight_max) {
            continue;
        }
        const auto note = [this, by = m.id](error_code failed, const shared_bytes& table) {
            if (!failed) {
                on_named_members(by, table.view());
            }
        };
        const std::uint64_t number = calls_.add(m.id, note, runtime_.now() + options_.leader_wait);
        if (!wire_->call(m.id, {number, false, {}, members_topic})) {
            calls_.finish(number, errc::peer_not_found);
        }
    }
}

template <class Policies>
void basic_node<Policies>::on_named_members(node_id by, byte_view bytes) {
    const std::optional<member_table> table = member_table::decode(bytes);
    if (!table || stopping_) {
        return;
    }
    for (const member_info& m : *table) {
        const bool known = members_.find(m.id) != nullptr || members_.was_removed(m.id);
        if (known || !can_be_member(m) || !unknown_.take(m.id)) {
            continue;
        }
        say(severity::info, "member " + std::to_string(m.id.value()) +
                                ", which this member does not know yet, is one according to "
                                "member " +
                                std::to_string(by.value()));
        connect(m);
    }
}

// An announcement changes nothing in the group: it is one more address to try. Whoever is reached
// there has to answer as that member of this cluster, and to show its certificate.
template <class Policies>
void basic_node<Policies>::on_announced(node_id from, byte_view urls) {
    constexpr std::size_t urls_bytes_max = 16 << 10;
    if constexpr (follows_announcements<transport_type>) {
        const std::string announced(urls);
        if (urls.size() > urls_bytes_max || !parse_peer_urls(announced)) {
            return;
        }
        const error_code refused = wire_->also_at(from, announced);
        const member_info* known = committed_table().find(from);
        if (known == nullptr || detail::has_peer_urls(*known, announced)) {
            announced_.erase(from);
            return;
        }
        std::string& before = announced_[from];
        if (std::exchange(before, announced) == announced ||
            !announced_lines_.admit(runtime_.now())) {
            return;
        }
        const std::string who = "member " + std::to_string(from.value());
        say(severity::warning,
            who + " announces the peer URLs " + announced + ", the group has " +
                joined_peer_urls(*known) + " for it; " +
                (refused ? "the announced ones may not be used" : "it is dialled at both") +
                ". A member update makes new ones permanent" + announced_lines_.left_out());
    }
}

// Logged once for each list of URLs that the group has for this member. Entries that were committed
// before the start and are not applied yet count: the last of them may be the member update.
template <class Policies>
void basic_node<Policies>::check_own_urls() {
    const member_info* own = committed_table().find(options_.id);
    const std::string& announced = options_.announced_peer_urls;
    if (own == nullptr || announced.empty()) {
        return;
    }
    const std::string known = joined_peer_urls(*own);
    const bool same = detail::has_peer_urls(*own, announced);
    if (std::exchange(own_urls_seen_, known) == known || same) {
        return;
    }
    say(severity::warning, "the group has the peer URLs " + known +
                               " for this member, which announces " + announced +
                               ". A member update makes new ones permanent; until then a member "
                               "that this one cannot reach does not find it");
}

// A snapshot may stand for a removal, so that no entry names it any more. A removed member that was
// away meanwhile learns of it as it dials this member.
template <class Policies>
void basic_node<Policies>::drop_removed() {
    for (const node_id id : members_.removed()) {
        if (id != options_.id) {
            wire_->drop_peer(id);
        }
    }
}

template <class Policies>
void basic_node<Policies>::note_leader(const message& m, clock::time_point now) {
    const bool leads = m.kind == message_kind::append || m.kind == message_kind::heartbeat ||
                       m.kind == message_kind::install_snapshot;
    if (leads && engine_->status().soft.leader == m.from) {
        leader_heard_ = now;
    }
}

template <class Policies>
void basic_node<Policies>::note_dropped(node_id from, error_code why) {
    if (dropped_lines_.admit(runtime_.now())) {
        say(severity::warning, "dropped a message of member " + std::to_string(from.value()) +
                                   ": " + why.message() + dropped_lines_.left_out());
    }
}

} // namespace quorate

#endif
