// The executor of a node, its transport and its service: handlers run one after the other.
// Flow:       none
// Invariants: no two handlers of one context run at a time, whatever threads run them
// Source:     Asio's strands; doc/concept/runtime.md
// Threads:    any
#ifndef QUORATE_RUNTIME_ASIO_CONTEXT_HPP
#define QUORATE_RUNTIME_ASIO_CONTEXT_HPP

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/strand.hpp>

#include <concepts>
#include <type_traits>
#include <utility>

namespace quorate {

namespace detail {

template <class E>
inline constexpr bool is_strand = false;
template <class Inner>
inline constexpr bool is_strand<boost::asio::strand<Inner>> = true;

/// Whatever a strand can be made of: an executor.
template <class E>
concept asio_executor = boost::asio::execution::is_executor<std::remove_cvref_t<E>>::value;

} // namespace detail

/// An executor that runs handlers one after the other. Copies share it.
///
/// Lifetime: what runs the handlers outlives it.
class asio_context {
public:
    using executor_type = boost::asio::any_io_executor;

    /// A strand of its own: several threads may run `io`.
    asio_context(boost::asio::io_context& io) : executor_(boost::asio::make_strand(io)) {}
    /// A strand of its own on any executor; a strand is taken as it is, to be shared with others.
    template <detail::asio_executor E>
    requires(!std::same_as<std::remove_cvref_t<E>, asio_context>) asio_context(E&& executor)
        : executor_(serial(std::forward<E>(executor))) {}

    /// Returns: the io_context without a strand, which costs less. Requires: one thread at a time
    /// runs `io`.
    [[nodiscard]] static asio_context of_one_thread(boost::asio::io_context& io) {
        return asio_context(as_given{}, io.get_executor());
    }

    [[nodiscard]] const executor_type& get_executor() const noexcept { return executor_; }

private:
    struct as_given {};
    asio_context(as_given, executor_type executor) : executor_(std::move(executor)) {}

    template <class E>
    [[nodiscard]] static executor_type serial(E&& executor) {
        if constexpr (detail::is_strand<std::remove_cvref_t<E>>) {
            return std::forward<E>(executor);
        } else {
            return boost::asio::make_strand(executor_type(std::forward<E>(executor)));
        }
    }

    executor_type executor_;
};

} // namespace quorate

#endif
