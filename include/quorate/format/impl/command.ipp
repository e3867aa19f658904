// Encoding and decoding of commands, one kind after the other.
#ifndef QUORATE_FORMAT_IMPL_COMMAND_IPP
#define QUORATE_FORMAT_IMPL_COMMAND_IPP

#include <quorate/format/command.hpp>
#include <quorate/format/primitives.hpp>

namespace quorate {
namespace detail {

inline constexpr std::uint16_t flag_prev_kv = 1;      // put, delete_range
inline constexpr std::uint16_t flag_ignore_value = 2; // put
inline constexpr std::uint16_t flag_ignore_lease = 4; // put
inline constexpr std::uint16_t flag_count_only = 1;   // range
inline constexpr std::uint16_t flag_keys_only = 2;    // range
inline constexpr std::uint16_t flag_sorted = 4;       // range: order and target follow
inline constexpr std::uint16_t flag_filtered = 8;     // range: four revisions follow
inline constexpr std::uint16_t flag_physical = 1;     // compact
inline constexpr std::uint16_t flag_raise = 1;        // alarm_change

/// Kind and flags: what every operation begins with. A command has its version in front.
inline constexpr std::size_t operation_prefix_bytes = 3;

/// The kind and flags of one operation, and the bytes of its fields.
struct operation_measure {
    struct result {
        command_kind kind;
        std::uint16_t flags;
        std::size_t bytes;
    };
    result operator()(const std::monostate&) const noexcept { return {command_kind{0}, 0, 0}; }
    result operator()(const put& p) const noexcept {
        const int flags = (p.prev_kv ? flag_prev_kv : 0) |
                          (p.ignore_value ? flag_ignore_value : 0) |
                          (p.ignore_lease ? flag_ignore_lease : 0);
        return {command_kind::put, static_cast<std::uint16_t>(flags),
                16 + p.key.size() + p.value.size()};
    }
    result operator()(const range& r) const noexcept {
        const int flags = (r.count_only ? flag_count_only : 0) |
                          (r.keys_only ? flag_keys_only : 0) | (sorted(r) ? flag_sorted : 0) |
                          (r.filtered() ? flag_filtered : 0);
        return {command_kind::range, static_cast<std::uint16_t>(flags),
                24 + (sorted(r) ? std::size_t{2} : 0) + (r.filtered() ? std::size_t{32} : 0) +
                    r.key.size() + r.range_end.size()};
    }
    result operator()(const delete_range& d) const noexcept {
        return {command_kind::delete_range, d.prev_kv ? flag_prev_kv : std::uint16_t{0},
                8 + d.key.size() + d.range_end.size()};
    }
    result operator()(const compact& c) const noexcept {
        return {command_kind::compact, c.physical ? flag_physical : std::uint16_t{0}, 8};
    }
    result operator()(const lease_grant&) const noexcept {
        return {command_kind::lease_grant, 0, 16};
    }
    result operator()(const lease_revoke&) const noexcept {
        return {command_kind::lease_revoke, 0, 24};
    }
    result operator()(const lease_checkpoint& c) const noexcept {
        return {command_kind::lease_checkpoint, 0, 12 + 24 * c.leases.size()};
    }
    result operator()(const lease_takeover&) const noexcept {
        return {command_kind::lease_takeover, 0, 8};
    }
    result operator()(const alarm_change& a) const noexcept {
        return {command_kind::alarm_change, a.raise ? flag_raise : std::uint16_t{0}, 9};
    }
    result operator()(const txn& t) const noexcept {
        std::size_t bytes = 12;
        for (const compare& one : t.compares) {
            bytes += compare_bytes(one);
        }
        for (const auto* branch : {&t.success, &t.failure}) {
            for (const txn_op& op : *branch) {
                bytes += operation_prefix_bytes + std::visit(*this, op.body).bytes;
            }
        }
        return {command_kind::txn, 0, bytes};
    }

