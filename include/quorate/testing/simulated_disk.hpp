// A disk in memory that keeps the promises of POSIX across a crash, and no more.
// Flow:       none; stands below stage 7 in tests
// In / Out:   operations, crashes, faults → what a program finds when it starts again
// Invariants: bytes survive a power loss once they are synced, names once their directory is; of
//             what was not, any part may; the same calls always give the same outcome
// Source:     doc/concept/volume.md; POSIX fsync; Pillai et al., "All File Systems Are Not Created
//             Equal", OSDI'14; Rebello et al., "Can Applications Recover from fsync Failures?"
// Threads:    any; an observer is called on the thread of the operation
#ifndef QUORATE_TESTING_SIMULATED_DISK_HPP
#define QUORATE_TESTING_SIMULATED_DISK_HPP

#include <quorate/base/bytes.hpp>
#include <quorate/base/result.hpp>
#include <quorate/log/volume.hpp>
#include <quorate/testing/tear.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace quorate::testing {

enum class crash_kind : std::uint8_t {
    kill,       ///< The process dies: all that it wrote is still there, and goes on to the disk.
    power_loss, ///< Only what was synced is there for certain; `boot` changes.
};

struct crash {
    crash_kind kind = crash_kind::power_loss;
    tear torn; ///< What a power loss leaves of what was not synced.
    /// How many bytes a kill leaves of the newest operation, when that is a write. The kernel may
    /// stop in the middle of one.
    std::uint64_t kept = UINT64_MAX;
};

/// Operations that fail. A write writes `kept` bytes before it does. A sync makes nothing durable
/// and drops what it could not write, so that the next one succeeds in vain, as on Linux. Other
/// operations do nothing.
struct disk_fault {
    std::uint64_t first = 0; ///< The number of the first one, among changes or among reads; from 1.
    std::uint64_t count = 1;
    int error = 5;          ///< errno; 5 is EIO.
    std::uint64_t kept = 0; ///< Bytes that a failing write writes; no effect on the others.
    bool reads = false;     ///< It counts and fails reads, listings and openings instead.
};

struct disk_options {
    std::size_t sector_bytes = 512;      ///< What is written whole or not at all.
    std::uint64_t capacity = UINT64_MAX; ///< In bytes, counted in sectors; then ENOSPC.
    bool reserves = true;   ///< Whether `reserve` assigns blocks; else writes may still want some.
    bool knows_boot = true; ///< Whether `boot` tells power losses apart; else it is zero.
};

/// Directories of files. Programs reach them through simulated_volume.
///
/// Changes are numbered from 1: creating a directory or a temporary file, writing, reserving,
/// resizing, syncing, renaming, removing. After a crash, everything that was open is dead: it fails
/// with EIO, as if the process that had it were gone.
class simulated_disk {
public:
    explicit simulated_disk(const disk_options& options = {}) : options_(options) {}
    simulated_disk& operator=(const simulated_disk&) = delete;

    /// Returns: a disk in the same state, with what is not synced, but without faults, plans and
    /// observer. What is open stays open on this one alone. Complexity: linear in the number of
    /// files; bytes are copied when one of the two changes them. Threads: the two share bytes, so
    /// use them on one thread at a time.
    [[nodiscard]] std::shared_ptr<simulated_disk> clone() const;

    /// Returns: how many changes were asked for so far.
    [[nodiscard]] std::uint64_t changes() const;
    [[nodiscard]] std::uint64_t reads() const;

    /// Effects: `watch` is called after each change that succeeded, with its number.
    void observe(std::function<void(std::uint64_t)> watch);

    void fail(const disk_fault& fault);
    void clear_faults();
    void set_capacity(std::uint64_t bytes);
    /// Returns: the bytes of the sectors of all files that have a name.
    [[nodiscard]] std::uint64_t used_bytes() const;

    /// Effects: what was written is durable, as when the kernel had time; names are not.
    void write_back();

    /// Effects: what a failed sync dropped is gone from memory too, as when the kernel needed the
    /// space: reading gives what the disk holds.
    void drop_cache();

    /// Effects: crashes now.
    void crash_now(const crash& how);
    /// Effects: crashes once the change with that number was done; it fails for who asked for it.
    void plan_crash(std::uint64_t change, const crash& how);
    [[nodiscard]] std::uint64_t crashes() const;

    /// Returns: of how many parts a tear can choose: sectors and sizes, and names, not synced.
    [[nodiscard]] tear_size unsynced() const;
    /// Returns: the length of the newest change when it was a write that succeeded; else zero.
    [[nodiscard]] std::uint64_t newest_write() const;

    [[nodiscard]] std::uint64_t boot() const;

    /// Returns: a number that clones of one disk share, for certain enough, while a program finds
    /// the same on both, now and after each crash. Complexity: linear in the bytes.
    [[nodiscard]] std::uint64_t digest() const;

    /// For tests that look at files or damage them, aside from what is counted.
    [[nodiscard]] std::vector<std::string> names(const std::string& directory) const;
    [[nodiscard]] std::string contents(const std::string& directory, const std::string& name) const;
    /// Effects: the file holds these bytes, durably; it is made when there is none.
    void replace(const std::string& directory, const std::string& name, std::string bytes);

private:
    friend class simulated_file;
    friend class simulated_volume;

