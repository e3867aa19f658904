// Requests and events of watchers, as plain values.
// Flow:       beside 13. revision → events
// In / Out:   the client's fields → the fields of etcd's watch responses
// Invariants: an event never changes and is shared by all who get it
// Source:     etcd's Watch service; field by field the same meaning
// Threads:    a batch may be handed to another thread: its bytes and events are immutable
#ifndef QUORATE_STORE_WATCH_REQUEST_HPP
#define QUORATE_STORE_WATCH_REQUEST_HPP

#include <quorate/base/error.hpp>
#include <quorate/base/ids.hpp>
#include <quorate/command/reply.hpp>
#include <quorate/command/request.hpp>
#include <quorate/store/revision.hpp>
#include <quorate/store/value_backend.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

namespace quorate {

/// The watches of one consumer, such as a connection. Zero: none.
using watch_stream_id = tagged_id<struct watch_stream_tag>;
/// A watch among those of its stream.
using watch_id = std::int64_t;

/// In place of an id: progress of all watches of the stream.
inline constexpr watch_id whole_stream = -1;

/// Lifetime: the views need last no longer than the call that takes the request.
struct watch_request {
    byte_view key{};       ///< Empty: one zero byte, the first key there can be.
    byte_view range_end{}; ///< See span_of().
    /// The first write to tell of: one of the past as long as it is not compacted away, or one to
    /// come. Zero: the next one.
    std::uint64_t start_revision = 0;
    watch_id id = 0;              ///< Zero: the first one that is free, from zero on.
    bool no_put = false;          ///< Leave puts out.
    bool no_delete = false;       ///< Leave deletions out.
    bool prev_kv = false;         ///< Tell what was there before, too.
    bool progress_notify = false; ///< Tell how far it has got when nothing happens for long.
    bool fragment = false;        ///< Allow that a write is told in several batches.
    std::uint32_t owner = 0;      ///< A number for the user; see watch_hub::cancel_unless.
};

/// One change of one key.
struct watch_event {
    bool deleted = false;
    key_value kv{}; ///< Of a deletion only the key and the revision that it was made at.
    /// What was there before, where asked for: absent for a key that was created, and where it is
    /// compacted away.
    std::optional<key_value> prev_kv{};

    /// Units: about how many bytes it takes to tell.
    [[nodiscard]] std::size_t bytes() const noexcept {
        const std::size_t now = kv.key.size() + kv.value.size() + fixed_bytes;
        return prev_kv ? now + prev_kv->key.size() + prev_kv->value.size() + fixed_bytes : now;
    }
    friend bool operator==(const watch_event&, const watch_event&) noexcept = default;

private:
    static constexpr std::size_t fixed_bytes = 32;
};

using shared_event = std::shared_ptr<const watch_event>;

/// Returns: the event that a change was, without what was there before.
[[nodiscard]] inline watch_event event_of(revision at, const row& change) {
    watch_event made;
    made.deleted = change.tombstone();
    made.kv = {change.key, change.value,   change.create_revision,
               at.main,    change.version, change.lease};
    return made;
}

/// What there is to tell of one watch, or, with id whole_stream, of all of a stream.
///
/// Events of one write are in one batch unless they are marked as a fragment; batches tell of
/// writes in order, once each, and leave none out. Without events, and not cancelled: progress.
struct watch_batch {
    watch_id id = 0;
    /// With this batch, everything of the watch up to this revision has been told; where a fragment
    /// is, once its last part has been. Zero when compaction cancelled it; with another reason, the
    /// one that it was cancelled at.
    std::uint64_t revision = 0;
    std::vector<shared_event> events{};
    bool fragment = false; ///< More of the last write's events are in the next batch of this watch.
    /// The watch is over: what it should tell next is compacted away, or for the reason below.
    bool canceled = false;
    std::uint64_t compact_revision = 0; ///< When compacted: the oldest revision to start from anew.
    error_code reason{};                ///< Why it was cancelled, unless that was compaction.
};

struct watch_limits {
    /// Units: bytes of events that may wait for one watch. More than that only when one write
    /// alone is more. A watch whose consumer is slower goes on from the store's history.
    std::size_t queue_bytes = 1 << 20;
    /// How many changes `publish` hands out at once; what exceeds them is left to `step`.
    std::size_t publish_rows = 4096;
    /// A watch that starts in the past joins one that reads the same past, if it is no more than
    /// so many revisions further.
    std::uint64_t join_distance = 1024;
    /// How many different places of the past are read at a time. At least one.
    std::size_t cohorts = 8;
};

} // namespace quorate

#endif
