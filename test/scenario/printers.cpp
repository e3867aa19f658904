// Formats of everything that scripts show.
#include "printers.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <memory>

#include "script_file.hpp"

namespace quorate::scenario {
namespace {

std::string decimal(std::uint64_t number) {
    return std::to_string(number);
}

std::string describe_target(node_id id) {
    if (!id) {
        return "None";
    }
    if (id == append_thread) {
        return "AppendThread";
    }
    return id == apply_thread ? "ApplyThread" : hex(id);
}

constexpr std::array<std::string_view, message_kind_max + 1> peer_types{
    "MsgProp",           "MsgApp",         "MsgAppResp",     "MsgVote",
    "MsgVoteResp",       "MsgSnap",        "MsgHeartbeat",   "MsgHeartbeatResp",
    "MsgTransferLeader", "MsgTimeoutNow",  "MsgReadIndex",   "MsgReadIndexResp",
    "MsgPreVote",        "MsgPreVoteResp", "MsgPropRefused", "MsgReadIndexRefused",
};

constexpr std::array<std::string_view, 4> storage_types{
    "MsgStorageAppend",
    "MsgStorageAppendResp",
    "MsgStorageApply",
    "MsgStorageApplyResp",
};

// Kinds that the reference knows and that exist here as calls, not as messages.
constexpr std::array<std::string_view, 6> call_types{
    "MsgHup", "MsgBeat", "MsgUnreachable", "MsgSnapStatus", "MsgCheckQuorum", "MsgForgetLeader",
};

std::string describe_change(entry_kind kind, byte_view bytes) {
    const result<membership_change> change = decode_change(kind, bytes);
    if (!change) {
        return describe_error(change.error());
    }
    std::string text;
    for (const single_change& single : change->changes) {
        constexpr std::string_view letters = "vrul"; // in the order of change_kind
        text += text.empty() ? "" : " ";
        text += letters[static_cast<std::size_t>(single.kind)];
        text += decimal(single.node.value());
    }
    return text;
}

template <class Ids>
std::string id_list(const Ids& ids) {
    std::string text;
    for (node_id id : ids) {
        text += text.empty() ? "" : " ";
        text += decimal(id.value());
    }
    return "[" + text + "]";
}

std::string describe_conf_state(const snapshot_ptr& snap) {
    const membership& m = snap->members;
    const auto* order = std::get_deleter<keeps_order>(snap);
    std::string text = "Voters:";
    text += order != nullptr ? id_list(order->voters) : id_list(m.voters);
    text += " VotersOutgoing:" + id_list(m.outgoing) + " Learners:";
    text += order != nullptr ? id_list(order->learners) : id_list(m.learners);
    text += " LearnersNext:" + id_list(m.learners_next);
    return text + (m.auto_leave ? " AutoLeave:true" : " AutoLeave:false");
}

std::string id_group(const id_set& ids) {
    std::string text;
    for (node_id id : ids) {
        text += text.empty() ? "" : " ";
        text += hex(id);
    }
    return "(" + text + ")";
}

std::string describe_entries_of(const parcel& p, const std::string& indent) {
    if (p.entries.empty()) {
        return {};
    }
    if (p.entries.size() == 1) {
        return " Entries:[" + describe(p.entries.front()) + "]";
    }
    std::string text = " Entries:[";
    for (const entry& e : p.entries) {
        text += "\n" + indent + "  " + describe(e);
    }
    return text + "\n" + indent + "]";
}

// The reference carries a reader's context as an entry; here it is a number of its own.
bool shows_context(const parcel& p) {
    if (p.kind != parcel_kind::peer) {
        return false;
    }
    switch (p.header.kind) {
    case message_kind::read_index:
    case message_kind::read_index_response:
    case message_kind::proposal_refused:
    case message_kind::read_refused: return true;
    default: return false;
    }
}

// A refusal names its reason where a rejection names its hint. Numbers that name no reason, as a
// hostile peer may send, are shown as they are.
std::string describe_reason(const parcel& p) {
    const bool refusal = p.header.kind == message_kind::proposal_refused ||
                         p.header.kind == message_kind::read_refused;
    if (p.kind != parcel_kind::peer || !refusal) {
        return {};
    }
    const std::uint64_t number = p.header.reject_hint.value();
    const bool known = number > 0 && number <= static_cast<std::uint64_t>(errc_last);
    return " Reason:" + (known ? std::string(name_of(static_cast<errc>(number))) : decimal(number));
}

std::string describe_reads(std::span<const read_state> reads) {
    std::string text;
    for (const read_state& read : reads) {
        text += text.empty() ? "" : " ";
        text += "{" + decimal(read.index.value()) + " [" + decimal(read.context) + "]}";
    }
    return "ReadStates [" + text + "]\n";
}

/// Decodes one UTF-8 sequence. Returns: its length; zero when it is malformed.
std::size_t decode_utf8(byte_view bytes, std::uint32_t& point) {
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(bytes[i]); };
    const unsigned char lead = byte(0);
    const std::size_t size = lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
    if ((lead >= 0x80 && lead < 0xC2) || lead > 0xF4 || bytes.size() < size) {
        return 0;
    }
    constexpr std::array<std::uint32_t, 5> masks{0, 0x7F, 0x1F, 0x0F, 0x07};
    constexpr std::array<std::uint32_t, 5> minima{0, 0, 0x80, 0x800, 0x10000};
    point = lead & masks[size];
    for (std::size_t i = 1; i < size; ++i) {
        if ((byte(i) & 0xC0) != 0x80) {
            return 0;
        }
        point = (point << 6) | (byte(i) & 0x3FU);
    }
    const bool surrogate = point >= 0xD800 && point <= 0xDFFF;
    return point < minima[size] || point > 0x10FFFF || surrogate ? 0 : size;
}

bool printable(std::uint32_t point) {
    struct range {
        std::uint32_t first;
        std::uint32_t last;
    };
    // Controls, blanks other than the ASCII one, marks of direction, private use.
    constexpr std::array<range, 9> hidden{{{0, 0x1F},
                                           {0x7F, 0xA0},
                                           {0xAD, 0xAD},
                                           {0x2000, 0x200F},
                                           {0x2028, 0x202F},
                                           {0x205F, 0x206F},
                                           {0x3000, 0x3000},
                                           {0xE000, 0xF8FF},
                                           {0xFEFF, 0xFEFF}}};
    return point < 0xF0000 && std::none_of(hidden.begin(), hidden.end(), [&](const range& r) {
               return point >= r.first && point <= r.last;
           });
}

std::string escaped(std::uint32_t point) {
    constexpr std::string_view named = "\a\b\f\n\r\t\v";
    constexpr std::string_view letters = "abfnrtv";
    if (point < 0x80) {
        const std::size_t place = named.find(static_cast<char>(point));
        if (place != std::string_view::npos) {
            return {'\\', letters[place]};
        }
    }
    const char* format = point < 0x80 ? "\\x%02x" : point < 0x10000 ? "\\u%04x" : "\\U%08x";
    std::array<char, 12> text{};
    // The format is one of the three literals above.
    std::snprintf(text.data(), text.size(), format, point);
    return text.data();
}

change_kind to_change_kind(std::string_view token) {
    switch (token.front()) {
    case 'v': return change_kind::add_voter;
    case 'l': return change_kind::add_learner;
    case 'r': return change_kind::remove;
    case 'u': return change_kind::update;
    default: throw command_error("error: unknown input: " + std::string(token));
    }
}

} // namespace

