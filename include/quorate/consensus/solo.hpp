// The second engine: one member alone, no peers, no elections.
// Flow:       4, 5 and 10. proposal → entry → effects; durable → committed
// Invariants: R1, R2, R3, R7; commits what is durable, and nothing else
// Source:     models consensus_engine; for programs that want the log and the store without a group
// Threads:    none (the owner's); deterministic
#ifndef QUORATE_CONSENSUS_SOLO_HPP
#define QUORATE_CONSENSUS_SOLO_HPP

#include <quorate/base/limits.hpp>
#include <quorate/consensus/engine.hpp>
#include <quorate/consensus/progress.hpp>
#include <quorate/consensus/raft_log.hpp>

#include <algorithm>
#include <cstdint>
#include <span>
#include <utility>

namespace quorate {

/// Leads from the first call on. Its entries have the term it started in, one higher than any
/// before, so that a log of solo can be continued by raft and the other way round.
class solo {
public:
    solo(const raft_options& options, engine_state state, std::uint32_t /*jitter*/)
        : id_(options.id),
          members_(state.base == nullptr ? membership{} : state.base->members),
          log_(state.base == nullptr ? log_id{} : state.base->last, std::move(state.entries),
               std::max(state.hard.commit,
                        state.base == nullptr ? log_index{} : state.base->last.index),
               state.applied, std::max<std::uint64_t>(options.append_bytes_max, 1)),
          term_(std::max(state.hard.term, log_.last_id().term).next()),
          told_(state.hard),
          log_bytes_max_(options.log_bytes_max) {
        // Everything that is durable here is committed: there is nobody else to ask.
        log_.commit_to(log_.last());
    }

    void tick(std::uint32_t /*jitter*/) noexcept {}
    /// Errors: message_invalid; there are no peers.
    error_code step(const message& /*m*/) noexcept { return errc::message_invalid; }

    /// Errors: log_limit; request_too_large over entry_bytes_limit; of membership_change.hpp for
    /// changes of the membership.
    error_code propose(std::span<proposed> proposals, std::uint64_t /*context*/ = 0) {
        for (const proposed& p : proposals) {
            if (const error_code refused = admit(p)) {
                return refused;
            }
        }
        for (proposed& p : proposals) {
            log_.push({.term = term_,
                       .index = log_.last().next(),
                       .kind = p.kind,
                       .payload_checksum = p.payload_checksum,
                       .payload = std::move(p.payload)});
        }
        return {};
    }
    error_code read_index(std::uint64_t context) {
        reads_.push_back({log_.committed(), context});
        return {};
    }
    error_code transfer_leadership(node_id to) noexcept {
        return to == id_ ? error_code() : error_code(errc::member_unknown);
    }
    result<membership> apply_change(const membership_change& change) {
        result<membership> next = alone(apply(members_, change));
        if (next) {
            members_ = *next;
        }
        return next;
    }
    void on_stable(const stable_mark& mark) {
        log_.on_stable(mark.last);
        log_.commit_to(log_.stable());
    }
    void on_applied(const applied_mark& mark) { log_.on_applied(mark.last, mark.bytes); }
    void on_unreachable(node_id /*peer*/) noexcept {}
    void on_snapshot_sent(node_id /*peer*/, bool /*delivered*/) noexcept {}
    void offer_snapshot(snapshot_ptr snap) noexcept {
        offered_ = std::move(snap);
        if (offered_ != nullptr) {
            log_.on_snapshot_saved(offered_->last.index);
        }
    }
    error_code compact(log_index upto) { return log_.compact(upto); }

    [[nodiscard]] bool has_effects() const noexcept {
        return log_.has_not_handed_out() || !reads_.empty() || hard() != told_ || !told_leader_ ||
               !log_.to_apply(false).empty();
    }
    effects& take_effects() {
        batch_.reads.clear();
        batch_.reads.swap(reads_);
        batch_.soft = std::exchange(told_leader_, true) ? std::nullopt : std::optional(soft());
        batch_.hard = hard() != told_ ? std::optional(hard()) : std::nullopt;
        batch_.append = log_.not_handed_out();
        batch_.must_sync = !batch_.append.empty() || term_ != told_.term;
        batch_.stable = log_.has_unstable()
                            ? std::optional(stable_mark{term_, log_.last_id(), log_index{}})
                            : std::nullopt;
        batch_.apply = log_.to_apply(false);
        batch_.applied.reset();
        if (!batch_.apply.empty()) {
            batch_.applied = applied_mark{batch_.apply.back().index, encoded_size(batch_.apply)};
        }
        log_.accept_handed_out();
        log_.accept_applying(batch_.apply, false);
        told_ = hard();
        return batch_;
    }

    [[nodiscard]] engine_status status() const noexcept {
        return {id_,          hard(),      soft(), log_.applied(),
                log_.first(), log_.last(), false,  log_.bytes_behind_snapshot()};
    }
    [[nodiscard]] const membership& members() const noexcept { return members_; }
    /// Returns: nothing; there is nobody to follow the progress of.
    [[nodiscard]] std::span<const peer_progress> progress() const noexcept { return {}; }

private:
    [[nodiscard]] hard_state hard() const noexcept { return {term_, id_, log_.committed()}; }
    [[nodiscard]] soft_state soft() const noexcept { return {id_, role_kind::leader}; }

    // A second voter would have to be asked, and this engine asks nobody.
    [[nodiscard]] result<membership> alone(result<membership> next) const {
        const bool stays = next && next->voters.size() == 1 && next->voters.contains(id_);
        return !next || stays ? next : result<membership>(error_code(errc::invalid_membership));
    }
    [[nodiscard]] error_code admit(const proposed& p) const {
        if (p.payload.size() > entry_bytes_limit) {
            return errc::request_too_large; // another engine could not send it to a follower
        }
        if (p.kind == entry_kind::normal) {
            const bool full = log_bytes_max_ != 0 && log_.bytes_behind_snapshot() >= log_bytes_max_;
            return full ? error_code(errc::log_limit) : error_code();
        }
        const result<membership_change> change = decode_change(p.kind, p.payload.view());
        if (!change) {
            return change.error();
        }
        const result<membership> next = alone(apply(members_, *change));
        return next ? error_code() : next.error();
    }

    node_id id_;
    membership members_;
    raft_log log_;
    term_id term_;
    hard_state told_;
    std::uint64_t log_bytes_max_;
    bool told_leader_ = false;
    snapshot_ptr offered_;
    std::vector<read_state> reads_;
    effects batch_;
};

static_assert(consensus_engine<solo>);

} // namespace quorate

#endif
