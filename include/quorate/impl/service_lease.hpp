// basic_service: leases. The log knows which there are; only the leader's clock knows for how long.
#ifndef QUORATE_IMPL_SERVICE_LEASE_HPP
#define QUORATE_IMPL_SERVICE_LEASE_HPP

#include <quorate/format/primitives.hpp>
#include <quorate/service.hpp>

#include <memory>
#include <string>
#include <utility>

namespace quorate {
namespace detail {

/// How long to wait before a leader is looked for again.
inline constexpr std::chrono::milliseconds lease_retry{50};
/// How often another id is drawn for one that is taken: they have 63 bits.
inline constexpr int lease_draws = 4;

} // namespace detail

template <class Policies>
void basic_service<Policies>::grant(lease_id id, std::int64_t ttl, const identity& by,
                                    reply_handler done) {
    if (!id) {
        draw_lease(ttl, by, std::move(done), detail::lease_draws);
        return;
    }
    submit(lessor::settle(id, ttl, options_.election_timeout(), 0), by, std::move(done));
}

template <class Policies>
void basic_service<Policies>::draw_lease(std::int64_t ttl, const identity& by, reply_handler done,
                                         int tries) {
    const lease_grant asked =
        lessor::settle({}, ttl, options_.election_timeout(), runtime().fresh());
    submit(asked, by,
           [this, ttl, by, done = std::move(done), tries](error_code failed, reply made) {
               if (failed == errc::lease_exists && tries > 1) {
                   draw_lease(ttl, by, done, tries - 1);
               } else {
                   done(failed, std::move(made));
               }
           });
}

template <class Policies>
void basic_service<Policies>::keep_alive(lease_id id, const identity& by, life_handler done) {
    error_code refused = serves_all();
    if (!refused) {
        refused = permits_user(by);
    }
    if (refused) {
        done(refused, {});
        return;
    }
    const life_attempt attempt = [this, id](life_handler answer) {
        leads() ? renew(id, std::move(answer))
                : ask_leader(call_kind::keep_alive, id, std::move(answer));
    };
    ask_until(attempt, now() + options_.node.request_timeout, std::move(done));
}

// While leadership moves only the next leader can answer; a client should not notice.
template <class Policies>
void basic_service<Policies>::ask_until(const life_attempt& attempt, clock::time_point deadline,
                                        life_handler done) {
    attempt([this, attempt, deadline, done = std::move(done)](error_code failed,
                                                              lease_life_reply life) {
        const bool passing = failed == errc::no_leader || failed == errc::not_leader ||
                             failed == errc::peer_not_found || failed == errc::leader_changed ||
                             failed == errc::read_timed_out; // the leader that was asked is gone
        if (!passing || stopping_ || now() + detail::lease_retry >= deadline) {
            done(failed, std::move(life));
            return;
        }
        const auto pause = std::make_shared<typename runtime_type::timer>(runtime());
        pause->arm(detail::lease_retry, alive_.guard([this, attempt, deadline, done, pause] {
            stopping_ ? done(errc::stopped, {}) : ask_until(attempt, deadline, done);
        }));
    });
}

template <class Policies>
bool basic_service<Policies>::leads() const {
    return node_.status().engine.soft.role == role_kind::leader;
}

// A lease that is not there has no time, and that is no error; as in the reference. But this leader
// may be behind in applying a grant that another member has answered: it looks twice, and in
// between it catches up.
template <class Policies>
void basic_service<Policies>::renew(lease_id id, life_handler done, bool caught_up) {
    result<lessor::renewal> renewed = lessor_.renew(id, now());
    lease_life_reply life{id, 0, 0, {}};
    if (!renewed && renewed.error() == errc::lease_not_found && !caught_up) {
        node_.read([this, id, done = std::move(done)](error_code failed) {
            failed ? done(failed, {id, 0, 0, {}}) : renew(id, done, true);
        });
        return;
    }
    if (!renewed && renewed.error() == errc::lease_not_found) {
        done({}, std::move(life));
        return;
    }
    if (!renewed) {
        done(renewed.error(), std::move(life));
        return;
    }
    if (options_.node.metrics != nullptr) {
        options_.node.metrics->leases_renewed.add();
    }
    life.ttl = static_cast<std::int64_t>(renewed->ttl);
    life.granted = renewed->ttl;
    if (!renewed->reset) {
        confirm(std::move(life), std::move(done));
        return;
    }
    // What the log knows to be left would end the lease early under the next leader.
    node_.submit({request(*renewed->reset), issuer::cluster()},
                 [this, life, done = std::move(done)](error_code failed, const reply& made) {
                     const error_code said = failed ? failed : made.error();
                     said ? done(said, life) : confirm(life, done);
                 });
}

// A leader that was deposed and has not heard of it must not promise anything.
template <class Policies>
void basic_service<Policies>::confirm(lease_life_reply life, life_handler done) {
    node_.read([life = std::move(life), done = std::move(done)](error_code failed) {
        done(failed, life);
    });
}

/// Errors: not_leader: this member has just been elected, or deposed, and does not count leases.
template <class Policies>
result<lease_life_reply> basic_service<Policies>::life_of(lease_id id) const {
    const result<lessor::life> left = lessor_.time_to_live(id, now());
    if (left) {
        return lease_life_reply{id, static_cast<std::int64_t>(left->remaining), left->ttl, {}};
    }
    return left.error() == errc::lease_not_found
               ? result<lease_life_reply>(lease_life_reply{id, -1, 0, {}})
               : left.error();
}

// Linearizable: a grant that was answered is applied here before this looks.
template <class Policies>
void basic_service<Policies>::look_at_life(lease_id id, life_handler done) {
    node_.read([this, id, done = std::move(done)](error_code failed) {
        const result<lease_life_reply> life =
            failed ? result<lease_life_reply>(failed) : life_of(id);
        done(life ? error_code() : life.error(), life ? *life : lease_life_reply());
    });
}

template <class Policies>
void basic_service<Policies>::time_to_live(lease_id id, bool keys, const identity& by,
                                           life_handler done) {
    auto told = [this, id, keys, by, done = std::move(done)](error_code failed,
                                                             lease_life_reply life) {
        if (!failed && keys) {
            const result<issuer> who = identify(by);
            failed = who ? node_.machine().permits_lease_keys(*who, id) : who.error();
            if (!failed && life.ttl >= 0) {
                life.keys = store().keys_of(id);
            }
        }
        done(failed, std::move(life));
    };
    error_code refused = serves_all();
    if (!refused) {
        refused = permits_user(by);
    }
    if (refused) {
        told(refused, {});
        return;
    }
    const life_attempt attempt = [this, id](life_handler answer) {
        if (leads()) {
            look_at_life(id, std::move(answer));
            return;
        }
        node_.read([this, id, answer = std::move(answer)](error_code failed) { // for the keys
            failed ? answer(failed, {}) : ask_leader(call_kind::time_to_live, id, answer);
        });
    };
    ask_until(attempt, now() + options_.node.request_timeout, std::move(told));
}

template <class Policies>
void basic_service<Policies>::leases(const identity& by,
                                     std::function<void(error_code, std::vector<lease_id>)> done) {
    if (const error_code refused = serves_all()) {
        done(refused, {});
        return;
    }
    node_.read([this, by, done = std::move(done)](error_code failed) {
        if (!failed) {
            failed = permits_user(by);
        }
        std::vector<lease_id> all;
        if (!failed && lessor_.active()) {
            all = lessor_.leases();
        } else if (!failed) {
            for (const lease_record& one : store().leases().records()) {
                all.push_back(one.id);
            }
        }
        done(failed, std::move(all));
    });
}

template <class Policies>
void basic_service<Policies>::ask_leader(call_kind kind, lease_id id, life_handler done) {
    const node_id leader = node_.status().engine.soft.leader;
    if (!leader) {
        done(errc::no_leader, {});
        return;
    }
    std::string asked;
    byte_writer(asked).u8(static_cast<std::uint8_t>(kind)).u64(id.value());
    node_.call(leader, shared_bytes::copy_of(asked), detail::leader_word_limit,
               [id, done = std::move(done)](error_code failed, const shared_bytes& bytes) {
                   result<lease_life_reply> life = failed ? result<lease_life_reply>(failed)
                                                          : detail::decode_life(bytes.view());
                   if (life && life->id == id) {
                       done({}, *std::move(life));
                   } else {
                       done(life ? make_error_code(errc::message_invalid) : life.error(), {});
                   }
               });
}

template <class Policies>
void basic_service<Policies>::tend_leases(clock::time_point at) {
    const auto next = lessor_.next_due();
    if (!next || *next > at) {
        return;
    }
    lessor::work work = lessor_.due(at);
    if (work.takeover) {
        propose(*work.takeover);
    }
    for (const lease_revoke& over : work.revokes) {
        if (options_.node.metrics != nullptr) {
            options_.node.metrics->leases_expired.add();
        }
        propose(over);
    }
    if (work.checkpoint) {
        propose(*work.checkpoint,
                [this, lost = *work.checkpoint](error_code) { lessor_.lost(lost, now()); });
    }
}

} // namespace quorate

#endif
