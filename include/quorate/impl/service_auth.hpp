// basic_service: users and roles. Passwords are hashed and compared on a thread of their own.
#ifndef QUORATE_IMPL_SERVICE_AUTH_HPP
#define QUORATE_IMPL_SERVICE_AUTH_HPP

#include <quorate/service.hpp>

#include <boost/asio/post.hpp>

#include <memory>
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

// The state is read when it is fresh: a password that was changed before on another member counts.
template <class Policies>
void basic_service<Policies>::authenticate(std::string user, std::string password,
                                           token_handler done) {
    if (const error_code refused = serves_all()) {
        done(refused, {});
        return;
    }
    node_.read([this, user = std::move(user), password = std::move(password),
                done = std::move(done)](error_code failed) {
        result<password_question> question =
            failed ? result<password_question>(failed)
                   : ask_password(auth(), user, password, options_.password_cost);
        if (!question) {
            done(question.error(), {});
            return;
        }
        const std::uint64_t checked_at = question->checked_at;
        on_worker([this, user, done, checked_at, task = std::move(question->task)] {
            const bool right = task.run();
            boost::asio::post(io_, [this, user, done, checked_at, right] {
                result<std::string> token = errc::auth_failed;
                if (right) {
                    token = tokens_.give(auth(), user, checked_at, clock::now());
                }
                token ? done({}, *std::move(token)) : done(token.error(), {});
            });
        });
    });
}

// Who asks is looked up after the hash is made: a token may have ended meanwhile.
template <class Policies>
void basic_service<Policies>::add_user(std::string name, std::string password, bool no_password,
                                       const identity& by, reply_handler done) {
    if (no_password) {
        administer(user_add{.name = name, .no_password = true}, by, std::move(done));
        return;
    }
    hash_then(std::move(password),
              [this, name = std::move(name), by, done](error_code failed, const std::string& hash) {
                  failed ? done(failed, refusal(failed))
                         : administer(user_add{.name = name, .password_hash = hash}, by, done);
              });
}

template <class Policies>
void basic_service<Policies>::change_password(std::string name, std::string password,
                                              const identity& by, reply_handler done) {
    hash_then(std::move(password), [this, name = std::move(name), by, done](
                                       error_code failed, const std::string& hash) {
        failed ? done(failed, refusal(failed))
               : administer(user_change_password{.name = name, .password_hash = hash}, by, done);
    });
}

template <class Policies>
void basic_service<Policies>::hash_then(std::string password, token_handler then) {
    on_worker([this, password = std::move(password), then = std::move(then)] {
        const result<std::string> hash = hash_password(password, options_.password_cost);
        const error_code failed = hash ? error_code() : hash.error();
        boost::asio::post(
            io_, [then, failed, made = hash ? *hash : std::string()] { then(failed, made); });
    });
}

} // namespace quorate

#endif
