// The directory of one member: locked against other processes, marked with whose it is.
// Flow:       before 1; a node opens it first and closes it last
// In / Out:   path → lock, identity, whether it is a copy, paths of the parts
// Invariants: two processes never use one directory; no member opens another one's files
// Source:     doc/format.md, "Data directory"
// Threads:    one
#ifndef QUORATE_LOG_DATA_DIRECTORY_HPP
#define QUORATE_LOG_DATA_DIRECTORY_HPP

#include <quorate/base/ids.hpp>
#include <quorate/base/result.hpp>
#include <quorate/log/file_meta.hpp>
#include <quorate/log/posix_file.hpp>
#include <quorate/log/posix_volume.hpp>
#include <quorate/log/start_mark.hpp>

#include <filesystem>
#include <optional>
#include <string>
#include <utility>

namespace quorate {

/// Whose data it is.
struct data_identity {
    cluster_id cluster; ///< Zero: not known yet.
    node_id member;

    friend bool operator==(const data_identity&, const data_identity&) noexcept = default;
};

/// Returns: the bytes of the identity file.
[[nodiscard]] std::string encode_identity(const data_identity& identity);
/// Errors: truncated, corrupt, unsupported_version.
[[nodiscard]] result<data_identity> decode_identity(byte_view bytes) noexcept;

/// Bytes of what a member remembers of the others.
inline constexpr std::size_t peers_bytes_max = 256 << 10;

/// Holds the lock as long as it lives. Everything below the directory is private to its user.
class data_directory {
public:
    /// Effects: makes the directory, or takes away what others may do with it; locks it; reads
    /// its identity. With `wal_place` the log lives there, in a directory of its own, to which the
    /// name `wal` is a symbolic link from then on; each later start finds it by that.
    /// Errors: directory_locked, corrupt, unsupported_version, or those of the operating system;
    /// invalid_option for a place that differs from where the log is, or holds other files.
    /// `failure`, when given, is then told the directory and the reason.
    [[nodiscard]] static result<data_directory> open(const std::filesystem::path& directory,
                                                     std::string* failure = nullptr,
                                                     const std::filesystem::path& wal_place = {});

    /// Returns: whose it is; nothing for a new one.
    [[nodiscard]] const std::optional<data_identity>& identity() const noexcept {
        return identity_;
    }

    /// Effects: says durably that it is theirs, when it is nobody's yet or its cluster was not
    /// known. A zero cluster takes what is written.
    /// Errors: wrong_cluster, wrong_member, or those of the operating system; `failure`, when
    /// given, is then told both sides.
    [[nodiscard]] error_code claim(const data_identity& wanted, std::string* failure = nullptr);

    /// Returns: the mark of the newest start; nothing where no start left one.
    [[nodiscard]] const std::optional<start_mark>& mark() const noexcept { return mark_; }
    /// Returns: whether the mark was written to another file than the one that holds it now, or is
    /// damaged: the directory is a copy, or files of it were restored from one.
    [[nodiscard]] bool is_copy() const noexcept { return copy_; }
    /// Errors: wrong_cluster, wrong_member, where a label of the mark differs; `failure`, when
    /// given, gets both values.
    [[nodiscard]] error_code check_labels(const directory_labels& wanted,
                                          std::string* failure = nullptr) const;
    /// Effects: replaces the mark durably by that of a start that has written its log. Labels that
    /// are empty stay as they are. The number of starts grows by one, or to `least` if that is
    /// more. Errors: those of the operating system.
    [[nodiscard]] error_code mark_start(const directory_labels& labels,
                                        std::string* failure = nullptr, std::uint64_t least = 0);
    /// Returns: what save_peers() saved last, as of open(); absent where nothing was, or where it
    /// could not be read.
    [[nodiscard]] const std::optional<std::string>& peers() const noexcept { return peers_; }
    /// Returns: why peers() could not be read: too_large beyond peers_bytes_max, or of the system.
    [[nodiscard]] error_code peers_failed() const noexcept { return peers_failed_; }
    /// Effects: replaces durably what this member remembers of the others. Errors: those of the
    /// operating system. Threads: any one, not beside another function.
    [[nodiscard]] error_code save_peers(const std::string& bytes);

    /// Effects: marks a directory that was only prepared, and may be copied to its place.
    /// Errors: those of the operating system.
    [[nodiscard]] error_code mark_prepared(const directory_labels& labels,
                                           std::string* failure = nullptr);

    [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }
    [[nodiscard]] std::filesystem::path wal() const { return path_ / "wal"; }
    [[nodiscard]] std::filesystem::path snap() const { return path_ / "snap"; }
    [[nodiscard]] std::filesystem::path db() const { return path_ / "db"; }

private:
    data_directory(std::filesystem::path path, posix_volume disk);

    [[nodiscard]] error_code lock();
    [[nodiscard]] error_code place_wal(const std::filesystem::path& wanted, std::string* failure);
    [[nodiscard]] error_code check_wal_link(const std::filesystem::path& target,
                                            std::string* failure) const;
    [[nodiscard]] error_code link_wal(const std::filesystem::path& target, std::string* failure);
    [[nodiscard]] error_code lock_wal(std::string* failure);
    [[nodiscard]] error_code clean();
    [[nodiscard]] error_code read_identity();
    [[nodiscard]] error_code read_mark();
    [[nodiscard]] error_code read_peers();
    [[nodiscard]] error_code write_mark(start_mark mark, bool in_place, std::string* failure);
    [[nodiscard]] error_code publish_mark(start_mark& mark, bool in_place);
    void keep_room();

    std::filesystem::path path_;
    file_meta<posix_volume> kept_;
    posix_file lock_;
    posix_file wal_lock_; ///< Of a log in a place of its own.
    std::optional<data_identity> identity_;
    std::optional<start_mark> mark_;
    std::optional<std::string> peers_;
    error_code peers_failed_;
    bool copy_ = false;
};

} // namespace quorate

#if defined(QUORATE_HEADER_ONLY)
#include <quorate/log/impl/data_directory.ipp>
#include <quorate/log/impl/wal_place.ipp>
#endif

#endif
