// The hub's records of watches: single ones, cohorts, and streams.
// Flow:       beside 13
// In / Out:   none; plain state of store/watch_hub.hpp
// Invariants: a watch is in one cohort, or waits for one, or is paused, or is cancelled
// Threads:    none (owner's strand)
#ifndef QUORATE_STORE_WATCHER_HPP
#define QUORATE_STORE_WATCHER_HPP

#include <quorate/store/interval_map.hpp>
#include <quorate/store/watch_queue.hpp>
#include <quorate/store/watch_request.hpp>

#include <boost/intrusive/list.hpp>
#include <boost/intrusive/set.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>

namespace quorate::detail {

struct watcher;
struct watch_cohort;
struct watch_stream;

template <class Tag>
using watch_hook = boost::intrusive::list_base_hook<boost::intrusive::tag<Tag>>;
template <class Tag>
using watch_list = boost::intrusive::list<watcher, boost::intrusive::base_hook<watch_hook<Tag>>,
                                          boost::intrusive::constant_time_size<false>>;

using same_span_hook = watch_hook<struct same_span_tag>;
using same_span_list = watch_list<struct same_span_tag>;
using member_hook = watch_hook<struct member_tag>;
using member_list = watch_list<struct member_tag>;
using ready_hook = watch_hook<struct ready_tag>;
using ready_list = watch_list<struct ready_tag>;
using watch_index = interval_map<same_span_list>;
using by_id_hook = boost::intrusive::set_base_hook<boost::intrusive::tag<struct by_id_tag>,
                                                   boost::intrusive::optimize_size<true>>;

/// One watch. There are many: what it takes is measured by quorate_bench_watch.
struct watcher : by_id_hook, same_span_hook, member_hook, ready_hook {
    watch_stream* stream = nullptr;
    watch_cohort* home = nullptr;        ///< Nothing while it waits, is paused or cancelled.
    watch_index::entry* place = nullptr; ///< Where in the index of the cohort.
    owned_span span{};
    watch_id id = 0;
    /// The first write that it is to be told of; in a cohort, unless that is further.
    std::uint64_t next = 0;
    watch_queue queue{};
    bool no_put : 1 = false;
    bool no_delete : 1 = false;
    bool prev_kv : 1 = false;
    bool progress_notify : 1 = false;
    bool fragment : 1 = false;
    bool paused : 1 = false;       ///< Its queue is full; goes on once there is room.
    bool canceled : 1 = false;     ///< Over, for compaction or for `reason`.
    bool told : 1 = false;         ///< Events were taken since the last look at progress.
    bool progress_due : 1 = false; ///< To be told how far it has got.
    std::uint16_t reason = 0;      ///< The errc for which it was cancelled; zero: compaction.
    std::uint32_t owner = 0;       ///< The user that it tells, by number.
};

struct id_of_watcher {
    using type = watch_id;
    [[nodiscard]] const type& operator()(const watcher& w) const noexcept { return w.id; }
};
using watcher_set = boost::intrusive::set<watcher, boost::intrusive::base_hook<by_id_hook>,
                                          boost::intrusive::key_of_value<id_of_watcher>,
                                          boost::intrusive::constant_time_size<false>>;
using watcher_deleter = std::default_delete<watcher>;

/// Watches that were offered all writes before `next`.
struct watch_cohort {
    std::uint64_t next = 0;
    watch_index index{};
    member_list members{};
    std::size_t size = 0; ///< Of `members`.
};

/// The watches of one consumer.
struct watch_stream {
    watch_stream() = default;
    watch_stream(const watch_stream&) = delete;
    watch_stream& operator=(const watch_stream&) = delete;
    ~watch_stream() {
        ready.clear();
        watches.clear_and_dispose(watcher_deleter());
    }

    std::function<void()> wake{};
    watcher_set watches{}; ///< Its own.
    ready_list ready{};    ///< Those that have something to tell.
    watch_id next_id = 0;  ///< The first that may be free.
    bool idle = true;      ///< Its consumer waits to be woken.
    bool progress_due = false;
};

} // namespace quorate::detail

#endif
