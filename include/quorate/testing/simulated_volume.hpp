// A directory of a simulated disk as a volume.
// Flow:       none; stands below stage 7 in tests
// In / Out:   operations of a log or a snapshot store → a simulated_disk
// Source:     doc/concept/volume.md
// Threads:    any
#ifndef QUORATE_TESTING_SIMULATED_VOLUME_HPP
#define QUORATE_TESTING_SIMULATED_VOLUME_HPP

#include <quorate/log/volume.hpp>
#include <quorate/testing/simulated_disk.hpp>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace quorate::testing {

/// Models volume_file. Errors: those of a system, in the system category.
class simulated_file {
public:
    simulated_file(std::shared_ptr<simulated_disk> disk, std::uint64_t life, std::uint64_t file)
        : disk_(std::move(disk)), life_(life), file_(file) {}

    [[nodiscard]] result<std::uint64_t> size() const { return disk_->size(life_, file_); }
    [[nodiscard]] result<std::size_t> read_at(std::uint64_t offset, char* place,
                                              std::size_t size) const {
        return disk_->read_at(life_, file_, offset, place, size);
    }
    [[nodiscard]] error_code write_at(std::uint64_t offset, std::span<const byte_view> pieces) {
        return disk_->write_at(life_, file_, offset, pieces);
    }
    [[nodiscard]] error_code reserve(std::uint64_t size) {
        return disk_->resize(life_, file_, size, true);
    }
    [[nodiscard]] error_code resize(std::uint64_t size) {
        return disk_->resize(life_, file_, size, false);
    }
    [[nodiscard]] error_code sync_data() { return disk_->sync_bytes(life_, file_); }

private:
    std::shared_ptr<simulated_disk> disk_;
    std::uint64_t life_;
    std::uint64_t file_;
};

/// Models volume. Dead after the next crash of its disk; open another one then.
class simulated_volume {
public:
    using file_type = simulated_file;

    /// Makes the directory, durably, when there is none. Errors: those of the disk.
    [[nodiscard]] static result<simulated_volume> open(std::shared_ptr<simulated_disk> disk,
                                                       const std::filesystem::path& directory);
    /// The same on the disk that is mounted there: see simulated_mount. Errors: ENODEV when none
    /// is.
    [[nodiscard]] static result<simulated_volume> open(const std::filesystem::path& directory);

    [[nodiscard]] result<std::vector<std::string>> list() const {
        return disk_->list(life_, directory_);
    }
    [[nodiscard]] result<simulated_file> open_file(const std::string& name);
    [[nodiscard]] result<temporary_file<simulated_file>> create_temporary();
    [[nodiscard]] error_code rename(const std::string& from, const std::string& to) {
        return disk_->rename(life_, directory_, from, to);
    }
    [[nodiscard]] error_code remove(const std::string& name) {
        return disk_->remove(life_, directory_, name);
    }
    [[nodiscard]] error_code sync() { return disk_->sync_names(life_, directory_); }
    [[nodiscard]] std::string path(const std::string& name) const {
        return directory_ + '/' + name;
    }
    [[nodiscard]] std::uint64_t boot() const { return disk_->boot(); }

    [[nodiscard]] const std::shared_ptr<simulated_disk>& disk() const noexcept { return disk_; }

private:
    simulated_volume(std::shared_ptr<simulated_disk> disk, std::uint64_t life,
                     std::string directory)
        : disk_(std::move(disk)), life_(life), directory_(std::move(directory)) {}

    std::shared_ptr<simulated_disk> disk_;
    std::uint64_t life_;
    std::string directory_;
};

static_assert(volume<simulated_volume>);

/// While it lives, volumes that are opened at or below `path` are on `disk`. Nothing there needs to
/// exist. The mount made last comes first.
class simulated_mount {
public:
    simulated_mount(std::shared_ptr<simulated_disk> disk, const std::filesystem::path& path);
    simulated_mount(const simulated_mount&) = delete;
    simulated_mount& operator=(const simulated_mount&) = delete;
    ~simulated_mount();

    /// Returns: the disk mounted there; null when none is.
    [[nodiscard]] static std::shared_ptr<simulated_disk> find(const std::filesystem::path& path);

private:
    std::uint64_t number_;
};

} // namespace quorate::testing

#if defined(QUORATE_HEADER_ONLY)
#include <quorate/testing/impl/simulated_volume.ipp>
#endif

#endif
