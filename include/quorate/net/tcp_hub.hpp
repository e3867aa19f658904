// The shared state of one TCP transport's connections, and their reports to its owner.
// Flow:       8 and 9
// In / Out:   events of connections → calls of the sink
// Invariants: the sink is never called inside a call of the transport, nor after stop
// Threads:    those of the asio_context, one at a time
#ifndef QUORATE_NET_TCP_HUB_HPP
#define QUORATE_NET_TCP_HUB_HPP

#include <quorate/format/frame.hpp>
#include <quorate/net/handshake.hpp>
#include <quorate/net/rate_limit.hpp>
#include <quorate/net/secure_channel.hpp>
#include <quorate/net/tcp_statistics.hpp>
#include <quorate/net/transport.hpp>
#include <quorate/runtime/asio_context.hpp>

#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace quorate {

namespace detail {

/// Deadlines are counted in ticks of the transport's one timer, so that no connection re-arms one.
inline constexpr std::uint32_t tcp_tick_ms = 100;
inline constexpr std::uint64_t tcp_connect_ticks_max = 50;
inline constexpr std::uint64_t tcp_hello_ticks_max = 50;
inline constexpr std::uint64_t tcp_stall_ticks_max = 50;
inline constexpr std::uint64_t tcp_linger_ticks_max = 10;
/// How long the hello of an unknown id is held.
inline constexpr std::uint64_t tcp_unknown_ticks_max = 20;
/// For a frame that has begun to arrive; it also ends after tcp_stall_ticks_max without a byte.
inline constexpr std::uint64_t tcp_frame_ticks_max = 600;
/// Unconfirmed ids that are heard at a time.
inline constexpr std::size_t tcp_unconfirmed_max = 4;
/// Ids that are heard at a time without having been added, where the owner allows it.
inline constexpr std::size_t tcp_unknown_max = 64;
/// Unfinished frames of all connections together hold no more than this many frames of full size.
inline constexpr std::uint64_t tcp_unfinished_frames_max = 4;
/// For one step of a snapshot at the peer; the last one is the sync of all of it.
inline constexpr std::uint64_t tcp_snapshot_ticks_max = 3000;

class tcp_dialler;
class tcp_inlet;

/// Held by the transport and by every pending handler. `sink` is null once stopped.
struct tcp_hub : std::enable_shared_from_this<tcp_hub> {
    tcp_hub(const asio_context& context, const transport_options& settings)
        : executor(context.get_executor()),
          options(settings),
          identity{settings.cluster, settings.self},
          snapshot_rate(settings.snapshot_bytes_per_second, tcp_tick_ms) {}

    asio_context::executor_type executor;
    transport_options options;
    local_identity identity;
    transport_sink* sink = nullptr;
    bool stopped = false;
    tcp_statistics statistics;
    std::uint64_t ticks = 0;
    rate_limit snapshot_rate;
    std::uint32_t snapshots_under_way = 0; ///< Announced to peers and not ended.
    memory_intake in_memory;               ///< For a sink without a place for snapshots.
    bool told_removed = false;
    std::uint64_t complain_from = 0;    ///< Tick before which complaints are only counted.
    std::uint64_t complaints_kept = 0;  ///< Since the last one that was told.
    std::uint64_t drops_from = 0;       ///< Tick before which drops are only counted.
    std::uint64_t drops_kept = 0;       ///< Since the last one that was reported.
    std::set<node_id> peers;            ///< Added by the owner and not dropped.
    std::set<node_id> removed;          ///< Dropped by the owner and not added again.
    std::uint64_t unfinished_bytes = 0; ///< Held for frames that have not arrived entirely.
    std::map<node_id, std::shared_ptr<tcp_dialler>> diallers;
    std::vector<std::shared_ptr<tcp_dialler>> leaving; ///< Of dropped peers, sending their last.
    std::vector<std::shared_ptr<tcp_inlet>> inlets;
    std::unique_ptr<boost::asio::thread_pool> worker; ///< One thread, made when it is needed.

    /// Requires: not stopped.
    [[nodiscard]] snapshot_intake& intake() noexcept {
        snapshot_intake* kept = sink->snapshots();
        return kept != nullptr ? *kept : in_memory;
    }
    /// Effects: calls `then(work())`, with the work on the worker's thread where it may block, and
    /// `then` here. Not at all once stopped.
    template <class Work, class Then>
    void perform(bool blocks, Work work, Then then) {
        if (stopped) {
            return;
        }
        if (!blocks) {
            then(work());
            return;
        }
        if (worker == nullptr) {
            worker = std::make_unique<boost::asio::thread_pool>(1);
        }
        boost::asio::post(
            *worker, [this, work = std::move(work), then = std::move(then)]() mutable {
                // Stopping joins this thread, so that the hub is there.
                boost::asio::post(executor, [self = shared_from_this(), then = std::move(then),
                                             outcome = work()]() mutable {
                    if (!self->stopped) {
                        then(std::move(outcome));
                    }
                });
            });
    }
    /// Effects: waits for the work under way; what waits behind it is dropped.
    void stop_worker() noexcept {
        if (worker != nullptr) {
            worker->stop();
            worker->join();
            worker.reset();
        }
    }

    /// Effects: calls `call(sink)` from the event loop, unless stopped by then.
    template <class Call>
    void tell(Call call) {
        boost::asio::post(executor, [self = shared_from_this(), call = std::move(call)] {
            if (self->sink != nullptr) {
                call(*self->sink);
            }
        });
    }
    void tell_unreachable(node_id peer) {
        tell([peer](transport_sink& s) { s.on_unreachable(peer); });
    }
    void tell_snapshot_sent(node_id peer, bool delivered) {
        tell([peer, delivered](transport_sink& s) { s.on_snapshot_sent(peer, delivered); });
    }
    void tell_refused(node_id peer, hello_status why) {
        tell([peer, why](transport_sink& s) { s.on_refused(peer, why); });
    }
    /// Returns: the hello of this member to another one.
    [[nodiscard]] shared_bytes greeting(hello_status status, node_id to) const {
        return encode_hello({protocol_version, status, identity.cluster, identity.self, to,
                             sink != nullptr ? sink->past() : member_past{}});
    }
    /// Returns: the owner's verdict on the past of the member at the other end.
    [[nodiscard]] hello_status judge(node_id member, const member_past& theirs) const {
        return sink != nullptr ? sink->judge_past(member, theirs) : hello_status::ok;
    }
    /// Effects: tells why somebody was refused, at most once a second.
    void complain(std::string text);
    /// Effects: reports that something was dropped for its size, at most once in ten seconds.
    void report_drop(std::string text);
    void tell_removed() {
        if (!std::exchange(told_removed, true)) {
            tell([](transport_sink& s) { s.on_removed(); });
        }
    }
};

/// Returns: the sentence for a verdict on a member's past; empty for other_group, which the owner
/// logs with both marks.
[[nodiscard]] std::string past_problem(hello_status verdict);

/// Effects: no delay for small writes, and a peer that vanished is noticed within seconds. Failures
/// are ignored: the connection works without.
void tune_socket(tcp_socket& socket) noexcept;

} // namespace detail
} // namespace quorate

#if defined(QUORATE_HEADER_ONLY)
#include <quorate/net/impl/tcp_hub.ipp>
#endif

#endif
