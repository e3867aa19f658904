// The contract of a durable log, and of its recovery after a restart.
// Flow:    6 and 7. entry → record → durable
// Source:  doc/concept/log_store.md; the sync job is LogCabin's idea
#ifndef QUORATE_LOG_LOG_STORE_HPP
#define QUORATE_LOG_LOG_STORE_HPP

#include <quorate/base/result.hpp>
#include <quorate/consensus/entry.hpp>

#include <concepts>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace quorate {

/// What to do about a log that lost something it acknowledged.
enum class on_damage : std::uint8_t {
    refuse,  ///< Do not open it and change nothing.
    salvage, ///< Open what is sound before the damage, fenced: see `lost_log`.
};

struct log_options {
    std::filesystem::path directory; ///< Holds nothing else. Ignored by models without files.
    cluster_id cluster;
    node_id member;
    std::uint64_t segment_bytes = 64 << 20; ///< A segment is closed once it is at least this long.
    /// Most files that stay, unless more are needed: those whose entries are no longer needed are
    /// removed beyond it, the oldest first.
    std::uint32_t segments_kept = 1;
    on_damage if_damaged = on_damage::refuse;
    /// Salvage, and forget what was lost instead of fencing the member. For the only member of a
    /// group, by its operator's decision: others may hold what this one forgets.
    bool accept_data_loss = false;
    /// There was a log before, so that one which is missing is damaged and not new. Ignored by
    /// models without files.
    bool must_exist = false;
    /// Called with the entries that were found, before the first write; an error ends the opening.
    /// Ignored by models without files.
    std::function<error_code(std::span<const entry>)> examine;
    std::string* failure = nullptr; ///< Told by `open` what is wrong, and where; may be null.
};

/// What a log holds when it is opened.
struct recovered_log {
    hard_state hard;
    log_id base;                ///< Just before the first entry; zero for a new log.
    std::vector<entry> entries; ///< Dense, after `base`.
    std::string note;           ///< What recovery did, for the operator; empty: nothing.
    std::string damage; ///< What is damaged, where, and what of it was kept; empty: nothing.
};

/// Entries, term, vote and commit, durable in the order they are given.
///
/// `append`, `save`, `restart` and `compact` queue and return at once, on the owner's thread.
/// `begin_sync` takes all that is queued; `run` makes it durable, on any thread, one job at a
/// time; `finish_sync` gives the job back on the owner's thread. More may be queued meanwhile.
/// A job that failed poisons the log: later jobs fail with errc::poisoned. The exception is
/// errc::no_space: nothing of the job counts, the log is as it was, and the very same job may be
/// run again. Given back instead, it stands before all that was queued meanwhile.
///
/// `idle` may queue a job that makes the log vouch for all that is durable; worth calling while
/// nothing else waits, and before closing. Returns `pending()`.
// clang-format off
template <class L>
concept log_store = requires(L log, const L fixed, std::span<const entry> entries,
                             const hard_state& hard, log_id id, log_index index,
                             typename L::sync_job job, const log_options& options) {
    requires std::movable<typename L::sync_job>;
    { L::open(options) } -> std::same_as<result<std::unique_ptr<L>>>;
    { log.take_recovered() } -> std::same_as<recovered_log>;
    { log.append(entries) } -> std::same_as<void>;
    { log.save(hard) } -> std::same_as<void>;
    { log.restart(id) } -> std::same_as<void>;
    { log.compact(index) } -> std::same_as<void>;
    { log.idle() } -> std::same_as<bool>;
    { fixed.pending() } noexcept -> std::same_as<bool>;
    { log.begin_sync() } -> std::same_as<typename L::sync_job>;
    { job.run() } -> std::same_as<error_code>;
    { log.finish_sync(std::move(job), error_code()) } -> std::same_as<void>;
    { L::blocking } -> std::convertible_to<bool>;
};
// clang-format on

/// Returns: what the store says about its failure, where it has a `failure()`, which should name
/// step, file and reason; else what the error says.
template <class Store>
[[nodiscard]] std::string describe_failure(const Store& store, const error_code& failed) {
    if constexpr (requires { std::string(store.failure()); }) {
        if (std::string text = store.failure(); !text.empty()) {
            return text;
        }
    }
    return failed.message();
}

} // namespace quorate

#endif
