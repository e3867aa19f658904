// The mounting of simulated disks, and the opening of their files.
#ifndef QUORATE_TESTING_IMPL_SIMULATED_VOLUME_IPP
#define QUORATE_TESTING_IMPL_SIMULATED_VOLUME_IPP

#include <quorate/testing/simulated_volume.hpp>

#include <boost/system/system_category.hpp>

#include <algorithm>
#include <cerrno>
#include <mutex>

namespace quorate::testing {

namespace detail {

struct mounted_disk {
    std::uint64_t number;
    std::filesystem::path path;
    std::shared_ptr<simulated_disk> disk;
};

struct mount_table {
    std::mutex mutex;
    std::uint64_t made = 0;
    std::vector<mounted_disk> mounts;
};

/// Opening by path alone, as the concept has it, needs one table for the whole process.
inline mount_table& mounts() {
    static mount_table table;
    return table;
}

[[nodiscard]] inline std::filesystem::path plain(const std::filesystem::path& path) {
    const std::filesystem::path normal = path.lexically_normal();
    return normal.has_filename() ? normal : normal.parent_path();
}

} // namespace detail

QUORATE_DECL simulated_mount::simulated_mount(std::shared_ptr<simulated_disk> disk,
                                              const std::filesystem::path& path) {
    detail::mount_table& table = detail::mounts();
    const std::lock_guard lock(table.mutex);
    number_ = ++table.made;
    table.mounts.push_back({number_, detail::plain(path), std::move(disk)});
}

QUORATE_DECL simulated_mount::~simulated_mount() {
    detail::mount_table& table = detail::mounts();
    const std::lock_guard lock(table.mutex);
    std::erase_if(table.mounts, [this](const auto& m) { return m.number == number_; });
}

QUORATE_DECL std::shared_ptr<simulated_disk> simulated_mount::find(
    const std::filesystem::path& path) {
    const std::filesystem::path wanted = detail::plain(path);
    detail::mount_table& table = detail::mounts();
    const std::lock_guard lock(table.mutex);
    for (auto m = table.mounts.rbegin(); m != table.mounts.rend(); ++m) {
        const auto differ =
            std::mismatch(m->path.begin(), m->path.end(), wanted.begin(), wanted.end());
        if (differ.first == m->path.end()) {
            return m->disk;
        }
    }
    return nullptr;
}

QUORATE_DECL result<simulated_volume> simulated_volume::open(
    std::shared_ptr<simulated_disk> disk, const std::filesystem::path& directory) {
    std::string name = detail::plain(directory).string();
    const std::uint64_t life = disk->crashes();
    if (const error_code failed = disk->make_directory(name)) {
        return failed;
    }
    return simulated_volume(std::move(disk), life, std::move(name));
}

QUORATE_DECL result<simulated_volume> simulated_volume::open(
    const std::filesystem::path& directory) {
    std::shared_ptr<simulated_disk> disk = simulated_mount::find(directory);
    if (disk == nullptr) {
        return error_code(ENODEV, boost::system::system_category());
    }
    return open(std::move(disk), directory);
}

QUORATE_DECL result<simulated_file> simulated_volume::open_file(const std::string& name) {
    const result<std::uint64_t> found = disk_->find(life_, directory_, name);
    return found ? result<simulated_file>(simulated_file(disk_, life_, *found)) : found.error();
}

QUORATE_DECL result<temporary_file<simulated_file>> simulated_volume::create_temporary() {
    auto made = disk_->create(life_, directory_);
    if (!made) {
        return made.error();
    }
    return temporary_file<simulated_file>{simulated_file(disk_, life_, made->first),
                                          std::move(made->second)};
}

} // namespace quorate::testing

#endif
