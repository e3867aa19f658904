// See decode.hpp: the key-value service and watches.
#ifndef QUORATE_GATEWAY_IMPL_DECODE_KV_IPP
#define QUORATE_GATEWAY_IMPL_DECODE_KV_IPP

#include <quorate/command/validate.hpp>
#include <quorate/gateway/decode.hpp>
#include <quorate/gateway/field_reader.hpp>

#include <algorithm>
#include <array>
#include <cstdint>
#include <utility>

namespace quorate::gateway::detail {

inline constexpr std::array<std::string_view, 3> sort_order_names{"NONE", "ASCEND", "DESCEND"};
inline constexpr std::array<std::string_view, 5> sort_target_names{"KEY", "VERSION", "CREATE",
                                                                   "MOD", "VALUE"};
inline constexpr std::array<std::string_view, 4> compare_result_names{"EQUAL", "GREATER", "LESS",
                                                                      "NOT_EQUAL"};
inline constexpr std::array<std::string_view, 5> compare_target_names{"VERSION", "CREATE", "MOD",
                                                                      "VALUE", "LEASE"};
inline constexpr std::array<std::string_view, 2> watch_filter_names{"NOPUT", "NODELETE"};

/// Reads an enumeration that must be one of those that are known.
/// `unknown`: what is wrong with a number that stands for nothing.
template <class Enum>
void read_known(field_reader& fields, reading& state, std::string_view name,
                const enum_names& names, std::string_view unknown, Enum& into) {
    std::int32_t value = 0;
    fields.enumerator(name, names, value);
    if (value < 0 || static_cast<std::size_t>(value) >= names.names.size()) {
        state.fail(std::string(unknown));
        return;
    }
    into = static_cast<Enum>(value);
}

/// Rows that were put before a negative revision there are none; after it are all of them, which
/// no row can satisfy: more than the largest number is the only filter that says so.
inline void read_filter(field_reader& fields, std::string_view min_name, std::string_view max_name,
                        std::uint64_t& min, std::uint64_t& max) {
    std::int64_t min_value = 0;
    std::int64_t max_value = 0;
    fields.number(min_name, min_value);
    fields.number(max_name, max_value);
    // One leaves nothing out, but is a filter, as a negative number is in etcd.
    min = min_value < 0 ? 1 : static_cast<std::uint64_t>(min_value);
    max = max_value < 0 ? 0 : static_cast<std::uint64_t>(max_value);
    if (max_value < 0) {
        min = UINT64_MAX;
    }
}

inline void read_range(const json_value& value, reading& state, range_call& into) {
    field_reader fields(value, state);
    range& request = into.request;
    fields.bytes("key", request.key);
    fields.bytes("range_end", request.range_end);
    fields.count("limit", request.limit);
    fields.count("revision", request.revision);
    const std::string_view unknown = failures::invalid_sort_option.message;
    read_known(fields, state, "sort_order",
               {"etcdserverpb.RangeRequest_SortOrder", sort_order_names}, unknown, request.order);
    read_known(fields, state, "sort_target",
               {"etcdserverpb.RangeRequest_SortTarget", sort_target_names}, unknown,
               request.target);
    fields.flag("serializable", into.serializable);
    fields.flag("keys_only", request.keys_only);
    fields.flag("count_only", request.count_only);
    read_filter(fields, "min_mod_revision", "max_mod_revision", request.min_mod_revision,
                request.max_mod_revision);
    read_filter(fields, "min_create_revision", "max_create_revision", request.min_create_revision,
                request.max_create_revision);
}

inline void read_put(const json_value& value, reading& state, put& into) {
    field_reader fields(value, state);
    fields.bytes("key", into.key);
    fields.bytes("value", into.value);
    fields.signed_id("lease", into.lease);
    fields.flag("prev_kv", into.prev_kv);
    fields.flag("ignore_value", into.ignore_value);
    fields.flag("ignore_lease", into.ignore_lease);
}

inline void read_delete(const json_value& value, reading& state, delete_range& into) {
    field_reader fields(value, state);
    fields.bytes("key", into.key);
    fields.bytes("range_end", into.range_end);
    fields.flag("prev_kv", into.prev_kv);
}

/// Of the operands only the one that belongs to the target counts; but each must be readable.
inline void read_compare(const json_value& value, reading& state, compare& into) {
    field_reader fields(value, state);
    read_known(fields, state, "result",
               {"etcdserverpb.Compare_CompareResult", compare_result_names},
               "quorate: unknown compare result", into.result);
    read_known(fields, state, "target",
               {"etcdserverpb.Compare_CompareTarget", compare_target_names},
               "quorate: unknown compare target", into.target);
    fields.bytes("key", into.key);
    fields.bytes("range_end", into.range_end);
    const auto number = [&](std::string_view name, compare_target target) {
        std::int64_t operand = 0;
        fields.number(name, operand);
        if (into.target == target) {
            into.number = operand;
        }
    };
    number("version", compare_target::version);
    number("create_revision", compare_target::create);
    number("mod_revision", compare_target::mod);
    number("lease", compare_target::lease);
    byte_view operand;
    fields.bytes("value", operand);
    if (into.target == compare_target::value) {
        into.value = operand;
    }
}

inline void read_txn(const json_value& value, reading& state, txn_call& into);

/// Returns: the elements of a list of conditions or operations; nothing, and an error, where there
/// are more in all than any transaction may have: each takes far more memory than text.
[[nodiscard]] inline std::span<const json_value> take_list(field_reader& fields, reading& state,
                                                           std::string_view name) {
    const std::span<const json_value> found = fields.messages(name);
    state.operations += found.size();
    if (state.operations > txn_size_max) {
        state.fail(std::string(failure_of(errc::too_many_operations).message));
        return {};
    }
    return found;
}

/// Returns: whether it is a range, and whether it is a serializable one.
inline std::pair<bool, bool> read_op(const json_value& value, reading& state, txn_op& into) {
    field_reader fields(value, state);
    if (const json_value* asked = fields.message("request_range")) {
        range_call call;
        read_range(*asked, state, call);
        std::int64_t revision = 0;
        field_reader(*asked, state).number("revision", revision);
        if (revision < 0) { // within a transaction alone it is not the current one
            call.request.revision = static_cast<std::uint64_t>(revision);
        }
        into.body = call.request;
        return {true, call.serializable};
    }
    if (const json_value* asked = fields.message("request_put")) {
        read_put(*asked, state, into.body.emplace<put>());
    } else if (asked = fields.message("request_delete_range"); asked != nullptr) {
        read_delete(*asked, state, into.body.emplace<delete_range>());
    } else if (asked = fields.message("request_txn"); asked != nullptr) {
        txn_call nested;
        read_txn(*asked, state, nested);
        into.body = std::move(nested.request);
    }
    return {false, false};
}

inline void read_ops(field_reader& fields, reading& state, std::string_view name,
                     std::vector<txn_op>& into, txn_call& whole) {
    const std::span<const json_value> operations = take_list(fields, state, name);
    into.reserve(operations.size());
    for (const json_value& operation : operations) {
        const auto [is_range, serializable] = read_op(operation, state, into.emplace_back());
        whole.read_only = whole.read_only && is_range;
        whole.serializable = whole.serializable && serializable;
    }
}

inline void read_txn(const json_value& value, reading& state, txn_call& into) {
    field_reader fields(value, state);
    into.read_only = true;
    into.serializable = true;
    const std::span<const json_value> conditions = take_list(fields, state, "compare");
    into.request.compares.reserve(conditions.size());
    for (const json_value& condition : conditions) {
        read_compare(condition, state, into.request.compares.emplace_back());
    }
    read_ops(fields, state, "success", into.request.success, into);
    read_ops(fields, state, "failure", into.request.failure, into);
}

QUORATE_DECL api_error read(const json_value& root, request_arena& arena, range_call& into) {
    reading state{arena};
    read_range(root, state, into);
    return std::move(state.error);
}

QUORATE_DECL api_error read(const json_value& root, request_arena& arena, put& into) {
    reading state{arena};
    read_put(root, state, into);
    return std::move(state.error);
}

QUORATE_DECL api_error read(const json_value& root, request_arena& arena, delete_range& into) {
    reading state{arena};
    read_delete(root, state, into);
    return std::move(state.error);
}

QUORATE_DECL api_error read(const json_value& root, request_arena& arena, txn_call& into) {
    reading state{arena};
    read_txn(root, state, into);
    return std::move(state.error);
}

QUORATE_DECL api_error read(const json_value& root, request_arena& arena, compact& into) {
    reading state{arena};
    field_reader fields(root, state);
    std::int64_t revision = 0;
    fields.number("revision", revision);
    fields.flag("physical", into.physical);
    if (!state.error && revision < 0) {
        return failure_of(errc::revision_compacted);
    }
    into.revision = static_cast<std::uint64_t>(revision);
    return std::move(state.error);
}

inline void read_watch_create(const json_value& value, reading& state, watch_create& into) {
    field_reader fields(value, state);
    watch_request& request = into.request;
    fields.bytes("key", request.key);
    fields.bytes("range_end", request.range_end);
    std::int64_t start = 0;
    fields.number("start_revision", start);
    into.start_is_compacted = start < 0;
    request.start_revision = start > 0 ? static_cast<std::uint64_t>(start) : 0;
    fields.flag("progress_notify", request.progress_notify);
    std::vector<std::int32_t> filters;
    fields.enumerators("filters",
                       {"etcdserverpb.WatchCreateRequest_FilterType", watch_filter_names}, filters);
    request.no_put = std::find(filters.begin(), filters.end(), 0) != filters.end();
    request.no_delete = std::find(filters.begin(), filters.end(), 1) != filters.end();
    fields.flag("prev_kv", request.prev_kv);
    fields.number("watch_id", request.id);
    fields.flag("fragment", request.fragment);
}

QUORATE_DECL api_error read(const json_value& root, request_arena& arena, watch_call& into) {
    reading state{arena};
    field_reader fields(root, state);
    if (const json_value* asked = fields.message("create_request")) {
        read_watch_create(*asked, state, into.emplace<watch_create>());
    } else if (asked = fields.message("cancel_request"); asked != nullptr) {
        field_reader(*asked, state).number("watch_id", into.emplace<watch_cancel>().id);
    } else if (asked = fields.message("progress_request"); asked != nullptr) {
        field_reader(*asked, state);
        into.emplace<watch_progress>();
    }
    return std::move(state.error);
}

} // namespace quorate::gateway::detail

#endif
