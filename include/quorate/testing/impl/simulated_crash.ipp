// The remains of bytes and names after a process or the machine stops.
#ifndef QUORATE_TESTING_IMPL_SIMULATED_CRASH_IPP
#define QUORATE_TESTING_IMPL_SIMULATED_CRASH_IPP

#include <quorate/testing/simulated_disk.hpp>

#include <algorithm>
#include <functional>
#include <set>

namespace quorate::testing {

namespace detail {

/// Returns: a byte that depends on its place and is seldom what belongs there.
[[nodiscard]] inline char garbage_byte(std::uint64_t order, std::uint64_t offset) noexcept {
    const std::uint64_t mixed = (order * 0x9e3779b97f4a7c15 + offset) * 0xbf58476d1ce4e5b9;
    return static_cast<char>(mixed >> 56);
}

/// A number that depends on all that was added and on the order.
class digest_sum {
public:
    void add(std::uint64_t number) noexcept {
        sum_ = ((sum_ << 23) | (sum_ >> 41)) * 0x9e3779b97f4a7c15 + number;
    }
    void add(byte_view bytes) noexcept { add(std::hash<byte_view>()(bytes)); }
    template <class Names>
    void add_names(const Names& names) noexcept {
        add(names.size());
        for (const auto& [name, id] : names) {
            add(name);
            add(id);
        }
    }
    [[nodiscard]] std::uint64_t value() const noexcept { return sum_; }

private:
    std::uint64_t sum_ = 1;
};

} // namespace detail

QUORATE_DECL std::uint64_t simulated_disk::digest_of(const stored_file& file) noexcept {
    detail::digest_sum sum;
    sum.add(file.bytes);
    sum.add(file.disk ? byte_view(*file.disk) : byte_view());
    sum.add(2 * static_cast<std::uint64_t>(file.disk.has_value()) + (file.dropped ? 1 : 0));
    sum.add(std::hash<std::vector<bool>>()(file.assigned));
    for (const byte_change& change : file.unsynced) {
        sum.add(change.order);
        sum.add(static_cast<std::uint64_t>(change.kind));
        sum.add(change.offset);
        sum.add(change.bytes);
    }
    return sum.value();
}

QUORATE_DECL std::uint64_t simulated_disk::digest() const {
    const std::lock_guard lock(mutex_);
    detail::digest_sum sum;
    sum.add(boot_);
    for (const auto& [id, file] : files_) {
        sum.add(id);
        sum.add(digest_of(*file));
    }
    for (const auto& [path, directory] : directories_) {
        sum.add(path);
        sum.add_names(directory.names);
        sum.add_names(directory.disk);
        sum.add(directory.unsynced.size());
        for (const name_change& change : directory.unsynced) {
            sum.add(change.order);
            sum.add(change.name);
            sum.add(change.file);
        }
    }
    sum.add(newest_.file);
    sum.add(newest_.size);
    return sum.value();
}

QUORATE_DECL void simulated_disk::write_back() {
    const std::lock_guard lock(mutex_);
    newest_ = {};
    for (const auto& [id, file] : files_) {
        if (file->disk) {
            make_durable(own(id));
        }
    }
}

QUORATE_DECL void simulated_disk::drop_cache() {
    const std::lock_guard lock(mutex_);
    newest_ = {};
    for (const auto& [id, shared] : files_) {
        if (shared->dropped) {
            stored_file& file = own(id);
            file.bytes = *file.disk;
            for (const byte_change& change : file.unsynced) {
                apply_all(change, file.bytes);
            }
        }
    }
}

/// Returns: a file that may be changed: a copy of its own when clones have it too.
QUORATE_DECL simulated_disk::stored_file& simulated_disk::own(std::uint64_t id) {
    std::shared_ptr<stored_file>& file = files_.at(id);
    if (file.use_count() > 1) {
        file = std::make_shared<stored_file>(*file);
    }
    return *file;
}

QUORATE_DECL void simulated_disk::make_durable(stored_file& file) {
    if (file.dropped) {
        for (const byte_change& change : file.unsynced) {
            apply_all(change, *file.disk);
        }
    } else {
        file.disk.reset();
    }
    file.unsynced.clear();
}

QUORATE_DECL void simulated_disk::crash_now(const crash& how) {
    const std::lock_guard lock(mutex_);
    crash_locked(how);
}

QUORATE_DECL void simulated_disk::plan_crash(std::uint64_t change, const crash& how) {
    const std::lock_guard lock(mutex_);
    crash_at_ = change;
    planned_ = how;
}

QUORATE_DECL std::uint64_t simulated_disk::crashes() const {
    const std::lock_guard lock(mutex_);
    return life_;
}

QUORATE_DECL tear_size simulated_disk::unsynced() const {
    const std::lock_guard lock(mutex_);
    tear_size found;
    for (const auto& [id, file] : files_) {
        for (const byte_change& change : file->unsynced) {
            found.bytes += parts_of(change);
        }
    }
    for (const auto& [path, directory] : directories_) {
        found.names += directory.unsynced.size();
    }
    return found;
}

QUORATE_DECL void simulated_disk::crash_locked(const crash& how) {
    ++life_;
    if (how.kind == crash_kind::kill) {
        take_back(how.kept);
    } else {
        ++boot_;
        lose_bytes(how.torn);
        lose_names(how.torn);
    }
    newest_ = {};
    forget_unnamed();
}

/// Leaves `kept` bytes of the newest change, when that is a write.
QUORATE_DECL void simulated_disk::take_back(std::uint64_t kept) {
    if (newest_.file == 0 || kept >= newest_.size) {
        return;
    }
    stored_file& file = own(newest_.file);
    const std::uint64_t from = newest_.offset + kept;
    file.bytes.resize(static_cast<std::size_t>(std::max(kept > 0 ? from : 0, newest_.file_size)));
    if (kept < newest_.before.size()) {
        const std::string rest = newest_.before.substr(static_cast<std::size_t>(kept));
        file.bytes.replace(static_cast<std::size_t>(from), rest.size(), rest);
    }
    file.unsynced.back().bytes.resize(static_cast<std::size_t>(kept));
    if (kept == 0) {
        file.unsynced.pop_back();
    }
}

QUORATE_DECL void simulated_disk::lose_bytes(const tear& torn) {
    struct image {
        stored_file* file;
        std::string bytes;
        std::uint64_t size;
    };
    struct ordered_change {
        const byte_change* change;
        std::size_t image;
    };
    std::vector<image> images;
    std::vector<ordered_change> ordered;
    for (const auto& [id, shared] : files_) {
        if (shared->disk) {
            stored_file& file = own(id);
            for (const byte_change& change : file.unsynced) {
                ordered.push_back({&change, images.size()});
            }
            images.push_back({&file, std::move(*file.disk), 0});
            images.back().size = images.back().bytes.size();
        }
    }
    std::sort(ordered.begin(), ordered.end(),
              [](const auto& a, const auto& b) { return a.change->order < b.change->order; });
    std::uint64_t next = 0;
    for (const ordered_change& one : ordered) {
        const std::uint64_t parts = parts_of(*one.change);
        for (std::uint64_t part = 0; part < parts; ++part) {
            image& target = images[one.image];
            apply_part(*one.change, part, torn, torn.bytes(next++), target.bytes, target.size);
        }
    }
    for (image& target : images) {
        target.bytes.resize(static_cast<std::size_t>(target.size));
        target.file->bytes = std::move(target.bytes);
        target.file->disk.reset();
        target.file->dropped = false;
        target.file->unsynced.clear();
    }
}

QUORATE_DECL void simulated_disk::lose_names(const tear& torn) {
    std::vector<std::pair<const name_change*, stored_directory*>> ordered;
    for (auto& [path, directory] : directories_) {
        for (const name_change& change : directory.unsynced) {
            ordered.emplace_back(&change, &directory);
        }
    }
    std::sort(ordered.begin(), ordered.end(),
              [](const auto& a, const auto& b) { return a.first->order < b.first->order; });
    for (std::uint64_t i = 0; i < ordered.size(); ++i) {
        if (torn.names(i)) {
            apply_name(*ordered[i].first, ordered[i].second->disk);
        }
    }
    for (auto& [path, directory] : directories_) {
        directory.names = directory.disk;
        directory.unsynced.clear();
    }
}

QUORATE_DECL void simulated_disk::apply_name(const name_change& change, name_map& names) {
    if (change.file == 0) {
        names.erase(change.name);
    } else {
        names[change.name] = change.file;
    }
}

/// Requires: nothing that is open will be used again.
QUORATE_DECL void simulated_disk::forget_unnamed() {
    std::set<std::uint64_t> named;
    for (const auto& [path, directory] : directories_) {
        for (const auto& [name, id] : directory.names) {
            named.insert(id);
        }
        for (const auto& [name, id] : directory.disk) {
            named.insert(id);
        }
        for (const name_change& change : directory.unsynced) {
            named.insert(change.file);
        }
    }
    std::erase_if(files_, [&named](const auto& file) { return !named.contains(file.first); });
}

QUORATE_DECL std::uint64_t simulated_disk::parts_of(const byte_change& change) const noexcept {
    if (change.kind == change_kind::resize) {
        return 1;
    }
    const std::uint64_t last = change.offset + change.bytes.size() - 1;
    return last / options_.sector_bytes - change.offset / options_.sector_bytes + 1;
}

QUORATE_DECL void simulated_disk::apply_all(const byte_change& change, std::string& image) {
    const auto offset = static_cast<std::size_t>(change.offset);
    if (change.kind == change_kind::resize) {
        image.resize(offset);
        return;
    }
    image.resize(std::max(image.size(), offset + change.bytes.size()));
    image.replace(offset, change.bytes.size(), change.bytes);
}

/// Puts one sector of a write on the disk, or a change of size. `size` is what the file's length
/// becomes; the image may be longer meanwhile, since bytes and length go their own ways.
QUORATE_DECL void simulated_disk::apply_part(const byte_change& change, std::uint64_t part,
                                             const tear& torn, bool chosen, std::string& image,
                                             std::uint64_t& size) const {
    if (change.kind == change_kind::resize) {
        if (torn.size == torn_size::grown || (torn.size == torn_size::follow && chosen)) {
            size = change.offset;
            image.resize(static_cast<std::size_t>(size));
        }
        return;
    }
    const std::uint64_t end = change.offset + change.bytes.size();
    const std::uint64_t sector = change.offset / options_.sector_bytes + part;
    const std::uint64_t from = std::max(change.offset, sector * options_.sector_bytes);
    const std::uint64_t upto = std::min(end, (sector + 1) * options_.sector_bytes);
    if (torn.size == torn_size::grown) {
        size = std::max(size, end);
    }
    if (!chosen && torn.rest == torn_bytes::old) {
        return;
    }
    if (torn.size == torn_size::follow) {
        size = std::max(size, upto);
    }
    image.resize(std::max(image.size(), static_cast<std::size_t>(upto)));
    const auto place = static_cast<std::size_t>(from);
    const auto count = static_cast<std::size_t>(upto - from);
    if (chosen) {
        image.replace(place, count, change.bytes, static_cast<std::size_t>(from - change.offset),
                      count);
    } else if (torn.rest == torn_bytes::zeros) {
        image.replace(place, count, count, '\0');
    } else {
        for (std::uint64_t at = from; at < upto; ++at) {
            image[static_cast<std::size_t>(at)] = detail::garbage_byte(change.order, at);
        }
    }
}

} // namespace quorate::testing

#endif
