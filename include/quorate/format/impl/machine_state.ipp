// Encoding and decoding of the tables in front of the store's state.
#ifndef QUORATE_FORMAT_IMPL_MACHINE_STATE_IPP
#define QUORATE_FORMAT_IMPL_MACHINE_STATE_IPP

#include <quorate/format/machine_state.hpp>
#include <quorate/format/primitives.hpp>

#include <utility>

namespace quorate {
namespace detail {

struct machine_counts {
    std::uint32_t alarms = 0;
    std::uint64_t leases = 0;
    std::uint64_t epoch = 0;
    std::uint64_t grants = 0;
};

inline result<machine_counts> take_machine_header(bulk_reader& bytes) {
    char fixed[machine_header_bytes];
    if (const error_code failed = bytes.read(fixed, sizeof(fixed))) {
        return failed;
    }
    byte_reader in({fixed, sizeof(fixed)});
    if (in.u32() != machine_magic) {
        return errc::corrupt;
    }
    if (in.u16() != machine_version) {
        return errc::unsupported_version;
    }
    const std::uint16_t reserved = in.u16();
    machine_counts counts;
    counts.alarms = in.u32();
    if (in.u32() != 0 || reserved != 0) {
        return errc::corrupt;
    }
    counts.leases = in.u64();
    counts.epoch = in.u64();
    counts.grants = in.u64();
    return counts.alarms > alarms_max ? result<machine_counts>(errc::too_large) : counts;
}

inline result<raised_alarm> take_alarm(bulk_reader& bytes) {
    char fixed[machine_alarm_bytes];
    if (const error_code failed = bytes.read(fixed, sizeof(fixed))) {
        return failed;
    }
    byte_reader in({fixed, sizeof(fixed)});
    const node_id member(in.u64());
    const std::uint32_t kind = in.u32();
    const bool known = kind >= 1 && kind <= static_cast<std::uint32_t>(alarm_kind::corrupt);
    if (!known || in.u32() != 0) {
        return errc::corrupt;
    }
    return raised_alarm{member, static_cast<alarm_kind>(kind)};
}

inline result<lease_record> take_lease(bulk_reader& bytes) {
    char fixed[machine_lease_bytes];
    if (const error_code failed = bytes.read(fixed, sizeof(fixed))) {
        return failed;
    }
    byte_reader in({fixed, sizeof(fixed)});
    lease_record lease;
    lease.id = lease_id(in.u64());
    lease.ttl = in.u64();
    lease.remaining = in.u64();
    lease.serial = in.u64();
    return lease;
}

} // namespace detail

QUORATE_DECL shared_bytes encode_machine_state(const machine_state& state) {
    draft bytes(machine_header_bytes + machine_alarm_bytes * state.alarms.size() +
                machine_lease_bytes * state.leases.size());
    byte_writer out(bytes.data(), bytes.size());
    out.u32(machine_magic).u16(machine_version).u16(0);
    out.u32(static_cast<std::uint32_t>(state.alarms.size())).u32(0);
    out.u64(state.leases.size()).u64(state.lease_epoch).u64(state.grants);
    for (const raised_alarm& one : state.alarms) {
        out.u64(one.member.value()).u32(static_cast<std::uint32_t>(one.kind)).u32(0);
    }
    for (const lease_record& one : state.leases) {
        out.u64(one.id.value()).u64(one.ttl).u64(one.remaining).u64(one.serial);
    }
    return std::move(bytes).freeze();
}

QUORATE_DECL result<machine_state> take_machine_state(bulk_reader& bytes) {
    const result<detail::machine_counts> counts = detail::take_machine_header(bytes);
    if (!counts) {
        return counts.error();
    }
    machine_state state;
    state.lease_epoch = counts->epoch;
    state.grants = counts->grants;
    for (std::uint32_t i = 0; i < counts->alarms; ++i) {
        const result<raised_alarm> next = detail::take_alarm(bytes);
        if (!next) {
            return next.error();
        }
        state.alarms.push_back(*next);
    }
    for (std::uint64_t i = 0; i < counts->leases; ++i) {
        const result<lease_record> next = detail::take_lease(bytes);
        if (!next) {
            return next.error();
        }
        state.leases.push_back(*next);
    }
    return state;
}

} // namespace quorate

#endif
