// basic_node: its operations for completion tokens of Asio, from any thread.
#ifndef QUORATE_IMPL_NODE_ASYNC_HPP
#define QUORATE_IMPL_NODE_ASYNC_HPP

#include <quorate/node.hpp>
#include <quorate/runtime/asio_operation.hpp>

#include <concepts>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

namespace quorate {

namespace detail {

/// Returns: what went wrong on the way, else what the reply says.
template <class Reply>
[[nodiscard]] error_code outcome_of(error_code failed, const Reply& reply) {
    if constexpr (requires {
                      { reply.error() } -> std::convertible_to<error_code>;
                  }) {
        return failed ? failed : error_code(reply.error());
    } else {
        return failed;
    }
}

/// Returns: the body of a reply that is well; what a default one has, else.
template <class Body, class Reply>
[[nodiscard]] Body body_of(const Reply& reply) {
    const Body* body = std::get_if<Body>(&reply.body);
    return body != nullptr ? *body : Body{};
}

} // namespace detail

// The request was encoded by the caller, and nothing of the node is touched before its context runs
// the rest. Its handlers are copied into tables, so the operation is shared.
template <class Policies>
template <class... Results, class Token, class Start>
auto basic_node<Policies>::initiate(Token&& token, Start start, error_code cancelled) {
    return detail::start_operation<Results...>(
        std::forward<Token>(token), runtime_.get_executor(), cancelled,
        [this, start = std::move(start)](auto complete) mutable {
            runtime_.post(alive_.guard([this, complete, start = std::move(start)]() mutable {
                start(*this, std::move(complete));
            }));
        });
}

template <class Policies>
template <class Token>
auto basic_node<Policies>::async_submit(const request_type& asked, Token&& token) {
    return initiate<reply_type>(
        std::forward<Token>(token),
        [drafted = draft_of(asked)](basic_node& self, auto complete) mutable {
            self.submit(std::move(drafted), [complete](error_code failed, reply_type reply) {
                const error_code outcome = detail::outcome_of(failed, reply);
                complete(outcome, std::move(reply));
            });
        },
        errc::outcome_unknown);
}

template <class Policies>
template <class Token>
auto basic_node<Policies>::async_read(Token&& token) {
    return initiate<>(
        std::forward<Token>(token),
        [](basic_node& self, auto complete) { self.read(std::move(complete)); },
        detail::operation_aborted());
}

template <class Policies>
template <class Look, class Token>
auto basic_node<Policies>::async_read(Look look, Token&& token) {
    using seen = std::decay_t<std::invoke_result_t<Look&, const machine_type&>>;
    return initiate<seen>(
        std::forward<Token>(token),
        [look = std::move(look)](basic_node& self, auto complete) mutable {
            self.read([&self, look = std::move(look), complete](error_code failed) mutable {
                failed ? complete(failed, seen{}) : complete({}, look(self.machine()));
            });
        },
        detail::operation_aborted());
}

template <class Policies>
template <class Token>
auto basic_node<Policies>::async_add_member(member_info member, change_kind kind, Token&& token) {
    return initiate<>(
        std::forward<Token>(token),
        [member = std::move(member), kind](basic_node& self, auto complete) {
            self.add_member(member, kind, std::move(complete));
        },
        errc::outcome_unknown);
}

template <class Policies>
template <class Token>
auto basic_node<Policies>::async_update_member(member_info member, Token&& token) {
    return initiate<>(
        std::forward<Token>(token),
        [member = std::move(member)](basic_node& self, auto complete) {
            self.update_member(member, std::move(complete));
        },
        errc::outcome_unknown);
}

template <class Policies>
template <class Token>
auto basic_node<Policies>::async_remove_member(node_id member, Token&& token) {
    return initiate<>(
        std::forward<Token>(token),
        [member](basic_node& self, auto complete) {
            self.remove_member(member, std::move(complete));
        },
        errc::outcome_unknown);
}

template <class Policies>
template <class Token>
auto basic_node<Policies>::async_transfer_leadership(node_id to, Token&& token) {
    return initiate<>(
        std::forward<Token>(token),
        [to](basic_node& self, auto complete) {
            self.transfer_leadership(to, std::move(complete));
        },
        detail::operation_aborted());
}

template <class Policies>
template <class Token>
auto basic_node<Policies>::async_stop(Token&& token) {
    return initiate<>(
        std::forward<Token>(token),
        [](basic_node& self, auto complete) { self.stop(std::move(complete)); },
        detail::operation_aborted());
}

template <class Policies>
template <class Token>
auto basic_node<Policies>::async_put(std::string key, std::string value, Token&& token) {
    return initiate<std::uint64_t>(
        std::forward<Token>(token),
        [drafted = draft_of(quorate::put{.key = key, .value = value})](basic_node& self,
                                                                       auto complete) mutable {
            self.submit(std::move(drafted), [complete](error_code failed, const reply_type& reply) {
                complete(detail::outcome_of(failed, reply), reply.header.revision);
            });
        },
        errc::outcome_unknown);
}

template <class Policies>
template <class Token>
auto basic_node<Policies>::async_get(std::string key, Token&& token) {
    return async_read(
        [key = std::move(key)](const machine_type& machine) { return machine.get(key); },
        std::forward<Token>(token));
}

template <class Policies>
template <class Token>
auto basic_node<Policies>::async_del(std::string key, Token&& token) {
    return initiate<std::uint64_t>(
        std::forward<Token>(token),
        [drafted = draft_of(quorate::delete_range{.key = key})](basic_node& self,
                                                                auto complete) mutable {
            self.submit(std::move(drafted), [complete](error_code failed, const reply_type& reply) {
                complete(detail::outcome_of(failed, reply),
                         detail::body_of<delete_reply>(reply).deleted);
            });
        },
        errc::outcome_unknown);
}

} // namespace quorate

#endif
