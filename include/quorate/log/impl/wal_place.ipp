// A log outside of its data directory: a symbolic link to a locked directory.
#ifndef QUORATE_LOG_IMPL_WAL_PLACE_IPP
#define QUORATE_LOG_IMPL_WAL_PLACE_IPP

#include <quorate/log/data_directory.hpp>

#include <boost/system/system_category.hpp>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string>
#include <string_view>
#include <system_error>

namespace quorate {

namespace detail {

/// Returns: a name in the directory that no log of this member left there; empty: there is none.
/// `is_new`: this member has written no log yet, so that any file is another one's.
[[nodiscard]] inline std::string foreign_name(const std::filesystem::path& directory, bool is_new) {
    std::error_code failed;
    for (std::filesystem::directory_iterator one(directory, failed), end; !failed && one != end;
         one.increment(failed)) {
        const std::string name = one->path().filename().string();
        const bool of_log = name.ends_with(".wal") || name.ends_with(".broken");
        if (name != "lost+found" && !is_temporary(name) && (is_new || !of_log)) {
            return name;
        }
    }
    return {};
}

/// Returns: the path without links, dots and a slash at its end; it need not exist.
[[nodiscard]] inline std::filesystem::path resolved(const std::filesystem::path& path) {
    std::error_code failed;
    const auto real = std::filesystem::weakly_canonical(path, failed);
    const auto plain = (failed ? path : real).lexically_normal();
    return plain.has_filename() ? plain : plain.parent_path();
}

/// Returns: whether a directory lies below another one; both are resolved.
[[nodiscard]] inline bool is_below(const std::filesystem::path& inner,
                                   const std::filesystem::path& outer) {
    return inner != outer &&
           std::mismatch(outer.begin(), outer.end(), inner.begin(), inner.end()).first ==
               outer.end();
}

} // namespace detail

// The link is made once the place is known to be free, and before anything is written there.
QUORATE_DECL error_code data_directory::place_wal(const std::filesystem::path& wanted,
                                                  std::string* failure) {
    std::error_code unread;
    const bool linked = std::filesystem::is_symlink(std::filesystem::symlink_status(wal(), unread));
    const std::filesystem::path target = std::filesystem::absolute(wanted, unread);
    const bool is_default = !linked && detail::resolved(target) == detail::resolved(wal());
    if (wanted.empty() || is_default) {
        return linked ? lock_wal(failure) : error_code();
    }
    const error_code failed = linked ? check_wal_link(target, failure) : link_wal(target, failure);
    return failed ? failed : lock_wal(failure);
}

QUORATE_DECL error_code data_directory::check_wal_link(const std::filesystem::path& target,
                                                       std::string* failure) const {
    std::error_code unread;
    const std::filesystem::path now = std::filesystem::read_symlink(wal(), unread);
    const bool same = now == target || std::filesystem::equivalent(now, target, unread);
    return same ? error_code()
                : detail::explain(failure, path_,
                                  "has its log in " + now.string() + ", not in " + target.string(),
                                  errc::invalid_option);
}

QUORATE_DECL error_code data_directory::link_wal(const std::filesystem::path& target,
                                                 std::string* failure) {
    const auto failed_with = [&](const std::filesystem::path& where, error_code code) {
        return detail::explain(failure, where, code.message(), code);
    };
    if (detail::is_below(detail::resolved(target), detail::resolved(wal()))) {
        return detail::explain(failure, target, "lies in the place of the log, " + wal().string(),
                               errc::invalid_option);
    }
    const int why = ::rmdir(wal().c_str()) == 0 ? 0 : errno;
    if (why != 0 && why != ENOENT) {
        return why == ENOTEMPTY || why == EEXIST
                   ? detail::explain(failure, wal(),
                                     "holds the log; move what it holds to " + target.string() +
                                         " and remove it, while the member is stopped",
                                     errc::invalid_option)
                   : failed_with(wal(), error_code(why, boost::system::system_category()));
    }
    if (const error_code failed = make_directory(target)) {
        return failed_with(target, failed);
    }
    if (const std::string name = detail::foreign_name(target, !identity_); !name.empty()) {
        return detail::explain(failure, target,
                               "holds '" + name + "', which is no log of this data directory",
                               errc::invalid_option);
    }
    if (::chmod(target.c_str(), 0700) != 0 || ::symlink(target.c_str(), wal().c_str()) != 0) {
        return failed_with(target, last_system_error());
    }
    const error_code failed = kept_.disk().sync();
    return failed ? failed_with(path_, failed) : error_code();
}

// Two data directories may lead to one place, such as after one was copied.
QUORATE_DECL error_code data_directory::lock_wal(std::string* failure) {
    wal_lock_ = posix_file(::open(wal().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    error_code failed;
    if (!wal_lock_.is_open()) {
        failed = last_system_error();
    } else if (::flock(wal_lock_.descriptor(), LOCK_EX | LOCK_NB) != 0) {
        failed = errno == EWOULDBLOCK ? error_code(errc::directory_locked) : last_system_error();
    }
    return failed ? detail::explain(failure, wal(), failed.message(), failed) : error_code();
}

} // namespace quorate

#endif
