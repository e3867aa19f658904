// The inspection of a data directory: user, owner, snapshots, and the agreement of the parts.
#ifndef QUORATE_LOG_IMPL_INSPECT_IPP
#define QUORATE_LOG_IMPL_INSPECT_IPP

#include <quorate/log/file_name.hpp>
#include <quorate/log/impl/inspect_log.ipp>
#include <quorate/log/impl/posix_volume.ipp>
#include <quorate/log/inspect.hpp>

#include <boost/system/errc.hpp>

#include <dirent.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace quorate {

namespace detail {

/// Returns: the names in a directory, sorted.
inline result<std::vector<std::string>> names_in(const std::filesystem::path& path) {
    const std::unique_ptr<DIR, directory_closer> stream(::opendir(path.c_str()));
    if (stream == nullptr) {
        return last_system_error();
    }
    std::vector<std::string> names;
    errno = 0;
    while (const dirent* found = ::readdir(stream.get())) {
        const byte_view name(found->d_name);
        if (name != "." && name != "..") {
            names.emplace_back(name);
        }
    }
    if (errno != 0) {
        return last_system_error();
    }
    std::sort(names.begin(), names.end());
    return names;
}

/// Everything in one data directory.
class directory_inspector {
public:
    directory_inspector(std::filesystem::path directory, inspection_report& report)
        : directory_(std::move(directory)), report_(report) {}

    error_code run();

private:
    void read_identity();
    void inspect_snapshots(const std::vector<std::string>& names);
    void inspect_snapshot(const std::string& name, log_id named);
    /// Returns: whether it is as it should be; else reports the damage.
    [[nodiscard]] bool check_snapshot(const std::filesystem::path& path, read_window& window,
                                      log_id named, snapshot_header& header);
    [[nodiscard]] bool check_blocks(const std::filesystem::path& path, read_window& window,
                                    std::uint64_t begin, const snapshot_header& header);
    void inspect_log(const std::vector<std::string>& names);

    [[nodiscard]] bool refuse(const std::filesystem::path& path, std::uint64_t offset,
                              error_code code, const char* what) {
        report_.damage(path, offset, code, what);
        return false;
    }

