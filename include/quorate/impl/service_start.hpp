// basic_service: starting, stopping, and the work of its timer and of the node's events.
#ifndef QUORATE_IMPL_SERVICE_START_HPP
#define QUORATE_IMPL_SERVICE_START_HPP

#include <quorate/service.hpp>

#include <algorithm>
#include <utility>

namespace quorate {

namespace detail {

/// Returns: the options of a service's node, which has one check of changes in common with it.
[[nodiscard]] inline node_options node_options_of(const service_options& options) {
    node_options node = options.node;
    node.strict_reconfig_check = node.strict_reconfig_check && options.strict_reconfig_check;
    const std::uint64_t most = quota(options.quota_bytes).limit();
    node.database_bytes_least = most == UINT64_MAX ? 0 : most;
    return node;
}

} // namespace detail

template <class Policies>
basic_service<Policies>::basic_service(const context_type& context, service_options options,
                                       std::unique_ptr<typename Policies::transport> wire)
    : options_(std::move(options)),
      node_(context, detail::node_options_of(options_), std::move(wire)),
      quota_(options_.quota_bytes),
      lessor_(options_.lease),
      tokens_(options_.tokens) {
    node_.observe(this);
}

template <class Policies>
error_code basic_service<Policies>::start(handler ended) {
    if (options_.password_cost < password_cost_min || options_.password_cost > password_cost_max) {
        return errc::invalid_option;
    }
    if (options_.compaction.keep_time.count() > 0 && options_.compaction.keep_revisions > 0) {
        return errc::invalid_option; // each would compact what the other one keeps
    }
    if (const error_code failed = node_.start(std::move(ended))) {
        return failed;
    }
    hub_.emplace(store(), options_.watch);
    watches_checked_at_ = {auth().enabled_since(), auth().revision()};
    progress_told_ = now();
    compared_ = progress_told_;
    arm_timer();
    return {};
}

template <class Policies>
void basic_service<Policies>::stop(handler done) {
    stopping_ = true;
    timer_.cancel();
    lessor_.demote();
    for (const waiting_change& one : std::exchange(changes_, {})) {
        one.done(errc::stopped);
    }
    node_.stop(std::move(done));
}

template <class Policies>
void basic_service<Policies>::arm_timer() {
    timer_.arm(detail::service_tick, alive_.guard([this] {
        if (!stopping_) {
            on_timer();
        }
    }));
}

template <class Policies>
void basic_service<Policies>::on_timer() {
    arm_timer();
    const clock::time_point at = now();
    tend_leases(at);
    tend_compaction(at);
    tend_progress(at);
    tend_corruption(at);
    listen_for_members(at);
    tend_changes();
    if (node_.status().database_full) {
        raise_space_alarm(); // the others must not make larger what this member cannot hold
    }
    tokens_.sweep(at);
}

// What this member proposes of its own accord: nobody waits for the answer, and what fails comes
// again if it is still due. `lost` is called when it is certain that it was not carried out.
template <class Policies>
void basic_service<Policies>::propose(request asked, handler lost) {
    node_.submit({std::move(asked), issuer::cluster()},
                 [lost = std::move(lost)](error_code failed, const reply& made) {
                     const error_code reason = failed ? failed : made.error();
                     if (lost && reason && reason != condition::outcome_unknown) {
                         lost(reason);
                     }
                 });
}

template <class Policies>
void basic_service<Policies>::after(std::chrono::milliseconds pause, std::function<void()> then) {
    const auto timer = std::make_shared<typename runtime_type::timer>(runtime());
    timer->arm(pause, alive_.guard([this, timer, then = std::move(then)] {
        if (!stopping_) {
            then();
        }
    }));
}

// Watches first: whoever is answered a revision may rely on it that watches know of it.
template <class Policies>
void basic_service<Policies>::on_applied(log_index index, const reply& done) {
    if (hub_.has_value()) {
        hub_->publish();
        recheck_watches();
        catch_up_watches();
    }
    const bool of_leases = std::holds_alternative<lease_grant_reply>(done.body) ||
                           std::holds_alternative<lease_revoke_reply>(done.body) ||
                           std::holds_alternative<lease_checkpoint_reply>(done.body) ||
                           std::holds_alternative<lease_takeover_reply>(done.body);
    if (of_leases) {
        lessor_.applied(done, now());
    }
    if (also_ != nullptr) {
        also_->on_applied(index, done);
    }
}

template <class Policies>
void basic_service<Policies>::on_restored() {
    if (options_.node.metrics != nullptr) {
        options_.node.metrics->snapshots_received.add();
    }
    if (hub_.has_value()) {
        hub_->publish();
        recheck_watches();
        catch_up_watches();
    }
    // A member may be elected while its state is being restored: then its leases come only now.
    const engine_status engine = node_.status().engine;
    if (engine.soft.role == role_kind::leader) {
        lessor_.promote(now(), options_.election_timeout(), engine.hard.term.value(),
                        store().leases());
    }
}

template <class Policies>
void basic_service<Policies>::on_role(const soft_state& soft, term_id term) {
    if (also_ != nullptr) {
        also_->on_role(soft, term);
    }
    if (soft.role != role_kind::leader) {
        lessor_.demote();
        compactor_.reset();
        heard_.clear();
        return;
    }
    const clock::time_point at = now();
    lessor_.promote(at, options_.election_timeout(), term.value(), store().leases());
    compactor_.emplace(options_.compaction, at);
    tend_leases(at); // the takeover
}

// Members are members: each has checked its own clients.
template <class Policies>
void basic_service<Policies>::on_call(node_id, shared_bytes asked,
                                      std::function<void(shared_bytes)> answer) {
    byte_reader in(asked.view());
    const auto kind = static_cast<call_kind>(in.u8());
    const std::uint64_t number = in.u64();
    if (!in.finished() || stopping_) {
        return;
    }
    if (kind == call_kind::store_hash) {
        hash_state(number, [answer = std::move(answer)](error_code failed, const store_hash& mine) {
            answer(failed ? shared_bytes() : detail::encode_hash(mine));
        });
        return;
    }
    const lease_id id(number);
    auto tell = [answer = std::move(answer)](error_code failed, const lease_life_reply& life) {
        const bool ours = !failed || failed.category() == quorate_category();
        answer(detail::encode_life(ours ? failed : make_error_code(errc::no_leader), life));
    };
    if (kind == call_kind::promote) {
        const bool leads = node_.status().engine.soft.role == role_kind::leader;
        const auto outcome = [tell, id](error_code failed) { tell(failed, {id, 0, 0, {}}); };
        leads ? promote(node_id(number), outcome) : outcome(errc::not_leader);
    } else if (kind == call_kind::keep_alive) {
        renew(id, tell);
    } else if (kind == call_kind::time_to_live) {
        look_at_life(id, tell);
    }
}

// A caller that has left, as clients do that give up, is not worked for.
template <class Policies>
template <class Answer>
void basic_service<Policies>::on_worker(given_up left, std::function<Answer()> job,
                                        std::function<void(error_code, Answer)> then) {
    if (passwords_waiting_ >= options_.passwords_waiting_max) {
        if (options_.node.metrics != nullptr) {
            options_.node.metrics->logins_refused.add();
        }
        then(errc::too_many_unapplied, {});
        return;
    }
    ++passwords_waiting_;
    hash_worker_.run(
        [this, left = std::move(left), job = std::move(job), then = std::move(then)]() mutable {
            const bool dropped = left != nullptr && left->load();
            Answer made = dropped ? Answer() : job();
            job = nullptr; // and its password
            runtime().post(
                alive_.guard([this, dropped, made = std::move(made), then = std::move(then)] {
                    --passwords_waiting_;
                    then(dropped ? make_error_code(errc::stopped) : error_code(), made);
                }));
        });
}

} // namespace quorate

#endif
