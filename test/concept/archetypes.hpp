// The least model of every concept: what it asks for and nothing else.
// Flow:    none
#ifndef QUORATE_TEST_CONCEPT_ARCHETYPES_HPP
#define QUORATE_TEST_CONCEPT_ARCHETYPES_HPP

#include <quorate/consensus/engine.hpp>
#include <quorate/log/log_store.hpp>
#include <quorate/log/snapshot_store.hpp>
#include <quorate/net/transport.hpp>
#include <quorate/runtime/runtime.hpp>
#include <quorate/store/key_index.hpp>
#include <quorate/store/state_machine.hpp>
#include <quorate/store/value_backend.hpp>

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

namespace archetype {

using namespace quorate;

/// What every archetype is, unless its concept asks for more.
struct pinned {
    pinned() = default;
    pinned(const pinned&) = delete;
    pinned& operator=(const pinned&) = delete;
};

struct engine : pinned {
    engine(const raft_options&, engine_state, std::uint32_t) {}
    void tick(std::uint32_t) {}
    error_code step(const message&) { return {}; }
    error_code propose(std::span<proposed>, std::uint64_t) { return errc::no_leader; }
    error_code read_index(std::uint64_t) { return errc::no_leader; }
    error_code transfer_leadership(node_id) { return {}; }
    result<membership> apply_change(const membership_change&) { return membership{}; }
    void on_stable(const stable_mark&) {}
    void on_applied(const applied_mark&) {}
    void on_unreachable(node_id) {}
    void on_snapshot_sent(node_id, bool) {}
    void offer_snapshot(snapshot_ptr) {}
    error_code compact(log_index) { return {}; }
    bool has_effects() const noexcept { return false; }
    effects& take_effects() { return nothing; }
    engine_status status() const noexcept { return {}; }
    const membership& members() const noexcept { return nobody; }
    std::span<const peer_progress> progress() const noexcept { return {}; }

    effects nothing;
    membership nobody;
};

struct log : pinned {
    static constexpr bool blocking = false;
    struct sync_job {
        sync_job() = default;
        sync_job(sync_job&&) = default;
        sync_job& operator=(sync_job&&) = default;
        error_code run() { return {}; }
    };
    static result<std::unique_ptr<log>> open(const log_options&) { return std::make_unique<log>(); }
    recovered_log take_recovered() { return {}; }
    void append(std::span<const entry>) {}
    void save(const hard_state&) {}
    void restart(log_id) {}
    void compact(log_index) {}
    bool idle() { return false; }
    bool pending() const noexcept { return false; }
    sync_job begin_sync() { return {}; }
    void finish_sync(sync_job, error_code) {}
};

/// The same, whose jobs want a thread of their own.
struct blocking_log : pinned {
    static constexpr bool blocking = true;
    using sync_job = log::sync_job;
    static result<std::unique_ptr<blocking_log>> open(const log_options&) {
        return std::make_unique<blocking_log>();
    }
    recovered_log take_recovered() { return {}; }
    void append(std::span<const entry>) {}
    void save(const hard_state&) {}
    void restart(log_id) {}
    void compact(log_index) {}
    bool idle() { return false; }
    bool pending() const noexcept { return false; }
    sync_job begin_sync() { return {}; }
    void finish_sync(sync_job, error_code) {}
};

struct snapshots : pinned {
    static constexpr bool blocking = false;
    static result<std::unique_ptr<snapshots>> open(const snapshot_options&) {
        return std::make_unique<snapshots>();
    }
    error_code save(const snapshot&) { return {}; }
    snapshot_ptr newest() const { return nullptr; }
    snapshot_intake& intake() { return received; }

    memory_intake received;
};

struct wire : pinned {
    error_code start(transport_sink&) { return {}; }
    void send(const message&) noexcept {}
    bool call(node_id, const member_call&) noexcept { return false; }
    error_code add_peer(node_id, std::string) { return {}; }
    void drop_peer(node_id) {}
    void stop() {}
};

struct runtime : pinned {
    struct context_type {
        context_type() = delete;
    };
    runtime(const context_type& given, std::uint64_t) : given_(given) {}
    const context_type& context() const { return given_; }
    monotonic_clock::time_point now() const { return {}; }
    std::uint64_t boot_time() const { return 1; }
    std::chrono::system_clock::time_point wall_time() const { return {}; }
    std::uint64_t random() { return 4; }
    std::uint64_t fresh() { return ++numbers_; }
    template <class Handler>
    void post(Handler) {}

    struct timer : pinned {
        explicit timer(runtime&) {}
        template <class Handler>
        void arm(monotonic_clock::duration, Handler) {}
        void cancel() {}
    };
    struct worker : pinned {
        explicit worker(runtime&) {}
        template <class Job>
        void run(Job) {}
        void join() {}
    };

    const context_type& given_;
    std::uint64_t numbers_ = 0;
};

struct machine : pinned {
    struct request_type : pinned {};
    struct reply_type {
        reply_type() = default;
        reply_type(reply_type&&) = default;
        reply_type& operator=(reply_type&&) = default;
    };
    static draft encode(const request_type&) { return draft(command_header_bytes); }
    reply_type apply(log_index, const shared_bytes&) { return {}; }
    rope snapshot() const { return {}; }
    error_code restore(bulk_reader&) { return {}; }
};

struct index {
    index() = default;
    index(index&&) = default;
    index& operator=(index&&) = default;

    index_put put(byte_view, revision) { return {}; }
    std::optional<index_tombstone> tombstone(byte_view, revision) { return {}; }
    std::optional<key_version> find(byte_view, std::uint64_t) const { return {}; }
    std::optional<revision> modified(byte_view) const { return {}; }
    template <class Visit>
    void range(const key_span&, std::uint64_t, Visit&&) const {}
    template <class Removed>
    void compact(byte_view, std::uint64_t, Removed&&) {}
    bool restore(byte_view, revision, revision, std::uint64_t) { return true; }
    bool restore_tombstone(byte_view, revision) { return true; }
    std::size_t size() const noexcept { return 0; }
};

struct backend {
    backend() = default;
    backend(backend&&) = default;
    backend& operator=(backend&&) = default;

    void put(revision, row) {}
    std::optional<row> find(revision) const { return {}; }
    bool erase(revision) { return false; }
    template <class Visit>
    void scan(revision, revision, Visit&&) const {}
    std::size_t size() const noexcept { return 0; }
};

static_assert(consensus_engine<engine>);
static_assert(log_store<log>);
static_assert(log_store<blocking_log>);
static_assert(snapshot_store<snapshots>);
static_assert(transport<wire>);
static_assert(quorate::runtime<runtime>);
static_assert(state_machine<machine>);
static_assert(key_index<index>);
static_assert(value_backend<backend>);

} // namespace archetype

#endif