std::string hex(node_id id) {
    std::array<char, 17> text{};
    std::snprintf(text.data(), text.size(), "%llx", static_cast<unsigned long long>(id.value()));
    return text.data();
}

std::string_view name_of(role_kind role) noexcept {
    switch (role) {
    case role_kind::follower: return "StateFollower";
    case role_kind::candidate: return "StateCandidate";
    case role_kind::leader: return "StateLeader";
    case role_kind::pre_candidate: return "StatePreCandidate";
    }
    return "StateUnknown";
}

std::string_view name_of(vote_result result) noexcept {
    switch (result) {
    case vote_result::won: return "VoteWon";
    case vote_result::lost: return "VoteLost";
    case vote_result::pending: return "VotePending";
    }
    return "VoteUnknown";
}

std::string_view type_of(const parcel& p) noexcept {
    if (p.kind == parcel_kind::peer) {
        return peer_types[static_cast<std::size_t>(p.header.kind)];
    }
    return storage_types[static_cast<std::size_t>(p.kind) - 1];
}

bool is_parcel_type(std::string_view name) noexcept {
    const auto holds = [&](const auto& names) {
        return std::find(names.begin(), names.end(), name) != names.end();
    };
    return holds(peer_types) || holds(storage_types) || holds(call_types);
}

std::string describe_error(error_code error) {
    if (error.category() == quorate_category()) {
        return std::string("error: ") + quorate::name_of(static_cast<errc>(error.value()));
    }
    return "error: " + error.message();
}

std::string quoted(byte_view bytes) {
    std::string text = "\"";
    while (!bytes.empty()) {
        std::uint32_t point = 0;
        const std::size_t size = decode_utf8(bytes, point);
        if (size == 0) {
            std::array<char, 5> byte{};
            std::snprintf(byte.data(), byte.size(), "\\x%02x",
                          static_cast<unsigned>(static_cast<unsigned char>(bytes.front())));
            text += byte.data();
        } else if (point == '"' || point == '\\') {
            text += '\\';
            text += bytes.front();
        } else if (printable(point)) {
            text += bytes.substr(0, size);
        } else {
            text += escaped(point);
        }
        bytes.remove_prefix(std::max<std::size_t>(size, 1));
    }
    return text + "\"";
}

std::string describe(const entry& e) {
    std::string type;
    std::string payload;
    if (e.kind == entry_kind::normal) {
        type = "EntryNormal";
        payload = quoted(e.payload.view());
    } else {
        type = e.kind == entry_kind::change ? "EntryConfChange" : "EntryConfChangeV2";
        payload = describe_change(e.kind, e.payload.view());
    }
    std::string text = decimal(e.term.value()) + "/" + decimal(e.index.value()) + " " + type;
    return payload.empty() ? text : text + " " + payload;
}

