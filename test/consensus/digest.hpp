// Numbers that stand for what an engine did: equal ones mean equal effects, field by field.
#ifndef QUORATE_TEST_CONSENSUS_DIGEST_HPP
#define QUORATE_TEST_CONSENSUS_DIGEST_HPP

#include <quorate/consensus/effects.hpp>

#include <cstdint>
#include <span>
#include <vector>

namespace quorate::test {

/// FNV-1a over numbers, so that a state machine is one number and a run has a fingerprint.
class digest {
public:
    void add(std::uint64_t number) noexcept {
        for (unsigned shift = 0; shift < 64; shift += 8) {
            value_ = (value_ ^ ((number >> shift) & 0xff)) * 0x100000001b3;
        }
    }
    void add(byte_view bytes) noexcept {
        add(bytes.size());
        for (char c : bytes) {
            value_ = (value_ ^ static_cast<unsigned char>(c)) * 0x100000001b3;
        }
    }
    void add(const entry& e) noexcept {
        add(e.term.value());
        add(e.index.value());
        add(static_cast<std::uint64_t>(e.kind));
        add(e.payload_checksum);
        add(e.payload.view());
    }
    [[nodiscard]] std::uint64_t value() const noexcept { return value_; }

private:
    std::uint64_t value_ = 0xcbf29ce484222325;
};

inline void add_members(digest& to, const membership& m) {
    for (const id_set* ids : {&m.voters, &m.outgoing, &m.learners, &m.learners_next}) {
        to.add(ids->size());
        for (node_id id : *ids) {
            to.add(id.value());
        }
    }
    to.add(m.auto_leave ? 1 : 0);
}
inline void add_snapshot(digest& to, const snapshot_ptr& snap) {
    to.add(snap == nullptr ? 0 : 1);
    if (snap != nullptr) {
        to.add(snap->last.term.value());
        to.add(snap->last.index.value());
        add_members(to, snap->members);
        to.add(snap->data.size());
        to.add(snap->data.hash());
    }
}
inline void add_entries(digest& to, std::span<const entry> entries) {
    to.add(entries.size());
    for (const entry& e : entries) {
        to.add(e);
    }
}
inline void add_message(digest& to, const message& m) {
    for (std::uint64_t number :
         {static_cast<std::uint64_t>(m.kind), std::uint64_t{m.reject}, std::uint64_t{m.transfer},
          std::uint64_t{m.lost}, m.to.value(), m.from.value(), m.term.value(), m.log_term.value(),
          m.index.value(), m.commit.value(), m.reject_hint.value(), m.context}) {
        to.add(number);
    }
    add_entries(to, m.entries);
    add_snapshot(to, m.snap);
}
inline void add_messages(digest& to, const std::vector<message>& messages) {
    to.add(messages.size());
    for (const message& m : messages) {
        add_message(to, m);
    }
}
/// Effects: adds every field of a batch, so that equal digests mean equal batches.
inline void add_batch(digest& to, const effects& batch) {
    const soft_state soft = batch.soft.value_or(soft_state{});
    const hard_state hard = batch.hard.value_or(hard_state{});
    const stable_mark stable = batch.stable.value_or(stable_mark{});
    const applied_mark applied = batch.applied.value_or(applied_mark{});
    for (std::uint64_t number :
         {std::uint64_t{batch.soft.has_value()}, soft.leader.value(),
          static_cast<std::uint64_t>(soft.role), std::uint64_t{batch.hard.has_value()},
          hard.term.value(), hard.vote.value(), hard.commit.value(), hard.lost.term.value(),
          hard.lost.index.value(), std::uint64_t{batch.stable.has_value()}, stable.term.value(),
          stable.last.term.value(), stable.last.index.value(), stable.snapshot.value(),
          std::uint64_t{batch.applied.has_value()}, applied.last.value(), applied.bytes,
          std::uint64_t{batch.must_sync}}) {
        to.add(number);
    }
    to.add(batch.reads.size());
    for (const read_state& read : batch.reads) {
        to.add(read.index.value());
        to.add(read.context);
    }
    to.add(batch.refusals.size());
    for (const refusal& refused : batch.refusals) {
        to.add(static_cast<std::uint64_t>(refused.kind));
        to.add(refused.context);
        to.add(static_cast<std::uint64_t>(refused.reason));
    }
    add_messages(to, batch.send_now);
    add_snapshot(to, batch.install);
    add_entries(to, batch.append);
    add_messages(to, batch.send_after_sync);
    add_entries(to, batch.apply);
}

} // namespace quorate::test

#endif
