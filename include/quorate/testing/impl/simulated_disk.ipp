// The fate of bytes and names while the machine runs.
#ifndef QUORATE_TESTING_IMPL_SIMULATED_DISK_IPP
#define QUORATE_TESTING_IMPL_SIMULATED_DISK_IPP

#include <quorate/log/file_name.hpp>
#include <quorate/testing/simulated_disk.hpp>

#include <boost/system/system_category.hpp>

#include <algorithm>
#include <cerrno>

namespace quorate::testing {

namespace detail {

[[nodiscard]] inline error_code system_error(int number) noexcept {
    return {number, boost::system::system_category()};
}

} // namespace detail

QUORATE_DECL std::shared_ptr<simulated_disk> simulated_disk::clone() const {
    const std::lock_guard lock(mutex_);
    std::shared_ptr<simulated_disk> made(new simulated_disk(*this));
    made->faults_.clear();
    made->crash_at_ = 0;
    made->watch_ = nullptr;
    made->forget_unnamed();
    return made;
}

QUORATE_DECL std::uint64_t simulated_disk::changes() const {
    const std::lock_guard lock(mutex_);
    return changes_;
}

QUORATE_DECL std::uint64_t simulated_disk::reads() const {
    const std::lock_guard lock(mutex_);
    return reads_;
}

QUORATE_DECL void simulated_disk::observe(std::function<void(std::uint64_t)> watch) {
    const std::lock_guard lock(mutex_);
    watch_ = std::move(watch);
}

QUORATE_DECL void simulated_disk::fail(const disk_fault& fault) {
    const std::lock_guard lock(mutex_);
    faults_.push_back(fault);
}

QUORATE_DECL void simulated_disk::clear_faults() {
    const std::lock_guard lock(mutex_);
    faults_.clear();
}

QUORATE_DECL void simulated_disk::set_capacity(std::uint64_t bytes) {
    const std::lock_guard lock(mutex_);
    options_.capacity = bytes;
}

QUORATE_DECL std::uint64_t simulated_disk::used_bytes() const {
    const std::lock_guard lock(mutex_);
    return used();
}

QUORATE_DECL std::uint64_t simulated_disk::newest_write() const {
    const std::lock_guard lock(mutex_);
    return newest_.size;
}

QUORATE_DECL std::uint64_t simulated_disk::boot() const {
    const std::lock_guard lock(mutex_);
    return options_.knows_boot ? boot_ : 0;
}

QUORATE_DECL std::vector<std::string> simulated_disk::names(const std::string& directory) const {
    const std::lock_guard lock(mutex_);
    std::vector<std::string> found;
    if (const auto place = directories_.find(directory); place != directories_.end()) {
        for (const auto& [name, id] : place->second.names) {
            found.push_back(name);
        }
    }
    return found;
}

QUORATE_DECL std::string simulated_disk::contents(const std::string& directory,
                                                  const std::string& name) const {
    const std::lock_guard lock(mutex_);
    return files_.at(directories_.at(directory).names.at(name))->bytes;
}

QUORATE_DECL void simulated_disk::replace(const std::string& directory, const std::string& name,
                                          std::string bytes) {
    const std::lock_guard lock(mutex_);
    stored_directory& place = directories_[directory];
    const auto known = place.names.find(name);
    const std::uint64_t id = known == place.names.end() ? ++made_ : known->second;
    place.names[name] = id;
    place.disk[name] = id;
    files_[id] = std::make_shared<stored_file>();
    stored_file& file = *files_[id];
    file.assigned.assign((bytes.size() + options_.sector_bytes - 1) / options_.sector_bytes, true);
    file.bytes = std::move(bytes);
    newest_ = {};
}

QUORATE_DECL const disk_fault* simulated_disk::fault_now(bool reads,
                                                         std::uint64_t number) const noexcept {
    for (const disk_fault& fault : faults_) {
        if (fault.reads == reads && number >= fault.first && number - fault.first < fault.count) {
            return &fault;
        }
    }
    return nullptr;
}

/// Counts one change and lets `body` make it, or fail as the fault wants, when there is one.
template <class Body>
error_code simulated_disk::change(std::uint64_t life, Body body) {
    std::function<void(std::uint64_t)> watch;
    std::uint64_t number = 0;
    {
        const std::lock_guard lock(mutex_);
        if (life != life_) {
            return detail::system_error(EIO);
        }
        number = ++changes_;
        newest_ = {};
        const error_code failed = body(fault_now(false, number));
        if (number == crash_at_) {
            crash_locked(planned_);
            return detail::system_error(EIO);
        }
        if (failed) {
            return failed;
        }
        watch = watch_;
    }
    if (watch) {
        watch(number); // may ask for a clone, so not under the lock
    }
    return {};
}

/// Counts one reading operation. Requires: the lock.
QUORATE_DECL error_code simulated_disk::read(std::uint64_t life) {
    if (life != life_) {
        return detail::system_error(EIO);
    }
    const disk_fault* const fault = fault_now(true, ++reads_);
    return fault == nullptr ? error_code() : detail::system_error(fault->error);
}

QUORATE_DECL error_code simulated_disk::make_directory(const std::string& directory) {
    std::uint64_t life = 0;
    {
        const std::lock_guard lock(mutex_);
        if (directories_.contains(directory)) {
            return {};
        }
        life = life_;
    }
    return change(life, [&](const disk_fault* fault) {
        if (fault != nullptr) {
            return detail::system_error(fault->error);
        }
        directories_.try_emplace(directory);
        return error_code();
    });
}

QUORATE_DECL result<std::vector<std::string>> simulated_disk::list(std::uint64_t life,
                                                                   const std::string& directory) {
    {
        const std::lock_guard lock(mutex_);
        if (const error_code failed = read(life)) {
            return failed;
        }
    }
    return names(directory);
}

QUORATE_DECL result<std::uint64_t> simulated_disk::find(std::uint64_t life,
                                                        const std::string& directory,
                                                        const std::string& name) {
    const std::lock_guard lock(mutex_);
    if (const error_code failed = read(life)) {
        return failed;
    }
    const name_map& names = directories_[directory].names;
    const auto place = names.find(name);
    return place == names.end() ? result<std::uint64_t>(detail::system_error(ENOENT))
                                : place->second;
}

QUORATE_DECL void simulated_disk::change_name(stored_directory& directory, const std::string& name,
                                              std::uint64_t file) {
    directory.unsynced.push_back({++order_, name, file});
    apply_name(directory.unsynced.back(), directory.names);
}

QUORATE_DECL result<std::pair<std::uint64_t, std::string>> simulated_disk::create(
    std::uint64_t life, const std::string& directory) {
    std::pair<std::uint64_t, std::string> made;
    const error_code failed = change(life, [&](const disk_fault* fault) {
        if (fault != nullptr) {
            return detail::system_error(fault->error);
        }
        made.first = ++made_;
        // Not secret, as the contract wants it: a simulation gives the same names every time.
        made.second = numbered_name(life, made.first, temporary_suffix);
        files_.emplace(made.first, std::make_shared<stored_file>());
        change_name(directories_[directory], made.second, made.first);
        return error_code();
    });
    if (failed) {
        return failed;
    }
    return made;
}

QUORATE_DECL error_code simulated_disk::rename(std::uint64_t life, const std::string& directory,
                                               const std::string& from, const std::string& to) {
    return change(life, [&](const disk_fault* fault) {
        if (fault != nullptr) {
            return detail::system_error(fault->error);
        }
        stored_directory& place = directories_[directory];
        const auto known = place.names.find(from);
        if (known == place.names.end()) {
            return detail::system_error(ENOENT);
        }
        if (from != to) {
            change_name(place, to, known->second);
            change_name(place, from, 0);
        }
        return error_code();
    });
}

QUORATE_DECL error_code simulated_disk::remove(std::uint64_t life, const std::string& directory,
                                               const std::string& name) {
    return change(life, [&](const disk_fault* fault) {
        if (fault != nullptr) {
            return detail::system_error(fault->error);
        }
        stored_directory& place = directories_[directory];
        if (!place.names.contains(name)) {
            return detail::system_error(ENOENT);
        }
        change_name(place, name, 0);
        return error_code();
    });
}

QUORATE_DECL error_code simulated_disk::sync_names(std::uint64_t life,
                                                   const std::string& directory) {
    return change(life, [&](const disk_fault* fault) {
        stored_directory& place = directories_[directory];
        if (fault == nullptr) {
            for (const name_change& change : place.unsynced) {
                apply_name(change, place.disk);
            }
        }
        place.unsynced.clear();
        return fault == nullptr ? error_code() : detail::system_error(fault->error);
    });
}

QUORATE_DECL result<std::uint64_t> simulated_disk::size(std::uint64_t life, std::uint64_t file) {
    const std::lock_guard lock(mutex_);
    if (const error_code failed = read(life)) {
        return failed;
    }
    return files_.at(file)->bytes.size();
}

QUORATE_DECL result<std::size_t> simulated_disk::read_at(std::uint64_t life, std::uint64_t file,
                                                         std::uint64_t offset, char* place,
                                                         std::size_t size) {
    const std::lock_guard lock(mutex_);
    if (const error_code failed = read(life)) {
        return failed;
    }
    const std::string& bytes = files_.at(file)->bytes;
    return offset >= bytes.size() ? 0 : bytes.copy(place, size, static_cast<std::size_t>(offset));
}

/// Remembers a change of a file that is about to be made. Nothing is remembered of no bytes.
QUORATE_DECL void simulated_disk::note_change(stored_file& file, change_kind kind,
                                              std::uint64_t offset, std::string bytes) {
    if (!file.disk) {
        file.disk = file.bytes;
    }
    file.unsynced.push_back({++order_, kind, offset, std::move(bytes)});
}

QUORATE_DECL void simulated_disk::write_some(std::uint64_t id, std::uint64_t offset,
                                             std::string bytes) {
    if (bytes.empty()) {
        return;
    }
    stored_file& file = own(id);
    newest_ = {id, offset, bytes.size(), file.bytes.size(), {}};
    if (offset < file.bytes.size()) {
        newest_.before = file.bytes.substr(static_cast<std::size_t>(offset), bytes.size());
    }
    note_change(file, change_kind::write, offset, std::move(bytes));
    apply_all(file.unsynced.back(), file.bytes);
}

QUORATE_DECL error_code simulated_disk::write_at(std::uint64_t life, std::uint64_t file,
                                                 std::uint64_t offset,
                                                 std::span<const byte_view> pieces) {
    return change(life, [&](const disk_fault* fault) {
        std::string bytes;
        for (const byte_view piece : pieces) {
            bytes.append(piece);
        }
        if (fault != nullptr) {
            bytes.resize(
                static_cast<std::size_t>(std::min<std::uint64_t>(fault->kept, bytes.size())));
        }
        const std::uint64_t wanted = offset + bytes.size();
        const std::uint64_t reached = assign(own(file), offset, wanted);
        bytes.resize(static_cast<std::size_t>(reached - offset));
        write_some(file, offset, std::move(bytes));
        if (fault != nullptr) {
            return detail::system_error(fault->error);
        }
        return reached == wanted ? error_code() : detail::system_error(ENOSPC);
    });
}

QUORATE_DECL error_code simulated_disk::resize(std::uint64_t life, std::uint64_t id,
                                               std::uint64_t size, bool reserve) {
    return change(life, [&](const disk_fault* fault) {
        if (fault != nullptr) {
            return detail::system_error(fault->error);
        }
        stored_file& file = own(id);
        if (reserve && options_.reserves) {
            const std::vector<bool> before = file.assigned;
            if (assign(file, 0, size) != size) {
                file.assigned = before;
                return detail::system_error(ENOSPC);
            }
        }
        const bool changes = reserve ? size > file.bytes.size() : size != file.bytes.size();
        if (changes) {
            note_change(file, change_kind::resize, size, {});
            apply_all(file.unsynced.back(), file.bytes);
        }
        if (!reserve) {
            const std::uint64_t sectors =
                (size + options_.sector_bytes - 1) / options_.sector_bytes;
            file.assigned.resize(static_cast<std::size_t>(sectors));
        }
        return error_code();
    });
}

QUORATE_DECL error_code simulated_disk::sync_bytes(std::uint64_t life, std::uint64_t id) {
    return change(life, [&](const disk_fault* fault) {
        stored_file& file = own(id);
        if (fault == nullptr) {
            make_durable(file);
            return error_code();
        }
        file.dropped = file.dropped || !file.unsynced.empty();
        file.unsynced.clear();
        return detail::system_error(fault->error);
    });
}

/// Gives sectors a place, one by one. Returns: up to where there was room for them.
QUORATE_DECL std::uint64_t simulated_disk::assign(stored_file& file, std::uint64_t begin,
                                                  std::uint64_t end) {
    const std::uint64_t sectors = (end + options_.sector_bytes - 1) / options_.sector_bytes;
    if (file.assigned.size() < sectors) {
        file.assigned.resize(static_cast<std::size_t>(sectors));
    }
    const bool limited = options_.capacity != UINT64_MAX;
    std::uint64_t taken = limited ? used() : 0;
    for (std::uint64_t i = begin / options_.sector_bytes; i < sectors; ++i) {
        if (file.assigned[static_cast<std::size_t>(i)]) {
            continue;
        }
        taken += options_.sector_bytes;
        if (limited && taken > options_.capacity) {
            return std::max(begin, i * options_.sector_bytes);
        }
        file.assigned[static_cast<std::size_t>(i)] = true;
    }
    return end;
}

/// Returns: the bytes of the sectors of all files that have a name.
QUORATE_DECL std::uint64_t simulated_disk::used() const {
    std::uint64_t sectors = 0;
    for (const auto& [path, directory] : directories_) {
        for (const auto& [name, id] : directory.names) {
            const std::vector<bool>& assigned = files_.at(id)->assigned;
            sectors +=
                static_cast<std::uint64_t>(std::count(assigned.begin(), assigned.end(), true));
        }
    }
    return sectors * options_.sector_bytes;
}

} // namespace quorate::testing

#endif
