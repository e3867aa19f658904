// basic_service: watches, brought up a step at a time between other work.
#ifndef QUORATE_IMPL_SERVICE_WATCH_HPP
#define QUORATE_IMPL_SERVICE_WATCH_HPP

#include <quorate/service.hpp>

#include <boost/asio/post.hpp>

#include <cstddef>
#include <optional>
#include <utility>

namespace quorate {
namespace detail {

/// How much of the history one step reads: a fraction of a millisecond.
inline constexpr std::size_t watch_step_rows = 1000;

} // namespace detail

template <class Policies>
watch_stream_id basic_service<Policies>::open_watches(std::function<void()> wake) {
    // The hub calls while it works; the consumer shall find it done.
    return hub_->open([this, wake = std::move(wake)] { boost::asio::post(io_, wake); });
}

template <class Policies>
void basic_service<Policies>::close_watches(watch_stream_id stream) {
    hub_->close(stream);
}

template <class Policies>
result<watch_id> basic_service<Policies>::watch(watch_stream_id stream, const watch_request& asked,
                                                const identity& by) {
    const result<issuer> who = identify(by);
    if (!who) {
        return who.error();
    }
    if (const error_code refused = auth().permits_read(*who, asked.key, asked.range_end)) {
        return refused;
    }
    result<watch_id> made = hub_->create(stream, asked);
    catch_up_watches();
    return made;
}

template <class Policies>
std::optional<watch_batch> basic_service<Policies>::take_watched(watch_stream_id stream,
                                                                 std::size_t bytes_max) {
    std::optional<watch_batch> next = hub_->take(stream, bytes_max);
    catch_up_watches();
    return next;
}

template <class Policies>
void basic_service<Policies>::catch_up_watches() {
    if (watches_behind_ || !hub_->behind()) {
        return;
    }
    watches_behind_ = true;
    boost::asio::post(io_, [this] {
        watches_behind_ = false;
        if (!stopping_) {
            hub_->step(detail::watch_step_rows);
            catch_up_watches();
        }
    });
}

template <class Policies>
void basic_service<Policies>::tend_progress(clock::time_point now) {
    if (now - progress_told_ >= options_.watch_progress_interval) {
        progress_told_ = now;
        hub_->notify_progress();
    }
}

} // namespace quorate

#endif
