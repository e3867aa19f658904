// Short names for options, disks, changes and messages.
#ifndef QUORATE_TEST_CONSENSUS_SUPPORT_HPP
#define QUORATE_TEST_CONSENSUS_SUPPORT_HPP

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <utility>
#include <vector>

#include "member.hpp"

namespace quorate::test {

inline raft_options exact(std::uint64_t id) {
    return raft_options::exact(node_id(id));
}
/// The defaults, with timings that tests can count by hand.
inline raft_options usual(std::uint64_t id) {
    raft_options options;
    options.id = node_id(id);
    return options;
}
inline membership voters(std::initializer_list<std::uint64_t> ids,
                         std::initializer_list<std::uint64_t> learners = {}) {
    membership m;
    for (std::uint64_t id : ids) {
        m.voters.insert(node_id(id));
    }
    for (std::uint64_t id : learners) {
        m.learners.insert(node_id(id));
    }
    return m;
}
/// What a member starts from; by default before any entry.
inline snapshot_ptr start_of(membership members, log_id last = {}) {
    return std::make_shared<snapshot>(snapshot{last, std::move(members), {}});
}
inline log_id at(std::uint64_t term, std::uint64_t index) {
    return {term_id(term), log_index(index)};
}
/// Entries of the given terms, from `first` on.
inline std::vector<entry> run_of(std::uint64_t first, std::initializer_list<std::uint64_t> terms) {
    std::vector<entry> entries;
    for (std::uint64_t term : terms) {
        entries.push_back({.term = term_id(term), .index = log_index(first++)});
    }
    return entries;
}
inline disk disk_with(membership members, std::initializer_list<std::uint64_t> terms,
                      hard_state hard) {
    return {hard, start_of(std::move(members)), run_of(1, terms)};
}
inline hard_state hard_of(std::uint64_t term, std::uint64_t vote = 0, std::uint64_t commit = 0) {
    return {term_id(term), node_id(vote), log_index(commit)};
}
inline single_change one_change(change_kind kind, std::uint64_t id) {
    return {kind, node_id(id)};
}
inline membership_change change_of(std::initializer_list<single_change> changes,
                                   change_transition transition = change_transition::automatic) {
    membership_change change;
    change.transition = transition;
    change.changes.assign(changes.begin(), changes.end());
    return change;
}

inline message to_from(message_kind kind, std::uint64_t to, std::uint64_t from,
                       std::uint64_t term) {
    return {.kind = kind, .to = node_id(to), .from = node_id(from), .term = term_id(term)};
}
inline owned_message append_from(std::uint64_t from, std::uint64_t to, std::uint64_t term,
                                 log_id prev, std::vector<entry> entries = {},
                                 std::uint64_t commit = 0) {
    message m = to_from(message_kind::append, to, from, term);
    m.log_term = prev.term;
    m.index = prev.index;
    m.commit = log_index(commit);
    return {m, std::move(entries)};
}
inline message ack_from(std::uint64_t from, std::uint64_t to, std::uint64_t term,
                        std::uint64_t index) {
    message m = to_from(message_kind::append_response, to, from, term);
    m.index = log_index(index);
    return m;
}
inline message rejection_from(std::uint64_t from, std::uint64_t to, std::uint64_t term,
                              std::uint64_t rejected, log_id hint) {
    message m = ack_from(from, to, term, rejected);
    m.reject = true;
    m.log_term = hint.term;
    m.reject_hint = hint.index;
    return m;
}
inline message vote_request(std::uint64_t from, std::uint64_t to, std::uint64_t term, log_id last,
                            message_kind kind = message_kind::vote) {
    message m = to_from(kind, to, from, term);
    m.log_term = last.term;
    m.index = last.index;
    return m;
}
inline message vote_answer(std::uint64_t from, std::uint64_t to, std::uint64_t term,
                           bool reject = false, message_kind kind = message_kind::vote_response) {
    message m = to_from(kind, to, from, term);
    m.reject = reject;
    return m;
}
inline message heartbeat_from(std::uint64_t from, std::uint64_t to, std::uint64_t term,
                              std::uint64_t commit = 0, std::uint64_t context = 0) {
    message m = to_from(message_kind::heartbeat, to, from, term);
    m.commit = log_index(commit);
    m.context = context;
    return m;
}

/// Returns: the messages of one kind.
inline std::vector<owned_message> only(const std::vector<owned_message>& all, message_kind kind) {
    std::vector<owned_message> some;
    for (const owned_message& m : all) {
        if (m->kind == kind) {
            some.push_back(m);
        }
    }
    return some;
}
inline std::size_t count_of(const std::vector<owned_message>& all, message_kind kind) {
    return only(all, kind).size();
}

/// Effects: campaigns, with every other member granting; its messages are thrown away.
inline void elect(member& m) {
    static_cast<void>(m.campaign());
    m.settle();
    for (int round = 0; round < 4 && m.role() != role_kind::leader; ++round) {
        for (const owned_message& asked : m.sent()) {
            const bool pre = asked->kind == message_kind::pre_vote;
            if (!pre && asked->kind != message_kind::vote) {
                continue;
            }
            static_cast<void>(m.step(
                vote_answer(asked->to.value(), m.id().value(), asked->term.value(), false,
                            pre ? message_kind::pre_vote_response : message_kind::vote_response)));
            m.settle();
        }
    }
    if (m.role() != role_kind::leader) {
        throw std::logic_error("it was not elected");
    }
    m.outbox.clear();
}
/// Effects: `from` acknowledges everything the leader holds.
inline void ack_all(member& leader, std::uint64_t from) {
    static_cast<void>(leader.step(
        ack_from(from, leader.id().value(), leader.term().value(), leader.last().value())));
    leader.settle();
}

} // namespace quorate::test

#endif
