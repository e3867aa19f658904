// Nodes, queues, storage threads.
#include "environment.hpp"

#include <quorate/base/assert.hpp>
#include <quorate/log/recovery.hpp>

#include <algorithm>
#include <utility>

#include "script_file.hpp"

namespace quorate::scenario {
namespace {

// A group that exchanges messages for ever would hang the runner.
constexpr int stabilize_rounds_max = 10'000;

std::string number(node_id id) {
    return std::to_string(id.value());
}

parcel storage_append(const script_node& node, const effects& batch) {
    const node_id self = node.options.id;
    parcel work(parcel_kind::storage_append, self, append_thread);
    if (batch.hard) {
        work.header.term = batch.hard->term;
        work.header.commit = batch.hard->commit;
        work.vote = batch.hard->vote;
    }
    work.header.snap = batch.install;
    work.entries.assign(batch.append.begin(), batch.append.end());
    for (const message& m : batch.send_after_sync) {
        work.responses.emplace_back(m);
    }
    if (batch.stable) {
        parcel mark(parcel_kind::storage_append_response, append_thread, self);
        mark.header.term = batch.stable->term;
        mark.header.log_term = batch.stable->last.term;
        mark.header.index = batch.stable->last.index;
        mark.header.snap = batch.stable->snapshot ? batch.install : nullptr;
        mark.stable = batch.stable;
        work.responses.push_back(std::move(mark));
    }
    return work;
}

parcel storage_apply(const script_node& node, const effects& batch) {
    const node_id self = node.options.id;
    parcel work(parcel_kind::storage_apply, self, apply_thread);
    work.entries.assign(batch.apply.begin(), batch.apply.end());
    parcel mark(parcel_kind::storage_apply_response, apply_thread, self);
    mark.entries = work.entries;
    mark.applied = batch.applied;
    work.responses.push_back(std::move(mark));
    return work;
}

void add_storage_parcels(const script_node& node, const effects& batch, batch_copy& copy) {
    if (batch.persists() || !batch.send_after_sync.empty()) {
        copy.parcels.push_back(storage_append(node, batch));
    }
    if (!batch.apply.empty()) {
        copy.parcels.push_back(storage_apply(node, batch));
    }
}

batch_copy copy_of(const script_node& node, const effects& batch) {
    batch_copy copy;
    copy.soft = batch.soft;
    copy.hard = batch.hard;
    copy.reads = batch.reads;
    copy.refusals = batch.refusals;
    copy.append.assign(batch.append.begin(), batch.append.end());
    copy.install = batch.install;
    copy.apply.assign(batch.apply.begin(), batch.apply.end());
    copy.must_sync = batch.must_sync;
    for (const message& m : batch.send_now) {
        copy.parcels.emplace_back(m);
    }
    if (node.options.async_storage) {
        add_storage_parcels(node, batch, copy);
        return copy;
    }
    for (const message& m : batch.send_after_sync) {
        if (m.to != node.options.id) {
            copy.parcels.emplace_back(m);
        }
    }
    return copy;
}

engine_state initial_state(const script_node& node, const snapshot_ptr& base) {
    engine_state state;
    state.hard = node.storage.hard;
    if (node.storage.before.index) {
        state.base = base;
        state.applied = base->last.index;
    }
    state.entries = node.storage.entries;
    return state;
}

} // namespace

std::uint32_t environment::jitter() {
    random_ += 0x9E3779B97F4A7C15U; // splitmix64
    std::uint64_t mixed = random_;
    mixed = (mixed ^ (mixed >> 30U)) * 0xBF58476D1CE4E5B9U;
    mixed = (mixed ^ (mixed >> 27U)) * 0x94D049BB133111EBU;
    return static_cast<std::uint32_t>(mixed >> 32U);
}

script_node& environment::node(node_id id) {
    if (!id || id.value() > nodes_.size()) {
        throw script_error("there is no node " + number(id));
    }
    return nodes_[id.value() - 1];
}

raft& environment::engine(node_id id) {
    script_node& found = node(id);
    if (!found.up()) {
        throw command_error("error: node " + number(id) + " is down");
    }
    return *found.engine;
}

std::vector<node_id> environment::node_ids() const {
    std::vector<node_id> ids;
    for (const script_node& each : nodes_) {
        ids.push_back(each.options.id);
    }
    return ids;
}

void environment::add_nodes(std::uint64_t count, const raft_options& options,
                            const snapshot_ptr& bootstrap) {
    constexpr std::uint64_t nodes_max = 1000;
    if (count > nodes_max) {
        throw script_error("too many nodes");
    }
    for (std::uint64_t i = 0; i < count; ++i) {
        script_node added;
        added.options = options;
        added.options.id = node_id{nodes_.size() + 1};
        if (const error_code invalid = added.options.check()) {
            throw command_error(describe_error(invalid));
        }
        if (bootstrap->last.index) {
            added.storage.install(bootstrap->last);
        }
        added.history.push_back(bootstrap);
        engine_state state = initial_state(added, bootstrap);
        if (const error_code invalid = check(state)) {
            throw command_error(describe_error(invalid));
        }
        start(added, std::move(state));
        nodes_.push_back(std::move(added));
    }
}

void environment::start(script_node& owner, engine_state state) {
    owner.engine = std::make_unique<raft>(owner.options, std::move(state), jitter());
    owner.engine->set_time(owner.clock * owner.options.tick_units);
}

void environment::tick(node_id id, std::uint32_t ticks) {
    raft& ticked = engine(id);
    for (std::uint32_t i = 0; i < ticks; ++i) {
        pause(id, 1);
        ticked.tick(jitter());
    }
}

void environment::pause(node_id id, std::uint32_t ticks) {
    script_node& owner = node(id);
    owner.clock += ticks;
    if (owner.up()) {
        owner.engine->set_time(owner.clock * owner.options.tick_units);
    }
}

void environment::process_ready(node_id id) {
    raft& ready = engine(id);
    script_node& owner = node(id);
    if (!ready.has_effects()) {
        out_.write("<empty Ready>");
        return;
    }
    effects& batch = ready.take_effects();
    // The next call to the engine ends the life of the batch's spans.
    const batch_copy copy = copy_of(owner, batch);
    out_.write(describe(copy));
    run_batch(owner, copy);
    if (!owner.options.async_storage) {
        ready.advance(batch);
    }
}

void environment::run_batch(script_node& owner, const batch_copy& batch) {
    if (!owner.options.async_storage) {
        persist(owner, batch.hard, batch.install, batch.append);
        apply(owner, batch.apply);
    }
    for (const parcel& p : batch.parcels) {
        switch (p.kind) {
        case parcel_kind::storage_append: owner.append_work.push_back(p); break;
        case parcel_kind::storage_apply: owner.apply_work.push_back(p); break;
        default: parcels_.push_back(p);
        }
    }
}

void environment::persist(script_node& owner, const std::optional<hard_state>& hard,
                          const snapshot_ptr& install, std::span<const entry> append) {
    if (hard && !hard->empty()) {
        owner.storage.hard = *hard;
    }
    if (install == nullptr) {
        owner.storage.append(append);
        return;
    }
    if (!append.empty()) {
        throw command_error("error: can't apply snapshot and entries at the same time");
    }
    owner.storage.install(install->last);
    owner.history.push_back(install);
}

void environment::apply(script_node& owner, std::span<const entry> entries) {
    for (const entry& e : entries) {
        const snapshot& before = *owner.history.back();
        auto after = std::make_shared<snapshot>(before);
        const auto* order = std::get_deleter<keeps_order>(owner.history.back());
        if (e.kind != entry_kind::normal) {
            const result<membership_change> change = decode_change(e.kind, e.payload.view());
            if (!change) {
                throw script_error("committed change cannot be read: " +
                                   describe_error(change.error()));
            }
            const result<membership> members = owner.engine->apply_change(*change);
            if (!members) {
                throw script_error("committed change cannot be applied: " +
                                   describe_error(members.error()));
            }
            after->members = *members;
            order = nullptr; // made by the engine, hence sorted
        }
        after->last = e.id();
        snapshot_ptr state = after;
        if (order != nullptr) {
            state = snapshot_ptr(new snapshot(*after), *order);
        }
        owner.history.push_back(state);
        owner.engine->offer_snapshot(state);
    }
}

void environment::process_work(std::deque<parcel>& work, std::string_view kind,
                               const std::function<void(const parcel&)>& perform) {
    if (work.empty()) {
        out_.write("no " + std::string(kind) + " work to perform");
        return;
    }
    parcel front = std::move(work.front());
    work.pop_front();
    const std::vector<parcel> responses = std::exchange(front.responses, {});
    out_.line("Processing:");
    out_.line(describe(front));
    perform(front);
    out_.line("Responses:");
    for (const parcel& response : responses) {
        out_.line(describe(response));
        parcels_.push_back(response);
    }
}

void environment::process_append_work(node_id id) {
    script_node& owner = node(id);
    process_work(owner.append_work, "append", [&](const parcel& work) {
        const hard_state hard{work.header.term, work.vote, work.header.commit};
        persist(owner, hard, work.header.snap, work.entries);
    });
}

void environment::process_apply_work(node_id id) {
    script_node& owner = node(id);
    process_work(owner.apply_work, "apply",
                 [&](const parcel& work) { apply(owner, work.entries); });
}

bool environment::has_parcel_for(node_id id) const {
    return std::any_of(parcels_.begin(), parcels_.end(),
                       [id](const parcel& p) { return p.header.to == id; });
}

std::deque<parcel> environment::take_parcels(const recipient& to, std::string_view type) {
    const auto stays = [&](const parcel& p) {
        const bool wanted = type.empty() || type_of(p) == type;
        // What never leaves the node cannot get lost on the way.
        return p.header.to != to.id || !wanted || (to.drop && p.local());
    };
    const auto taken = std::stable_partition(parcels_.begin(), parcels_.end(), stays);
    std::deque<parcel> result(std::make_move_iterator(taken),
                              std::make_move_iterator(parcels_.end()));
    parcels_.erase(taken, parcels_.end());
    return result;
}

std::size_t environment::deliver(const std::vector<recipient>& recipients, std::string_view type) {
    std::size_t count = 0;
    for (const recipient& to : recipients) {
        const std::deque<parcel> taken = take_parcels(to, type);
        count += taken.size();
        for (const parcel& p : taken) {
            const bool lost = to.drop || !node(to.id).up();
            out_.line((lost ? "dropped: " : "") + describe(p));
            if (!lost) {
                deliver_to(to.id, p);
            }
        }
    }
    return count;
}

void environment::deliver_to(node_id id, const parcel& p) {
    raft& receiver = engine(id);
    if (p.kind == parcel_kind::storage_append_response) {
        receiver.on_stable(*p.stable);
    } else if (p.kind == parcel_kind::storage_apply_response) {
        receiver.on_applied(*p.applied);
    } else if (const error_code error = receiver.step(p.to_message())) {
        out_.line(describe_error(error));
    }
}

bool environment::stabilize_once(const std::vector<node_id>& ids) {
    bool active = false;
    const auto phase = [&](std::string_view title, const auto& has_work, const auto& work) {
        for (node_id id : ids) {
            if (!node(id).up() || !has_work(id)) {
                continue;
            }
            active = true;
            out_.line("> " + number(id) + " " + std::string(title));
            work(id);
        }
    };
    phase(
        "handling Ready", [&](node_id id) { return engine(id).has_effects(); },
        [&](node_id id) { out_.indented([&] { process_ready(id); }); });
    phase(
        "receiving messages", [&](node_id id) { return has_parcel_for(id); },
        [&](node_id id) { out_.indented([&] {
                              deliver({{id, false}}, {});
                          }); });
    phase(
        "processing append thread", [&](node_id id) { return !node(id).append_work.empty(); },
        [&](node_id id) {
            while (!node(id).append_work.empty()) {
                out_.indented([&] { process_append_work(id); });
            }
        });
    phase(
        "processing apply thread", [&](node_id id) { return !node(id).apply_work.empty(); },
        [&](node_id id) {
            while (!node(id).apply_work.empty()) {
                out_.indented([&] { process_apply_work(id); });
            }
        });
    return active;
}

void environment::stabilize(const std::vector<node_id>& ids) {
    for (int round = 0; stabilize_once(ids); ++round) {
        if (round == stabilize_rounds_max) {
            throw command_error("error: does not stabilize");
        }
    }
}

void environment::send_snapshot(node_id from, node_id to) {
    parcel p;
    p.header.kind = message_kind::install_snapshot;
    p.header.from = from;
    p.header.to = to;
    p.header.term = engine(from).status().hard.term;
    p.header.snap = node(from).history.back();
    out_.write(describe(p));
    parcels_.push_back(std::move(p));
}

void environment::compact(node_id id, log_index upto) {
    script_node& owner = node(id);
    error_code error = owner.storage.check_compact(upto);
    if (!error && owner.up()) {
        error = owner.engine->compact(upto);
    }
    if (error) {
        throw command_error(describe_error(error));
    }
    owner.storage.compact(upto);
}

void environment::crash(node_id id, std::size_t entries) {
    script_node& owner = node(id);
    model_storage& left = owner.storage;
    for (const parcel& work : owner.append_work) {
        if (work.header.snap != nullptr) {
            break; // replaces the log as a whole, or not at all
        }
        const std::size_t count = std::min(entries, work.entries.size());
        left.append(std::span(work.entries).first(count));
        entries -= count;
    }
    if (!left.entries.empty() && left.entries.back().term > left.hard.term) {
        left.hard = reconcile(left.hard, left.before, left.entries.back().id());
    }
    owner.engine.reset();
    owner.append_work.clear();
    owner.apply_work.clear();
    std::erase_if(parcels_, [id](const parcel& p) { return p.header.to == id && p.local(); });
}

void environment::restart(node_id id) {
    crash(id);
    script_node& owner = node(id);
    const auto stands_before_log = [&](const snapshot_ptr& s) {
        return s->last == owner.storage.before;
    };
    const auto base = std::find_if(owner.history.begin(), owner.history.end(), stands_before_log);
    if (base == owner.history.end()) {
        throw command_error("error: no snapshot stands before the log");
    }
    engine_state state = initial_state(owner, *base);
    if (const error_code invalid = check(state)) {
        throw command_error(describe_error(invalid));
    }
    owner.history.erase(std::next(base), owner.history.end());
    start(owner, std::move(state));
}

void environment::check_states_agree() {
    std::map<log_index, term_id> applied;
    for (const script_node& each : nodes_) {
        for (const snapshot_ptr& state : each.history) {
            const log_id id = state->last;
            const auto [place, fresh] = applied.emplace(id.index, id.term);
            if (!fresh && place->second != id.term) {
                throw script_error("nodes applied different entries at index " +
                                   std::to_string(id.index.value()));
            }
        }
    }
    check_leaders();
}

void environment::check_leaders() {
    for (const script_node& each : nodes_) {
        if (!each.up()) {
            continue;
        }
        const engine_status status = each.engine->status();
        if (status.soft.role != role_kind::leader) {
            continue;
        }
        const auto [place, fresh] = leaders_.emplace(status.hard.term, status.id);
        if (!fresh && place->second != status.id) {
            throw script_error("two nodes led in term " + std::to_string(status.hard.term.value()));
        }
    }
}

} // namespace quorate::scenario
