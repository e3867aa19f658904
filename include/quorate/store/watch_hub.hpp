// Delivery of changes to watchers: every write once, in order, whatever their pace.
// Flow:       beside 12 and 13. the store's new rows → events → batches for each consumer
// In / Out:   watch_request → watch_batch
// Invariants: a cohort's watches have been offered all writes before its `next`; the live cohort is
//             the one for those who are not behind; what waits for a watch, and what its cohort is
//             still to offer, meet without gap or overlap
// Source:     etcd's watchable store; differs: a slow watcher goes on from the history instead of
//             holding its events in memory, and steps are counted in rows, without clock or thread
// Threads:    none (owner's strand)
#ifndef QUORATE_STORE_WATCH_HUB_HPP
#define QUORATE_STORE_WATCH_HUB_HPP

#include <quorate/base/result.hpp>
#include <quorate/store/watch_request.hpp>
#include <quorate/store/watcher.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <vector>

namespace quorate {

/// `Store` is an mvcc_store, or has its current_revision, compact_revision, changes and get.
///
/// The owner calls `publish` after what it applied, `step` while `behind()`, and `take` for each
/// stream that was woken. doc/watch.md shows how.
///
/// Complexity: to publish a change takes time logarithmic in the watched ranges, and constant for
/// each watch that it concerns; others cost nothing. See doc/watch.md for the memory of a watch.
template <class Store>
class watch_hub {
public:
    /// Called when a stream may have something to take, once until `take` found nothing.
    /// Required behaviour: does not call the hub; it leaves that for later.
    using wake_hook = std::function<void()>;

    /// Lifetime: the store outlives the hub. What is in the store already counts as the past.
    explicit watch_hub(const Store& store, watch_limits limits = {});
    watch_hub(const watch_hub&) = delete;
    watch_hub& operator=(const watch_hub&) = delete;
    ~watch_hub();

    /// Returns: a stream without watches.
    [[nodiscard]] watch_stream_id open(wake_hook wake);
    /// Effects: ends a stream and its watches; what they had to tell is lost.
    /// Requires: it is open; as does all that takes a stream.
    void close(watch_stream_id stream);

    /// Effects: begins a watch. Where it starts in the past, `step` has to bring it up; where that
    /// is compacted away, it is cancelled, and a batch says so.
    /// Returns: its id. Errors: watch_exists when its stream has that id; invalid_option for
    /// `whole_stream`; watch_span_empty.
    [[nodiscard]] result<watch_id> create(watch_stream_id stream, const watch_request& asked);
    /// Effects: ends a watch; what it had to tell is lost. Returns: whether there was one.
    bool cancel(watch_stream_id stream, watch_id id);

    /// Effects: publishes, and ends the watches that `permits(owner, span)` gives an error for:
    /// events that wait are told first; what was not read of the history is not told any more.
    /// Complexity: linear in all watches.
    template <class Permits>
    void cancel_unless(Permits permits);

    /// Effects: offers the writes that the store has made since the last time, up to a limit.
    /// To be called after every write, or a few, and after a restore; before that the store must
    /// not compact what was not published, or watches are cancelled that need not be.
    void publish();
    /// Effects: publishes, and brings those that are behind nearer, by `rows_max` changes of the
    /// history, and as many as it takes to the end of a write. Returns: behind(). Requires:
    /// rows_max > 0.
    bool step(std::size_t rows_max);
    /// Returns: whether there is something to do for `step`.
    [[nodiscard]] bool behind() const noexcept { return !lagging_.empty() || live_->next <= head_; }

    /// Returns: what is to be told next, of any of the stream's watches; nothing when it is all
    /// told, and the stream will be woken.
    /// Effects: of events, takes whole writes up to about `bytes_max` bytes, at least one; a part
    /// of one where it alone is larger and the watch allows it.
    [[nodiscard]] std::optional<watch_batch> take(watch_stream_id stream, std::size_t bytes_max);

