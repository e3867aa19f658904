// A small value in a file of its own, replaced as a whole.
// Flow:       before 1
// In / Out:   bytes ↔ one file
// Invariants: the file holds the old value or the new one, whole, whatever happens meanwhile
// Source:     doc/concept/meta_store.md
// Threads:    one
#ifndef QUORATE_LOG_FILE_META_HPP
#define QUORATE_LOG_FILE_META_HPP

#include <quorate/log/meta_store.hpp>
#include <quorate/log/posix_volume.hpp>
#include <quorate/log/volume.hpp>

#include <boost/system/errc.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace quorate {

/// Models meta_store on any volume. Does not look into the value: what a disk made of it later is
/// for a checksum inside to notice.
template <volume V = posix_volume>
class file_meta {
public:
    /// `options.directory` is what `disk` is open on. Leaves temporary files of others alone.
    file_meta(V disk, meta_options options)
        : disk_(std::move(disk)), name_(std::move(options.name)), max_bytes_(options.max_bytes) {}

    /// Effects: makes the directory when there is none. Errors: of the volume.
    [[nodiscard]] static result<std::unique_ptr<file_meta>> open(const meta_options& options) {
        result<V> disk = V::open(options.directory);
        if (!disk) {
            return disk.error();
        }
        return std::make_unique<file_meta>(std::move(*disk), options);
    }

    /// Errors: too_large, or of the volume.
    [[nodiscard]] result<std::optional<std::string>> load();

    /// Errors: too_large; no_space, when nothing has changed; or of the volume: then the value may
    /// be the old one or the new one.
    [[nodiscard]] error_code save(byte_view value);

    [[nodiscard]] V& disk() noexcept { return disk_; }

private:
    V disk_;
    std::string name_;
    std::uint64_t max_bytes_;
};

template <volume V>
result<std::optional<std::string>> file_meta<V>::load() {
    result<typename V::file_type> file = disk_.open_file(name_);
    if (!file) {
        const bool absent = file.error() == boost::system::errc::no_such_file_or_directory;
        return absent ? result<std::optional<std::string>>(std::nullopt) : file.error();
    }
    const result<std::uint64_t> size = file->size();
    if (!size) {
        return size.error();
    }
    if (*size > max_bytes_) {
        return error_code(errc::too_large);
    }
    std::string value(static_cast<std::size_t>(*size), '\0');
    const result<std::size_t> got = file->read_at(0, value.data(), value.size());
    if (!got) {
        return got.error();
    }
    value.resize(*got);
    // Who saved it may have died before its name was durable; it is relied upon now.
    if (const error_code failed = disk_.sync()) {
        return failed;
    }
    return std::optional(std::move(value));
}

template <volume V>
error_code file_meta<V>::save(byte_view value) {
    if (value.size() > max_bytes_) {
        return errc::too_large;
    }
    auto made = disk_.create_temporary();
    if (!made) {
        return is_out_of_space(made.error()) ? errc::no_space : made.error();
    }
    if (const error_code failed = made->file.write_at(0, {&value, 1})) {
        static_cast<void>(disk_.remove(made->name)); // it means nothing, whether or not it goes
        return is_out_of_space(failed) ? errc::no_space : failed;
    }
    return publish(disk_, *made, name_);
}

static_assert(meta_store<file_meta<>>);

} // namespace quorate

#endif
