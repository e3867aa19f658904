// basic_service: who belongs to the cluster, and which changes of that it survives.
#ifndef QUORATE_IMPL_SERVICE_CLUSTER_HPP
#define QUORATE_IMPL_SERVICE_CLUSTER_HPP

#include <quorate/net/peer_address.hpp>
#include <quorate/server/membership_guard.hpp>
#include <quorate/service.hpp>

#include <algorithm>
#include <string>
#include <utility>

namespace quorate {

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
void basic_service<Policies>::members(bool linearizable, members_handler done) {
    if (!linearizable) {
        done({}, members());
        return;
    }
    node_.read([this, done = std::move(done)](error_code failed) {
        failed ? done(failed, {}) : done({}, members());
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
void basic_service<Policies>::listen_for_members(clock::time_point now) {
    for (const member_progress& p : node_.progress()) {
        if (p.recently_active) {
            heard_[p.id] = now;
        }
    }
}

template <class Policies>
bool basic_service<Policies>::was_heard(node_id id) const {
    const auto found = heard_.find(id);
    const std::chrono::milliseconds patience =
        std::max(2 * options_.election_timeout(), 3 * detail::service_tick);
    return found != heard_.end() && clock::now() - found->second <= patience;
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
    for (const member_info& m : node_.members()) {
        const bool taken = std::any_of(urls.begin(), urls.end(), [&](const std::string& url) {
            return std::find(m.peer_urls.begin(), m.peer_urls.end(), url) != m.peer_urls.end();
        });
        if (taken && m.id != self) {
            return errc::peer_url_exists;
        }
    }
    return {};
}

template <class Policies>
void basic_service<Policies>::add_member(std::vector<std::string> peer_urls, bool learner,
                                         const identity& by,
                                         std::function<void(error_code, node_id)> done) {
    error_code refused = permits_root(by);
    if (!refused) {
        refused = check_urls(peer_urls, {});
    }
    if (!refused) {
        refused = guard().add(learner, options_.learners_max, options_.strict_reconfig_check);
    }
    if (refused) {
        done(refused, {});
        return;
    }
    const node_id id(random_() >> 1 | 1); // no id of a member that left comes back
    member_info added;
    added.id = id;
    added.peer_urls = std::move(peer_urls);
    node_.add_member(added, learner ? change_kind::add_learner : change_kind::add_voter,
                     [id, done = std::move(done)](error_code failed) { done(failed, id); });
}

template <class Policies>
void basic_service<Policies>::remove_member(node_id id, const identity& by, handler done) {
    error_code refused = permits_root(by);
    if (!refused) {
        refused = guard().remove(id, options_.strict_reconfig_check);
    }
    refused ? done(refused) : node_.remove_member(id, std::move(done));
}

template <class Policies>
void basic_service<Policies>::update_member(node_id id, std::vector<std::string> peer_urls,
                                            const identity& by, handler done) {
    error_code refused = permits_root(by);
    const member_info* known = node_.members().find(id);
    if (!refused && known == nullptr) {
        refused = errc::member_unknown;
    }
    if (!refused) {
        refused = check_urls(peer_urls, id);
    }
    if (refused) {
        done(refused);
        return;
    }
    member_info updated = *known;
    updated.peer_urls = std::move(peer_urls);
    node_.update_member(updated, std::move(done));
}

template <class Policies>
void basic_service<Policies>::promote_member(node_id id, const identity& by, handler done) {
    error_code refused = permits_root(by);
    const node_status now = node_.status();
    if (!refused && now.engine.soft.role != role_kind::leader) {
        const member_info* known = node_.members().find(id);
        const bool voter = known != nullptr && !node_.configuration().learners.contains(id);
        refused = known == nullptr ? errc::member_unknown
                  : voter          ? errc::learner_required
                                   : errc::not_leader;
    } else if (!refused) {
        refused = guard().promote(id, now.engine.last.value(), options_.strict_reconfig_check);
    }
    if (refused) {
        done(refused);
        return;
    }
    node_.add_member(*node_.members().find(id), change_kind::add_voter, std::move(done));
}

} // namespace quorate

#endif
