#include "describe.hpp"

#include <quorate/consensus/membership_change.hpp>
#include <quorate/format/command.hpp>
#include <quorate/format/primitives.hpp>
#include <quorate/server/member_info.hpp>

#include <string_view>
#include <variant>

#include "output_line.hpp"

namespace quorated {
namespace {

using namespace quorate;

std::string set_of(const id_set& ids) {
    std::string text;
    for (const node_id id : ids) {
        text += (text.empty() ? "" : ",") + std::to_string(id.value());
    }
    return text;
}

void describe_position(output_line& out, const char* what, const log_position& at) {
    const std::string name(what);
    out.number(name + "_offset", at.offset).number(name + "_term", at.last.term.value());
    out.number(name + "_index", at.last.index.value());
}

std::string slot_line(const segment_slot& slot, bool json) {
    output_line out("slot", json);
    out.number("generation", slot.generation).flag("closed", slot.closed);
    out.number("term", slot.hard.term.value()).number("vote", slot.hard.vote.value());
    out.number("commit", slot.hard.commit.value());
    if (slot.hard.lost.index) {
        out.number("lost_term", slot.hard.lost.term.value());
        out.number("lost_index", slot.hard.lost.index.value());
    }
    describe_position(out, "acknowledged", slot.acknowledged);
    describe_position(out, "written", slot.written);
    return out.number("boot", slot.boot).str();
}

const char* name_of_change(change_kind kind) {
    switch (kind) {
    case change_kind::add_voter: return "add voter";
    case change_kind::remove: return "remove";
    case change_kind::update: return "update";
    case change_kind::add_learner: return "add learner";
    }
    return "unknown";
}

void describe_change(output_line& out, const inspected_frame& frame) {
    const auto change = decode_change(frame.record.kind, frame.payload);
    if (!change) {
        out.text("undecoded", change.error().message());
        return;
    }
    if (change->leaves_joint()) {
        out.text("change", "leave the joint configuration");
    }
    for (const single_change& one : change->changes) {
        out.text("change",
                 std::string(name_of_change(one.kind)) + ' ' + std::to_string(one.node.value()));
    }
    if (change->context.size() <= request_id_bytes) {
        return;
    }
    const auto told = decode_member_update(change->context.view().substr(request_id_bytes));
    if (!told) {
        out.text("undecoded", "what is told of the member");
    } else if (told->peer_urls) {
        out.text("peer_url", joined_peer_urls(told->info));
    }
    if (told && told->attributes) {
        out.text("name", told->info.name);
    }
}

/// One alternative of a command each.
struct command_describer {
    output_line& out;
    bool values;

