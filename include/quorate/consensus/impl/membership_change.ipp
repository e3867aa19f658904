// The bytes of a membership change, and the rules that apply one.
#ifndef QUORATE_CONSENSUS_IMPL_MEMBERSHIP_CHANGE_IPP
#define QUORATE_CONSENSUS_IMPL_MEMBERSHIP_CHANGE_IPP

#include <quorate/consensus/membership_change.hpp>

#include <cstring>

namespace quorate {
namespace detail {

// One change is a kind byte and eight bytes of id, little endian.
inline constexpr std::size_t change_bytes = 9;
inline constexpr std::size_t changes_max = 255;

inline char* put_change(char* out, const single_change& change) noexcept {
    *out++ = static_cast<char>(change.kind);
    for (unsigned shift = 0; shift < 64; shift += 8) {
        *out++ = static_cast<char>(static_cast<unsigned char>(change.node.value() >> shift));
    }
    return out;
}

inline single_change get_change(const char* in) noexcept {
    std::uint64_t id = 0;
    for (unsigned i = 0; i < 8; ++i) {
        id |= std::uint64_t{static_cast<unsigned char>(in[1 + i])} << (8 * i);
    }
    return {static_cast<change_kind>(static_cast<unsigned char>(in[0])), node_id(id)};
}

inline bool known(change_kind kind) noexcept {
    return kind <= change_kind::add_learner;
}

// A copy of the configuration under change. Follows the thesis: a voter that is demoted while the
// outgoing half still counts it becomes a learner only when that half is left (§4.3).
class membership_edit {
public:
    explicit membership_edit(const membership& now) : next_(now) {}

    error_code make(const single_change& change) {
        if (!change.node) {
            return {}; // cancelled by the application
        }
        switch (change.kind) {
        case change_kind::add_voter: add_voter(change.node); return {};
        case change_kind::add_learner: add_learner(change.node); return {};
        case change_kind::remove: remove(change.node); return {};
        case change_kind::update: return {};
        }
        return errc::unknown_change_kind;
    }

    error_code make_all(std::span<const single_change> changes) {
        for (const single_change& change : changes) {
            if (const error_code failed = make(change)) {
                return failed;
            }
        }
        return next_.voters.empty() ? error_code(errc::removed_all_voters) : error_code();
    }

    [[nodiscard]] membership& next() noexcept { return next_; }

private:
    void add_voter(node_id id) {
        next_.learners.erase(id);
        next_.learners_next.erase(id);
        next_.voters.insert(id);
    }
    void add_learner(node_id id) {
        if (next_.learners.contains(id)) {
            return;
        }
        remove(id);
        if (next_.outgoing.contains(id)) {
            next_.learners_next.insert(id);
        } else {
            next_.learners.insert(id);
        }
    }
    void remove(node_id id) {
        next_.voters.erase(id);
        next_.learners.erase(id);
        next_.learners_next.erase(id);
    }

    membership next_;
};

inline result<membership> checked(const membership& m) {
    if (const error_code failed = check(m)) {
        return failed;
    }
    return m;
}

inline std::size_t difference(const id_set& a, const id_set& b) noexcept {
    std::size_t count = 0;
    for (node_id id : a) {
        count += b.contains(id) ? 0U : 1U;
    }
    for (node_id id : b) {
        count += a.contains(id) ? 0U : 1U;
    }
    return count;
}

} // namespace detail

QUORATE_DECL shared_bytes encode(const membership_change& change, entry_kind kind) {
    const bool single = kind == entry_kind::change;
    QUORATE_ASSERT(kind != entry_kind::normal);
    QUORATE_ASSERT(!single || change.changes.size() == 1);
    QUORATE_ASSERT(change.changes.size() <= detail::changes_max);
    if (!single && change.leaves_joint() && change.context.empty()) {
        return {};
    }
    const std::size_t head = single ? 0 : 2;
    const std::size_t size = head + change.changes.size() * detail::change_bytes;
    draft bytes(size + change.context.size());
    char* out = bytes.data();
    if (!single) {
        *out++ = static_cast<char>(change.transition);
        *out++ = static_cast<char>(static_cast<unsigned char>(change.changes.size()));
    }
    for (const single_change& one : change.changes) {
        out = detail::put_change(out, one);
    }
    if (!change.context.empty()) {
        std::memcpy(out, change.context.data(), change.context.size());
    }
    return std::move(bytes).freeze();
}

QUORATE_DECL result<membership_change> decode_change(entry_kind kind, byte_view bytes) {
    membership_change change;
    std::size_t count = 1;
    if (kind == entry_kind::joint_change) {
        if (bytes.empty()) {
            return change;
        }
        if (bytes.size() < 2) {
            return error_code(errc::truncated);
        }
        const auto transition = static_cast<unsigned char>(bytes[0]);
        if (transition > static_cast<unsigned char>(change_transition::joint_explicit)) {
            return error_code(errc::unknown_change_kind);
        }
        change.transition = static_cast<change_transition>(transition);
        count = static_cast<unsigned char>(bytes[1]);
        bytes.remove_prefix(2);
    } else if (kind != entry_kind::change) {
        return error_code(errc::unknown_change_kind);
    }
    if (bytes.size() / detail::change_bytes < count) {
        return error_code(errc::truncated);
    }
    for (std::size_t i = 0; i < count; ++i) {
        change.changes.push_back(detail::get_change(bytes.data()));
        if (!detail::known(change.changes.back().kind)) {
            return error_code(errc::unknown_change_kind);
        }
        bytes.remove_prefix(detail::change_bytes);
    }
    change.context = shared_bytes::copy_of(bytes);
    return change;
}

QUORATE_DECL result<membership> apply_simple(const membership& now,
                                             std::span<const single_change> changes) {
    if (const error_code failed = check(now)) {
        return failed;
    }
    if (now.joint()) {
        return error_code(errc::simple_change_while_joint);
    }
    detail::membership_edit edit(now);
    if (const error_code failed = edit.make_all(changes)) {
        return failed;
    }
    // Two configurations that differ in one voter have overlapping quorums (thesis §4.1).
    if (detail::difference(now.voters, edit.next().voters) > 1) {
        return error_code(errc::more_than_one_voter_changed);
    }
    return detail::checked(edit.next());
}

QUORATE_DECL result<membership> enter_joint(const membership& now,
                                            std::span<const single_change> changes,
                                            bool auto_leave) {
    if (const error_code failed = check(now)) {
        return failed;
    }
    if (now.joint()) {
        return error_code(errc::already_joint);
    }
    if (now.voters.empty()) {
        return error_code(errc::zero_voter_config);
    }
    detail::membership_edit edit(now);
    edit.next().outgoing = now.voters;
    if (const error_code failed = edit.make_all(changes)) {
        return failed;
    }
    edit.next().auto_leave = auto_leave;
    return detail::checked(edit.next());
}

QUORATE_DECL result<membership> leave_joint(const membership& now) {
    if (const error_code failed = check(now)) {
        return failed;
    }
    if (!now.joint()) {
        return error_code(errc::not_joint);
    }
    membership next = now;
    for (node_id id : now.learners_next) {
        next.learners.insert(id);
    }
    next.learners_next.clear();
    next.outgoing.clear();
    next.auto_leave = false;
    return detail::checked(next);
}

QUORATE_DECL result<membership> apply(const membership& now, const membership_change& change) {
    if (change.leaves_joint()) {
        return leave_joint(now);
    }
    if (change.enters_joint()) {
        return enter_joint(now, change.changes, change.auto_leave());
    }
    return apply_simple(now, change.changes);
}

} // namespace quorate

#endif
