// The assembly: one member of a group, made of the chosen policies.
// Flow:       3, 5, 7, 11 and 13: requests → proposals, effects → their execution, replies
// In / Out:   requests, messages, ticks → replies, messages, files
// Invariants: effects are executed in the order that effects.hpp names; R7
// Source:     doc/flow.md; thesis §10.2.1 for the disk beside the network
// Threads:    everything on the runtime's context, one thing at a time; writes and syncs, and walks
//             over the state of a detachable or durable machine, on the runtime's workers
#ifndef QUORATE_NODE_HPP
#define QUORATE_NODE_HPP

#include <quorate/base/lifeline.hpp>
#include <quorate/log/data_directory.hpp>
#include <quorate/log/volume.hpp>
#include <quorate/policies.hpp>
#include <quorate/server/call_table.hpp>
#include <quorate/server/group_history.hpp>
#include <quorate/server/group_seed.hpp>
#include <quorate/server/leader_transfers.hpp>
#include <quorate/server/line_limit.hpp>
#include <quorate/server/lone_group.hpp>
#include <quorate/server/member_past.hpp>
#include <quorate/server/member_table.hpp>
#include <quorate/server/membership_guard.hpp>
#include <quorate/server/node_limits.hpp>
#include <quorate/server/node_observer.hpp>
#include <quorate/server/node_options.hpp>
#include <quorate/server/node_snapshot.hpp>
#include <quorate/server/node_status.hpp>
#include <quorate/server/read_rounds.hpp>
#include <quorate/server/request_ids.hpp>
#include <quorate/server/request_table.hpp>
#include <quorate/server/start_state.hpp>
#include <quorate/server/storage_queue.hpp>
#include <quorate/server/timeout_causes.hpp>
#include <quorate/server/trace_list.hpp>
#include <quorate/server/unknown_members.hpp>
#include <quorate/store/durable_machine.hpp>

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace quorate {

namespace detail {

/// Returns: the options, with the peer URLs that initial_members has for this member where
/// peer_url is empty.
[[nodiscard]] inline node_options with_peer_url(node_options options) {
    for (const member_info& m : options.initial_members) {
        if (options.peer_url.empty() && m.id == options.id) {
            options.peer_url = joined_peer_urls(m);
        }
    }
    return options;
}

inline transport_options transport_options_of(const node_options& given) {
    const node_options options = with_peer_url(given);
    transport_options wire;
    wire.cluster = options.cluster;
    wire.self = options.id;
    wire.listen_url = options.peer_url;
    wire.snapshot_bytes_per_second = options.snapshot_send_rate;
    wire.snapshots_at_once = options.snapshots_at_once;
    wire.queue_bytes_max = options.peer_queue_bytes_max;
    wire.snapshot_bytes_max = options.snapshot_bytes_max;
    wire.security = options.peer_security;
    wire.certificates_name_members = options.peer_certificates_name_members;
    wire.announced_urls = options.announced_peer_urls;
    return wire;
}

} // namespace detail

/// A member of a replicated group. See doc/tutorial for programs that use one.
///
/// Lifetime: what runs the context's handlers outlives the node. `stop` answers all that waits; a
/// node that is destroyed without it does not. Threads: members are called within the context, or
/// while no thread runs it; handlers are called within it, possibly before the call that was given
/// them returns.
template <class Policies = default_policies>
class basic_node final : private transport_sink {
    using machine_policy = machine_of<Policies>;

    static_assert(consensus_engine<typename Policies::consensus>,
                  "Policies::consensus does not model quorate::consensus_engine; what is missing "
                  "stands below, what it means in doc/concept/consensus_engine.md");
    static_assert(log_store<typename Policies::log>,
                  "Policies::log does not model quorate::log_store; what is missing stands below, "
                  "what it means in doc/concept/log_store.md");
    static_assert(snapshot_store<typename Policies::snapshots>,
                  "Policies::snapshots does not model quorate::snapshot_store; what is missing "
                  "stands below, what it means in doc/concept/snapshot_store.md");
    static_assert(transport<typename Policies::transport>,
                  "Policies::transport does not model quorate::transport; what is missing stands "
                  "below, what it means in doc/concept/transport.md");
    static_assert(runtime<runtime_of<Policies>>,
                  "Policies::runtime does not model quorate::runtime; what is missing stands "
                  "below, what it means in doc/concept/runtime.md");
    static_assert(state_machine<machine_policy>,
                  "Policies::machine does not model quorate::state_machine; what is missing stands "
                  "below, what it means in doc/concept/state_machine.md");

public:
    using engine_type = typename Policies::consensus;
    using log_type = typename Policies::log;
    using snapshots_type = typename Policies::snapshots;
    using transport_type = typename Policies::transport;
    using runtime_type = runtime_of<Policies>;
    /// By default made of an io_context, or of any executor of Asio.
    using context_type = typename runtime_type::context_type;
    using machine_type = machine_policy;
    using request_type = typename machine_type::request_type;
    using reply_type = typename machine_type::reply_type;
    using reply_handler = std::function<void(error_code, reply_type)>;
    using handler = std::function<void(error_code)>;
    using call_handler = std::function<void(error_code, shared_bytes)>;
    using observer = node_observer<reply_type>;

    /// With a transport that is made from the context and transport_options.
    template <class Wire = transport_type>
    basic_node(const context_type& context, node_options options)
        : basic_node(context, options,
                     std::make_unique<Wire>(context, detail::transport_options_of(options))) {}
    /// With a transport of one's own.
    basic_node(const context_type& context, node_options options,
               std::unique_ptr<transport_type> wire);
    /// Effects: ends at once, without stop too, and waits for the disk's job under way. Handlers of
    /// what is not answered yet are destroyed without a call: it may or may not have happened.
    /// Requires: no other thread runs handlers of this node.
    ~basic_node();
    basic_node(const basic_node&) = delete;
    basic_node& operator=(const basic_node&) = delete;

    [[nodiscard]] runtime_type& runtime() noexcept { return runtime_; }
    [[nodiscard]] const runtime_type& runtime() const noexcept { return runtime_; }
    /// Returns: the executor of the node's context.
    [[nodiscard]] auto get_executor() const noexcept requires requires(const runtime_type& own) {
        own.get_executor();
    }
    { return runtime_.get_executor(); }
    /// Effects: `watching` is told of everything from now on; null: nobody. Requires: not started.
    /// Lifetime: `watching` outlives the node.
    void observe(observer* watching) noexcept {
        QUORATE_ASSERT(!started_);
        observer_ = watching != nullptr ? watching : &nobody_;
    }
    /// Effects: locks and reads the data directory, restores the state, starts to take part.
    /// `ended` is called once if the member cannot go on: member_removed, or a storage failure.
    /// Errors: invalid_option, directory_locked, wrong_cluster, wrong_member, corrupt, or of the
    /// system; `explanation()` then says which file or address.
    error_code start(handler ended = {});
    /// Returns: a sentence about the last failure.
    [[nodiscard]] const std::string& explanation() const noexcept { return explanation_; }

    /// Effects: replicates a request and applies it; the handler gets the reply after that, on
    /// whichever member it was asked.
    /// Errors: too_many_unapplied, request_too_large, uncommitted_limit, unsynced_limit, log_limit,
    /// no_leader, no_space, stopped: it is not applied and never will be. outcome_unknown,
    /// timed_out_leader_lost, timed_out_disconnected: it may be. `trace`, unless null, is filled
    /// with the request's path until it is answered; it stays empty when the request is refused at
    /// once.
    void submit(const request_type& asked, reply_handler done,
                std::shared_ptr<request_trace> trace = nullptr);
    /// The same for a request that is encoded already; see draft_of. It may be encoded anywhere.
    struct drafted_request {
        draft command;
        bool grows = true; ///< It may make the state larger.
        bool answered_when_swept = false;
    };
    [[nodiscard]] static drafted_request draft_of(const request_type& asked);
    void submit(drafted_request asked, reply_handler done,
                std::shared_ptr<request_trace> trace = nullptr);
    /// Effects: calls back once `machine()` reflects everything that was acknowledged to anyone
    /// before this call (linearizable, thesis §6.4). Errors: no_leader, read_timed_out, stopped.
    void read(handler done);
    /// Returns: the state as applied here; as fresh as a `read` before it.
    [[nodiscard]] const machine_type& machine() const noexcept { return machine_; }
    /// Effects: `look` sees the machine at one applied index, and commands wait until it has
    /// returned; then `done` is called. For walks over the whole state: with a detachable_machine
    /// `look` runs on a thread of its own, else at once. Walks follow one another, and commands
    /// that waited come in between. Nothing is left to be swept then, where the machine is durable.
    /// Errors: too_many_unapplied: too many walks wait; stopped.
    void inspect(std::function<void(const machine_type&)> look, handler done);
    /// What an examination does once it has seen the machine; `stopped` may be called on any
    /// thread.
    using examination = std::function<void(const std::function<bool()>& stopped)>;
    /// Effects: the same for a durable_machine, and commands go on: `prepare` sees the machine, and
    /// what it returns, which must not refer to the machine, runs on a thread of its own. It ends
    /// early once `stopped` returns true. Then `done` is called. With other machines both run where
    /// `inspect` looks. Errors: as inspect.
    void examine(std::function<examination(const machine_type&)> prepare, handler done);

    /// Effects: adds a member, or makes a learner a voter. A name and client URLs that are empty
    /// leave known ones as they are. Errors: as submit; member_exists with other peer URLs, and for
    /// a voter that shall become a learner; request_too_large when the table of members would be;
    /// peer_url_exists; member_removed; change_pending; invalid_option for an invalid URL. Unless
    /// strict_reconfig_check is off: not_enough_started, cluster_unhealthy, learner_not_ready.
    void add_member(const member_info& member, change_kind kind, handler done);
    /// Effects: changes the addresses and the name of a member; its peers then reach it there.
    /// Errors: as submit; member_unknown, member_removed, peer_url_exists, change_pending,
    /// invalid_option.
    void update_member(const member_info& member, handler done);
    /// Effects: removes a member for good; it stops by itself. Errors: as submit; member_unknown,
    /// member_removed, removed_all_voters, change_pending; not_enough_started, cluster_unhealthy
    /// unless strict_reconfig_check is off.
    void remove_member(node_id member, handler done);
    [[nodiscard]] const member_table& members() const noexcept { return members_; }

    /// Effects: asks another member, or this one, what only it knows; its observer answers. At most
    /// once: nothing is repeated, and an answer may be lost. Errors: peer_not_found without a
    /// connection to it; read_timed_out after `limit`, give or take a tick; request_too_large over
    /// call_bytes_max; too_many_unapplied; stopped.
    void call(node_id to, shared_bytes asked, std::chrono::milliseconds limit, call_handler done);

    /// Returns: who votes and who learns. Requires: started.
    [[nodiscard]] const membership& configuration() const noexcept { return engine_->members(); }
    /// Returns: every member as this leader sees it, by ascending id; nothing elsewhere.
    [[nodiscard]] std::vector<member_progress> progress() const;

    /// Returns: how the transport is connected to each peer, by ascending id; nothing where it
    /// cannot tell.
    [[nodiscard]] std::vector<peer_link> links() const;

    /// Effects: asks another voter to take over; best effort.
    void transfer_leadership();
    /// Effects: the same, and calls back once that one leads, or after an election timeout.
    /// Errors: transferee_invalid: this member does not lead, or nobody could; else as below.
    void transfer_leadership(handler done);
    /// Effects: asks `to` to take over; calls back once it leads, or after an election timeout.
    /// Errors: not_leader; member_unknown for anybody but a voter; transferee_invalid for a voter
    /// that is recovering or whose disk takes no writes; leader_changed: another one
    /// leads; no_leader: nobody did when the time was up; read_timed_out: this member still did;
    /// stopped.
    void transfer_leadership(node_id to, handler done);
    /// Effects: what compaction left is freed first; then a machine with a database commits what
    /// waits and writes the file anew without gaps, beside its other work. Errors: stopped;
    /// too_many_unapplied; no_space or others: the old file goes on.
    void defragment(handler done);
    /// Effects: answers what waits, lets the write under way end, closes everything, then calls
    /// back. Blocks for as long as that write, or a walk over the state, takes. May be called
    /// inside a handler.
    void stop(handler done);

    [[nodiscard]] node_status status() const noexcept;

    // The same for completion tokens of Asio, with a runtime that has an executor. They may be
    // called on any thread, while the node lives; the handler is called once, on its own executor,
    // never inside the call. A cancelled write ends with outcome_unknown: it may happen yet; what
    // else is cancelled ends with operation_aborted (impl/node_async.hpp).

    /// Completes with void(error_code, reply_type): the error is also what the reply says, if it
    /// says one. Lifetime: what the request views, until the operation was initiated.
    template <class Token>
    auto async_submit(const request_type& asked, Token&& token);
    /// Completes with void(error_code); within the node's context `machine()` may be looked at.
    template <class Token>
    auto async_read(Token&& token);
    /// Effects: `look(machine())` within the node's context, once the state is as fresh as a
    /// read's. Completes with void(error_code, what it returned), by default nothing after an
    /// error.
    template <class Look, class Token>
    auto async_read(Look look, Token&& token);
    /// Completes with void(error_code).
    template <class Token>
    auto async_add_member(member_info member, change_kind kind, Token&& token);
    template <class Token>
    auto async_update_member(member_info member, Token&& token);
    template <class Token>
    auto async_remove_member(node_id member, Token&& token);
    template <class Token>
    auto async_transfer_leadership(node_id to, Token&& token);
    template <class Token>
    auto async_stop(Token&& token);

    /// Completes with void(error_code, std::uint64_t), the revision. Keys and values, as all below:
    /// for a machine whose requests are those of the command layer.
    template <class Token>
    auto async_put(std::string key, std::string value, Token&& token);
    /// Completes with void(error_code, std::optional<key_value>), linearizable.
    template <class Token>
    auto async_get(std::string key, Token&& token);
    /// Completes with void(error_code, std::uint64_t), the number of keys that are gone.
    template <class Token>
    auto async_del(std::string key, Token&& token);

private:
    /// Completes `token` with what `start(node, completion)` gives within the node's context, or
    /// with `cancelled`.
    template <class... Results, class Token, class Start>
    auto initiate(Token&& token, Start start, error_code cancelled);
    using clock = monotonic_clock;
    static constexpr int rounds_per_pump = 64;
    static constexpr int ticks_per_round_trip = 30;
    static constexpr int ticks_to_save_lives = 50;
    static constexpr int ticks_to_retry = 5;                        // a commit that found no space
    static constexpr int elections_without_leader = 10;             // before an unknown id may lead
    static constexpr std::uint64_t elections_in_snapshot_save = 60; // before it counts as hanging
    static constexpr std::uint64_t elections_to_retry_snapshot = 10; // while the log is full
    static constexpr const char* disk_takes_no_writes = "the disk of this member takes no writes";
    static constexpr std::chrono::milliseconds slow_apply{100};
    static constexpr bool blocking = log_type::blocking || snapshots_type::blocking;
    static constexpr bool durable = durable_machine<machine_type>;
    static constexpr bool detached = detachable_machine<machine_type> && !durable;
    static constexpr bool walks_aside = detached || durable;
    static constexpr std::size_t asides_max = 8;
    static constexpr bool sweeping = sweeping_machine<machine_type>;
    static constexpr bool stepwise = stepwise_machine<machine_type>;
    static constexpr std::chrono::milliseconds sweep_turn{1}; // of the loop
    static constexpr std::size_t walks_max = 1024;            // that wait
    static constexpr std::size_t entries_per_turn = 256;

    // Starting (impl/node_start.hpp).
    error_code open_storage();
    [[nodiscard]] std::string option_problem() const;
    [[nodiscard]] std::uint64_t frame_bytes_max() const noexcept;
    [[nodiscard]] bool has_peers() const noexcept;
    error_code open_log(log_options options);
    error_code build_engine();
    error_code bootstrap(start_state& start);
    result<std::vector<entry>> force_group(start_state& start);
    error_code write_start(const start_state& start, std::span<const entry> appended);
    error_code adopt_members();
    error_code find_start_table(const start_state& start);
    [[nodiscard]] bool starts_stale(const start_state& start);
    [[nodiscard]] bool is_only_voter(const start_state& start) const;
    [[nodiscard]] error_code examine(std::span<const entry> entries);

    // The machine's database, if it has one (impl/node_database.hpp).
    error_code open_machine();
    void adopt_database(engine_state& start);
    void check_held_members();
    void maybe_commit(bool anyway = false);
    void on_committed(bool defragmented);
    [[nodiscard]] bool commits_first();
    void begin_defragmentation();
    [[nodiscard]] bool is_refused_growth(entry_kind kind, const shared_bytes& payload) const;
    void retry_database();
    void maybe_defragment();
    void close_database();

    // The loop (impl/node_loop.hpp).
    void schedule_pump();
    void pump();
    void propose_queued();
    void ask_for_reads();
    void tell_time();
    void execute(effects& batch);
    void take_note(effects& batch);
    void log_role(bool led);
    void stage(effects& batch);
    void release(staged_batch& batch);
    bool release_free();
    [[nodiscard]] error_code refusal_of(const message& m) const;
    void arm_timer();
    void on_timer();
    void note_late_tick(clock::time_point now);
    void fail(error_code reason, std::string explanation);
    void end(error_code reason);
    void say(severity level, const std::string& text) const;
    void say_space(severity level, const std::string& text);

    // Syncs, and a disk that is full, hangs or lost entries (impl/node_disk.hpp).
    bool start_sync();
    bool run_job(typename log_type::sync_job job, snapshot_ptr received);
    void note_sync(clock::duration took, bool with_snapshot) const;
    void on_synced(typename log_type::sync_job job, error_code failed, snapshot_ptr received);
    void on_full_disk(typename log_type::sync_job job, snapshot_ptr received);
    void watch_sync(clock::time_point now);
    void tell_disk();
    [[nodiscard]] std::pair<log_index, log_index> durable_marks() const;
    [[nodiscard]] bool refuses_writes() const;
    void retry_full_disk();
    void seal_idle_log();
    void note_fence(const hard_state& hard);

    // Applying (impl/node_apply.hpp).
    void apply(const applied_mark& mark);
    std::size_t apply_entries(std::span<const entry> entries);
    bool apply_entry(const entry& e);
    [[nodiscard]] bool in_command() const noexcept;
    void on_batch_applied(const applied_mark& mark);
    [[nodiscard]] bool is_command(const entry& e) const noexcept;
    std::optional<reply_type> carry_out(const entry& e);
    void answer(const entry& e, reply_type reply);
    error_code install(const snapshot_ptr& snap);
    void adopt_snapshot(const snapshot& snap, const member_table& members);
    [[nodiscard]] std::uint64_t place_in_line() const;
    [[nodiscard]] bool snapshot_due() const;
    void maybe_snapshot();
    void watch_log(clock::time_point now);
    void save_snapshot(snapshot_ptr snap);
    [[nodiscard]] bulk_bytes state_with(const member_table& members) const;
    [[nodiscard]] snapshot_ptr as_stored(const snapshot_ptr& snap) const;
    void on_snapshot_saved(const snapshot_ptr& snap, error_code failed);
    void enqueue(request_id id, entry_kind kind, shared_bytes payload, reply_handler done);
    [[nodiscard]] error_code admit() const noexcept;
    [[nodiscard]] bool far_behind() const noexcept;
    [[nodiscard]] error_code admit_bytes(std::uint64_t bytes,
                                         std::uint64_t bytes_max) const noexcept;

    // What the machine has yet to free (impl/node_sweep.hpp).
    [[nodiscard]] bool swept() const noexcept;
    void schedule_sweep();
    void sweep();
    void on_swept();
    [[nodiscard]] reply_handler once_swept(reply_handler done);

    // Walks over the whole state (impl/node_walks.hpp).
    struct walk {
        std::function<void()> begin; ///< On the node's thread, right before.
        std::function<void()> run;
        handler done;
        bool aside = false; ///< It does not look at the machine while it runs.
    };
    struct held_batch {
        std::vector<entry> entries;
        applied_mark mark;
        std::size_t applied = 0; ///< So many of its entries are.
    };
    struct restored {
        machine_type machine;
        error_code failed;
    };
    [[nodiscard]] bool holds_entries() const noexcept;
    void begin_walk();
    void run_aside(walk next);
    void join_walks();
    void end_walk(walk& ended);
    void resume();
    void schedule_resume();
    void drop_superseded();
    void begin_restore(const snapshot_ptr& snap, bulk_reader state);
    void end_restore(const snapshot_ptr& snap, std::shared_ptr<restored> made);
    template <class T>
    void discard(std::shared_ptr<T> unused);

    // Members (impl/node_members.hpp).
    [[nodiscard]] error_code check_member(const member_info& member) const;
    [[nodiscard]] error_code judge_change(entry_kind kind, byte_view payload) const;
    [[nodiscard]] member_health health_of(const peer_progress& peer) const;
    void listen_for_peers(bool leads_anew);
    void propose_change(const single_change& change, byte_view told, handler done);
    void apply_change(const entry& e);
    void adopt_change(const single_change& change, const std::optional<member_update>& told);
    void adopt_table(const member_table& table);
    void connect(const member_info& member);
    void maybe_publish();

    // The path of single requests (impl/node_trace.hpp).
    [[nodiscard]] reply_handler follow(request_id id, std::shared_ptr<request_trace> trace,
                                       reply_handler done);
    void trace_proposed(const std::vector<request_id>& ids);
    void trace_effects(const effects& batch);
    void ask_leader_for_trace(request_id id);
    void trace_for(node_id asker, const member_call& call);
    void say_slow(const request_timing& took);

    // Leading, and who else might (impl/node_leader.hpp).
    void on_new_role();
    [[nodiscard]] node_id successor(std::span<const node_id> besides = {}) const;
    void hand_over(clock::time_point now, const char* why);
    void abandon_all();
    [[nodiscard]] errc why_timed_out(clock::time_point began) const;
    void time_round_trips();

    // Ids and addresses that the member table does not have (impl/node_unknown.hpp).
    void ask_who_is_member();
    void on_named_members(node_id by, byte_view bytes);
    void on_announced(node_id from, byte_view urls);
    void check_own_urls();
    void drop_removed();
    void note_leader(const message& m, clock::time_point now);
    void note_dropped(node_id from, error_code why);

    // What members state of their data, and what follows (impl/node_past.hpp).
    [[nodiscard]] const member_table& committed_table() const noexcept;
    [[nodiscard]] past_entry find_past_entry(log_index index) const;
    [[nodiscard]] bool note_start(node_id member, const member_past& theirs);
    void save_lives();
    void on_lives_saved(error_code failed);
    void retry_lives();
    void load_lives();
    void log_other_group(node_id member, birth_mark theirs);
    void note_birth(birth_mark before);
    void on_birth(node_id from, byte_view bytes);
    [[nodiscard]] bool contradicts(const message& m) const;
    void on_lost_past();
    void doubt_final_loss(const message& m);
    void watch_unproven();
    [[nodiscard]] bool holds_nothing() const;
    [[nodiscard]] bool has_taken_part(node_id member) const;

    // Calls between members (impl/node_calls.hpp).
    [[nodiscard]] bool pass_on(node_id to, const member_call& call);

    // transport_sink
    snapshot_intake* snapshots() noexcept override { return &snapshots_->intake(); }
    void on_message(const message& m) override;
    void on_unreachable(node_id peer) override;
    void on_snapshot_sent(node_id peer, bool delivered) override;
    void on_removed() override;
    void on_untrusted(const std::string& why) override;
    void on_dropped(const std::string& why) override;
    void on_call(node_id from, const member_call& call) override;
    void on_refused(node_id peer, hello_status why) override;
    member_past past() const override;
    hello_status judge_past(node_id member, const member_past& theirs) override;
    shared_bytes on_newcomer() override;
    admission on_unknown(node_id id) override;

    runtime_type runtime_;
    node_options options_;
    std::unique_ptr<transport_type> wire_;
    typename runtime_type::timer timer_{runtime_};
    typename runtime_type::timer farewell_{runtime_}; // a removed member lingers to tell its peers
    request_ids ids_;

    std::optional<data_directory> directory_;
    std::unique_ptr<log_type> log_;
    std::unique_ptr<snapshots_type> snapshots_;
    std::unique_ptr<engine_type> engine_;
    machine_type machine_;
    member_table members_;
    group_members found_members_; // as of the start, with changes that are not applied yet

    request_table<reply_type> requests_;
    read_rounds reads_;
    leader_transfers transfers_;
    timeout_causes causes_;
    int ticks_to_round_trips_ = 0;
    call_table calls_;
    lifeline alive_;                         // of what is posted
    std::shared_ptr<basic_node*> answering_; // null inside once stopped; counts open answers
    unknown_members unknown_;
    std::map<node_id, std::string> announced_; // of members at other URLs than the table's
    std::string own_urls_seen_;
    member_table start_table_; // as of start_commit_, until that is applied
    log_index start_commit_{};
    std::uint64_t life_ = runtime_.fresh(); // distinguishes the starts of this member
    member_lives lives_;                    // of the other members
    bool saving_lives_ = false;
    bool lives_changed_ = false;       // since the save under way began
    bool lives_unsaved_ = false;       // the last save failed
    int lives_retry_ticks_ = 0;        // until it is tried again
    std::uint64_t unproven_ticks_ = 0; // since a member refused this one so; zero: none did
    clock::time_point leader_heard_ = runtime_.now();
    line_limit dropped_lines_{1, std::chrono::seconds(1)};
    line_limit announced_lines_{1, std::chrono::seconds(1)};
    line_limit unconfirmed_lines_{1, std::chrono::seconds(1)};
    line_limit other_group_lines_{1, std::chrono::seconds(30)};
    line_limit leader_lines_{20, std::chrono::seconds(1)};
    line_limit refused_lines_{10, std::chrono::seconds(10)};
    line_limit slow_apply_lines_{1, std::chrono::seconds(1)};
    line_limit space_lines_{10, std::chrono::seconds(10)};
    trace_list traces_;
    clock::time_point ticked_at_ = runtime_.now();
    clock::time_point slow_said_at_{};
    std::uint64_t slow_unsaid_ = 0;
    struct unobserved final : observer {};
    unobserved nobody_;
    observer* observer_ = &nobody_;
    storage_queue storage_;
    /// A write that found no space; it is tried again with each tick.
    struct held_write {
        typename log_type::sync_job job;
        snapshot_ptr received;
    };
    std::optional<held_write> held_;
    std::vector<entry> applying_;      // the entries of one batch: the engine's spans do not last
    std::deque<held_batch> held_back_; // behind a walk or a restore
    std::deque<walk> walks_;           // that wait
    snapshot_ptr restoring_;           // the state is being made of it
    log_index drain_to_{};             // applied before the next walk begins
    bool walking_ = false;
    bool resuming_ = false;
    bool in_batch_ = false; // handlers of a batch that is being applied run
    bool sweep_scheduled_ = false;
    bool sweep_open_ = false;        // its end was not noted yet
    clock::duration command_took_{}; // the parts so far of the command that is being applied
    std::vector<std::function<void()>> sweep_waiters_; // answers of requests that are applied
    log_id applied_{};
    log_index snapshot_index_{};
    log_index next_snapshot_{}; // not before this is applied: the last try found no space
    std::uint64_t bytes_since_snapshot_ = 0;
    log_index compacted_{};
    std::map<node_id, std::uint32_t>
        silent_ticks_;     // while this member leads: since it heard a peer
    log_id database_at_{}; // what the machine had applied before this start
    log_index stable_{};   // up to here the own log is durable
    soft_state soft_{};

    bool pump_scheduled_ = false;
    bool proposals_blocked_ = false; // no leader took the last ones: wait for a tick or an election
    bool reads_blocked_ = false;
    bool snapshot_under_way_ = false;
    bool log_full_ = false;            // its limit is reached until a snapshot is saved
    std::uint32_t log_full_ticks_ = 0; // since a snapshot was last begun for that
    bool fenced_ = false;              // the disk lost what this member acknowledged
    bool fence_in_job_ = false;        // as of the start of the sync under way
    bool fence_durable_ = false;       // as of the last sync that succeeded
    bool loss_is_final_ = false;       // this member is the only voter, so no leader can repair it
    bool disk_full_ = false;
    bool disk_hangs_ = false;
    clock::time_point job_began_{};
    std::vector<node_id> handed_to_; // targets of hand_over since this disk last worked
    clock::time_point next_hand_over_{};
    std::function<error_code()> finish_commit_; // set while a commit is under way
    std::vector<handler> defragments_;          // who waits for one
    bool database_full_ = false;
    bool defragmenting_ = false;
    int database_retry_ticks_ = 0;    // until a commit that found no space is tried again
    bool commit_due_ = false;         // with the next tick: a sweep has ended
    bool committed_for_copy_ = false; // what waited when a defragmentation was asked for
    std::size_t asides_ = 0;          // examinations on their thread, or before it
    std::atomic<bool> ends_asides_ = false;
    bool job_under_way_ = false;
    bool sync_waits_for_snapshot_ = false;
    std::uint32_t sync_ticks_ = 0; // since the job under way began
    bool publishing_ = false;
    bool started_ = false;
    bool stopping_ = false;
    error_code failed_;
    std::string explanation_;
    handler ended_;

    // Last, so that their jobs end before anything they use.
    std::mutex save_mutex_; // a received and an own snapshot may be saved at the same time
    typename runtime_type::worker log_worker_{runtime_};
    typename runtime_type::worker snapshot_worker_{runtime_};
    typename runtime_type::worker database_worker_{runtime_};
    typename runtime_type::worker walk_worker_{runtime_};
};

} // namespace quorate

#include <quorate/impl/node_apply.hpp>
#include <quorate/impl/node_async.hpp>
#include <quorate/impl/node_calls.hpp>
#include <quorate/impl/node_database.hpp>
#include <quorate/impl/node_disk.hpp>
#include <quorate/impl/node_leader.hpp>
#include <quorate/impl/node_loop.hpp>
#include <quorate/impl/node_members.hpp>
#include <quorate/impl/node_past.hpp>
#include <quorate/impl/node_start.hpp>
#include <quorate/impl/node_sweep.hpp>
#include <quorate/impl/node_trace.hpp>
#include <quorate/impl/node_unknown.hpp>
#include <quorate/impl/node_walks.hpp>

#endif