std::string describe(std::span<const entry> entries) {
    std::string text;
    for (const entry& e : entries) {
        text += describe(e) + "\n";
    }
    return text;
}

std::string describe(const hard_state& hard) {
    std::string text = "Term:" + decimal(hard.term.value());
    if (hard.vote) {
        text += " Vote:" + decimal(hard.vote.value());
    }
    return text + " Commit:" + decimal(hard.commit.value());
}

std::string describe(const soft_state& soft) {
    return "Lead:" + decimal(soft.leader.value()) + " State:" + std::string(name_of(soft.role));
}

std::string describe(const snapshot_ptr& snap) {
    return "Index:" + decimal(snap->last.index.value()) +
           " Term:" + decimal(snap->last.term.value()) + " ConfState:" + describe_conf_state(snap);
}

std::string describe(const parcel& p, const std::string& indent) {
    const message& m = p.header;
    std::string text = indent + describe_target(m.from) + "->" + describe_target(m.to) + " ";
    text += type_of(p);
    text += " Term:" + decimal(m.term.value()) + " Log:" + decimal(m.log_term.value()) + "/" +
            decimal(m.index.value());
    if (m.reject) {
        text += " Rejected (Hint: " + decimal(m.reject_hint.value()) + ")";
    }
    if (m.commit) {
        text += " Commit:" + decimal(m.commit.value());
    }
    if (p.vote) {
        text += " Vote:" + decimal(p.vote.value());
    }
    if (shows_context(p)) {
        text += " Context:" + decimal(m.context);
    }
    text += describe_reason(p) + describe_entries_of(p, indent);
    if (m.snap != nullptr && m.snap->last.index) {
        text += "\n" + indent + "  Snapshot: " + describe(m.snap);
    }
    if (!p.responses.empty()) {
        text += " Responses:[";
        for (const parcel& response : p.responses) {
            text += "\n" + describe(response, indent + "  ");
        }
        text += "\n" + indent + "]";
    }
    return text;
}

std::string describe(const batch_copy& batch) {
    std::string text;
    if (batch.soft) {
        text += describe(*batch.soft) + "\n";
    }
    if (batch.hard) {
        text += "HardState " + describe(*batch.hard) + "\n";
    }
    if (!batch.reads.empty()) {
        text += describe_reads(batch.reads);
    }
    for (const refusal& refused : batch.refusals) {
        text += refused.kind == refusal::what::proposal ? "Refused proposal" : "Refused read";
        text += " Context:" + decimal(refused.context) + " " + quorate::name_of(refused.reason);
        text += "\n";
    }
    if (!batch.append.empty()) {
        text += "Entries:\n" + describe(batch.append);
    }
    if (batch.install != nullptr) {
        text += "Snapshot " + describe(batch.install) + "\n";
    }
    if (!batch.apply.empty()) {
        text += "CommittedEntries:\n" + describe(batch.apply);
    }
    if (!batch.parcels.empty()) {
        text += "Messages:\n";
        for (const parcel& p : batch.parcels) {
            text += describe(p) + "\n";
        }
    }
    if (text.empty()) {
        return "<empty Ready>";
    }
    return (batch.must_sync ? "Ready MustSync=true:\n" : "Ready MustSync=false:\n") + text;
}

std::string describe(const peer_progress& progress, const flow_limits& limits) {
    constexpr std::array<std::string_view, 3> kinds{"StateProbe", "StateReplicate",
                                                    "StateSnapshot"};
    std::string text(kinds[static_cast<std::size_t>(progress.kind())]);
    text += " match=" + decimal(progress.match().value());
    text += " next=" + decimal(progress.next().value());
    text += progress.learner() ? " learner" : "";
    text += progress.paused() ? " paused" : "";
    if (progress.pending_snapshot()) {
        text += " pendingSnap=" + decimal(progress.pending_snapshot().value());
    }
    text += progress.recently_active() ? "" : " inactive";
    if (progress.inflight_count() > 0) {
        text += " inflight=" + decimal(progress.inflight_count());
        text += progress.inflight_full(limits) ? "[full]" : "";
    }
    return text;
}

std::string describe(const membership& members) {
    std::string text = "voters=" + id_group(members.voters);
    if (members.joint()) {
        text += "&&" + id_group(members.outgoing);
    }
    if (!members.learners.empty()) {
        text += " learners=" + id_group(members.learners);
    }
    if (!members.learners_next.empty()) {
        text += " learners_next=" + id_group(members.learners_next);
    }
    return members.auto_leave ? text + " autoleave" : text;
}

membership_change to_change(std::string_view text) {
    membership_change change;
    for (std::string_view token : split_words(text)) {
        if (token.size() < 2) {
            throw command_error("error: unknown token " + std::string(token));
        }
        const node_id node{to_number(token.substr(1))};
        change.changes.push_back({to_change_kind(token), node});
    }
    return change;
}

} // namespace quorate::scenario
