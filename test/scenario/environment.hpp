// The world of one script: nodes, the messages between them, and what is printed.
// Flow:       3 to 11, driven by hand
// In / Out:   a directive's verbs → engine calls; effects → text, storage, parcels
// Invariants: states_agree() after every directive
// Source:     the harness of etcd-io/raft's interaction tests
// Threads:    none; a node's storage threads are queues that a script serves
#ifndef QUORATE_TEST_SCENARIO_ENVIRONMENT_HPP
#define QUORATE_TEST_SCENARIO_ENVIRONMENT_HPP

#include <quorate/consensus/raft.hpp>

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "model_storage.hpp"
#include "output.hpp"
#include "parcel.hpp"
#include "printers.hpp"

namespace quorate::scenario {

/// One member: its engine and everything that the engine leaves to others.
struct script_node {
    raft_options options;
    model_storage storage;
    std::unique_ptr<raft> engine; ///< Null: crashed.
    std::deque<parcel> append_work;
    std::deque<parcel> apply_work;
    /// The state machine after every applied entry, oldest first; never empty. It appends
    /// payloads, so that states can be compared.
    std::vector<snapshot_ptr> history;
    std::uint64_t clock = 1; ///< Ticks of its clock, which does not stop while the node is down.

    [[nodiscard]] bool up() const noexcept { return engine != nullptr; }
};

/// Whom deliver() serves, and how.
struct recipient {
    node_id id;
    bool drop = false;
};

class environment {
public:
    /// `seed` drives the election timeouts; scripts must not depend on it.
    explicit environment(std::uint64_t seed) : random_(seed) {}

    /// Effects: adds `count` nodes that start from `bootstrap`, which may be empty but not null.
    /// Errors: throws command_error.
    void add_nodes(std::uint64_t count, const raft_options& options, const snapshot_ptr& bootstrap);
    /// Errors: throws script_error for a node that does not exist.
    [[nodiscard]] script_node& node(node_id id);
    /// Errors: as node(); throws command_error for a crashed one.
    [[nodiscard]] raft& engine(node_id id);
    [[nodiscard]] std::vector<node_id> node_ids() const;

    void tick(node_id id, std::uint32_t ticks);
    /// Effects: the clock goes on by `ticks`, and the node does nothing meanwhile.
    void pause(node_id id, std::uint32_t ticks);
    void process_ready(node_id id);
    void process_append_work(node_id id);
    void process_apply_work(node_id id);
    /// Returns: how many parcels were taken. An empty `type` takes all.
    std::size_t deliver(const std::vector<recipient>& recipients, std::string_view type);
    /// Effects: handles whatever is there until nothing is. Errors: throws command_error when
    /// that does not come to an end.
    void stabilize(const std::vector<node_id>& ids);
    void send_snapshot(node_id from, node_id to);
    void compact(node_id id, log_index upto);

    /// Effects: the node loses everything that its storage does not hold. Of its writes under way
    /// the first `entries` entries reach the disk, without the hard state that goes with them.
    void crash(node_id id, std::size_t entries = 0);
    /// Effects: starts the node from its storage; the state machine starts from the snapshot that
    /// stands before the log. Errors: throws command_error if the storage contradicts itself.
    void restart(node_id id);

    /// Errors: throws script_error if two nodes applied different entries at one index, or lead in
    /// one term.
    void check_states_agree();

    [[nodiscard]] output& out() noexcept { return out_; }

private:
    [[nodiscard]] std::uint32_t jitter();
    void start(script_node& node, engine_state state);
    [[nodiscard]] bool has_parcel_for(node_id id) const;
    [[nodiscard]] bool stabilize_once(const std::vector<node_id>& ids);
    [[nodiscard]] std::deque<parcel> take_parcels(const recipient& to, std::string_view type);
    void deliver_to(node_id id, const parcel& p);
    void process_work(std::deque<parcel>& work, std::string_view kind,
                      const std::function<void(const parcel&)>& perform);
    void run_batch(script_node& node, const batch_copy& batch);
    void persist(script_node& node, const std::optional<hard_state>& hard,
                 const snapshot_ptr& install, std::span<const entry> append);
    void apply(script_node& node, std::span<const entry> entries);
    void check_leaders();

    output out_;
    std::uint64_t random_;
    std::deque<script_node> nodes_; // references stay valid while nodes are added
    std::deque<parcel> parcels_;
    std::map<term_id, node_id> leaders_; // who led which term
};

} // namespace quorate::scenario

#endif
