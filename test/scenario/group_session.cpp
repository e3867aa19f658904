// Scripts about groups of nodes: reads directives, calls the environment.
#include <algorithm>
#include <array>
#include <cctype>
#include <functional>
#include <map>

#include "environment.hpp"
#include "session.hpp"

namespace quorate::scenario {
namespace {

const std::string& single_value(const argument& arg) {
    if (arg.values.size() != 1) {
        throw script_error("argument " + arg.key + " takes one value");
    }
    return arg.values.front();
}

/// What `add-nodes` builds, besides how many.
struct group_spec {
    raft_options options = raft_options::exact(node_id{1});
    snapshot state;
    keeps_order order;

    group_spec() {
        options.election_ticks = 3;
        options.heartbeat_ticks = 1;
        options.inflight_messages_max = 2147483647;
    }
};

using spec_setter = std::function<void(group_spec&, const std::string&)>;

template <class Value>
spec_setter sets(Value raft_options::*field) {
    return [field](group_spec& spec, const std::string& text) {
        if constexpr (std::is_same_v<Value, bool>) {
            spec.options.*field = to_bool(text);
        } else if constexpr (std::is_same_v<Value, std::uint32_t>) {
            spec.options.*field = to_number_32(text);
        } else {
            spec.options.*field = to_number(text);
        }
    };
}

void set_reads(group_spec& spec, const std::string& text) {
    if (text != "safe" && text != "lease-based") {
        throw command_error("error: invalid read-only option \"" + text + "\"");
    }
    spec.options.reads = text == "safe" ? read_mode::safe : read_mode::lease_based;
}

void add_voter(group_spec& spec, const std::string& text) {
    const node_id id{to_number(text)};
    spec.state.members.voters.insert(id);
    spec.order.voters.push_back(id);
}

void add_learner(group_spec& spec, const std::string& text) {
    const node_id id{to_number(text)};
    spec.state.members.learners.insert(id);
    spec.order.learners.push_back(id);
}

const std::map<std::string, spec_setter, std::less<>>& spec_setters() {
    static const std::map<std::string, spec_setter, std::less<>> setters{
        {"voters", add_voter},
        {"learners", add_learner},
        {"index",
         [](group_spec& spec, const std::string& text) {
             spec.state.last.index = log_index{to_number(text)};
         }},
        {"inflight", sets(&raft_options::inflight_messages_max)},
        {"async-storage-writes", sets(&raft_options::async_storage)},
        {"prevote", sets(&raft_options::pre_vote)},
        {"checkquorum", sets(&raft_options::check_quorum)},
        {"max-committed-size-per-ready", sets(&raft_options::apply_bytes_max)},
        {"disable-conf-change-validation",
         [](group_spec& spec, const std::string& text) {
             spec.options.validate_changes = !to_bool(text);
         }},
        {"read-only", set_reads},
        {"step-down-on-removal", sets(&raft_options::step_down_on_removal)},
        {"content",
         [](group_spec&, const std::string&) { throw script_error("content= cannot be given"); }},
        // The project's own.
        {"election-ticks", sets(&raft_options::election_ticks)},
        {"max-size-per-msg", sets(&raft_options::append_bytes_max)},
        {"max-uncommitted-size", sets(&raft_options::uncommitted_bytes_max)},
        {"max-unstable-size", sets(&raft_options::unstable_bytes_max)},
        {"max-inflight-bytes", sets(&raft_options::inflight_bytes_max)},
        {"forward-proposals", sets(&raft_options::forward_proposals)},
        {"coalesce-appends", sets(&raft_options::coalesce_appends)},
        {"answer-refusals", sets(&raft_options::answer_refusals)},
        {"strict-leases", sets(&raft_options::strict_leases)},
        {"transfer-timer", sets(&raft_options::transfer_timer)},
    };
    return setters;
}

print_level to_level(std::string name) {
    constexpr std::array<std::string_view, 6> names{"DEBUG", "INFO",  "WARN",
                                                    "ERROR", "FATAL", "NONE"};
    std::transform(name.begin(), name.end(), name.begin(),
                   [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
    const auto place = std::find(names.begin(), names.end(), name);
    if (place == names.end()) {
        throw command_error(
            "error: log levels must be either of [DEBUG INFO WARN ERROR FATAL NONE]");
    }
    return static_cast<print_level>(place - names.begin());
}

/// The arguments of one directive, as commands want them.
class directive_view {
public:
    explicit directive_view(const script_case& directive) : directive_(directive) {}

    [[nodiscard]] const std::vector<argument>& all() const { return directive_.arguments; }
    [[nodiscard]] const std::string& input() const { return directive_.input; }
    /// Returns: the key of the bare argument at `place`.
    [[nodiscard]] const std::string& word(std::size_t place) const {
        if (place >= all().size() || !all()[place].bare()) {
            throw script_error("argument " + std::to_string(place + 1) + " is missing");
        }
        return all()[place].key;
    }
    [[nodiscard]] node_id id(std::size_t place) const { return node_id{to_number(word(place))}; }
    /// Returns: every bare argument as a node.
    [[nodiscard]] std::vector<node_id> ids() const {
        std::vector<node_id> found;
        for (const argument& arg : all()) {
            if (arg.bare()) {
                found.emplace_back(to_number(arg.key));
            }
        }
        return found;
    }
    /// Returns: the value of `key`, or null. The last one counts.
    [[nodiscard]] const std::string* find(std::string_view key) const {
        const std::string* found = nullptr;
        for (const argument& arg : all()) {
            found = arg.key == key ? &single_value(arg) : found;
        }
        return found;
    }
    [[nodiscard]] const std::string& value(std::string_view key) const {
        const std::string* found = find(key);
        if (found == nullptr) {
            throw script_error("argument " + std::string(key) + " is missing");
        }
        return *found;
    }
    [[nodiscard]] std::uint64_t number_or_zero(std::string_view key) const {
        const std::string* found = find(key);
        return found == nullptr ? 0 : to_number(*found);
    }

private:
    const script_case& directive_;
};

class group_session final : public session {
public:
    explicit group_session(std::uint64_t seed) : world_(seed) {}

    std::string run(const script_case& directive) override {
        std::string failure;
        try {
            const auto place = commands().find(directive.command);
            if (place == commands().end()) {
                throw command_error("error: unknown command");
            }
            (this->*place->second)(directive_view(directive));
        } catch (const command_error& error) {
            failure = error.what(); // errors show at every level
        }
        world_.check_states_agree();
        const std::string text = world_.out().take() + failure;
        return text.empty() ? "ok" : text;
    }

private:
    using command = void (group_session::*)(const directive_view&);
    using command_table = std::map<std::string, command, std::less<>>;

    static const command_table& commands();

    void add_nodes(const directive_view& directive) {
        group_spec spec;
        for (const argument& arg : directive.all()) {
            const auto place = spec_setters().find(arg.key);
            if (place == spec_setters().end()) {
                continue; // the count, and keys that mean nothing
            }
            for (const std::string& value : arg.values) {
                place->second(spec, value);
            }
        }
        if (!spec.state.members.empty() || spec.state.last.index) {
            if (spec.state.last.index <= log_index{1}) {
                throw command_error("error: index must be specified as > 1 due to bootstrap");
            }
            spec.state.last.term = term_id{1};
        }
        const snapshot_ptr bootstrap(new snapshot(spec.state), spec.order);
        world_.add_nodes(to_number(directive.word(0)), spec.options, bootstrap);
    }

    void campaign(const directive_view& directive) {
        report(directive.id(0), engine(directive).campaign());
    }
    void compact(const directive_view& directive) {
        world_.compact(directive.id(0), log_index{directive.id(1).value()});
        raft_log(directive);
    }
    void crash(const directive_view& directive) {
        std::size_t entries = 0;
        for (const argument& arg : directive.all()) {
            if (arg.key == "entries") {
                entries = to_number(single_value(arg));
            }
        }
        world_.crash(directive.id(0), entries);
    }

    void deliver_msgs(const directive_view& directive) {
        std::vector<recipient> recipients;
        std::string type;
        for (const argument& arg : directive.all()) {
            if (arg.bare()) {
                add_recipient(recipients, {node_id{to_number(arg.key)}, false});
            }
            for (const std::string& value : arg.values) {
                if (arg.key == "drop") {
                    add_recipient(recipients, {node_id{to_number(value)}, true});
                } else if (arg.key == "type") {
                    type = value;
                }
            }
        }
        if (!type.empty() && !is_parcel_type(type)) {
            throw script_error("unknown message type " + type);
        }
        if (world_.deliver(recipients, type) == 0) {
            world_.out().line("no messages");
        }
    }
    static void add_recipient(std::vector<recipient>& recipients, recipient added) {
        for (const recipient& each : recipients) {
            if (each.id == added.id && each.drop != added.drop) {
                throw script_error("can't both deliver and drop msgs to " +
                                   std::to_string(added.id.value()));
            }
        }
        recipients.push_back(added);
    }

    void forget_leader(const directive_view& directive) {
        report(directive.id(0), engine(directive).forget_leader());
    }
    void log_level(const directive_view& directive) {
        world_.out().set_level(to_level(directive.word(0)));
    }
    void nothing(const directive_view&) {}

    // Runs `action` for each node: alone without a title, else each with one.
    void for_each_node(const directive_view& directive, std::string_view title,
                       const std::function<void(node_id)>& action) {
        const std::vector<node_id> ids = directive.ids();
        if (ids.size() == 1) {
            action(ids.front());
            return;
        }
        for (node_id id : ids) {
            world_.out().line("> " + std::to_string(id.value()) + " " + std::string(title));
            world_.out().indented([&] { action(id); });
        }
    }
    void process_ready(const directive_view& directive) {
        for_each_node(directive, "handling Ready", [&](node_id id) { world_.process_ready(id); });
    }
    void process_append_thread(const directive_view& directive) {
        for_each_node(directive, "processing append thread",
                      [&](node_id id) { world_.process_append_work(id); });
    }
    void process_apply_thread(const directive_view& directive) {
        for_each_node(directive, "processing apply thread",
                      [&](node_id id) { world_.process_apply_work(id); });
    }

    void propose(const directive_view& directive) {
        std::array<proposed, 1> proposals;
        proposals[0].payload = shared_bytes::copy_of(directive.word(1));
        const std::uint64_t context = directive.number_or_zero("context");
        fail_on(engine(directive).propose(proposals, context));
    }

    void propose_conf_change(const directive_view& directive) {
        bool v1 = false;
        change_transition transition = change_transition::automatic;
        for (const argument& arg : directive.all()) {
            for (const std::string& value : arg.values) {
                if (arg.key == "v1") {
                    v1 = to_bool(value);
                } else if (arg.key == "transition") {
                    transition = to_transition(value);
                } else if (arg.key != "context") {
                    throw command_error("error: unknown command " + arg.key);
                }
            }
        }
        membership_change change = to_change(directive.input());
        change.transition = transition;
        if (v1 && (change.changes.size() != 1 || transition != change_transition::automatic)) {
            throw command_error(
                "error: v1 conf change can only have one operation and no transition");
        }
        fail_on(engine(directive).propose_change(change,
                                                 v1 ? entry_kind::change : entry_kind::joint_change,
                                                 directive.number_or_zero("context")));
    }
    static change_transition to_transition(const std::string& name) {
        if (name == "auto") {
            return change_transition::automatic;
        }
        if (name == "implicit") {
            return change_transition::joint_implicit;
        }
        if (name == "explicit") {
            return change_transition::joint_explicit;
        }
        throw command_error("error: unknown transition " + name);
    }

    void raft_log(const directive_view& directive) {
        const model_storage& storage = world_.node(directive.id(0)).storage;
        if (storage.entries.empty()) {
            world_.out().write(
                "log is empty: first index=" + std::to_string(storage.first().value()) +
                ", last index=" + std::to_string(storage.last().value()));
            return;
        }
        world_.out().write(describe(storage.entries));
    }

    void raft_state(const directive_view&) {
        for (node_id id : world_.node_ids()) {
            const script_node& node = world_.node(id);
            const std::string name = std::to_string(id.value()) + ": ";
            if (!node.up()) {
                world_.out().line(name + "down");
                continue;
            }
            const engine_status status = node.engine->status();
            const bool voter = node.engine->members().is_voter(id);
            world_.out().line(name + std::string(name_of(status.soft.role)) +
                              (voter ? " (Voter)" : " (Non-Voter)") +
                              " Term:" + std::to_string(status.hard.term.value()) +
                              " Lead:" + std::to_string(status.soft.leader.value()));
        }
    }

    void read_index(const directive_view& directive) {
        report(directive.id(0), engine(directive).read_index(to_number(directive.word(1))));
    }
    void report_snapshot(const directive_view& directive) {
        engine(directive).on_snapshot_sent(directive.id(1), to_bool(directive.value("ok")));
    }
    void report_unreachable(const directive_view& directive) {
        if (directive.ids().size() != 2) {
            throw command_error(
                "error: must specify exactly two node indexes: node on which to "
                "report, and reported node");
        }
        engine(directive).on_unreachable(directive.id(1));
    }
    void restart(const directive_view& directive) { world_.restart(directive.id(0)); }
    void send_snapshot(const directive_view& directive) {
        world_.send_snapshot(directive.id(0), directive.id(1));
    }
    void set_randomized_election_timeout(const directive_view& directive) {
        engine(directive).set_election_timeout(to_number_32(directive.value("timeout")));
    }

    void stabilize(const directive_view& directive) {
        const print_level before = world_.out().level();
        if (const std::string* level = directive.find("log-level")) {
            world_.out().set_level(to_level(*level));
        }
        std::vector<node_id> ids = directive.ids();
        if (ids.empty()) {
            ids = world_.node_ids();
        }
        try {
            world_.stabilize(ids);
        } catch (...) {
            world_.out().set_level(before);
            throw;
        }
        world_.out().set_level(before);
    }

    void status(const directive_view& directive) {
        const raft& asked = engine(directive);
        for (const peer_progress& peer : asked.progress()) {
            world_.out().line(std::to_string(peer.id().value()) + ": " +
                              describe(peer, asked.limits()));
        }
    }

    void tick_election(const directive_view& directive) {
        const node_id id = directive.id(0);
        world_.tick(id, world_.node(id).options.election_ticks);
    }
    void tick_heartbeat(const directive_view& directive) {
        const node_id id = directive.id(0);
        world_.tick(id, world_.node(id).options.heartbeat_ticks);
    }
    void pause(const directive_view& directive) {
        world_.pause(directive.id(0), to_number_32(directive.word(1)));
    }
    void transfer_leadership(const directive_view& directive) {
        const node_id from{to_number(directive.value("from"))};
        const node_id to{to_number(directive.value("to"))};
        static_cast<void>(world_.node(to));
        report(from, world_.engine(from).transfer_leadership(to));
    }

    [[nodiscard]] raft& engine(const directive_view& directive) {
        return world_.engine(directive.id(0));
    }
    static void fail_on(error_code error) {
        if (error) {
            throw command_error(describe_error(error));
        }
    }
    // The reference keeps quiet about these; nodes that answer refusals do not.
    void report(node_id id, error_code error) {
        if (world_.node(id).options.answer_refusals) {
            fail_on(error);
        }
    }

    environment world_;
};

const group_session::command_table& group_session::commands() {
    using self = group_session;
    static const command_table table{
        {"_breakpoint", &self::nothing},
        {"add-nodes", &self::add_nodes},
        {"campaign", &self::campaign},
        {"compact", &self::compact},
        {"crash", &self::crash},
        {"deliver-msgs", &self::deliver_msgs},
        {"forget-leader", &self::forget_leader},
        {"log-level", &self::log_level},
        {"pause", &self::pause},
        {"process-append-thread", &self::process_append_thread},
        {"process-apply-thread", &self::process_apply_thread},
        {"process-ready", &self::process_ready},
        {"propose", &self::propose},
        {"propose-conf-change", &self::propose_conf_change},
        {"raft-log", &self::raft_log},
        {"raft-state", &self::raft_state},
        {"read-index", &self::read_index},
        {"report-snapshot", &self::report_snapshot},
        {"report-unreachable", &self::report_unreachable},
        {"restart", &self::restart},
        {"send-snapshot", &self::send_snapshot},
        {"set-randomized-election-timeout", &self::set_randomized_election_timeout},
        {"stabilize", &self::stabilize},
        {"status", &self::status},
        {"tick-election", &self::tick_election},
        {"tick-heartbeat", &self::tick_heartbeat},
        {"transfer-leadership", &self::transfer_leadership},
    };
    return table;
}

} // namespace

std::unique_ptr<session> make_group_session(std::uint64_t seed) {
    return std::make_unique<group_session>(seed);
}

} // namespace quorate::scenario