    static bool sorted(const range& r) noexcept {
        return r.order != sort_order::none || r.target != sort_target::key;
    }
    static std::size_t compare_bytes(const compare& one) noexcept {
        const bool by_value = one.target == compare_target::value;
        return 10 + one.key.size() + one.range_end.size() + (by_value ? 4 + one.value.size() : 8);
    }
};

/// Writes one operation after the other into the room that was measured for them.
struct operation_writer {
    byte_writer& out;

    template <class Operation>
    void write(const Operation& asked) const {
        const operation_measure::result measured = operation_measure{}(asked);
        out.u8(static_cast<std::uint8_t>(measured.kind)).u16(measured.flags);
        (*this)(asked);
    }

    void operator()(const std::monostate&) const {}
    void operator()(const put& p) const {
        out.u64(p.lease.value());
        two(p.key, p.value);
    }
    void operator()(const range& r) const {
        out.u64(r.revision).u64(r.limit);
        if (operation_measure::sorted(r)) {
            out.u8(static_cast<std::uint8_t>(r.order)).u8(static_cast<std::uint8_t>(r.target));
        }
        if (r.filtered()) {
            out.u64(r.min_mod_revision).u64(r.max_mod_revision);
            out.u64(r.min_create_revision).u64(r.max_create_revision);
        }
        two(r.key, r.range_end);
    }
    void operator()(const delete_range& d) const { two(d.key, d.range_end); }
    void operator()(const compact& c) const { out.u64(c.revision); }
    void operator()(const lease_grant& g) const { out.u64(g.id.value()).u64(g.ttl); }
    void operator()(const lease_revoke& r) const {
        out.u64(r.id.value()).u64(r.epoch).u64(r.serial);
    }
    void operator()(const lease_checkpoint& c) const {
        out.u64(c.epoch).u32(static_cast<std::uint32_t>(c.leases.size()));
        for (const lease_remaining& one : c.leases) {
            out.u64(one.id.value()).u64(one.seconds).u64(one.serial);
        }
    }
    void operator()(const lease_takeover& t) const { out.u64(t.epoch); }
    void operator()(const alarm_change& a) const {
        out.u64(a.alarm.member.value()).u8(static_cast<std::uint8_t>(a.alarm.kind));
    }
    void operator()(const txn& t) const {
        for (const std::size_t count : {t.compares.size(), t.success.size(), t.failure.size()}) {
            out.u32(static_cast<std::uint32_t>(count));
        }
        for (const compare& one : t.compares) {
            condition(one);
        }
        for (const auto* branch : {&t.success, &t.failure}) {
            for (const txn_op& op : *branch) {
                std::visit([this](const auto& asked) { write(asked); }, op.body);
            }
        }
    }

