// One operation that a completion token of Asio waits for.
// Flow:       none
// Invariants: the handler is called once, on its own executor, never inside the initiating function
// Source:     Asio's requirements on asynchronous operations
// Threads:    any; the handler's executor decides where it runs
#ifndef QUORATE_RUNTIME_ASIO_OPERATION_HPP
#define QUORATE_RUNTIME_ASIO_OPERATION_HPP

#include <quorate/base/error.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/associated_allocator.hpp>
#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/cancellation_type.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/execution/outstanding_work.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/prefer.hpp>

#include <atomic>
#include <memory>
#include <optional>
#include <tuple>
#include <utility>

namespace quorate::detail {

template <class Handler, class... Results>
class async_operation : public std::enable_shared_from_this<async_operation<Handler, Results...>> {
public:
    async_operation(Handler handler, const boost::asio::any_io_executor& otherwise)
        : executor_(boost::asio::get_associated_executor(handler, otherwise)),
          work_(boost::asio::prefer(executor_, boost::asio::execution::outstanding_work.tracked)),
          handler_(std::move(handler)) {}

    /// Effects: a cancellation completes the operation with these results.
    void on_cancel(Results... results) {
        auto slot = boost::asio::get_associated_cancellation_slot(*handler_);
        if (slot.is_connected()) {
            slot.assign([weak = this->weak_from_this(),
                         given = std::tuple<Results...>(std::move(results)...)](
                            boost::asio::cancellation_type type) {
                const auto self = weak.lock();
                if (self != nullptr && type != boost::asio::cancellation_type::none) {
                    self->post(given);
                }
            });
        }
    }
    /// Effects: calls the handler with the first results that come, on a later turn.
    void complete(Results... results) { post(std::tuple<Results...>(std::move(results)...)); }

private:
    void post(std::tuple<Results...> given) {
        boost::asio::post(executor_,
                          [self = this->shared_from_this(), given = std::move(given)]() mutable {
                              self->finish(std::move(given));
                          });
    }
    void finish(std::tuple<Results...> given) {
        if (ended_.test_and_set()) {
            return; // cancelled before, or completed
        }
        boost::asio::get_associated_cancellation_slot(*handler_).clear();
        Handler handler = std::move(*handler_);
        handler_.reset();
        work_ = {};
        std::apply(std::move(handler), std::move(given));
    }

    const boost::asio::any_io_executor executor_;
    boost::asio::any_io_executor work_; ///< Keeps the executor busy until the handler is called.
    std::optional<Handler> handler_;    ///< Until it is called.
    std::atomic_flag ended_;
};

/// Returns: the error of an operation that was cancelled and has no effect of its own.
[[nodiscard]] inline error_code operation_aborted() {
    return boost::asio::error::operation_aborted;
}

/// Effects: calls `begin(completion)`, with a copyable completion, once the token is initiated. The
/// token completes with void(error_code, Results...): what the completion is called with, or
/// `cancelled` and default results after a cancellation. The operation is kept in memory of the
/// handler's allocator; the handler runs on its own executor, or else on `otherwise`.
template <class... Results, class Token, class Begin>
auto start_operation(Token&& token, const boost::asio::any_io_executor& otherwise,
                     error_code cancelled, Begin begin) {
    return boost::asio::async_initiate<Token, void(error_code, Results...)>(
        [otherwise, cancelled](auto handler, auto start) {
            using handler_type = decltype(handler);
            const auto allocator = boost::asio::get_associated_allocator(handler);
            const auto operation =
                std::allocate_shared<async_operation<handler_type, error_code, Results...>>(
                    allocator, std::move(handler), otherwise);
            operation->on_cancel(cancelled, Results{}...);
            start([operation](error_code failed, Results... results) {
                operation->complete(failed, std::move(results)...);
            });
        },
        token, std::move(begin));
}

} // namespace quorate::detail

#endif