    const std::filesystem::path directory_;
    inspection_report& report_;
    std::optional<data_identity> owner_;
};

inline error_code directory_inspector::run() {
    const result<std::vector<std::string>> names = names_in(directory_);
    if (!names) {
        return names.error();
    }
    std::vector<std::string> wal;
    std::vector<std::string> snap;
    bool owned = false;
    for (const std::string& name : *names) {
        if (name == "wal" || name == "snap") {
            result<std::vector<std::string>> inner = names_in(directory_ / name);
            if (!inner) {
                report_.damage(directory_ / name, 0, inner.error(), "cannot be listed");
            } else {
                (name == "wal" ? wal : snap) = std::move(*inner);
            }
        } else if (name == "identity") {
            owned = true;
            read_identity();
        } else if (name == "db") {
            report_.note(directory_ / name, "a database, which is not looked into");
        } else if (name != "lock" && name != "start" && name != "peers" && name != "room") {
            report_.note(directory_ / name, is_temporary(name)
                                                ? "left by a crash; removed at the next start"
                                                : "no part of a data directory");
        }
    }
    if (!owned && !(wal.empty() && snap.empty())) {
        report_.damage(directory_ / "identity", 0, errc::corrupt, "the file is missing");
    } else if (!owned) {
        report_.note(directory_, "nothing was ever stored here");
    }
    inspect_snapshots(snap);
    inspect_log(wal);
    return {};
}

inline void directory_inspector::read_identity() {
    const std::filesystem::path path = directory_ / "identity";
    result<read_window> window = read_window::open(path);
    const result<byte_view> bytes =
        window ? window->view(0, read_window::block_bytes) : result<byte_view>(window.error());
    const result<data_identity> identity =
        bytes ? decode_identity(*bytes) : result<data_identity>(bytes.error());
    if (!identity) {
        report_.damage(path, 0, identity.error(), "the identity cannot be used");
        return;
    }
    owner_ = *identity;
    report_.visitor().on_identity(path.string(), *identity);
}

inline void directory_inspector::inspect_snapshots(const std::vector<std::string>& names) {
    for (const std::string& name : names) {
        if (const auto numbers = parse_numbered_name(name, ".snap")) {
            inspect_snapshot(name, {term_id(numbers->first), log_index(numbers->second)});
        } else if (is_temporary(name)) {
            report_.note(directory_ / "snap" / name, "left by a crash; removed at the next start");
        } else if (byte_view(name).ends_with(broken_suffix)) {
            report_.note(directory_ / "snap" / name, "set aside as damaged; not read any more");
        } else {
            report_.note(directory_ / "snap" / name, "no snapshot");
        }
    }
}

inline void directory_inspector::inspect_snapshot(const std::string& name, log_id named) {
    const std::filesystem::path path = directory_ / "snap" / name;
    result<read_window> window = read_window::open(path);
    if (!window) {
        report_.damage(path, 0, window.error(), "the file cannot be read");
        return;
    }
    snapshot_header header;
    if (!check_snapshot(path, *window, named, header)) {
        return;
    }
    inspection& sum = report_.sum();
    ++sum.snapshots;
    if (sum.snapshot.index <= header.last.index) {
        sum.snapshot = header.last;
    }
    report_.visitor().on_snapshot({path.string(), window->size(), header});
}

inline bool directory_inspector::check_snapshot(const std::filesystem::path& path,
                                                read_window& window, log_id named,
                                                snapshot_header& header) {
    const result<byte_view> intro = window.view(0, snapshot_intro_bytes);
    if (!intro) {
        return refuse(path, 0, intro.error(), "the file cannot be read");
    }
    const result<std::uint32_t> head_size = decode_snapshot_intro(*intro);
    if (!head_size) {
        return refuse(path, 0, head_size.error(), "the header is damaged");
    }
    const result<byte_view> head = window.view(0, *head_size);
    result<snapshot_header> decoded =
        head ? decode_snapshot_header(*head) : result<snapshot_header>(head.error());
    if (!decoded) {
        return refuse(path, 0, decoded.error(), "the header is damaged");
    }
    header = std::move(*decoded);
    if (header.last != named) {
        return refuse(path, 48, errc::corrupt, "is a snapshot of another place in the log");
    }
    if (owner_ && header.member != owner_->member) {
        return refuse(path, 40, errc::wrong_member, "belongs to another member");
    }
    if (owner_ && header.cluster && owner_->cluster && header.cluster != owner_->cluster) {
        return refuse(path, 32, errc::wrong_cluster, "belongs to another cluster");
    }
    const std::uint64_t rest = window.size() - std::min<std::uint64_t>(window.size(), *head_size);
    const std::uint64_t table_bytes = snapshot_table_bytes(header.data_size);
    if (header.data_size > rest || table_bytes != rest - header.data_size) {
        return refuse(path, window.size(), errc::truncated,
                      "the file is longer or shorter than its header says");
    }
    return check_blocks(path, window, *head_size, header);
}

inline bool directory_inspector::check_blocks(const std::filesystem::path& path,
                                              read_window& window, std::uint64_t begin,
                                              const snapshot_header& header) {
    const std::uint64_t end = begin + header.data_size;
    const auto table_bytes = static_cast<std::size_t>(snapshot_table_bytes(header.data_size));
    const result<byte_view> table = window.view(end, table_bytes);
    if (!table || table->size() != table_bytes) {
        return refuse(path, end, errc::corrupt, "the file cannot be read to its end");
    }
    const result<std::vector<std::uint32_t>> checksums = decode_snapshot_table(*table, header);
    if (!checksums) {
        return refuse(path, end, errc::corrupt, "the table of checksums is damaged");
    }
    bool sound = true;
    std::uint64_t at = begin;
    for (const std::uint32_t expected : *checksums) {
        const std::uint64_t size = std::min<std::uint64_t>(bulk_block_bytes, end - at);
        const result<std::uint32_t> checksum = window.checksum(at, size);
        if (!checksum || *checksum != expected) {
            sound = refuse(path, at, errc::corrupt, "the data fails its checksum");
        }
        at += size;
    }
    return sound;
}

inline void directory_inspector::inspect_log(const std::vector<std::string>& names) {
    log_inspector log(report_, directory_ / "wal", owner_);
    log.run(names);
    const inspection& sum = report_.sum();
    if (!log.first().empty() && sum.base.index > sum.snapshot.index) {
        report_.damage(log.first(), 0, errc::corrupt,
                       "the log begins behind entry " + std::to_string(sum.base.index.value()) +
                           ", and no sound snapshot reaches that far");
    }
    const bool any = std::any_of(names.begin(), names.end(), [](const std::string& name) {
        return parse_segment_name(name).has_value();
    });
    if (!any && sum.snapshots > 0) {
        report_.damage(directory_ / "wal", 0, errc::corrupt,
                       "the log is missing; " + std::string(promises_lost_text));
    }
}

} // namespace detail

QUORATE_DECL std::uint64_t user_of_directory(const std::filesystem::path& directory) {
    struct stat facts {};
    std::ifstream locks("/proc/locks");
    if (::lstat((directory / "lock").c_str(), &facts) != 0) {
        return 0;
    }
    // A line is "1: FLOCK  ADVISORY  WRITE 4711 fe:00:524352 0 EOF": process, device and inode.
    for (std::string line; std::getline(locks, line);) {
        unsigned long long process = 0;
        unsigned device[2] = {};
        unsigned long long inode = 0;
        if (std::sscanf(line.c_str(), "%*d: FLOCK %*s WRITE %llu %x:%x:%llu", &process, &device[0],
                        &device[1], &inode) == 4 &&
            inode == facts.st_ino && makedev(device[0], device[1]) == facts.st_dev) {
            return process;
        }
    }
    return 0;
}

QUORATE_DECL result<inspection> inspect_directory(const std::filesystem::path& directory,
                                                  inspection_visitor& visitor) {
    inspection sum;
    sum.user = user_of_directory(directory);
    detail::inspection_report report(visitor, sum);
    if (const error_code failed = detail::directory_inspector(directory, report).run()) {
        return failed;
    }
    return sum;
}

} // namespace quorate

#endif