    void condition(const compare& one) const {
        out.u8(static_cast<std::uint8_t>(one.target)).u8(static_cast<std::uint8_t>(one.result));
        two(one.key, one.range_end);
        if (one.target == compare_target::value) {
            out.u32(static_cast<std::uint32_t>(one.value.size())).bytes(one.value);
        } else {
            out.u64(static_cast<std::uint64_t>(one.number));
        }
    }
    void two(byte_view first, byte_view second) const {
        out.u32(static_cast<std::uint32_t>(first.size()));
        out.u32(static_cast<std::uint32_t>(second.size()));
        out.bytes(first).bytes(second);
    }
};

/// Reads the two byte strings that end an operation.
inline void read_two(byte_reader& in, byte_view& first, byte_view& second) noexcept {
    const std::uint32_t first_size = in.u32();
    const std::uint32_t second_size = in.u32();
    first = in.bytes(first_size);
    second = in.bytes(second_size);
}

/// An unknown flag asks for something that this version cannot do, so it is refused, not ignored.
inline void refuse_unknown(byte_reader& in, std::uint16_t flags, int known) noexcept {
    if ((flags & ~known) != 0) {
        in.fail();
    }
}

/// Reads an enumerator. Requires: all numbers up to `last` are enumerators.
template <class Enum>
Enum read_enum(byte_reader& in, Enum last) noexcept {
    const std::uint8_t number = in.u8();
    if (number > static_cast<std::uint8_t>(last)) {
        in.fail();
        return Enum{};
    }
    return static_cast<Enum>(number);
}

inline put read_put(byte_reader& in, std::uint16_t flags) noexcept {
    refuse_unknown(in, flags, flag_prev_kv | flag_ignore_value | flag_ignore_lease);
    put p;
    p.prev_kv = (flags & flag_prev_kv) != 0;
    p.ignore_value = (flags & flag_ignore_value) != 0;
    p.ignore_lease = (flags & flag_ignore_lease) != 0;
    p.lease = lease_id(in.u64());
    read_two(in, p.key, p.value);
    return p;
}

inline range read_range(byte_reader& in, std::uint16_t flags) noexcept {
    refuse_unknown(in, flags, flag_count_only | flag_keys_only | flag_sorted | flag_filtered);
    range r;
    r.count_only = (flags & flag_count_only) != 0;
    r.keys_only = (flags & flag_keys_only) != 0;
    r.revision = in.u64();
    r.limit = in.u64();
    if ((flags & flag_sorted) != 0) {
        r.order = read_enum(in, sort_order::descend);
        r.target = read_enum(in, sort_target::value);
    }
    if ((flags & flag_filtered) != 0) {
        r.min_mod_revision = in.u64();
        r.max_mod_revision = in.u64();
        r.min_create_revision = in.u64();
        r.max_create_revision = in.u64();
    }
    // A field that says nothing must not be there: a request has one encoding.
    if (operation_measure::sorted(r) != ((flags & flag_sorted) != 0) ||
        r.filtered() != ((flags & flag_filtered) != 0)) {
        in.fail();
    }
    read_two(in, r.key, r.range_end);
    return r;
}

inline delete_range read_delete(byte_reader& in, std::uint16_t flags) noexcept {
    refuse_unknown(in, flags, flag_prev_kv);
    delete_range d;
    d.prev_kv = (flags & flag_prev_kv) != 0;
    read_two(in, d.key, d.range_end);
    return d;
}

inline compact read_compact(byte_reader& in, std::uint16_t flags) noexcept {
    refuse_unknown(in, flags, flag_physical);
    return compact{in.u64(), (flags & flag_physical) != 0};
}

inline lease_grant read_grant(byte_reader& in, std::uint16_t flags) noexcept {
    refuse_unknown(in, flags, 0);
    const lease_id id(in.u64());
    return {id, in.u64()};
}

inline lease_revoke read_revoke(byte_reader& in, std::uint16_t flags) noexcept {
    refuse_unknown(in, flags, 0);
    lease_revoke r;
    r.id = lease_id(in.u64());
    r.epoch = in.u64();
    r.serial = in.u64();
    return r;
}

inline lease_checkpoint read_checkpoint(byte_reader& in, std::uint16_t flags) {
    refuse_unknown(in, flags, 0);
    lease_checkpoint c;
    c.epoch = in.u64();
    const std::uint32_t count = in.u32();
    for (std::uint32_t i = 0; i < count && !in.failed(); ++i) {
        lease_remaining& one = c.leases.emplace_back();
        one.id = lease_id(in.u64());
        one.seconds = in.u64();
        one.serial = in.u64();
    }
    return c;
}

inline lease_takeover read_takeover(byte_reader& in, std::uint16_t flags) noexcept {
    refuse_unknown(in, flags, 0);
    return {in.u64()};
}

inline alarm_change read_alarm(byte_reader& in, std::uint16_t flags) noexcept {
    refuse_unknown(in, flags, flag_raise);
    const node_id member(in.u64());
    const auto kind = read_enum(in, alarm_kind::corrupt);
    if (kind == alarm_kind{}) {
        in.fail(); // Kinds begin at one.
    }
    return {{member, kind}, (flags & flag_raise) != 0};
}

inline compare read_compare(byte_reader& in) noexcept {
    compare one;
    one.target = read_enum(in, compare_target::lease);
    one.result = read_enum(in, compare_result::not_equal);
    read_two(in, one.key, one.range_end);
    if (one.target == compare_target::value) {
        one.value = in.bytes(in.u32());
    } else {
        one.number = static_cast<std::int64_t>(in.u64());
    }
    return one;
}

[[nodiscard]] inline txn_op read_operation(byte_reader& in, std::size_t depth);

/// Reads `count` elements; the room for them is made as they come, so that a count that is not
/// true costs nothing.
template <class Element, class Read>
void read_list(byte_reader& in, std::uint32_t count, std::vector<Element>& into, Read read) {
    for (std::uint32_t i = 0; i < count && !in.failed(); ++i) {
        into.push_back(read());
    }
}

[[nodiscard]] inline txn read_txn(byte_reader& in, std::uint16_t flags, std::size_t depth) {
    refuse_unknown(in, flags, 0);
    txn t;
    if (depth > txn_depth_max) {
        in.fail();
        return t;
    }
    const std::uint32_t compares = in.u32();
    const std::uint32_t success = in.u32();
    const std::uint32_t failure = in.u32();
    const auto nested = [&] { return read_operation(in, depth); };
    read_list(in, compares, t.compares, [&] { return read_compare(in); });
    read_list(in, success, t.success, nested);
    read_list(in, failure, t.failure, nested);
    return t;
}

/// Reads an operation of a transaction that has `depth` itself.
inline txn_op read_operation(byte_reader& in, std::size_t depth) {
    const auto kind = static_cast<command_kind>(in.u8());
    const std::uint16_t flags = in.u16();
    switch (kind) {
    case command_kind::put: return {read_put(in, flags)};
    case command_kind::range: return {read_range(in, flags)};
    case command_kind::delete_range: return {read_delete(in, flags)};
    case command_kind::txn: return {read_txn(in, flags, depth + 1)};
    default: in.fail(); return {};
    }
}

} // namespace detail

QUORATE_DECL draft encode_command(const request& asked, std::size_t free_bytes) {
    const std::size_t fields = std::visit(detail::operation_measure{}, asked).bytes;
    draft command(free_bytes + 1 + detail::operation_prefix_bytes + fields);
    byte_writer out(command.data(), command.size());
    out.zeros(free_bytes).u8(command_version);
    std::visit([&](const auto& one) { detail::operation_writer{out}.write(one); }, asked);
    QUORATE_ASSERT(out.position() == command.size());
    return command;
}

QUORATE_DECL result<request> decode_command(byte_view command) {
    byte_reader in(command);
    if (in.u8() != command_version) {
        return errc::command_invalid;
    }
    const auto kind = static_cast<command_kind>(in.u8());
    const std::uint16_t flags = in.u16();
    request asked;
    switch (kind) {
    case command_kind::put: asked = detail::read_put(in, flags); break;
    case command_kind::range: asked = detail::read_range(in, flags); break;
    case command_kind::delete_range: asked = detail::read_delete(in, flags); break;
    case command_kind::compact: asked = detail::read_compact(in, flags); break;
    case command_kind::txn: asked = detail::read_txn(in, flags, 1); break;
    case command_kind::lease_grant: asked = detail::read_grant(in, flags); break;
    case command_kind::lease_revoke: asked = detail::read_revoke(in, flags); break;
    case command_kind::lease_checkpoint: asked = detail::read_checkpoint(in, flags); break;
    case command_kind::lease_takeover: asked = detail::read_takeover(in, flags); break;
    case command_kind::alarm_change: asked = detail::read_alarm(in, flags); break;
    default: return errc::command_invalid;
    }
    if (!in.finished()) {
        return errc::command_invalid;
    }
    return asked;
}

} // namespace quorate

#endif
