// Locking and identity.
#ifndef QUORATE_LOG_IMPL_DATA_DIRECTORY_IPP
#define QUORATE_LOG_IMPL_DATA_DIRECTORY_IPP

#include <quorate/base/checksum.hpp>
#include <quorate/format/primitives.hpp>
#include <quorate/log/data_directory.hpp>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string_view>
#include <vector>

namespace quorate {

namespace detail {

inline constexpr byte_view identity_magic = "QRATEIDN";
inline constexpr std::uint16_t identity_version = 1;
inline constexpr std::size_t identity_bytes = 32;
inline constexpr const char* mark_name = "start";
inline constexpr const char* peers_name = "peers";
/// Keeps space for the mark of a start on a full disk: so much, or what there is, but for the
/// least.
inline constexpr const char* room_name = "room";
inline constexpr std::uint64_t room_bytes_max = 64 << 10;
inline constexpr std::uint64_t room_bytes_min = 4 << 10;

inline error_code explain(std::string* failure, const std::filesystem::path& path,
                          const std::string& what, error_code code) {
    if (failure != nullptr) {
        *failure = path.string() + ": " + what;
    }
    return code;
}

/// Returns: whether it holds something, and nothing that a member made. An empty file system may
/// hold lost+found.
[[nodiscard]] inline bool is_foreign(const std::filesystem::path& directory) {
    error_code failed;
    bool others = false;
    for (std::filesystem::directory_iterator one(directory, failed), end; !failed && one != end;
         one.increment(failed)) {
        const std::string name = one->path().filename().string();
        for (const char* made : {"identity", "lock", "wal", "snap", "db"}) {
            if (name == made) {
                return false;
            }
        }
        others = others || (name != "lost+found" && !is_temporary(name));
    }
    return others;
}

} // namespace detail

QUORATE_DECL std::string encode_identity(const data_identity& identity) {
    std::string bytes;
    byte_writer out(bytes);
    out.bytes(detail::identity_magic).u16(detail::identity_version).u16(0);
    out.u64(identity.cluster.value()).u64(identity.member.value());
    out.u32(crc32c(bytes));
    QUORATE_ASSERT(bytes.size() == detail::identity_bytes);
    return bytes;
}

QUORATE_DECL result<data_identity> decode_identity(byte_view bytes) noexcept {
    if (bytes.size() < detail::identity_bytes) {
        return errc::truncated;
    }
    byte_reader in(bytes);
    const bool known = in.bytes(detail::identity_magic.size()) == detail::identity_magic;
    const std::uint16_t version = in.u16();
    const std::uint16_t reserved = in.u16();
    data_identity identity{cluster_id(in.u64()), node_id(in.u64())};
    const bool sound = in.u32() == crc32c(bytes.substr(0, detail::identity_bytes - 4));
    if (!known || !sound || !in.finished()) {
        return errc::corrupt;
    }
    if (version != detail::identity_version) {
        return errc::unsupported_version;
    }
    return reserved == 0 && identity.member ? result<data_identity>(identity) : errc::corrupt;
}

QUORATE_DECL data_directory::data_directory(std::filesystem::path path, posix_volume disk)
    : path_(std::move(path)),
      kept_(std::move(disk), {path_, "identity", 2 * detail::identity_bytes}) {}

QUORATE_DECL result<data_directory> data_directory::open(const std::filesystem::path& directory,
                                                         std::string* failure,
                                                         const std::filesystem::path& wal_place) {
    result<posix_volume> disk = posix_volume::open(directory);
    if (!disk) {
        return detail::explain(failure, directory, disk.error().message(), disk.error());
    }
    data_directory opened(directory, std::move(*disk));
    // Before anything is changed: a shared directory that a mistake names would become private.
    if (detail::is_foreign(directory)) {
        return detail::explain(failure, directory,
                               "holds other files and no member's data; give a directory that is "
                               "empty or does not exist",
                               errc::invalid_option);
    }
    if (::chmod(directory.c_str(), 0700) != 0) {
        const error_code failed = last_system_error();
        return detail::explain(failure, directory, "cannot be made private: " + failed.message(),
                               failed);
    }
    if (const error_code failed = opened.lock()) {
        return detail::explain(failure, directory, failed.message(), failed);
    }
    if (const error_code failed = opened.clean()) {
        return detail::explain(failure, directory, "cannot be cleaned: " + failed.message(),
                               failed);
    }
    if (const error_code failed = opened.read_identity()) {
        return detail::explain(failure, directory / "identity", failed.message(), failed);
    }
    if (const error_code failed = opened.read_mark()) {
        return detail::explain(failure, directory / detail::mark_name, failed.message(), failed);
    }
    if (const error_code failed = opened.place_wal(wal_place, failure)) {
        return failed;
    }
    opened.peers_failed_ = opened.read_peers(); // the member can do without
    return opened;
}

QUORATE_DECL error_code data_directory::lock() {
    const std::filesystem::path place = path_ / "lock";
    lock_ = posix_file(::open(place.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!lock_.is_open()) {
        return last_system_error();
    }
    // The kernel drops the lock with the process, so a crash leaves nothing to clean up.
    if (::flock(lock_.descriptor(), LOCK_EX | LOCK_NB) != 0) {
        return errno == EWOULDBLOCK ? error_code(errc::directory_locked) : last_system_error();
    }
    return {};
}

QUORATE_DECL error_code data_directory::clean() {
    const result<std::vector<std::string>> names = kept_.disk().list();
    if (!names) {
        return names.error();
    }
    for (const std::string& name : *names) {
        if (is_temporary(name)) {
            if (const error_code failed = kept_.disk().remove(name)) {
                return failed;
            }
        }
    }
    return {};
}

QUORATE_DECL error_code data_directory::read_identity() {
    const result<std::optional<std::string>> bytes = kept_.load();
    if (!bytes) {
        return bytes.error() == errc::too_large ? error_code(errc::corrupt) : bytes.error();
    }
    if (!*bytes) {
        return {};
    }
    const result<data_identity> identity = decode_identity(**bytes);
    if (!identity) {
        return identity.error();
    }
    identity_ = *identity;
    return {};
}

QUORATE_DECL error_code data_directory::read_mark() {
    const result<posix_file> file = kept_.disk().open_file(detail::mark_name);
    if (!file) {
        const bool absent = file.error() == boost::system::errc::no_such_file_or_directory;
        return absent ? error_code() : file.error();
    }
    std::string bytes(mark_bytes_max + 1, '\0');
    const result<std::size_t> got = file->read_at(0, bytes.data(), bytes.size());
    if (!got) {
        return got.error();
    }
    bytes.resize(*got);
    const result<start_mark> mark = decode_mark(bytes);
    if (!mark && mark.error() == errc::unsupported_version) {
        return mark.error();
    }
    // After a damaged mark the member is brought up to date rather than refused.
    mark_ = mark ? *mark : start_mark{.starts = 1, .place = {}, .labels = {}};
    copy_ = !mark || !may_be_same(mark_->place, place_of(*file));
    return {};
}

QUORATE_DECL error_code data_directory::read_peers() {
    const result<posix_file> file = kept_.disk().open_file(detail::peers_name);
    if (!file) {
        const bool absent = file.error() == boost::system::errc::no_such_file_or_directory;
        return absent ? error_code() : file.error();
    }
    std::string bytes(peers_bytes_max + 1, '\0');
    const result<std::size_t> got = file->read_at(0, bytes.data(), bytes.size());
    if (!got) {
        return got.error();
    }
    bytes.resize(*got);
    if (bytes.size() > peers_bytes_max) {
        return errc::too_large;
    }
    peers_ = std::move(bytes);
    return {};
}

QUORATE_DECL error_code data_directory::save_peers(const std::string& bytes) {
    auto made = kept_.disk().create_temporary();
    if (!made) {
        return made.error();
    }
    const byte_view view(bytes);
    const error_code failed = made->file.write_at(0, {&view, 1});
    return failed ? failed : publish(kept_.disk(), *made, detail::peers_name);
}

QUORATE_DECL error_code data_directory::check_labels(const directory_labels& wanted,
                                                     std::string* failure) const {
    const directory_labels& kept = mark_ ? mark_->labels : directory_labels{};
    const auto differ = [](const std::string& a, const std::string& b) {
        const auto kept_part = [](const std::string& text) {
            return std::string_view(text).substr(0, mark_label_bytes_max);
        };
        return !a.empty() && !b.empty() && kept_part(a) != kept_part(b);
    };
    if (differ(kept.token, wanted.token)) {
        return detail::explain(failure, path_,
                               "belongs to the cluster with the token '" + kept.token +
                                   "', not to that with '" + wanted.token + "'",
                               errc::wrong_cluster);
    }
    if (differ(kept.name, wanted.name)) {
        return detail::explain(
            failure, path_,
            "belongs to the member with the name '" + kept.name + "', not to '" + wanted.name + "'",
            errc::wrong_member);
    }
    return {};
}

QUORATE_DECL error_code data_directory::mark_start(const directory_labels& labels,
                                                   std::string* failure, std::uint64_t least) {
    start_mark next = mark_.value_or(start_mark{});
    next.starts = std::max(next.starts + 1, least);
    next.labels.token = labels.token.empty() ? next.labels.token : labels.token;
    next.labels.name = labels.name.empty() ? next.labels.name : labels.name;
    return write_mark(std::move(next), true, failure);
}

QUORATE_DECL error_code data_directory::mark_prepared(const directory_labels& labels,
                                                      std::string* failure) {
    return write_mark({.starts = 0, .place = {}, .labels = labels}, false, failure);
}

// Always a new file: one that is written over keeps its number, and a copy that is written over it
// would fit.
QUORATE_DECL error_code data_directory::write_mark(start_mark mark, bool in_place,
                                                   std::string* failure) {
    error_code failed = publish_mark(mark, in_place);
    if (is_out_of_space(failed) && !kept_.disk().remove(detail::room_name)) {
        failed = publish_mark(mark, in_place);
    }
    if (failed) {
        return detail::explain(failure, path_ / detail::mark_name, failed.message(), failed);
    }
    keep_room();
    mark_ = std::move(mark);
    copy_ = false;
    return {};
}

QUORATE_DECL error_code data_directory::publish_mark(start_mark& mark, bool in_place) {
    auto made = kept_.disk().create_temporary();
    if (!made) {
        return made.error();
    }
    mark.place = in_place ? place_of(made->file) : file_place{};
    const std::string bytes = encode_mark(mark);
    const byte_view view(bytes);
    error_code failed = made->file.write_at(0, {&view, 1});
    if (!failed) {
        failed = publish(kept_.disk(), *made, detail::mark_name);
    }
    if (failed && is_temporary(made->name)) {
        static_cast<void>(kept_.disk().remove(made->name));
    }
    return failed;
}

// Without it a start on a full disk fails, and nothing else: so failures are no errors here.
QUORATE_DECL void data_directory::keep_room() {
    if (kept_.disk().open_file(detail::room_name)) {
        return;
    }
    for (std::uint64_t bytes = detail::room_bytes_max; bytes >= detail::room_bytes_min;
         bytes /= 2) {
        auto made = kept_.disk().create_temporary();
        if (!made) {
            return;
        }
        if (!made->file.reserve(bytes) && !kept_.disk().rename(made->name, detail::room_name)) {
            return;
        }
        static_cast<void>(kept_.disk().remove(made->name));
    }
}

QUORATE_DECL error_code data_directory::claim(const data_identity& wanted, std::string* failure) {
    QUORATE_ASSERT(wanted.member);
    if (identity_ && identity_->member != wanted.member) {
        return detail::explain(failure, path_,
                               "belongs to member " + std::to_string(identity_->member.value()) +
                                   ", not to member " + std::to_string(wanted.member.value()),
                               errc::wrong_member);
    }
    const bool both = identity_ && identity_->cluster && wanted.cluster;
    if (both && identity_->cluster != wanted.cluster) {
        return detail::explain(failure, path_,
                               "belongs to cluster " + std::to_string(identity_->cluster.value()) +
                                   ", not to cluster " + std::to_string(wanted.cluster.value()),
                               errc::wrong_cluster);
    }
    if (identity_ && (identity_->cluster || !wanted.cluster)) {
        return {};
    }
    if (const error_code failed = kept_.save(encode_identity(wanted))) {
        return detail::explain(failure, path_ / "identity", failed.message(), failed);
    }
    identity_ = wanted;
    return {};
}

} // namespace quorate

#endif
