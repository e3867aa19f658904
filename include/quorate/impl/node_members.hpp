// basic_node: members added, changed and removed, and the announcements of each.
#ifndef QUORATE_IMPL_NODE_MEMBERS_HPP
#define QUORATE_IMPL_NODE_MEMBERS_HPP

#include <quorate/node.hpp>
#include <quorate/server/server_metrics.hpp>

#include <string>
#include <utility>

namespace quorate {

/// Errors: invalid_option; peer_url_exists.
template <class Policies>
error_code basic_node<Policies>::check_member(const member_info& member) const {
    if (!can_be_member(member)) {
        return errc::invalid_option;
    }
    return members_.find_rival(member) == nullptr ? error_code()
                                                  : make_error_code(errc::peer_url_exists);
}

template <class Policies>
void basic_node<Policies>::add_member(const member_info& member, change_kind kind, handler done) {
    QUORATE_ASSERT(kind == change_kind::add_voter || kind == change_kind::add_learner);
    if (members_.was_removed(member.id)) {
        done(errc::member_removed);
        return;
    }
    if (const error_code refused = check_member(member)) {
        done(refused);
        return;
    }
    const member_info* known = members_.find(member.id);
    const bool voter = engine_ != nullptr && engine_->members().is_voter(member.id);
    if (kind == change_kind::add_learner && voter) {
        done(errc::member_exists); // to demote a voter, remove it and add another member
        return;
    }
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
    if (const error_code refused = check_member(member)) {
        done(refused);
        return;
    }
    // An update holds only the differences, so that it does not undo a change made meanwhile.
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
    store_request_id(context.data(), id);
    std::copy(told.begin(), told.end(), context.data() + command_header_bytes);
    membership_change asked;
    asked.changes.push_back(change);
    asked.context = std::move(context).freeze();
    shared_bytes payload = encode(asked, entry_kind::change);
    if (const error_code refused = admit_bytes(payload.size(), entry_bytes_limit)) {
        done(refused);
        return;
    }
    enqueue(id, entry_kind::change, std::move(payload),
            [done = std::move(done)](error_code failed, reply_type) { done(failed); });
}

/// Returns: what this leader knows of a peer. Connected means heard within two election timeouts.
template <class Policies>
member_health basic_node<Policies>::health_of(const peer_progress& peer) const {
    const auto found = silent_ticks_.find(peer.id());
    const bool known = found != silent_ticks_.end();
    const bool heard = peer.id() == options_.id || (peer.recently_active() && peer.match());
    return {.id = peer.id(),
            .learner = peer.learner(),
            .started = heard || known || peer.match(),
            .connected = heard || (known && found->second <= 2 * options_.engine.election_ticks),
            .match = peer.match().value()};
}

// The engine forgets with each election timeout which peers it heard, so this counts beyond that. A
// new leader has not heard all voters yet, and takes them to be there; a peer that joins later
// counts from its first acknowledgement on.
template <class Policies>
void basic_node<Policies>::listen_for_peers(bool leads_anew) {
    if (leads_anew) {
        silent_ticks_.clear();
    }
    for (const peer_progress& peer : engine_->progress()) {
        const bool heard = peer.recently_active() && peer.match();
        const auto known = silent_ticks_.find(peer.id());
        if (heard || leads_anew) {
            silent_ticks_[peer.id()] = 0;
        } else if (known != silent_ticks_.end()) {
            ++known->second;
        }
    }
}

// The check of a leader as it proposes, which rests on its own connections: reachability is not
// part of the replicated state, so that no member can check it again as it applies the change.
/// Errors: those of membership_guard::admit().
template <class Policies>
error_code basic_node<Policies>::judge_change(entry_kind kind, byte_view payload) const {
    if (kind == entry_kind::normal || !options_.strict_reconfig_check ||
        soft_.role != role_kind::leader || engine_->progress().empty()) {
        return {};
    }
    const engine_status now = engine_->status();
    const result<membership_change> change = decode_change(kind, payload);
    if (now.change_pending || !change) {
        return {}; // the engine refuses it
    }
    std::vector<member_health> known;
    for (const peer_progress& peer : engine_->progress()) {
        known.push_back(health_of(peer));
    }
    return membership_guard(std::move(known)).admit(change->changes, now.last.value());
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
        const birth_mark before = members_.birth();
        members_.put(*told);
        note_birth(before);
        const member_info& now = *members_.find(change.node);
        say(severity::info, name + " is part of the group at " + joined_peer_urls(now));
        connect(now);
        check_own_urls();
        return;
    }
    members_.erase(change.node);
    announced_.erase(change.node);
    lives_.forget(change.node);
    say(severity::info, name + " was removed from the group");
    if (change.node != options_.id) {
        wire_->drop_peer(change.node);
        calls_.on_dropped(change.node);
        return;
    }
    // The peers that have not heard yet that the removal is committed shall hear it.
    farewell_.arm(std::chrono::seconds(1), alive_.guard([this] {
        if (!stopping_) {
            end(errc::member_removed);
        }
    }));
}

template <class Policies>
void basic_node<Policies>::adopt_table(const member_table& table) {
    const birth_mark born = members_.birth();
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
    lives_.keep_only([this](node_id id) { return members_.find(id) != nullptr; });
    drop_removed();
    check_own_urls();
    note_birth(born);
}

template <class Policies>
void basic_node<Policies>::connect(const member_info& member) {
    if (member.id != options_.id && wire_->add_peer(member.id, joined_peer_urls(member))) {
        say(severity::warning,
            "member " + std::to_string(member.id.value()) + " cannot be reached: not a peer URL");
    }
}

// Who asks is told what is known here; that may be old, and whoever joins asks others too.
template <class Policies>
shared_bytes basic_node<Policies>::on_newcomer() {
    return members_.size() > 0 && !stopping_ ? members_.encode() : shared_bytes();
}

// With each tick: what the table says of this member may be old, or somebody else's word. The first
// announcement that is applied gives the group its birth mark.
template <class Policies>
void basic_node<Policies>::maybe_publish() {
    const member_info* known = members_.find(options_.id);
    const bool told = !options_.name.empty() || !options_.client_urls.empty();
    if (publishing_ || holds_nothing() || known == nullptr || !told || !soft_.leader) {
        return;
    }
    const bool attributes =
        known->name != options_.name || known->client_urls != options_.client_urls;
    const bool marks = !members_.birth();
    if (!attributes && !marks) {
        return;
    }
    member_info own = *known;
    own.name = options_.name;
    own.client_urls = options_.client_urls;
    member_table grown = members_;
    grown.put(own);
    if (!grown.within_limits()) {
        return; // every member would refuse it, with each tick again
    }
    publishing_ = true;
    const birth_mark birth = marks ? birth_mark(runtime_.fresh() | 1) : birth_mark();
    propose_change({change_kind::update, own.id},
                   encode(member_update{own, false, attributes, birth}),
                   [this](error_code) { publishing_ = false; });
}

} // namespace quorate

#endif
