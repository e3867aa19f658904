// The contract of the replicated state.
// Flow:    11 to 13. committed entry → reply
// Source:  doc/concept/state_machine.md
#ifndef QUORATE_STORE_STATE_MACHINE_HPP
#define QUORATE_STORE_STATE_MACHINE_HPP

#include <quorate/base/bulk_bytes.hpp>
#include <quorate/base/bytes.hpp>
#include <quorate/base/error.hpp>
#include <quorate/base/ids.hpp>
#include <quorate/format/primitives.hpp>

#include <concepts>
#include <optional>

namespace quorate {

/// A pure function of the entries applied: no clock, no randomness, no addresses. `apply` is
/// total: any bytes get a reply, the same one on every member. `encode` leaves
/// `command_header_bytes` bytes free at the front, where the node writes the request's id; `apply`
/// is given the bytes behind them. `snapshot` yields a rope or bulk_bytes; it shares what it can
/// and copies no values, for the machine goes on while it is written. `restore` takes a bulk_reader
/// by value or by reference, and reads the state in pieces, for it may be larger than memory has
/// room for twice; any bytes and any error may come, and the old state stays then.
template <class M>
concept state_machine = requires(M machine, const M fixed, log_index index,
                                 const shared_bytes& command, bulk_reader& state,
                                 const typename M::request_type& request) {
    typename M::request_type;
    typename M::reply_type;
    requires std::default_initializable<M>;
    requires std::default_initializable<typename M::reply_type>;
    requires std::movable<typename M::reply_type>;
    { M::encode(request) } -> std::same_as<draft>;
    { machine.apply(index, command) } -> std::same_as<typename M::reply_type>;
    { fixed.snapshot() } -> std::convertible_to<bulk_bytes>;
    { machine.restore(state) } -> std::same_as<error_code>;
};

/// A machine whose walks over the whole state may leave the owner's thread, so that the owner goes
/// on with everything but commands meanwhile. Models have `static constexpr bool detachable = true`
/// and promise: any const function may run on one thread while others run const functions;
/// `restore` of a machine that nothing else refers to may run on any thread, and so may the
/// destructor of a machine that was moved out of its place. The owner never calls `apply` while a
/// const function runs elsewhere.
template <class M>
concept detachable_machine = state_machine<M> && std::movable<M> && requires {
    requires M::detachable;
};

/// A machine whose commands leave work behind that nothing waits for, such as memory to be freed.
/// `sweep` does a little of it, a few milliseconds' worth at most, and returns whether more is
/// left; `swept` says that nothing is. No reply, snapshot or hash depends on how far it has got, so
/// each member goes at its own pace: the owner calls it between other things, whether idle or busy,
/// but never while a const function runs elsewhere.
template <class M>
concept sweeping_machine = state_machine<M> && requires(M machine, const M fixed) {
    { machine.sweep() } -> std::same_as<bool>;
    { fixed.swept() }
    noexcept->std::same_as<bool>;
};

/// A machine that applies long commands in parts. `apply_part` returns the reply once the command
/// is carried out; where it returns nothing, `applying` is true, and it is called again with the
/// same arguments. Until then only const functions are called, and they see the state before the
/// command; the machine may also be destroyed or replaced. `apply` does all parts at once.
template <class M>
concept stepwise_machine = state_machine<M> &&
    requires(M machine, const M fixed, log_index index, const shared_bytes& command) {
    { machine.apply_part(index, command) } -> std::same_as<std::optional<typename M::reply_type>>;
    { fixed.applying() }
    noexcept->std::same_as<bool>;
};

/// Bytes at the front of every command: the id of its request.
inline constexpr std::size_t command_header_bytes = request_id_bytes;

} // namespace quorate

#endif
