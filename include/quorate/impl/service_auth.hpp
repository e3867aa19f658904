// basic_service: users and roles. Passwords are hashed and compared on a thread of their own.
#ifndef QUORATE_IMPL_SERVICE_AUTH_HPP
#define QUORATE_IMPL_SERVICE_AUTH_HPP

#include <quorate/service.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <utility>

namespace quorate {

template <class Policies>
error_code basic_service<Policies>::permits_user(const identity& by) {
    const result<issuer> who = identify(by);
    return who ? auth().permits_user(*who) : who.error();
}

template <class Policies>
error_code basic_service<Policies>::permits_root(const identity& by) {
    const result<issuer> who = identify(by);
    return who ? auth().permits_root(*who) : who.error();
}

template <class Policies>
void basic_service<Policies>::administer(const auth_request& asked, const identity& by,
                                         reply_handler done) {
    error_code refused = serves_all();
    if (!refused) {
        refused = check(asked);
    }
    const result<issuer> who = refused ? result<issuer>(refused) : identify(by);
    if (!who) {
        done(who.error(), refusal(who.error()));
        return;
    }
    node_.submit({asked, *who}, [done = std::move(done)](error_code failed, reply made) {
        const error_code said = failed ? failed : made.error();
        done(said, std::move(made));
    });
}

/// Returns: why a request must not be carried out, as far as this member knows.
template <class Policies>
error_code basic_service<Policies>::may_manage(const auth_request& asked, const identity& by) {
    if (const error_code refused = serves_all()) {
        return refused;
    }
    const result<issuer> who = identify(by);
    return who ? auth().permits(*who, asked) : who.error();
}

// The state is read when it is fresh: a password that was changed before on another member counts.
template <class Policies>
void basic_service<Policies>::authenticate(std::string user, std::string password,
                                           token_handler done, given_up left) {
    if (const error_code refused = serves_all()) {
        done(refused, {});
        return;
    }
    node_.read([this, user = std::move(user), password = std::move(password),
                done = std::move(done), left = std::move(left)](error_code failed) {
        result<password_question> question =
            failed ? result<password_question>(failed)
                   : ask_password(auth(), user, password, options_.password_cost);
        if (!question) {
            done(question.error(), {});
            return;
        }
        const std::uint64_t checked_at = question->checked_at;
        const auto task = std::make_shared<password_task>(std::move(question->task));
        on_worker<bool>(
            left, [task] { return task->run(); },
            [this, user, done, checked_at](error_code unanswered, bool right) {
                result<std::string> token = unanswered ? unanswered : errc::auth_failed;
                if (right) {
                    token = tokens_.give(auth(), user, checked_at, now());
                } else if (!unanswered) {
                    note_failed_login(user);
                }
                token ? done({}, *std::move(token)) : done(token.error(), {});
            });
    });
}

// A line a second at most: a client that guesses must not fill the log. The name of a user that
// is not there may be a password.
template <class Policies>
void basic_service<Policies>::note_failed_login(const std::string& user) {
    if (options_.node.metrics != nullptr) {
        options_.node.metrics->logins_failed.add();
    }
    const clock::time_point at = now();
    if (at - login_logged_ < std::chrono::seconds(1)) {
        ++logins_failed_since_;
        return;
    }
    login_logged_ = at;
    const std::uint64_t more = std::exchange(logins_failed_since_, 0);
    if (options_.node.log) {
        const bool known = auth().find_user(user) != nullptr;
        options_.node.log(severity::warning,
                          "a login failed, of " +
                              (known ? "the user '" + user + "'" : "an unknown user") +
                              (more > 0 ? ", and " + std::to_string(more) + " before it" : ""));
    }
}

// The permission is looked at again after the hash is made: a token may have ended meanwhile.
template <class Policies>
void basic_service<Policies>::add_user(std::string name, std::string password, bool no_password,
                                       const identity& by, reply_handler done, given_up left) {
    if (no_password) {
        administer(user_add{.name = name, .no_password = true}, by, std::move(done));
        return;
    }
    if (const error_code refused = may_manage(user_add{.name = name}, by)) {
        done(refused, refusal(refused));
        return;
    }
    hash_then(std::move(password), std::move(left),
              [this, name = std::move(name), by, done](error_code failed, const std::string& hash) {
                  failed ? done(failed, refusal(failed))
                         : administer(user_add{.name = name, .password_hash = hash}, by, done);
              });
}

template <class Policies>
void basic_service<Policies>::change_password(std::string name, std::string password,
                                              const identity& by, reply_handler done,
                                              given_up left) {
    if (const error_code refused = may_manage(user_change_password{.name = name}, by)) {
        done(refused, refusal(refused));
        return;
    }
    hash_then(std::move(password), std::move(left),
              [this, name = std::move(name), by, done](error_code failed, const std::string& hash) {
                  failed ? done(failed, refusal(failed))
                         : administer(user_change_password{.name = name, .password_hash = hash}, by,
                                      done);
              });
}

template <class Policies>
void basic_service<Policies>::hash_then(std::string password, given_up left, token_handler then) {
    struct hashed {
        error_code failed;
        std::string hash;
    };
    on_worker<hashed>(
        std::move(left),
        [password = std::move(password), cost = options_.password_cost] {
            result<std::string> hash = hash_password(password, cost);
            return hash ? hashed{{}, *std::move(hash)} : hashed{hash.error(), {}};
        },
        [then = std::move(then)](error_code unanswered, const hashed& made) {
            then(unanswered ? unanswered : made.failed, made.hash);
        });
}

} // namespace quorate

#endif
