// The numbers of the protocol as distinct types, so that a term is never taken for an index.
// Flow:    none; every stage names its values with these
#ifndef QUORATE_BASE_IDS_HPP
#define QUORATE_BASE_IDS_HPP

#include <compare>
#include <cstdint>
#include <functional>
#include <ostream>

namespace quorate {

/// A 64-bit number that mixes with no other kind. Zero is the "none" of each kind.
template <class Tag>
class tagged_id {
public:
    using value_type = std::uint64_t;

    constexpr tagged_id() noexcept = default;
    constexpr explicit tagged_id(std::uint64_t value) noexcept : value_(value) {}

    [[nodiscard]] constexpr std::uint64_t value() const noexcept { return value_; }
    [[nodiscard]] constexpr explicit operator bool() const noexcept { return value_ != 0; }

    friend constexpr auto operator<=>(const tagged_id&, const tagged_id&) noexcept = default;
    friend std::ostream& operator<<(std::ostream& out, tagged_id id) { return out << id.value_; }

private:
    std::uint64_t value_ = 0;
};

/// A tagged number that counts positions, so that distances between two make sense.
template <class Tag>
class tagged_position : public tagged_id<Tag> {
public:
    using tagged_id<Tag>::tagged_id;

    [[nodiscard]] constexpr tagged_position next() const noexcept { return *this + 1; }
    /// Requires: not zero (wraps otherwise; callers check).
    [[nodiscard]] constexpr tagged_position prev() const noexcept { return *this - 1; }

    friend constexpr tagged_position operator+(tagged_position a, std::uint64_t n) noexcept {
        return tagged_position(a.value() + n);
    }
    friend constexpr tagged_position operator-(tagged_position a, std::uint64_t n) noexcept {
        return tagged_position(a.value() - n);
    }
    /// Returns: how many positions lie in (b, a].
    friend constexpr std::uint64_t operator-(tagged_position a, tagged_position b) noexcept {
        return a.value() - b.value();
    }
    constexpr tagged_position& operator++() noexcept { return *this = next(); }
};

/// A leader's period of office (Raft §5.1). Zero: before the first election.
using term_id = tagged_position<struct term_tag>;
/// A position in the replicated log; the first entry has index 1 (Raft §5.3). Indices are
/// inclusive.
using log_index = tagged_position<struct log_index_tag>;
/// A member of the group. Zero: nobody. Never reused for another member.
using node_id = tagged_id<struct node_tag>;
/// A group among those that one process has members of. Zero: the only one.
using group_id = tagged_id<struct group_tag>;
/// A group of members; two clusters never exchange a frame. Zero: not known yet.
using cluster_id = tagged_id<struct cluster_tag>;
/// A random number that a group draws once, after its first election. Two groups that were started
/// with one cluster id differ in it. Zero: not known yet.
using birth_mark = tagged_id<struct birth_tag>;

/// One request of one member, unique across members and restarts: `life` is a random number of one
/// run of one member, and `number` counts within that run. A number of zero: no request.
class request_id {
public:
    constexpr request_id() noexcept = default;
    constexpr explicit request_id(std::uint64_t number, std::uint64_t life = 0) noexcept
        : life_(life), number_(number) {}

    [[nodiscard]] constexpr std::uint64_t life() const noexcept { return life_; }
    [[nodiscard]] constexpr std::uint64_t number() const noexcept { return number_; }
    [[nodiscard]] constexpr explicit operator bool() const noexcept { return number_ != 0; }

    friend constexpr auto operator<=>(const request_id&, const request_id&) noexcept = default;
    friend std::ostream& operator<<(std::ostream& out, const request_id& id) {
        return out << id.life_ << '/' << id.number_;
    }

private:
    std::uint64_t life_ = 0;
    std::uint64_t number_ = 0;
};

inline constexpr log_index log_index_max{UINT64_MAX};

/// The identity of an entry: two logs that hold the same one agree up to it (Raft §5.3).
struct log_id {
    term_id term{};
    log_index index{};

    friend constexpr auto operator<=>(const log_id&, const log_id&) noexcept = default;
};

inline std::ostream& operator<<(std::ostream& out, const log_id& id) {
    return out << id.term << '/' << id.index;
}

} // namespace quorate

template <class Tag>
struct std::hash<quorate::tagged_id<Tag>> {
    std::size_t operator()(quorate::tagged_id<Tag> id) const noexcept {
        return std::hash<std::uint64_t>{}(id.value());
    }
};

template <>
struct std::hash<quorate::request_id> {
    std::size_t operator()(const quorate::request_id& id) const noexcept {
        return std::hash<std::uint64_t>{}(id.number() ^ id.life());
    }
};

template <class Tag>
struct std::hash<quorate::tagged_position<Tag>> {
    std::size_t operator()(quorate::tagged_position<Tag> id) const noexcept {
        return std::hash<std::uint64_t>{}(id.value());
    }
};

#endif
