// The model of one node's disk.
#include "model_storage.hpp"

#include <quorate/base/assert.hpp>

#include "script_file.hpp"

namespace quorate::scenario {
namespace {

std::ptrdiff_t distance(log_index from, log_index to) {
    return static_cast<std::ptrdiff_t>(to - from);
}

} // namespace

void model_storage::append(std::span<const entry> given) {
    while (!given.empty() && given.front().index < first()) {
        given = given.subspan(1);
    }
    if (given.empty()) {
        return;
    }
    const log_index from = given.front().index;
    if (from > last().next()) {
        throw script_error("the engine left a gap in the log before index " +
                           std::to_string(from.value()));
    }
    entries.erase(entries.begin() + distance(first(), from), entries.end());
    entries.insert(entries.end(), given.begin(), given.end());
}

void model_storage::install(log_id snap) {
    if (snapshot && snapshot >= snap.index) {
        throw command_error("error: requested index is older than the existing snapshot");
    }
    entries.clear();
    before = snap;
    snapshot = snap.index;
}

error_code model_storage::check_compact(log_index upto) const noexcept {
    if (upto <= before.index) {
        return errc::index_compacted;
    }
    return upto > last() ? error_code(errc::index_unavailable) : error_code();
}

void model_storage::compact(log_index upto) {
    QUORATE_ASSERT(!check_compact(upto));
    const auto end = entries.begin() + distance(first(), upto.next());
    before = std::prev(end)->id();
    entries.erase(entries.begin(), end);
}

} // namespace quorate::scenario
