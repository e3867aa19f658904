// basic_service: the members of the cluster, and the changes that it survives.
#ifndef QUORATE_IMPL_SERVICE_CLUSTER_HPP
#define QUORATE_IMPL_SERVICE_CLUSTER_HPP

#include <quorate/net/peer_address.hpp>
#include <quorate/server/membership_guard.hpp>
#include <quorate/service.hpp>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

namespace quorate {

namespace detail {

/// Returns: URLs as a joining member compares its own with them.
[[nodiscard]] inline std::vector<std::string> with_small_schemes(std::vector<std::string> urls) {
    for (std::string& url : urls) {
        url = with_small_scheme(url);
    }
    return urls;
}

} // namespace detail

template <class Policies>
std::vector<cluster_member> basic_service<Policies>::members() const {
    std::vector<cluster_member> all;
    for (const member_info& m : node_.members()) {
        const bool learner = node_.configuration().learners.contains(m.id);
        all.push_back({m.id, m.name, m.peer_urls, m.client_urls, learner});
    }
    return all;
}

template <class Policies>
void basic_service<Policies>::members(bool linearizable, const identity& by, members_handler done) {
    const error_code refused = permits_user(by);
    if (refused || !linearizable) {
        refused ? done(refused, {}) : done({}, members());
        return;
    }
    // The read brings what other members decided before, of users too.
    node_.read([this, by, done = std::move(done)](error_code failed) {
        const error_code why = failed ? failed : permits_user(by);
        why ? done(why, {}) : done({}, members());
    });
}

/// Returns: what this member knows of the others. A leader hears from all of them; elsewhere those
/// that have started and are connected are taken to be there.
template <class Policies>
membership_guard basic_service<Policies>::guard() const {
    std::vector<member_health> known;
    const std::vector<member_progress> progress = node_.progress();
    const std::vector<peer_link> links = node_.links();
    for (const cluster_member& m : members()) {
        member_health one{m.id, m.is_learner, !m.name.empty(), !m.name.empty(), 0};
        const auto seen = std::find_if(progress.begin(), progress.end(),
                                       [&](const member_progress& p) { return p.id == m.id; });
        if (seen != progress.end()) {
            one.connected = m.id == options_.node.id || seen->recently_active || was_heard(m.id);
            one.match = seen->match.value();
        } else {
            one.connected = one.connected &&
                            std::none_of(links.begin(), links.end(), [&](const peer_link& link) {
                                return link.peer == m.id && !link.connected_for;
                            });
        }
        known.push_back(one);
    }
    return membership_guard(std::move(known));
}

// The engine forgets with each election timeout whom it heard from, and hears from them anew; who
// is asked about in between shall not look as if gone.
template <class Policies>
void basic_service<Policies>::listen_for_members(clock::time_point at) {
    for (const member_progress& p : node_.progress()) {
        if (p.recently_active) {
            heard_[p.id] = at;
        }
    }
}

template <class Policies>
bool basic_service<Policies>::was_heard(node_id id) const {
    const auto found = heard_.find(id);
    const std::chrono::milliseconds patience =
        std::max(2 * options_.election_timeout(), 3 * detail::service_tick);
    return found != heard_.end() && now() - found->second <= patience;
}

/// Errors: peer_url_invalid; peer_url_exists where a member other than `self` has one of them.
template <class Policies>
error_code basic_service<Policies>::check_urls(const std::vector<std::string>& urls,
                                               node_id self) const {
    const bool usable = !urls.empty() && std::all_of(urls.begin(), urls.end(), [](const auto& url) {
        return static_cast<bool>(parse_peer_url(url));
    });
    if (!usable) {
        return errc::peer_url_invalid;
    }
    const bool taken = node_.members().find_rival(member_info(self, urls)) != nullptr;
    return taken ? error_code(errc::peer_url_exists) : error_code();
}

// A leader takes one change at a time, and none before it has applied what it began with. That is
// soon over, so whoever asks waits. Everything is checked anew: the change before may decide it.
template <class Policies>
void basic_service<Policies>::change_members(change_attempt attempt, handler done,
                                             clock::time_point deadline) {
    attempt([this, attempt, deadline, done = std::move(done)](error_code failed) mutable {
        // Nothing was proposed: an earlier change, or an election, is to be over first.
        const bool passing = failed == errc::change_pending || failed == errc::not_leader ||
                             failed == errc::peer_not_found;
        const bool again =
            passing && !stopping_ && now() < deadline && changes_.size() < changes_max;
        if (again) {
            changes_.push_back({std::move(attempt), std::move(done), deadline});
        } else {
            done(failed);
        }
    });
}

template <class Policies>
void basic_service<Policies>::tend_changes() {
    for (waiting_change& one : std::exchange(changes_, {})) {
        change_members(std::move(one.attempt), std::move(one.done), one.deadline);
    }
}

template <class Policies>
void basic_service<Policies>::change_members(change_attempt attempt, handler done) {
    change_members(std::move(attempt), std::move(done), now() + options_.node.request_timeout);
}

template <class Policies>
void basic_service<Policies>::add_member(std::vector<std::string> peer_urls, bool learner,
                                         const identity& by,
                                         std::function<void(error_code, node_id)> done) {
    const node_id id(runtime().fresh() >> 1 | 1); // no id of a member that left comes back
    member_info added;
    added.id = id;
    added.peer_urls = detail::with_small_schemes(std::move(peer_urls));
    change_members(
        [this, added, learner, by](handler then) {
            error_code refused = permits_root(by);
            if (!refused) {
                refused = check_urls(added.peer_urls, added.id);
            }
            if (!refused) {
                refused =
                    guard().add(learner, options_.learners_max, options_.strict_reconfig_check);
            }
            const change_kind kind = learner ? change_kind::add_learner : change_kind::add_voter;
            refused ? then(refused) : node_.add_member(added, kind, std::move(then));
        },
        [id, done = std::move(done)](error_code failed) { done(failed, failed ? node_id() : id); });
}

template <class Policies>
void basic_service<Policies>::remove_member(node_id id, const identity& by, handler done) {
    change_members(
        [this, id, by](handler then) {
            error_code refused = permits_root(by);
            if (!refused) {
                refused = guard().remove(id, options_.strict_reconfig_check);
            }
            refused ? then(refused) : node_.remove_member(id, std::move(then));
        },
        std::move(done));
}

template <class Policies>
void basic_service<Policies>::update_member(node_id id, std::vector<std::string> peer_urls,
                                            const identity& by, handler done) {
    change_members(
        [this, id, by, urls = detail::with_small_schemes(std::move(peer_urls))](handler then) {
            error_code refused = permits_root(by);
            const member_info* known = node_.members().find(id);
            if (!refused && known == nullptr) {
                refused = errc::member_unknown;
            }
            if (!refused) {
                refused = check_urls(urls, id);
            }
            if (refused) {
                then(refused);
                return;
            }
            member_info updated = *known;
            updated.peer_urls = urls;
            node_.update_member(updated, std::move(then));
        },
        std::move(done));
}

/// Errors: those of promote_member; not_leader.
template <class Policies>
error_code basic_service<Policies>::may_promote(node_id id) const {
    const engine_status engine = node_.status().engine;
    return engine.soft.role == role_kind::leader
               ? guard().promote(id, engine.last.value(), options_.strict_reconfig_check)
               : make_error_code(errc::not_leader);
}

// Only the leader knows how far the learner is, and a follower may not have heard yet that there is
// one. So a follower asks the leader before it looks anything up, as etcd's does.
template <class Policies>
void basic_service<Policies>::promote(node_id id, handler done) {
    change_members(
        [this, id](handler then) {
            const error_code refused = may_promote(id);
            if (refused == errc::not_leader) {
                ask_leader(call_kind::promote, lease_id(id.value()),
                           [then = std::move(then)](error_code failed, const lease_life_reply&) {
                               then(failed);
                           });
            } else if (refused) {
                then(refused);
            } else {
                node_.add_member(*node_.members().find(id), change_kind::add_voter,
                                 std::move(then));
            }
        },
        std::move(done));
}

template <class Policies>
void basic_service<Policies>::promote_member(node_id id, const identity& by, handler done) {
    const error_code refused = permits_root(by);
    refused ? done(refused) : promote(id, std::move(done));
}

} // namespace quorate

#endif
