// Log, snapshot and identity, in an order that no crash makes dangerous.
#ifndef QUORATE_SERVER_IMPL_GROUP_SEED_IPP
#define QUORATE_SERVER_IMPL_GROUP_SEED_IPP

#include <quorate/log/data_directory.hpp>
#include <quorate/log/file_snapshots.hpp>
#include <quorate/log/segmented_log.hpp>
#include <quorate/server/group_seed.hpp>
#include <quorate/server/member_table.hpp>
#include <quorate/server/node_snapshot.hpp>

#include <algorithm>
#include <memory>
#include <system_error>
#include <utility>

namespace quorate {
namespace detail {

/// Far below where a term could overflow, far above what any group reaches.
inline constexpr term_id seed_term_max{std::uint64_t{1} << 62};

inline error_code write_first_log(const log_options& options, const engine_state& start,
                                  std::string& why) {
    auto opened = segmented_log<>::open(options);
    if (!opened) {
        why = "cannot make the log: " + opened.error().message();
        return opened.error();
    }
    segmented_log<>& log = **opened;
    static_cast<void>(log.take_recovered());
    log.restart(start.base->last);
    log.save(start.hard);
    do { // and once more, so that the log at rest vouches for all of it
        segmented_log<>::sync_job job = log.begin_sync();
        const error_code failed = job.run();
        why = failed ? "cannot write the log: " + describe_failure(log, failed) : "";
        log.finish_sync(std::move(job), failed);
        if (failed) {
            return failed;
        }
    } while (log.idle());
    return {};
}

inline error_code write_first_snapshot(const snapshot_options& options, const snapshot& first,
                                       std::string& why) {
    auto opened = file_snapshots<>::open(options);
    if (!opened) {
        why = "cannot make the snapshots: " + opened.error().message();
        return opened.error();
    }
    const error_code failed = (*opened)->save(first);
    if (failed) {
        why = "cannot write the first snapshot: " + describe_failure(**opened, failed);
    }
    return failed;
}

// The log goes first: without a snapshot a log that does not begin at the beginning is refused,
// while a member that finds neither would begin an empty group.
inline error_code fill_directory(data_directory& place, const group_seed& seed, std::string& why) {
    const engine_state start = first_state(
        seed.members, stream_snapshot(member_table(seed.members), seed.state), seed.term);
    log_options log;
    log.directory = place.wal();
    log.cluster = seed.cluster;
    log.member = seed.member;
    snapshot_options snapshots;
    snapshots.directory = place.snap();
    snapshots.cluster = seed.cluster;
    snapshots.member = seed.member;
    error_code failed = write_first_log(log, start, why);
    if (!failed) {
        failed = write_first_snapshot(snapshots, *start.base, why);
    }
    if (!failed) {
        failed = place.claim({seed.cluster, seed.member}, &why);
    }
    return failed ? failed : place.mark_prepared(seed.labels, &why);
}

/// Effects: empties a directory that was empty before, and the place of the log that it leads to.
inline void remove_seed(const std::filesystem::path& directory) {
    std::error_code ignored;
    const std::filesystem::path wal = directory / "wal";
    if (std::filesystem::is_symlink(std::filesystem::symlink_status(wal, ignored))) {
        for (std::filesystem::directory_iterator one(wal, ignored), end; !ignored && one != end;
             one.increment(ignored)) {
            std::filesystem::remove(one->path(), ignored);
        }
    }
    for (const char* const part : {"identity", "start", "room", "snap", "wal", "lock"}) {
        std::filesystem::remove_all(directory / part, ignored);
    }
}

} // namespace detail

QUORATE_DECL std::string problem_of(const std::vector<member_info>& members, node_id self) {
    if (std::none_of(members.begin(), members.end(),
                     [self](const member_info& m) { return m.id == self; })) {
        return "this member is not among the initial members";
    }
    if (!std::all_of(members.begin(), members.end(), within_limits)) {
        return "an initial member has no id or no URL, or too many or too long ones";
    }
    const member_table table(members);
    for (const member_info& one : members) {
        if (const member_info* rival = table.find_rival(one)) {
            return "members " + std::to_string(one.id.value()) + " and " +
                   std::to_string(rival->id.value()) +
                   " have one peer URL: " + joined_peer_urls(one) + " and " +
                   joined_peer_urls(*rival);
        }
    }
    return {};
}

QUORATE_DECL engine_state first_state(const std::vector<member_info>& members, bulk_bytes data,
                                      term_id term) {
    id_set voters;
    for (const member_info& m : members) {
        voters.insert(m.id);
    }
    return bootstrap(voters, std::move(data), term);
}

QUORATE_DECL error_code seed_directory(const std::filesystem::path& directory,
                                       const group_seed& seed, std::string* failure) {
    std::string ignored;
    std::string& why = failure != nullptr ? *failure : ignored;
    why = problem_of(seed.members, seed.member);
    if (why.empty() && (seed.term < term_id(1) || seed.term > detail::seed_term_max)) {
        why = "no group can begin after that term";
    }
    if (!why.empty()) {
        return errc::invalid_option;
    }
    std::error_code unread;
    const bool there = std::filesystem::exists(directory, unread);
    const bool empty = !there || std::filesystem::is_empty(directory, unread);
    if (unread || !empty) {
        why = directory.string() + ": " + (unread ? unread.message() : "is there, and not empty");
        return make_error_code(boost::system::errc::directory_not_empty);
    }
    error_code failed;
    {
        result<data_directory> opened = data_directory::open(directory, &why, seed.wal_directory);
        failed = opened ? detail::fill_directory(*opened, seed, why) : opened.error();
        const bool foreign = failed == errc::directory_locked;
        if (failed && !foreign) {
            detail::remove_seed(directory);
        }
    }
    return failed;
}

} // namespace quorate

#endif