    enum class change_kind : std::uint8_t { write, resize };
    /// One change of a file that was not synced.
    struct byte_change {
        std::uint64_t order;
        change_kind kind;
        std::uint64_t offset; // of a resize: the size
        std::string bytes;
    };
    struct stored_file {
        std::string bytes;               // as a program reads them
        std::optional<std::string> disk; // what is durable, while that may differ
        bool dropped = false;            // a sync failed: the disk stays behind
        std::vector<byte_change> unsynced;
        std::vector<bool> assigned; // sectors that have a place on the disk
    };
    /// One change of a directory that was not synced: a name stands for a file, or for none.
    struct name_change {
        std::uint64_t order;
        std::string name;
        std::uint64_t file;
    };
    using name_map = std::map<std::string, std::uint64_t>;
    struct stored_directory {
        name_map names;
        name_map disk;
        std::vector<name_change> unsynced;
    };
    /// What a kill may take back in part.
    struct newest_change {
        std::uint64_t file = 0; // zero: not a write
        std::uint64_t offset = 0;
        std::uint64_t size = 0;
        std::uint64_t file_size = 0; // before it
        std::string before;          // bytes of the file from `offset` on, as far as it reached
    };
    simulated_disk(const simulated_disk&) = default; // used by clone alone, whose mutex is new

    template <class Body>
    error_code change(std::uint64_t life, Body body);
    [[nodiscard]] error_code read(std::uint64_t life);
    [[nodiscard]] const disk_fault* fault_now(bool reads, std::uint64_t number) const noexcept;
    void crash_locked(const crash& how);
    void lose_bytes(const tear& torn);
    void lose_names(const tear& torn);
    void take_back(std::uint64_t kept);
    void forget_unnamed();

    [[nodiscard]] error_code make_directory(const std::string& directory);
    [[nodiscard]] result<std::vector<std::string>> list(std::uint64_t life,
                                                        const std::string& directory);
    [[nodiscard]] result<std::uint64_t> find(std::uint64_t life, const std::string& directory,
                                             const std::string& name);
    [[nodiscard]] result<std::pair<std::uint64_t, std::string>> create(
        std::uint64_t life, const std::string& directory);
    [[nodiscard]] error_code rename(std::uint64_t life, const std::string& directory,
                                    const std::string& from, const std::string& to);
    [[nodiscard]] error_code remove(std::uint64_t life, const std::string& directory,
                                    const std::string& name);
    [[nodiscard]] error_code sync_names(std::uint64_t life, const std::string& directory);

    [[nodiscard]] result<std::uint64_t> size(std::uint64_t life, std::uint64_t file);
    [[nodiscard]] result<std::size_t> read_at(std::uint64_t life, std::uint64_t file,
                                              std::uint64_t offset, char* place, std::size_t size);
    [[nodiscard]] error_code write_at(std::uint64_t life, std::uint64_t file, std::uint64_t offset,
                                      std::span<const byte_view> pieces);
    [[nodiscard]] error_code resize(std::uint64_t life, std::uint64_t file, std::uint64_t size,
                                    bool reserve);
    [[nodiscard]] error_code sync_bytes(std::uint64_t life, std::uint64_t file);

    [[nodiscard]] std::uint64_t parts_of(const byte_change& change) const noexcept;
    [[nodiscard]] stored_file& own(std::uint64_t id);
    static void make_durable(stored_file& file);
    [[nodiscard]] static std::uint64_t digest_of(const stored_file& file) noexcept;
    static void apply_all(const byte_change& change, std::string& image);
    void apply_part(const byte_change& change, std::uint64_t part, const tear& torn, bool chosen,
                    std::string& image, std::uint64_t& size) const;
    void note_change(stored_file& file, change_kind kind, std::uint64_t offset, std::string bytes);
    static void apply_name(const name_change& change, name_map& names);
    void change_name(stored_directory& directory, const std::string& name, std::uint64_t file);
    void write_some(std::uint64_t file, std::uint64_t offset, std::string bytes);
    [[nodiscard]] std::uint64_t assign(stored_file& file, std::uint64_t begin, std::uint64_t end);
    [[nodiscard]] std::uint64_t used() const;

    /// A mutex that a copied disk has anew.
    struct own_mutex : std::mutex {
        own_mutex() = default;
        own_mutex(const own_mutex&) : std::mutex() {}
    };
    mutable own_mutex mutex_;
    disk_options options_;
    std::map<std::string, stored_directory> directories_;
    std::map<std::uint64_t, std::shared_ptr<stored_file>> files_; // shared with clones
    std::uint64_t made_ = 0;                                      // files so far
    std::uint64_t order_ = 0;                                     // unsynced changes so far
    std::uint64_t changes_ = 0;
    std::uint64_t reads_ = 0;
    std::uint64_t life_ = 0; // crashes so far
    std::uint64_t boot_ = 1;
    newest_change newest_;
    std::vector<disk_fault> faults_;
    std::uint64_t crash_at_ = 0;
    crash planned_;
    std::function<void(std::uint64_t)> watch_;
};

} // namespace quorate::testing

#if defined(QUORATE_HEADER_ONLY)
#include <quorate/testing/impl/simulated_crash.ipp>
#include <quorate/testing/impl/simulated_disk.ipp>
#endif

#endif