    void keys(byte_view key, byte_view range_end) const {
        out.text("key", key);
        if (!range_end.empty()) {
            out.text("range_end", range_end);
        }
    }
    void operator()(const put& asked) const {
        out.text("command", "put").text("key", asked.key);
        out.number("value_size", asked.value.size());
        if (asked.lease) {
            out.number("lease", asked.lease.value());
        }
        if (values) {
            out.text("value", asked.value);
        }
    }
    void operator()(const range& asked) const {
        out.text("command", "range");
        keys(asked.key, asked.range_end);
    }
    void operator()(const delete_range& asked) const {
        out.text("command", "delete range");
        keys(asked.key, asked.range_end);
    }
    void operator()(const quorate::compact& asked) const {
        out.text("command", "compact").number("revision", asked.revision);
    }
    void operator()(const txn& asked) const {
        out.text("command", "txn").number("compares", asked.compares.size());
        out.number("success", asked.success.size()).number("failure", asked.failure.size());
    }
    void operator()(const lease_grant& asked) const {
        out.text("command", "lease grant").number("lease", asked.id.value());
        out.number("ttl", asked.ttl);
    }
    void operator()(const lease_revoke& asked) const {
        out.text("command", "lease revoke").number("lease", asked.id.value());
        out.number("epoch", asked.epoch).number("serial", asked.serial);
    }
    void operator()(const lease_checkpoint& asked) const {
        out.text("command", "lease checkpoint").number("epoch", asked.epoch);
        out.number("leases", asked.leases.size());
    }
    void operator()(const lease_takeover& asked) const {
        out.text("command", "lease takeover").number("epoch", asked.epoch);
    }
    void operator()(const alarm_change& asked) const {
        out.text("command", asked.raise ? "alarm raise" : "alarm clear");
        out.number("member", asked.alarm.member.value());
        out.text("alarm", asked.alarm.kind == alarm_kind::no_space ? "no space" : "corrupt");
    }
};

void describe_command(output_line& out, const inspected_frame& frame, bool values) {
    if (frame.record.payload_size == 0) {
        out.text("command", "none");
        return;
    }
    const bool shown = frame.payload.size() == frame.record.payload_size;
    if (!shown || frame.payload.size() < request_id_bytes) {
        out.text("undecoded", shown ? "too short for a request" : "too long to be shown");
        return;
    }
    // The log of another state machine than the key-value store has other commands.
    const auto command = decode_command(frame.payload.substr(request_id_bytes));
    if (command) {
        std::visit(command_describer{out, values}, *command);
    } else {
        out.text("undecoded", "no command of the key-value store");
        if (values) {
            out.text("payload", frame.payload);
        }
    }
}

const char* name_of_use(segment_use use) {
    switch (use) {
    case segment_use::newest: return "newest";
    case segment_use::closed: return "closed";
    case segment_use::void_: return "void";
    }
    return "unknown";
}

} // namespace

std::string identity_line(const std::string& file, const data_identity& identity, bool json) {
    return output_line("identity", json)
        .text("file", file)
        .number("cluster", identity.cluster.value())
        .number("member", identity.member.value())
        .str();
}

std::string segment_lines(const inspected_segment& segment, bool json) {
    const segment_header& header = segment.header;
    output_line out("segment", json);
    out.text("file", segment.file).number("size", segment.size);
    out.text("use", name_of_use(segment.use)).number("sequence", header.sequence);
    out.number("cluster", header.cluster.value()).number("member", header.member.value());
    out.number("base_term", header.base.term.value());
    out.number("base_index", header.base.index.value()).flag("fresh", header.fresh);
    if (!header.fresh) {
        out.number("previous", header.previous()).number("previous_end", header.previous_end);
    }
    std::string lines = out.str();
    for (const auto& place : segment.slots) {
        for (const auto& copy : place) {
            lines += copy ? '\n' + slot_line(*copy, json) : "";
        }
    }
    return lines;
}

std::string frame_line(const inspected_frame& frame, bool values, bool json) {
    output_line out("entry", json);
    out.number("offset", frame.offset).number("term", frame.record.term.value());
    out.number("index", frame.record.index.value()).number("size", frame.record.payload_size);
    if (!frame.acknowledged) {
        out.flag("acknowledged", false);
    }
    switch (frame.record.kind) {
    case entry_kind::normal: describe_command(out, frame, values); break;
    case entry_kind::change:
    case entry_kind::joint_change: describe_change(out, frame); break;
    }
    return out.str();
}

std::string snapshot_line(const inspected_snapshot& snapshot, bool json) {
    const snapshot_header& header = snapshot.header;
    output_line out("snapshot", json);
    out.text("file", snapshot.file).number("size", snapshot.size);
    out.number("term", header.last.term.value()).number("index", header.last.index.value());
    out.number("data_size", header.data_size).text("voters", set_of(header.members.voters));
    const std::pair<const char*, const id_set&> others[] = {
        {"outgoing", header.members.outgoing},
        {"learners", header.members.learners},
        {"learners_next", header.members.learners_next}};
    for (const auto& [name, ids] : others) {
        if (!ids.empty()) {
            out.text(name, set_of(ids));
        }
    }
    return out.str();
}

std::string note_line(const std::string& file, const std::string& what, bool json) {
    return json ? output_line("note", true).text("file", file).text("what", what).str()
                : "note: " + file + ": " + what;
}

std::string damage_line(const log_damage& damage, bool json) {
    if (json) {
        return output_line("damage", true)
            .text("file", damage.file)
            .number("offset", damage.offset)
            .text("what", damage.what)
            .text("error", damage.code.message())
            .str();
    }
    return "damage: " + damage.file + ": offset " + std::to_string(damage.offset) + ": " +
           damage.what + ": " + damage.code.message();
}

std::string summary_line(const std::string& directory, const inspection& sum, bool json) {
    output_line out("summary", json);
    out.text("directory", directory).flag("sound", sum.damages == 0);
    out.number("damages", sum.damages).number("notes", sum.notes);
    out.number("segments", sum.segments).number("entries", sum.frames);
    out.number("payload_bytes", sum.payload_bytes).number("snapshots", sum.snapshots);
    out.number("snapshot_index", sum.snapshot.index.value());
    out.number("base_index", sum.base.index.value());
    out.number("last_term", sum.last.term.value()).number("last_index", sum.last.index.value());
    out.number("term", sum.hard.term.value()).number("vote", sum.hard.vote.value());
    out.number("commit", sum.hard.commit.value());
    if (sum.hard.lost.index) {
        out.number("lost_index", sum.hard.lost.index.value());
    }
    if (sum.user != 0) {
        out.number("in_use_by_process", sum.user);
    }
    return out.str();
}

} // namespace quorated
