// basic_service: requests to the store, from the first look at them to the answer.
// Flow:       1 to 3 and 13. request → proposal; reply → client
#ifndef QUORATE_IMPL_SERVICE_KV_HPP
#define QUORATE_IMPL_SERVICE_KV_HPP

#include <quorate/service.hpp>

#include <utility>

namespace quorate {

template <class Policies>
std::uint64_t basic_service<Policies>::used_bytes() const {
    if constexpr (durable_machine<machine_type>) {
        return store().backend().grown_bytes();
    } else {
        return store().backend().bytes() + store().leases().bytes();
    }
}

template <class Policies>
error_code basic_service<Policies>::serves_all() const {
    const bool learner = node_.members().find(options_.node.id) != nullptr &&
                         node_.configuration().learners.contains(options_.node.id);
    return learner ? make_error_code(errc::learner_unsupported) : error_code();
}

/// Returns: an answer that says why there is none.
template <class Policies>
reply basic_service<Policies>::refusal(error_code reason) const {
    return {header(), error_reply{static_cast<errc>(reason.value())}};
}

template <class Policies>
result<issuer> basic_service<Policies>::identify(const identity& by) {
    if (!auth().enabled()) {
        // No token is good for anything then; who shows one takes it for something else.
        return by.token.empty() ? result<issuer>(issuer::nobody()) : errc::invalid_auth_token;
    }
    if (!by.token.empty()) {
        return tokens_.use(auth(), by.token, now());
    }
    if (by.user.empty()) {
        return issuer::nobody(); // who may do nothing
    }
    if (auth().find_user(by.user) == nullptr) {
        return errc::user_not_found;
    }
    return issuer{by.user, auth().revision()};
}

/// Returns: why a request must not be proposed. In the order of the reference: space, then whether
/// it makes sense.
template <class Policies>
error_code basic_service<Policies>::admit(const request& asked) const {
    if (const error_code refused = serves_all()) {
        return refused;
    }
    if (const error_code refused = quota_.admit(asked, used_bytes(), alarms())) {
        return refused;
    }
    return validate(asked, options_.limits);
}

template <class Policies>
void basic_service<Policies>::submit(request asked, const identity& by, reply_handler done,
                                     std::shared_ptr<request_trace> trace) {
    if (const error_code refused = admit(asked)) {
        if (refused == errc::space_exceeded) {
            raise_space_alarm();
        }
        done(refused, refusal(refused));
        return;
    }
    const result<issuer> who = identify(by);
    if (!who) {
        done(who.error(), refusal(who.error()));
        return;
    }
    node_.submit(
        {std::move(asked), *who},
        [this, done = std::move(done)](error_code failed, reply made) {
            if (failed && options_.node.metrics != nullptr) {
                options_.node.metrics->proposals_failed.add();
            }
            const error_code said = failed ? failed : made.error();
            done(said, std::move(made));
        },
        std::move(trace));
}

template <class Policies>
void basic_service<Policies>::submit_own(request asked, reply_handler done) {
    node_.submit({std::move(asked), issuer::cluster()},
                 [done = std::move(done)](error_code failed, reply made) {
                     const error_code said = failed ? failed : made.error();
                     done(said, std::move(made));
                 });
}

// Who asks is looked up when the state is fresh: what was granted or taken before counts.
template <class Policies>
template <class Asked, class Look>
void basic_service<Policies>::look_up(Asked asked, bool serializable, const identity& by,
                                      reply_handler done, Look look) {
    error_code refused = validate(request(asked), options_.limits);
    if (!refused && !serializable) {
        refused = serves_all();
    }
    if (refused) {
        done(refused, refusal(refused));
        return;
    }
    auto answer = [this, asked = std::move(asked), by, done = std::move(done),
                   look](error_code failed) {
        if (failed && options_.node.metrics != nullptr) {
            options_.node.metrics->read_indexes_failed.add();
        }
        const result<issuer> who = failed ? result<issuer>(failed) : identify(by);
        if (!who) {
            done(who.error(), refusal(who.error()));
            return;
        }
        reply found = look(node_.machine(), asked, *who);
        const error_code said = found.error();
        done(said, std::move(found));
    };
    if (serializable) {
        answer({});
    } else {
        node_.read(std::move(answer));
    }
}

template <class Policies>
void basic_service<Policies>::range(const quorate::range& asked, bool serializable,
                                    const identity& by, reply_handler done) {
    look_up(asked, serializable, by, std::move(done),
            [](const machine_type& machine, const quorate::range& one, const issuer& who) {
                return machine.range(one, who);
            });
}

template <class Policies>
void basic_service<Policies>::txn(quorate::txn asked, bool serializable, const identity& by,
                                  reply_handler done, std::shared_ptr<request_trace> trace) {
    if (!is_read_only(asked)) {
        submit(std::move(asked), by, std::move(done), std::move(trace));
        return;
    }
    look_up(std::move(asked), serializable, by, std::move(done),
            [](const machine_type& machine, const quorate::txn& one, const issuer& who) {
                return machine.peek(one, who);
            });
}

template <class Policies>
void basic_service<Policies>::raise_space_alarm() {
    if (alarm_under_way_ || alarms().raised(alarm_kind::no_space)) {
        return;
    }
    alarm_under_way_ = true;
    node_.submit({request(quota::alarm(options_.node.id)), issuer::cluster()},
                 [this](error_code, const reply&) { alarm_under_way_ = false; });
}

} // namespace quorate

#endif