    /// Effects: the stream will have a batch of id whole_stream that says how far all of its
    /// watches have got, as soon as they have all been told everything. One that begins with a
    /// write that is still to come has been told everything.
    void request_progress(watch_stream_id stream);
    /// Effects: those who asked for it when created, and have been told nothing since the last
    /// call though they are not behind, will have a batch without events. To be called now and
    /// then. Complexity: linear in all watches.
    void notify_progress();

    /// Returns: how many watches there are, cancelled ones that were not told so included.
    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    /// Returns: how many streams are open.
    [[nodiscard]] std::size_t stream_count() const noexcept { return streams_.size(); }
    /// Returns: how many watches read the past still, are held up by their consumer or are over.
    [[nodiscard]] std::size_t slow_count() const noexcept { return size_ - live_->size; }
    /// Returns: how many events wait to be taken. Complexity: linear in all watches.
    [[nodiscard]] std::size_t pending_events() const noexcept;
    /// Returns: how many events were taken, since the hub was made.
    [[nodiscard]] std::uint64_t told_events() const noexcept { return told_events_; }
    /// Returns: the last write that was published.
    [[nodiscard]] std::uint64_t published() const noexcept { return head_; }

private:
    using watcher = detail::watcher;
    using cohort = detail::watch_cohort;
    using stream_state = detail::watch_stream;

    /// A change on its way to those whom it concerns: they all share its event.
    class offer {
    public:
        offer(const Store& store, revision at, const row& change) noexcept
            : store_(store), at_(at), change_(change) {}
        /// Returns: the event, made when it is first needed.
        const shared_event& event(bool prev_kv);
        [[nodiscard]] std::uint64_t write() const noexcept { return at_.main; }
        [[nodiscard]] bool deletion() const noexcept { return change_.tombstone(); }
        [[nodiscard]] byte_view key() const noexcept { return change_.key.view(); }

    private:
        const Store& store_;
        revision at_;
        const row& change_;
        shared_event plain_;
        shared_event with_previous_;
    };

    [[nodiscard]] stream_state& find(watch_stream_id stream);
    [[nodiscard]] static watch_id free_id(stream_state& home);

    void join(watcher& w);
    void start_waiting();
    void enter(cohort& into, watcher& w);
    void leave(watcher& w);
    void drop(watcher& w);
    void expire(watcher& w);

    std::size_t advance(cohort& group, std::size_t rows_max);
    void expire_compacted(cohort& group);
    void offer_to(cohort& group, offer& change);
    void offer_to(watcher& w, offer& change);
    void advance_lagging(std::size_t which, std::size_t rows_max);
    void catch_up(std::unique_ptr<cohort>& group, std::size_t watches_max);
    void rewind(std::uint64_t current);

    [[nodiscard]] bool up_to_date(const watcher& w) const noexcept;
    [[nodiscard]] std::uint64_t told_upto(const watcher& w) const noexcept;
    [[nodiscard]] watch_batch take_events(watcher& w, std::size_t bytes_max);
    [[nodiscard]] std::optional<watch_batch> take_progress(stream_state& home);
    [[nodiscard]] watch_batch take_cancel(watcher& w);

    void make_ready(watcher& w);
    void arouse(stream_state& home);
    void arouse_for_progress();
    void wake_streams();

    const Store* store_;
    watch_limits limits_;
    std::uint64_t head_; ///< The last write that was published.
    std::unique_ptr<cohort> live_;
    std::vector<std::unique_ptr<cohort>> lagging_;
    std::size_t turn_ = 0;        ///< Which of them is next; behind the last: the live one.
    detail::member_list waiting_; ///< Those that are further back than all cohorts there may be.
    std::map<watch_stream_id, stream_state> streams_;
    std::uint64_t last_stream_ = 0;
    std::size_t size_ = 0;
    std::uint64_t told_events_ = 0;
    std::size_t progress_requests_ = 0;  ///< Streams that have one.
    std::vector<watcher*> overflowed_;   ///< Those whose queue was full during a walk.
    std::vector<stream_state*> aroused_; ///< Those to be woken at the end of a call.
};

} // namespace quorate

#include <quorate/store/impl/watch_hub.hpp>

#endif
