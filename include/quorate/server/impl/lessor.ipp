// The leader's clock for leases: a schedule in which renewed leases move only when they come up.
#ifndef QUORATE_SERVER_IMPL_LESSOR_IPP
#define QUORATE_SERVER_IMPL_LESSOR_IPP

#include <quorate/server/lessor.hpp>

#include <algorithm>
#include <variant>

namespace quorate {

/// A time that clocks do not reach stands for all that are later.
QUORATE_DECL auto lessor::later(time_point from, std::uint64_t seconds) noexcept -> time_point {
    const auto room = std::chrono::duration_cast<std::chrono::seconds>(time_point::max() - from);
    return seconds >= static_cast<std::uint64_t>(room.count())
               ? time_point::max()
               : from + std::chrono::seconds(static_cast<std::int64_t>(seconds));
}
QUORATE_DECL auto lessor::later(time_point from, std::chrono::milliseconds by) noexcept
    -> time_point {
    return time_point::max() - from <= by ? time_point::max() : from + by;
}

QUORATE_DECL auto lessor::checkpoint_after(time_point now, std::uint64_t ttl) const noexcept
    -> time_point {
    const time_point next = later(now, options_.checkpoint_interval);
    return later(now, ttl) > next ? next : time_point::max();
}

QUORATE_DECL void lessor::promote(time_point now, std::chrono::milliseconds extend,
                                  std::uint64_t epoch, const lease_table& leases) {
    demote();
    epoch_ = epoch;
    takeover_at_ = now;
    std::vector<std::pair<time_point, lease_id>> order;
    order.reserve(leases.size());
    leases.each([&](lease_id id, const lease_life& known) {
        lease one;
        one.ttl = known.ttl;
        one.serial = known.serial;
        one.expiry = later(later(now, known.remaining), extend);
        one.checkpoint = checkpoint_after(now, known.ttl);
        one.scheduled = std::min(one.expiry, one.checkpoint);
        one.noted_less = known.remaining != known.ttl;
        order.emplace_back(one.scheduled, id);
        leases_.emplace_hint(leases_.end(), id, one);
    });
    std::sort(order.begin(), order.end());
    for (const auto& place : order) {
        schedule_.insert(schedule_.end(), place);
    }
}

QUORATE_DECL void lessor::demote() noexcept {
    epoch_ = 0;
    active_ = false;
    leases_.clear();
    schedule_.clear();
}

QUORATE_DECL void lessor::applied(const reply& done, time_point now) {
    if (epoch_ == 0) {
        return;
    }
    if (const auto* taken = std::get_if<lease_takeover_reply>(&done.body)) {
        // A later epoch is a later leader's, of which this member has yet to hear.
        active_ = taken->epoch == epoch_;
    } else if (const auto* begun = std::get_if<lease_grant_reply>(&done.body)) {
        granted(*begun, now);
    } else if (const auto* ended = std::get_if<lease_revoke_reply>(&done.body)) {
        revoked(ended->id);
    } else if (const auto* left = std::get_if<lease_checkpoint_reply>(&done.body)) {
        for (const lease_remaining& one : left->leases) {
            noted_in_log(one, now);
        }
    }
}

QUORATE_DECL void lessor::granted(const lease_grant_reply& done, time_point now) {
    lease one;
    one.ttl = done.ttl;
    one.serial = done.serial;
    one.expiry = later(now, done.ttl);
    one.checkpoint = checkpoint_after(now, done.ttl);
    one.scheduled = std::min(one.expiry, one.checkpoint);
    if (leases_.emplace(done.id, one).second) {
        schedule_.emplace(one.scheduled, done.id);
    }
}

QUORATE_DECL void lessor::revoked(lease_id id) {
    const auto known = leases_.find(id);
    if (known != leases_.end()) {
        schedule_.erase({known->second.scheduled, id});
        leases_.erase(known);
    }
}

/// What an earlier leader had on its way still counts up to the takeover, so this may be news. A
/// reset stems from a renewal, which may have been answered: the lease has its whole time again,
/// unless it was over here in the meantime, when nobody can have been answered later than that.
QUORATE_DECL void lessor::noted_in_log(const lease_remaining& done, time_point now) {
    const auto known = leases_.find(done.id);
    if (known == leases_.end()) {
        return;
    }
    lease& one = known->second;
    if (done.seconds >= one.ttl) {
        one.expiry = one.ending ? one.expiry : std::max(one.expiry, later(now, one.ttl));
        one.noted_less = false;
    } else {
        one.noted_less = true;
        one.lowering = false;
    }
}

QUORATE_DECL void lessor::lost(const lease_checkpoint& asked, time_point now) {
    if (epoch_ == 0 || asked.epoch != epoch_) {
        return;
    }
    for (const lease_remaining& left : asked.leases) {
        const auto known = leases_.find(left.id);
        if (known == leases_.end() || known->second.serial != left.serial) {
            continue;
        }
        lease& one = known->second;
        one.lowering = false;
        one.checkpoint = std::min(one.checkpoint, later(now, options_.retry));
        schedule(left.id, one, std::min(one.scheduled, one.checkpoint));
    }
}

QUORATE_DECL auto lessor::due(time_point now) -> work {
    work made;
    if (epoch_ == 0) {
        return made;
    }
    if (!active_) {
        if (now >= takeover_at_) {
            made.takeover = lease_takeover{epoch_};
            takeover_at_ = later(now, options_.retry);
        }
        return made;
    }
    std::vector<lease_remaining> left;
    while (!schedule_.empty() && schedule_.begin()->first <= now &&
           made.revokes.size() < options_.revokes_max && left.size() < checkpoint_leases_max) {
        const lease_id id = schedule_.begin()->second;
        look_at(id, leases_.find(id)->second, now, made, left);
    }
    if (!left.empty()) {
        made.checkpoint = lease_checkpoint{epoch_, std::move(left)};
    }
    return made;
}

/// Requires: its time in the schedule has come. It gets a later one.
QUORATE_DECL void lessor::look_at(lease_id id, lease& one, time_point now, work& made,
                                  std::vector<lease_remaining>& left) {
    if (one.expiry <= now) {
        one.ending = true;
        made.revokes.push_back({id, epoch_, one.serial});
        schedule(id, one, later(now, options_.retry));
        return;
    }
    if (one.checkpoint <= now) {
        const auto seconds = std::chrono::ceil<std::chrono::seconds>(one.expiry - now).count();
        if (static_cast<std::uint64_t>(seconds) < one.ttl && !one.lowering) {
            left.push_back({id, static_cast<std::uint64_t>(seconds), one.serial});
            one.lowering = true;
        }
        one.checkpoint = later(now, options_.checkpoint_interval);
    }
    schedule(id, one, std::min(one.expiry, one.checkpoint));
}

QUORATE_DECL void lessor::schedule(lease_id id, lease& one, time_point at) {
    auto place = schedule_.extract({one.scheduled, id});
    one.scheduled = at;
    place.value().first = at;
    schedule_.insert(std::move(place));
}

QUORATE_DECL auto lessor::next_due() const -> std::optional<time_point> {
    if (epoch_ == 0) {
        return std::nullopt;
    }
    if (!active_) {
        return takeover_at_;
    }
    return schedule_.empty() ? std::nullopt : std::optional(schedule_.begin()->first);
}

/// The schedule is left as it is: both times only move away from the lease's place in it.
QUORATE_DECL auto lessor::renew(lease_id id, time_point now) -> result<renewal> {
    if (!active_) {
        return epoch_ == 0 ? errc::not_leader : errc::no_leader;
    }
    const auto known = leases_.find(id);
    if (known == leases_.end() || known->second.expiry <= now) {
        return errc::lease_not_found;
    }
    lease& one = known->second;
    one.expiry = std::max(one.expiry, later(now, one.ttl));
    one.checkpoint = std::max(one.checkpoint, checkpoint_after(now, one.ttl));
    renewal made{one.ttl, std::nullopt};
    if (one.noted_less || one.lowering) {
        made.reset = lease_checkpoint{epoch_, {{id, 0, one.serial}}};
    }
    return made;
}

QUORATE_DECL auto lessor::time_to_live(lease_id id, time_point now) const -> result<life> {
    if (epoch_ == 0) {
        return errc::not_leader;
    }
    const auto known = leases_.find(id);
    if (known == leases_.end()) {
        return errc::lease_not_found;
    }
    const lease& one = known->second;
    const auto left = std::chrono::floor<std::chrono::seconds>(one.expiry - now).count();
    const auto seconds = static_cast<std::uint64_t>(std::max<std::int64_t>(left, 0));
    return life{std::min(seconds, one.ttl), one.ttl};
}

QUORATE_DECL std::vector<lease_id> lessor::leases() const {
    std::vector<std::pair<time_point, lease_id>> order;
    order.reserve(leases_.size());
    for (const auto& [id, one] : leases_) {
        order.emplace_back(one.expiry, id);
    }
    std::sort(order.begin(), order.end());
    std::vector<lease_id> ids;
    ids.reserve(order.size());
    for (const auto& place : order) {
        ids.push_back(place.second);
    }
    return ids;
}

QUORATE_DECL lease_grant lessor::settle(lease_id asked, std::int64_t ttl,
                                        std::chrono::milliseconds election_timeout,
                                        std::uint64_t drawn) noexcept {
    const auto least =
        std::chrono::ceil<std::chrono::seconds>(election_timeout + election_timeout / 2).count();
    const std::uint64_t positive = drawn & INT64_MAX;
    const lease_id id = asked ? asked : lease_id(positive == 0 ? 1 : positive);
    return {id, static_cast<std::uint64_t>(std::max<std::int64_t>({ttl, least, 1}))};
}

} // namespace quorate

#endif
