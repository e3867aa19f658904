// basic_service: watches, brought up a step at a time between other work.
#ifndef QUORATE_IMPL_SERVICE_WATCH_HPP
#define QUORATE_IMPL_SERVICE_WATCH_HPP

#include <quorate/service.hpp>

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
    return hub_->open([this, wake = std::move(wake)] { runtime().post(wake); });
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
    watch_request settled = asked;
    settled.key = asked.key.empty() ? byte_view("\0", 1) : asked.key; // as the hub takes it
    const key_span span = span_of(settled.key, settled.range_end);
    if (const error_code refused = auth().permits_read(*who, span)) {
        return refused;
    }
    settled.owner = watch_owner_of(who->user.empty() ? byte_view(by.user) : who->user);
    result<watch_id> made = hub_->create(stream, settled);
    catch_up_watches();
    return made;
}

/// Returns: the user's number in the hub; zero without a name.
template <class Policies>
std::uint32_t basic_service<Policies>::watch_owner_of(byte_view user) {
    if (user.empty()) {
        return 0;
    }
    const auto known = watch_owners_.find(user);
    return known != watch_owners_.end() ? known->second
                                        : (watch_owners_[std::string(user)] = ++last_watch_owner_);
}

// Each member does so when it applies the change, so a watch ends at the same revision on all.
template <class Policies>
void basic_service<Policies>::recheck_watches() {
    const std::pair now{auth().enabled_since(), auth().revision()};
    if (std::exchange(watches_checked_at_, now) == now) {
        return;
    }
    std::map<std::uint32_t, byte_view> names;
    for (const auto& [name, owner] : watch_owners_) {
        names.emplace(owner, name);
    }
    hub_->cancel_unless([&](std::uint32_t owner, const key_span& span) {
        const auto known = names.find(owner);
        const byte_view user = known == names.end() ? byte_view() : known->second;
        return auth().permits_read({user, auth().revision()}, span);
    });
    std::erase_if(watch_owners_, [this](const auto& one) {
        // Only then all of its watches were ended.
        return auth().enabled() && auth().find_user(one.first) == nullptr;
    });
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
    runtime().post(alive_.guard([this] {
        watches_behind_ = false;
        if (!stopping_) {
            hub_->step(detail::watch_step_rows);
            catch_up_watches();
        }
    }));
}

template <class Policies>
void basic_service<Policies>::tend_progress(clock::time_point at) {
    if (at - progress_told_ >= options_.watch_progress_interval) {
        progress_told_ = at;
        hub_->notify_progress();
    }
}

} // namespace quorate

#endif
