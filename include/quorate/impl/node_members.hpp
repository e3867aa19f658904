// basic_node: members added, changed and removed, and what each tells of itself.
#ifndef QUORATE_IMPL_NODE_MEMBERS_HPP
#define QUORATE_IMPL_NODE_MEMBERS_HPP

#include <quorate/net/peer_address.hpp>
#include <quorate/node.hpp>
#include <quorate/server/server_metrics.hpp>

#include <algorithm>
#include <string>
#include <utility>

namespace quorate {
namespace detail {

[[nodiscard]] inline bool can_be_member(const member_info& member) {
    const auto usable = [](const std::string& url) {
        return static_cast<bool>(parse_peer_url(url));
    };
    return within_limits(member) &&
           std::all_of(member.peer_urls.begin(), member.peer_urls.end(), usable);
}

} // namespace detail

template <class Policies>
void basic_node<Policies>::add_member(const member_info& member, change_kind kind, handler done) {
    QUORATE_ASSERT(kind == change_kind::add_voter || kind == change_kind::add_learner);
    if (!detail::can_be_member(member)) {
        done(errc::invalid_option);
        return;
    }
    if (members_.was_removed(member.id)) {
        done(errc::member_removed);
        return;
    }
    const member_info* known = members_.find(member.id);
    const bool voter = engine_ != nullptr && engine_->members().is_voter(member.id);
    if (known != nullptr && kind == change_kind::add_voter && voter) {
        done(known->peer_urls == member.peer_urls ? error_code() : error_code(errc::member_exists));
        return;
    }
    const bool attributes = !member.name.empty() || !member.client_urls.empty();
    propose_change({kind, member.id}, encode(member_update{member, true, attributes}),
                   std::move(done));
}

template <class Policies>
void basic_node<Policies>::update_member(const member_info& member, handler done) {
    const member_info* known = members_.find(member.id);
    if (known == nullptr) {
        done(errc::member_unknown);
        return;
    }
    if (!detail::can_be_member(member)) {
        done(errc::invalid_option);
        return;
    }
    // Only what differs is told, so that it does not undo what somebody else changes meanwhile.
    const bool same = *known == member;
    const bool urls = same || known->peer_urls != member.peer_urls;
    const bool attributes =
        same || known->name != member.name || known->client_urls != member.client_urls;
    propose_change({change_kind::update, member.id},
                   encode(member_update{member, urls, attributes}), std::move(done));
}

template <class Policies>
void basic_node<Policies>::remove_member(node_id member, handler done) {
    if (members_.find(member) == nullptr) {
        done(members_.was_removed(member) ? errc::member_removed : errc::member_unknown);
        return;
    }
    propose_change({change_kind::remove, member}, {}, std::move(done));
}

// The context of a change is the request's id, and behind it what is told of the member.
template <class Policies>
void basic_node<Policies>::propose_change(const single_change& change, byte_view told,
                                          handler done) {
    if (const error_code refused = admit()) {
        done(refused);
        return;
    }
    const request_id id = ids_.next();
    draft context(command_header_bytes + told.size());
    store_little(context.data(), id.value());
    std::copy(told.begin(), told.end(), context.data() + command_header_bytes);
    membership_change asked;
    asked.changes.push_back(change);
    asked.context = std::move(context).freeze();
    enqueue(id, entry_kind::change, encode(asked, entry_kind::change),
            [done = std::move(done)](error_code failed, reply_type) { done(failed); });
}

// What is refused here is refused by every member: it rests on nothing but the log.
template <class Policies>
void basic_node<Policies>::apply_change(const entry& e) {
    const std::optional<told_change> asked = read_change(e);
    if (!asked) {
        say(severity::error, "skipped a membership change that cannot be decoded");
        return;
    }
    error_code refused = check_change(*asked, members_, engine_->members());
    const id_set learners = engine_->members().learners;
    if (!refused) {
        refused = engine_->apply_change(asked->change).error();
    }
    if (refused) {
        requests_.finish(asked->id, refused, reply_type{});
        return;
    }
    for (const single_change& one : asked->change.changes) {
        const bool promoted = learners.contains(one.node) && engine_->members().is_voter(one.node);
        if (promoted && soft_.role == role_kind::leader && options_.metrics != nullptr) {
            options_.metrics->learner_promotions.add();
        }
        adopt_change(one, asked->told);
    }
    observer_->on_members();
    requests_.finish(asked->id, {}, reply_type{});
}

template <class Policies>
void basic_node<Policies>::adopt_change(const single_change& change,
                                        const std::optional<member_update>& told) {
    if (!change.node) {
        return;
    }
    const std::string name = "member " + std::to_string(change.node.value());
    if (change.kind != change_kind::remove) {
        members_.put(*told);
        const member_info& now = *members_.find(change.node);
        say(severity::info, name + " is part of the group at " + joined_peer_urls(now));
        connect(now);
        return;
    }
    members_.erase(change.node);
    say(severity::info, name + " was removed from the group");
    if (change.node != options_.id) {
        wire_->drop_peer(change.node);
        calls_.on_dropped(change.node);
        return;
    }
    // The peers that have not heard yet that the removal is committed shall hear it.
    farewell_.expires_after(std::chrono::seconds(1));
    farewell_.async_wait([this](const error_code& cancelled) {
        if (!cancelled && !stopping_) {
            end(errc::member_removed);
        }
    });
}

template <class Policies>
void basic_node<Policies>::adopt_table(const member_table& table) {
    for (const member_info& before : std::exchange(members_, table)) {
        if (before.id != options_.id && members_.find(before.id) == nullptr) {
            wire_->drop_peer(before.id);
            calls_.on_dropped(before.id);
        }
    }
    for (const member_info& m : members_) {
        if (started_) {
            connect(m);
        }
    }
}

template <class Policies>
void basic_node<Policies>::connect(const member_info& member) {
    if (member.id != options_.id && wire_->add_peer(member.id, joined_peer_urls(member))) {
        say(severity::warning,
            "member " + std::to_string(member.id.value()) + " cannot be reached: not a peer URL");
    }
}

template <class Policies>
void basic_node<Policies>::on_refused(node_id peer, hello_status why) {
    const std::string who = "member " + std::to_string(peer.value());
    if (why == hello_status::wrong_cluster) {
        say(severity::error, who + " refuses this member: they belong to another cluster each");
    } else if (why == hello_status::unsupported_version) {
        say(severity::error, who + " speaks another version of the protocol");
    } else {
        say(severity::warning, "somebody else listens at the address of " + who);
    }
}

// Who asks is told what is known here; that may be old, and whoever joins asks others too.
template <class Policies>
shared_bytes basic_node<Policies>::on_newcomer() {
    return members_.size() > 0 && !stopping_ ? members_.encode() : shared_bytes();
}

// With each tick: what the table says of this member may be old, or somebody else's word.
template <class Policies>
void basic_node<Policies>::maybe_publish() {
    const member_info* known = members_.find(options_.id);
    const bool told = !options_.name.empty() || !options_.client_urls.empty();
    if (publishing_ || known == nullptr || !told || !soft_.leader ||
        (known->name == options_.name && known->client_urls == options_.client_urls)) {
        return;
    }
    publishing_ = true;
    member_info own = *known;
    own.name = options_.name;
    own.client_urls = options_.client_urls;
    propose_change({change_kind::update, own.id}, encode(member_update{own, false, true}),
                   [this](error_code) { publishing_ = false; });
}

} // namespace quorate

#endif
