// The changes that leave one member, as entries.
#ifndef QUORATE_SERVER_IMPL_LONE_GROUP_IPP
#define QUORATE_SERVER_IMPL_LONE_GROUP_IPP

#include <quorate/format/record.hpp>
#include <quorate/server/lone_group.hpp>
#include <quorate/server/node_snapshot.hpp>
#include <quorate/store/state_machine.hpp>

#include <algorithm>
#include <cstdint>
#include <utility>

namespace quorate {
namespace detail {

/// Makes changes and notes what they lead to.
class lone_writer {
public:
    lone_writer(log_id last, term_id term, group_members members)
        : last_(last), term_(term), members_(std::move(members)) {}

    void leave_joint() { append({}, entry_kind::joint_change); }
    void make_voter(const member_info& self) {
        tell(change_kind::add_voter, {self, false, false}); // as it is known
    }
    void mark(const member_info& self, birth_mark birth) {
        tell(change_kind::update, {self, false, false, birth, true});
    }
    void remove(node_id other) {
        membership_change change;
        change.changes.push_back({change_kind::remove, other});
        append(change, entry_kind::change);
    }

    [[nodiscard]] const group_members& members() const noexcept { return members_; }
    [[nodiscard]] std::vector<entry> take() && { return std::move(entries_); }

private:
    void tell(change_kind kind, const member_update& update) {
        const std::string told = encode(update);
        draft context(command_header_bytes + told.size());
        byte_writer(context.data(), context.size()).zeros(command_header_bytes).bytes(told);
        membership_change change;
        change.changes.push_back({kind, update.info.id});
        change.context = std::move(context).freeze();
        append(change, entry_kind::change);
    }
    void append(const membership_change& change, entry_kind kind) {
        entry made;
        last_ = {term_, last_.index.next()};
        made.term = last_.term;
        made.index = last_.index;
        made.kind = kind;
        made.payload = encode(change, kind);
        made.payload_checksum = payload_checksum_of(made.payload.view());
        replay(made, members_);
        entries_.push_back(std::move(made));
    }

    log_id last_;
    term_id term_;
    group_members members_;
    std::vector<entry> entries_;
};

[[nodiscard]] inline bool is_alone(const group_members& members, node_id self) {
    membership alone;
    alone.voters.insert(self);
    return members.config == alone && members.table.size() == 1 &&
           members.table.find(self) != nullptr;
}

/// Returns: members as of the snapshot. Errors: of the reader; corrupt.
[[nodiscard]] inline result<group_members> members_of(const snapshot& base) {
    bulk_reader data(base.data);
    result<member_table> table = take_members(data);
    if (!table) {
        return table.error();
    }
    return group_members{std::move(*table), base.members};
}

/// Effects: replays all entries, and cuts them where an uncommitted one would remove `self`.
/// Returns: whether an uncommitted one changed anything.
[[nodiscard]] inline bool replay_log(engine_state& state, node_id self, group_members& members) {
    bool changed = false;
    for (std::size_t i = 0; i < state.entries.size(); ++i) {
        const entry& e = state.entries[i];
        if (e.kind == entry_kind::normal) {
            continue;
        }
        const bool committed = e.index <= state.hard.commit;
        group_members next = members;
        replay(e, next);
        const bool loses_self =
            members.table.find(self) != nullptr && next.table.find(self) == nullptr;
        if (!committed && loses_self) {
            state.entries.resize(i);
            return true;
        }
        changed = changed || (!committed && next != members);
        members = std::move(next);
    }
    return changed;
}

/// Effects: sets a term back that no election led to. Returns: whether it did.
[[nodiscard]] inline bool set_back_term(hard_state& hard, term_id last) noexcept {
    if (hard.term <= last || hard.term.value() - last.value() <= term_jump_max) {
        return false;
    }
    hard.term = last;
    hard.vote = {};
    return true;
}

inline void remove_others(lone_writer& writer, node_id self) {
    id_set others = writer.members().config.all();
    for (const member_info& m : writer.members().table) {
        others.insert(m.id);
    }
    others.erase(self);
    for (const node_id other : others) {
        writer.remove(other);
    }
}

} // namespace detail

QUORATE_DECL result<group_members> latest_members(const snapshot_ptr& newest,
                                                  std::span<const entry> entries) {
    result<group_members> members =
        newest == nullptr ? result<group_members>(group_members{}) : detail::members_of(*newest);
    if (members) {
        for (const entry& e : entries) {
            if (newest == nullptr || e.index > newest->last.index) {
                replay(e, *members);
            }
        }
    }
    return members;
}

QUORATE_DECL result<lone_start> make_alone(engine_state& state, node_id self, std::string& why,
                                           birth_mark birth) {
    result<group_members> members = state.base == nullptr ? result<group_members>(group_members{})
                                                          : detail::members_of(*state.base);
    if (!members) {
        why = "the newest snapshot names no members: " + members.error().message();
        return members.error();
    }
    const bool tail_changes = detail::replay_log(state, self, *members);
    const member_info* known = members->table.find(self);
    if (known == nullptr) {
        const bool removed = members->table.was_removed(self);
        why = removed ? "this member was removed from its group"
                      : "this member was never told who is in its group";
        return removed ? errc::member_removed : errc::member_unknown;
    }
    const log_id base = state.base == nullptr ? log_id{} : state.base->last;
    const log_id last = state.entries.empty() ? base : state.entries.back().id();
    const bool set_back = detail::set_back_term(state.hard, last.term);
    if (!tail_changes && detail::is_alone(*members, self)) {
        return lone_start{{}, set_back, set_back};
    }
    const term_id before = std::max(state.hard.term, last.term);
    if (before.value() > number_max - term_jump_max) {
        why = "no term can follow the last one";
        return errc::corrupt;
    }
    const term_id term(before.value() + 1);
    detail::lone_writer writer(last, term, *members);
    if (members->config.joint()) {
        writer.leave_joint();
    }
    if (!writer.members().config.voters.contains(self)) {
        writer.make_voter(*known);
    }
    detail::remove_others(writer, self);
    if (birth && writer.members().table.find(self) != nullptr) {
        writer.mark(*writer.members().table.find(self), birth);
    }
    if (!detail::is_alone(writer.members(), self)) {
        why = "the members in the newest snapshot contradict one another";
        return errc::corrupt;
    }
    lone_start made{std::move(writer).take(), true, set_back};
    state.entries.insert(state.entries.end(), made.appended.begin(), made.appended.end());
    state.hard.term = term;
    state.hard.vote = {};
    state.hard.commit = state.entries.empty() ? base.index : state.entries.back().index;
    return made;
}

} // namespace quorate

#endif
