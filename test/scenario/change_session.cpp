// Scripts about membership changes, without nodes.
#include <quorate/consensus/membership_change.hpp>

#include <algorithm>
#include <map>
#include <span>

#include "printers.hpp"
#include "session.hpp"

namespace quorate::scenario {
namespace {

/// Which members a leader keeps track of, and at which index each one would be sent to first. A
/// member keeps its place as long as it stays part of either half.
class tracked_members {
public:
    /// Requires: the changes were accepted; `outgoing` is the outgoing half while they apply.
    void apply(std::span<const single_change> changes, const id_set& outgoing, log_index last) {
        const log_index next = std::max(last, log_index{1});
        for (const single_change& change : changes) {
            const bool adds =
                change.kind == change_kind::add_voter || change.kind == change_kind::add_learner;
            if (change.node && adds) {
                next_.try_emplace(change.node, next);
            } else if (change.kind == change_kind::remove && !outgoing.contains(change.node)) {
                next_.erase(change.node);
            }
        }
    }
    void keep_only(const membership& members) {
        std::erase_if(next_, [&](const auto& item) { return !members.contains(item.first); });
    }
    [[nodiscard]] std::string describe_all(const membership& members) const {
        std::string text;
        for (const auto& [id, next] : next_) {
            const peer_progress progress(id, log_index{}, next, members.learners.contains(id),
                                         true);
            text += std::to_string(id.value()) + ": " + describe(progress, flow_limits{}) + "\n";
        }
        return text;
    }
    [[nodiscard]] bool matches(const membership& members) const {
        const id_set all = members.all();
        return all.size() == next_.size() &&
               std::all_of(all.begin(), all.end(), [&](node_id id) { return next_.contains(id); });
    }

private:
    std::map<node_id, log_index> next_;
};

class change_session final : public session {
public:
    std::string run(const script_case& directive) override {
        std::string text;
        try {
            text = run_command(directive);
        } catch (const command_error& error) {
            text = std::string(error.what()) + "\n";
        }
        ++last_; // failures count too
        return text;
    }

private:
    std::string run_command(const script_case& directive) {
        const membership_change change = to_change(directive.input);
        tracked_members tracked = tracked_;
        const result<membership> members = change_members(directive, change, tracked);
        if (!members) {
            return describe_error(members.error()) + "\n";
        }
        tracked.keep_only(*members);
        if (!tracked.matches(*members)) {
            throw script_error("the configuration names members that no change added: " +
                               describe(*members));
        }
        members_ = *members;
        tracked_ = tracked;
        return describe(members_) + "\n" + tracked_.describe_all(members_);
    }

    [[nodiscard]] result<membership> change_members(const script_case& directive,
                                                    const membership_change& change,
                                                    tracked_members& tracked) const {
        if (directive.command == "simple") {
            tracked.apply(change.changes, members_.outgoing, last_);
            return apply_simple(members_, change.changes);
        }
        if (directive.command == "enter-joint") {
            tracked.apply(change.changes, members_.voters, last_);
            return enter_joint(members_, change.changes, auto_leave(directive));
        }
        if (directive.command == "leave-joint") {
            if (!change.changes.empty()) {
                throw command_error("error: this command takes no input");
            }
            return leave_joint(members_);
        }
        throw command_error("error: unknown command");
    }

    [[nodiscard]] static bool auto_leave(const script_case& directive) {
        bool leave = false;
        for (const argument& arg : directive.arguments) {
            if (arg.key != "autoleave" || arg.values.size() != 1) {
                throw script_error("unknown argument " + arg.key);
            }
            leave = to_bool(arg.values.front());
        }
        return leave;
    }

    membership members_;
    tracked_members tracked_;
    log_index last_;
};

} // namespace

bool is_change_command(std::string_view command) noexcept {
    return command == "simple" || command == "enter-joint" || command == "leave-joint";
}

std::unique_ptr<session> make_change_session() {
    return std::make_unique<change_session>();
}

} // namespace quorate::scenario
