// basic_node: the members' statements about their data, and their consequences.
#ifndef QUORATE_IMPL_NODE_PAST_HPP
#define QUORATE_IMPL_NODE_PAST_HPP

#include <quorate/format/primitives.hpp>
#include <quorate/node.hpp>
#include <quorate/server/server_metrics.hpp>

#include <chrono>
#include <cstdint>
#include <string>
#include <utility>

namespace quorate {
namespace detail {

/// An engine that shows its log, so that members compare theirs before they exchange messages.
template <class E>
concept keeps_log = requires(const E& engine, log_index index) {
    { engine.log().first() } -> std::convertible_to<log_index>;
    { engine.log().last_id() } -> std::convertible_to<log_id>;
    { engine.log().base() } -> std::convertible_to<log_id>;
    { engine.log().range(index, 1) } -> std::convertible_to<std::span<const entry>>;
};
static_assert(keeps_log<raft>);

} // namespace detail

// Committed entries that a start has not applied yet count as well: the last of them may be the one
// that made a group of this member alone.
template <class Policies>
const member_table& basic_node<Policies>::committed_table() const noexcept {
    return applied_.index < start_commit_ ? start_table_ : members_;
}

template <class Policies>
member_past basic_node<Policies>::past() const {
    member_past own;
    const member_table& table = committed_table();
    own.joining = table.find(options_.id) == nullptr;
    // A member that joins may be replaying the log of a group that had another mark then.
    if (!own.joining) {
        own.birth = table.birth() ? table.birth() : found_members_.table.birth();
        own.birth_applied = static_cast<bool>(table.birth());
    }
    if constexpr (blocking || durable) {
        own.starts = directory_->mark() ? directory_->mark()->starts : 0;
    }
    own.life = life_;
    own.admits_loss = fence_durable_ || loss_is_final_ || options_.accept_data_loss;
    own.holds_nothing = holds_nothing();
    if constexpr (detail::keeps_log<engine_type>) {
        own.last = engine_->log().last_id();
        const past_entry last = find_past_entry(own.last.index);
        own.holds_last = last.held;
        own.last_checksum = last.checksum;
    }
    return own;
}

template <class Policies>
past_entry basic_node<Policies>::find_past_entry(log_index index) const {
    if constexpr (detail::keeps_log<engine_type>) {
        const auto& log = engine_->log();
        if (index >= log.first() && index <= log.last()) {
            const entry& held = log.range(index, 1).front();
            return {true, true, held.term, held.payload_checksum};
        }
        if (index == log.base().index) {
            return {true, false, log.base().term, 0};
        }
    }
    return {};
}

template <class Policies>
hello_status basic_node<Policies>::judge_past(node_id member, const member_past& theirs) {
    const hello_status verdict = judge_history(past(), theirs, find_past_entry(theirs.last.index));
    if (verdict == hello_status::other_group) {
        log_other_group(member, theirs.birth);
        return verdict;
    }
    if (theirs.holds_nothing && has_taken_part(member)) {
        return hello_status::wiped;
    }
    if (verdict != hello_status::ok) {
        return verdict;
    }
    return note_start(member, theirs) ? hello_status::ok : hello_status::outdated;
}

// A member that admits its loss begins anew here, too: its directory counts from where it was
// restored.
/// Returns: whether the member may be in its newest start.
template <class Policies>
bool basic_node<Policies>::note_start(node_id member, const member_past& theirs) {
    const bool known =
        members_.find(member) != nullptr || found_members_.table.find(member) != nullptr;
    if (theirs.starts == 0 || !known) {
        return true;
    }
    if (!theirs.admits_loss && !lives_.admits(member, theirs.starts, theirs.life)) {
        return false;
    }
    // A number that no directory can have by now would refuse every later start of the member.
    if (theirs.starts > start_number_at(runtime_.wall_time() + std::chrono::hours(24))) {
        return true;
    }
    if (lives_.note(member, theirs.starts, theirs.life)) {
        save_lives();
    }
    return true;
}

// One file at a time; what is noted meanwhile goes into the next one.
template <class Policies>
void basic_node<Policies>::save_lives() {
    if constexpr (blocking || durable) {
        if (std::exchange(saving_lives_, true)) {
            lives_changed_ = true;
            return;
        }
        snapshot_worker_.run([this, bytes = lives_.encode()] {
            const error_code failed = directory_->save_peers(bytes);
            runtime_.post(alive_.guard([this, failed] {
                saving_lives_ = false;
                on_lives_saved(failed);
            }));
        });
    }
}

template <class Policies>
void basic_node<Policies>::on_lives_saved(error_code failed) {
    if (failed) {
        if (std::exchange(lives_retry_ticks_, ticks_to_save_lives) == 0 && !lives_unsaved_) {
            say(severity::warning, "cannot save the starts of the other members: " +
                                       failed.message() + "; it is tried again");
        }
        lives_unsaved_ = true;
        return;
    }
    lives_unsaved_ = false;
    if (std::exchange(lives_changed_, false) && !stopping_) {
        save_lives();
    }
}

// With each tick.
template <class Policies>
void basic_node<Policies>::retry_lives() {
    if (lives_retry_ticks_ > 0 && --lives_retry_ticks_ == 0) {
        save_lives();
    }
}

template <class Policies>
void basic_node<Policies>::load_lives() {
    if constexpr (blocking || durable) {
        if (const error_code failed = directory_->peers_failed()) {
            say(severity::warning,
                "the file with the starts of the other members cannot be read: " +
                    failed.message() + "; this member begins to remember them anew");
        }
        const std::optional<std::string>& bytes = directory_->peers();
        if (!bytes) {
            return;
        }
        if (std::optional<member_lives> read = member_lives::decode(*bytes)) {
            lives_ = std::move(*read);
        } else {
            say(severity::warning,
                "the file with the starts of the other members is damaged; "
                "this member begins to remember them anew");
        }
    }
}

template <class Policies>
void basic_node<Policies>::log_other_group(node_id member, birth_mark theirs) {
    if (options_.metrics != nullptr) {
        options_.metrics->other_groups.add();
    }
    if (!other_group_lines_.admit(runtime_.now())) {
        return;
    }
    say(severity::error,
        "refuses member " + std::to_string(member.value()) +
            ": it has the same cluster id and belongs to another group (birth mark here " +
            described(past().birth) + ", there " + described(theirs) +
            "). Probably the data directories of other members were removed, and they began a new "
            "group without this one. To go on, choose the group whose data are to be kept, stop "
            "the members of the other one, remove their directories, and add them to the chosen "
            "group as new members (state existing). A member that is the last one with the data "
            "becomes a group of its own with --force-new-cluster" +
            other_group_lines_.left_out());
}

// Connections that were opened before both members knew their marks. The messages of one connection
// arrive in order, so that a peer knows this mark before it gets a later message.
template <class Policies>
void basic_node<Policies>::note_birth(birth_mark before) {
    const birth_mark now = members_.birth();
    if (!started_ || now == before || members_.find(options_.id) == nullptr) {
        return;
    }
    say(severity::info, "the birth mark of this group is " + described(now));
    draft bytes(8);
    store_little(bytes.data(), now.value());
    const shared_bytes mark = std::move(bytes).freeze();
    for (const member_info& m : members_) {
        if (m.id != options_.id) {
            static_cast<void>(wire_->call(m.id, {0, false, mark, birth_topic}));
        }
    }
}

template <class Policies>
void basic_node<Policies>::on_birth(node_id from, byte_view bytes) {
    if (bytes.size() != 8) {
        return;
    }
    const birth_mark theirs(load_little<std::uint64_t>(bytes.data()));
    const member_past own = past();
    if (!own.birth_applied || !theirs || own.birth == theirs) {
        return;
    }
    log_other_group(from, theirs);
    if constexpr (rechecks_peers<transport_type>) {
        wire_->recheck_peer(from);
    }
}

/// Returns: whether the snapshot is of another group than this member's, or cannot be read. The
/// connection is checked already; a snapshot replaces everything, so it is checked itself.
template <class Policies>
bool basic_node<Policies>::contradicts(const message& m) const {
    if (m.kind != message_kind::install_snapshot || m.snap == nullptr ||
        m.snap->last.index <= applied_.index) {
        return false;
    }
    bulk_reader data(m.snap->data);
    const result<member_table> table = take_members(data);
    const member_past own = past();
    return !table || (own.birth_applied && table->birth() != own.birth);
}

namespace detail {

/// Returns: the log line for a hello that the member `who` answered so.
[[nodiscard]] inline std::pair<severity, std::string> refusal_line(hello_status why,
                                                                   const std::string& who) {
    switch (why) {
    case hello_status::wrong_cluster:
        return {severity::error, who + " refuses this member: they belong to another cluster each"};
    case hello_status::wiped:
        return {severity::error,
                who +
                    " knows that this member has taken part, and the data directory here is "
                    "empty"};
    case hello_status::outdated:
        return {severity::error,
                who +
                    " has seen a later start of this member: the data directory here was "
                    "restored from an older copy"};
    case hello_status::unproven:
        return {severity::warning, who +
                                       " refuses this member: nothing shows that both have the "
                                       "log of one group"};
    case hello_status::unsupported_version:
        return {severity::error, who + " speaks another version of the protocol"};
    case hello_status::unknown_member:
        return {severity::warning,
                who + " does not know this member, and no member that it knows names this one"};
    default: return {severity::warning, "another program listens at the address of " + who};
    }
}

} // namespace detail

template <class Policies>
void basic_node<Policies>::on_refused(node_id peer, hello_status why) {
    if (why == hello_status::other_group) {
        log_other_group(peer, {});
        return;
    }
    // An answer may be late: this member may hold something by now.
    const bool lost = why == hello_status::wiped ? holds_nothing() : why == hello_status::outdated;
    if (lost) {
        on_lost_past();
    }
    if (why == hello_status::unproven && unproven_ticks_ == 0) {
        unproven_ticks_ = 1;
    }
    if (!refused_lines_.admit(runtime_.now())) {
        return; // a stranger at a member's address may give a new answer each time
    }
    const std::string who = "member " + std::to_string(peer.value());
    const auto [level, text] = detail::refusal_line(why, who);
    say(level, text + refused_lines_.left_out());
}

// A loss of the only voter is final: no leader can repair it. That it was accepted stays true when
// voters are added: the directory counts from there, and each later refusal is judged anew.
template <class Policies>
void basic_node<Policies>::on_lost_past() {
    const id_set voters = engine_->members().all_voters();
    loss_is_final_ = voters.size() == 1 && voters.contains(options_.id);
    if constexpr (requires { engine_->on_stale_copy(); }) {
        if (!loss_is_final_) {
            engine_->on_stale_copy();
            schedule_pump();
        }
    }
}

// A copy from the time when this member was alone does not name the voters that came later. A
// leader, or a candidate that is no member here, shows that there are some. Members that the
// directory names as learners may campaign before they know that they are learners.
template <class Policies>
void basic_node<Policies>::doubt_final_loss(const message& m) {
    const id_set voters = engine_->members().all_voters();
    if (!loss_is_final_ || voters.size() != 1 || !voters.contains(options_.id)) {
        return;
    }
    const bool leads = m.kind == message_kind::append || m.kind == message_kind::heartbeat ||
                       m.kind == message_kind::install_snapshot;
    const bool campaigns = (m.kind == message_kind::vote || m.kind == message_kind::pre_vote) &&
                           members_.find(m.from) == nullptr;
    if constexpr (requires { engine_->on_stale_copy(); }) {
        if (leads || campaigns) {
            loss_is_final_ = false;
            say(severity::error, "member " + std::to_string(m.from.value()) +
                                     " shows that the group has voters that the data directory "
                                     "of this member does not name");
            engine_->on_stale_copy();
        }
    }
}

// With each tick, so that a process that slept does not lose patience. A member that is refused for
// want of a mark gets one from another member soon, or is in a group that is just being born. Else
// its few entries may be of another group than those of the member that refuses it: as a stale
// member it is brought up to date.
template <class Policies>
void basic_node<Policies>::watch_unproven() {
    if (unproven_ticks_ == 0) {
        return;
    }
    const std::uint64_t patience = elections_without_leader * options_.engine.election_ticks;
    if (past().birth_applied) {
        unproven_ticks_ = 0;
    } else if (++unproven_ticks_ > patience) {
        unproven_ticks_ = 0;
        on_lost_past();
    }
}

// False once the member is marked as stale, and where an operator takes it as it is.
template <class Policies>
bool basic_node<Policies>::holds_nothing() const {
    return engine_ != nullptr && engine_->status().last <= log_index(1) && !fence_durable_ &&
           !loss_is_final_ && !options_.accept_data_loss;
}

// Each member publishes its client URLs itself, and only once it has taken part.
template <class Policies>
bool basic_node<Policies>::has_taken_part(node_id member) const {
    const auto published = [member](const member_table& table) {
        const member_info* known = table.find(member);
        return known != nullptr && !known->client_urls.empty();
    };
    return published(members_) || published(found_members_.table);
}

} // namespace quorate

#endif
