// A key-value service: everything that clients of etcd ask for, as typed calls on one thread.
// Flow:       1 to 3 and 13. request → admitted, checked → proposal; reply → client
// In / Out:   requests as plain values and who asks → replies, watch batches
// Invariants: what is refused here was not proposed; what was proposed is answered exactly once;
//             watches are told of a write before anybody is answered that it is made
// Source:     etcd's server: the same guards in the same order; doc/service.md
// Threads:    everything on the runtime's context, one thing at a time; passwords are hashed by a
//             worker of it
#ifndef QUORATE_SERVICE_HPP
#define QUORATE_SERVICE_HPP

#include <quorate/base/lifeline.hpp>
#include <quorate/command/cluster_reply.hpp>
#include <quorate/node.hpp>
#include <quorate/server/auth_tokens.hpp>
#include <quorate/server/auto_compactor.hpp>
#include <quorate/server/identity.hpp>
#include <quorate/server/lessor.hpp>
#include <quorate/server/member_talk.hpp>
#include <quorate/server/membership_guard.hpp>
#include <quorate/server/node_observer.hpp>
#include <quorate/server/password.hpp>
#include <quorate/server/quota.hpp>
#include <quorate/server/service_options.hpp>
#include <quorate/store/auth_machine.hpp>
#include <quorate/store/watch_hub.hpp>

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace quorate {

/// What a comparison with other members brought.
struct state_comparison {
    std::size_t compared = 0;       ///< How many have the same revision, and the same past of it.
    std::vector<node_id> differing; ///< Those of them whose state is another one.
};

/// A member of a cluster with all that it serves. The same calls a program makes in-process that a
/// front door makes for its clients.
///
/// Lifetime: what runs the context's handlers outlives the service. What a request views lives
/// until its handler is called. Call `stop` and let its handler run before the end. Threads: as
/// basic_node. Handlers may be called before the call that was given them returns.
template <class Policies = default_policies>
class basic_service final : private node_observer<reply> {
public:
    struct policies : Policies {
        using machine = auth_machine<machine_of<Policies>>;
    };
    using node_type = basic_node<policies>;
    using runtime_type = typename node_type::runtime_type;
    /// By default made of an io_context, or of any executor of Asio.
    using context_type = typename runtime_type::context_type;
    using machine_type = typename node_type::machine_type;
    using store_type = typename machine_type::machine_type::store_type;
    using hub_type = watch_hub<store_type>;
    using handler = std::function<void(error_code)>;
    /// The code is what went wrong on the way, or what the reply says; the header is there always.
    using reply_handler = std::function<void(error_code, reply)>;
    using token_handler = std::function<void(error_code, std::string)>;
    using life_handler = std::function<void(error_code, lease_life_reply)>;
    using hash_handler = std::function<void(error_code, store_hash)>;
    using members_handler = std::function<void(error_code, std::vector<cluster_member>)>;

    /// With a transport that is made from the context and transport_options.
    template <class Wire = typename Policies::transport>
    basic_service(const context_type& context, service_options options)
        : basic_service(
              context, options,
              std::make_unique<Wire>(context, detail::transport_options_of(options.node))) {}
    /// With a transport of one's own.
    basic_service(const context_type& context, service_options options,
                  std::unique_ptr<typename Policies::transport> wire);
    basic_service(const basic_service&) = delete;
    basic_service& operator=(const basic_service&) = delete;
    ~basic_service() = default;

    /// Effects: `also` is told of what the node tells the service, behind it; null: nobody.
    /// Requires: not started. Lifetime: it outlives the service.
    void observe(node_observer<reply>* also) noexcept { also_ = also; }
    /// Effects, errors: as basic_node::start; invalid_option.
    error_code start(handler ended = {});
    void stop(handler done);
    [[nodiscard]] node_type& node() noexcept { return node_; }
    [[nodiscard]] const node_type& node() const noexcept { return node_; }
    [[nodiscard]] runtime_type& runtime() noexcept { return node_.runtime(); }
    [[nodiscard]] const service_options& options() const noexcept { return options_; }
    /// Effects: calls `then` after the pause, unless the service is stopped by then.
    void after(std::chrono::milliseconds pause, std::function<void()> then);

    // Keys and values (impl/service_kv.hpp).

    /// Effects: puts, deletions, transactions, compactions, revokes: whatever goes into the log. A
    /// lease_grant goes through grant().
    /// Errors: those of validate(), quota, alarms, permissions, basic_node::submit, and the store.
    /// `trace`: as in basic_node::submit.
    void submit(request asked, const identity& by, reply_handler done,
                std::shared_ptr<request_trace> trace = nullptr);
    /// Effects: submits a request of the server itself, such as the removal of a waiter's key. No
    /// permission of a user counts; a client's request never comes here.
    /// Errors: those of basic_node::submit, and the store.
    void submit_own(request asked, reply_handler done);
    /// Effects: reads. `serializable`: what this member has applied, at once, be it old; else
    /// linearizable. Errors: as submit, and basic_node::read.
    void range(const quorate::range& asked, bool serializable, const identity& by,
               reply_handler done);
    /// The same for a transaction that only reads (is_read_only); others are submitted.
    void txn(quorate::txn asked, bool serializable, const identity& by, reply_handler done,
             std::shared_ptr<request_trace> trace = nullptr);
    /// Returns: what every answer is headed with, as of now.
    [[nodiscard]] reply_header header() const noexcept { return {store().current_revision()}; }
    [[nodiscard]] const store_type& store() const noexcept { return node_.machine().store(); }
    [[nodiscard]] const auth_store& auth() const noexcept { return node_.machine().auth(); }
    [[nodiscard]] const alarm_set& alarms() const noexcept {
        return node_.machine().machine().alarms();
    }
    /// Returns: the alarms of the group, and no_space for this member while its disk is full: that
    /// one cannot be written, and ends once there is space.
    [[nodiscard]] std::vector<raised_alarm> raised_alarms() const;
    /// Units: bytes. Returns: what the store takes, as quotas count it.
    [[nodiscard]] std::uint64_t used_bytes() const;

    // Watches (impl/service_watch.hpp).

    /// Returns: a stream; `wake` is called, on a later turn of the runtime, when there is
    /// something to take.
    [[nodiscard]] watch_stream_id open_watches(std::function<void()> wake);
    void close_watches(watch_stream_id stream);
    /// Effects: begins a watch for a user. A change of users, roles or permissions that takes the
    /// permission away cancels it: behind the events that wait for it, and before any later write.
    /// Errors: permission_denied and its kin; those of watch_hub::create.
    [[nodiscard]] result<watch_id> watch(watch_stream_id stream, const watch_request& asked,
                                         const identity& by);
    /// Returns: what a stream is to be told next; as watch_hub::take.
    /// Effects: goes on reading the history for a watch that has room again. Whoever takes from
    /// the hub itself leaves that to the next write.
    [[nodiscard]] std::optional<watch_batch> take_watched(watch_stream_id stream,
                                                          std::size_t bytes_max);
    [[nodiscard]] hub_type& watches() noexcept { return *hub_; }

    // Leases (impl/service_lease.hpp).

    /// Effects: grants; without an id, one is drawn. Errors: as submit; ttl_too_large,
    /// lease_exists.
    void grant(lease_id id, std::int64_t ttl, const identity& by, reply_handler done);
    /// Effects: the lease has its whole time again. Answers with `ttl` of zero where there is none.
    /// Errors: no_leader, read_timed_out and what basic_node::call fails with.
    void keep_alive(lease_id id, const identity& by, life_handler done);
    /// Errors: as keep_alive; permission_denied for keys that the user may not read.
    void time_to_live(lease_id id, bool keys, const identity& by, life_handler done);
    /// Returns: the leases; on a leader those that end first in front.
    /// Errors: as read of basic_node; user_empty; learner_unsupported.
    void leases(const identity& by, std::function<void(error_code, std::vector<lease_id>)> done);

    // Users and roles (impl/service_auth.hpp).

    /// Whether a caller waits for nothing any more. Threads: set by any, read by any.
    using given_up = std::shared_ptr<const std::atomic<bool>>;
    /// Errors: auth_not_enabled, auth_failed, auth_old_revision, stopped; too_many_unapplied when
    /// too many passwords wait; stopped once `left` is set, which spares the hashing.
    void authenticate(std::string user, std::string password, token_handler done,
                      given_up left = {});
    /// Errors: as submit; those of auth_store.
    void administer(const auth_request& asked, const identity& by, reply_handler done);
    /// The permission is checked before the password is hashed, and again when it is applied.
    void add_user(std::string name, std::string password, bool no_password, const identity& by,
                  reply_handler done, given_up left = {});
    void change_password(std::string name, std::string password, const identity& by,
                         reply_handler done, given_up left = {});
    /// Returns: who that is now; nobody where authentication is not enabled.
    /// Lifetime: until the next call. Errors: invalid_auth_token, user_not_found.
    [[nodiscard]] result<issuer> identify(const identity& by);

    // The cluster (impl/service_cluster.hpp).

    /// Errors: user_empty and its kin without a user; as read of basic_node where `linearizable`.
    void members(bool linearizable, const identity& by, members_handler done);
    /// For the program itself: no user is asked for, as in status() and alarms().
    [[nodiscard]] std::vector<cluster_member> members() const;
    /// All that change members wait while an earlier change is not applied yet, at most for the
    /// request timeout; change_pending then.
    /// Effects: the member is part of the cluster; it has to be started then. `done` is given all
    /// members, the new one under the id that its name is empty with.
    /// Errors: those of basic_node::add_member; permission_denied, peer_url_invalid,
    /// peer_url_exists, too_many_learners, not_enough_started, cluster_unhealthy.
    void add_member(std::vector<std::string> peer_urls, bool learner, const identity& by,
                    std::function<void(error_code, node_id)> done);
    void remove_member(node_id id, const identity& by, handler done);
    void update_member(node_id id, std::vector<std::string> peer_urls, const identity& by,
                       handler done);
    /// Effects: a learner becomes a voter; on any member, which asks the leader. Errors:
    /// learner_required, learner_not_ready, member_unknown, not_enough_started; read_timed_out: the
    /// leader did not answer, and may have done it.
    void promote_member(node_id id, const identity& by, handler done);

    // Maintenance (impl/service_maintenance.hpp).

    [[nodiscard]] member_status status() const;
    void alarm(const alarm_change& asked, const identity& by, reply_handler done);
    /// Effects: frees all that compaction left, and gives the space back to the file system;
    /// members go on. Errors: those of basic_node::defragment.
    void defragment(const identity& by, handler done);
    /// Errors: not_leader, transferee_invalid; those of basic_node::transfer_leadership.
    void move_leader(node_id to, const identity& by, handler done);
    /// Effects: walks over the state, as basic_node::inspect. Errors: revision_compacted,
    /// revision_in_future, permission_denied; those of inspect.
    void hash(std::uint64_t revision, const identity& by, hash_handler done);
    /// Effects: the state as of now, in the bytes of a machine's snapshot. Errors:
    /// permission_denied; those of basic_node::inspect; too_many_unapplied while as many as
    /// snapshot_streams_max are held.
    void snapshot(const identity& by, std::function<void(error_code, bulk_bytes)> done);
    /// Effects: asks every other member for its hash at this member's revision, and calls back
    /// once each has answered, or did not in time.
    void compare_states(std::function<void(state_comparison)> done);
    /// Errors: permission_denied and its kin, for what only root may do.
    [[nodiscard]] error_code permits_root(const identity& by);
    [[nodiscard]] error_code permits_user(const identity& by);
    /// Returns: no error, or learner_unsupported.
    [[nodiscard]] error_code serves_all() const;

private:
    using clock = monotonic_clock;
    using call_kind = detail::call_kind;
    static constexpr std::size_t changes_max = 1000; // of members, that wait

    // node_observer
    void on_applied(log_index index, const reply& done) override;
    void on_restored() override;
    void on_role(const soft_state& soft, term_id term) override;
    void on_call(node_id from, shared_bytes asked,
                 std::function<void(shared_bytes)> answer) override;

    void arm_timer();
    void on_timer();
    void propose(request asked, handler lost = {});
    void raise_space_alarm();
    void catch_up_watches();
    [[nodiscard]] clock::time_point now() const { return node_.runtime().now(); }
    void tend_leases(clock::time_point at);
    void tend_compaction(clock::time_point at);
    void tend_progress(clock::time_point at);
    [[nodiscard]] std::uint32_t watch_owner_of(byte_view user);
    void recheck_watches();
    void tend_corruption(clock::time_point at);
    void compare_state(node_id other, const store_hash& mine,
                       std::function<void(std::optional<bool>)> done);

    void hash_state(std::uint64_t revision, hash_handler done);
    void compare_others(const store_hash& mine, std::function<void(state_comparison)> done);
    [[nodiscard]] error_code admit(const request& asked) const;
    template <class Asked, class Look>
    void look_up(Asked asked, bool serializable, const identity& by, reply_handler done, Look look);
    [[nodiscard]] reply refusal(error_code reason) const;
    void draw_lease(std::int64_t ttl, const identity& by, reply_handler done, int tries);
    using life_attempt = std::function<void(life_handler)>;
    void ask_until(const life_attempt& attempt, clock::time_point deadline, life_handler done);
    [[nodiscard]] bool leads() const;
    void renew(lease_id id, life_handler done, bool caught_up = false);
    void look_at_life(lease_id id, life_handler done);
    void confirm(lease_life_reply life, life_handler done);
    void ask_leader(call_kind kind, lease_id id, life_handler done);
    [[nodiscard]] result<lease_life_reply> life_of(lease_id id) const;
    using change_attempt = std::function<void(handler)>;
    void change_members(change_attempt attempt, handler done);
    void change_members(change_attempt attempt, handler done, clock::time_point deadline);
    void tend_changes();
    [[nodiscard]] error_code may_promote(node_id id) const;
    void promote(node_id id, handler done);
    [[nodiscard]] membership_guard guard() const;
    void listen_for_members(clock::time_point at);
    [[nodiscard]] bool was_heard(node_id id) const;
    [[nodiscard]] error_code check_urls(const std::vector<std::string>& urls, node_id self) const;
    [[nodiscard]] error_code may_manage(const auth_request& asked, const identity& by);
    template <class Answer>
    void on_worker(given_up left, std::function<Answer()> job,
                   std::function<void(error_code, Answer)> then);
    void hash_then(std::string password, given_up left, token_handler then);
    void note_failed_login(const std::string& user);

    service_options options_;
    node_type node_;
    node_observer<reply>* also_ = nullptr;
    quota quota_;
    lessor lessor_;
    auth_tokens tokens_;
    std::optional<hub_type> hub_;                // since the node has recovered
    std::optional<auto_compactor> compactor_;    // while this member leads
    std::map<node_id, clock::time_point> heard_; // while this member leads: when from whom
    typename runtime_type::timer timer_{runtime()};
    struct waiting_change {
        change_attempt attempt;
        handler done;
        clock::time_point deadline;
    };
    std::vector<waiting_change> changes_; // tried again with the next tick
    clock::time_point progress_told_{};
    clock::time_point compared_{}; // the members' states
    bool watches_behind_ = false;
    std::map<std::string, std::uint32_t, std::less<>> watch_owners_; // users, by number in the hub
    std::uint32_t last_watch_owner_ = 0;
    std::pair<std::uint64_t, std::uint64_t> watches_checked_at_; // auth revisions: enabled, now
    bool alarm_under_way_ = false;
    /// Snapshots that clients read; whoever reads one may do so on any thread, and outlive this.
    std::shared_ptr<std::atomic<std::size_t>> snapshots_read_ =
        std::make_shared<std::atomic<std::size_t>>(0);
    line_limit snapshot_lines_{1, std::chrono::seconds(10)};
    std::size_t passwords_waiting_ = 0;     // for the thread, or on it
    clock::time_point login_logged_{};      // the last line of a failed login
    std::uint64_t logins_failed_since_ = 0; // that line
    bool stopping_ = false;
    lifeline alive_; // of what is posted
    typename runtime_type::worker hash_worker_{
        runtime()}; // last: its jobs end before what they use
};

} // namespace quorate

#include <quorate/impl/service_auth.hpp>
#include <quorate/impl/service_cluster.hpp>
#include <quorate/impl/service_kv.hpp>
#include <quorate/impl/service_lease.hpp>
#include <quorate/impl/service_maintenance.hpp>
#include <quorate/impl/service_start.hpp>
#include <quorate/impl/service_watch.hpp>

#endif
