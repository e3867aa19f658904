// Directories that go away, entries with checksums, files to damage, and a disk that fails.
// Flow:    none
#ifndef QUORATE_TEST_LOG_SUPPORT_HPP
#define QUORATE_TEST_LOG_SUPPORT_HPP

#include <quorate/log/posix_volume.hpp>
#include <quorate/log/segmented_log.hpp>
#include <quorate/testing/conformance/log_store.hpp>

#include <boost/system/system_category.hpp>
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "../scratch_directory.hpp"

namespace log_test {

using namespace quorate;
using quorate::testing::make_test_entry;
using quorate_test::medium;
using quorate_test::scratch_directory;

[[nodiscard]] inline std::string read_file(const std::filesystem::path& path) {
    std::ifstream in(path, std::ios::binary);
    BOOST_REQUIRE_MESSAGE(in.good(), path);
    return {std::istreambuf_iterator<char>(in), {}};
}

inline void write_file(const std::filesystem::path& path, byte_view bytes) {
    std::ofstream out(path, std::ios::binary | std::ios::trunc);
    out.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    BOOST_REQUIRE_MESSAGE(out.good(), path);
}

/// Returns: the names in a directory, sorted.
[[nodiscard]] inline std::vector<std::string> names_in(const std::filesystem::path& path) {
    std::vector<std::string> names;
    for (const auto& found : std::filesystem::directory_iterator(path)) {
        names.push_back(found.path().filename().string());
    }
    std::sort(names.begin(), names.end());
    return names;
}

/// Effects: makes `to` a copy of `from`, whatever was there.
inline void copy_directory(const std::filesystem::path& from, const std::filesystem::path& to) {
    std::filesystem::remove_all(to);
    std::filesystem::copy(from, to, std::filesystem::copy_options::recursive);
}

[[nodiscard]] inline log_options options_for(const std::filesystem::path& directory) {
    log_options options;
    options.directory = directory;
    options.cluster = cluster_id(77);
    options.member = node_id(3);
    options.segment_bytes = 24 << 10;
    return options;
}

/// Returns: `count` entries from `index` on, each with the same number of bytes.
[[nodiscard]] inline std::vector<entry> make_entries(std::uint64_t term, std::uint64_t index,
                                                     std::size_t count, std::size_t bytes = 11) {
    std::vector<entry> entries;
    for (std::size_t i = 0; i < count; ++i, ++index) {
        entries.push_back(
            make_test_entry(term, index, std::string(bytes, static_cast<char>('a' + index % 26))));
    }
    return entries;
}

template <class Log>
[[nodiscard]] error_code sync(Log& log) {
    auto job = log.begin_sync();
    const error_code outcome = job.run();
    log.finish_sync(std::move(job), outcome);
    return outcome;
}

template <class Log>
void append_and_sync(Log& log, const std::vector<entry>& entries) {
    log.append(entries);
    BOOST_REQUIRE(!sync(log));
}

[[nodiscard]] inline std::unique_ptr<segmented_log<>> open_log(log_options options) {
    std::string failure;
    options.failure = &failure;
    auto opened = segmented_log<>::open(options);
    BOOST_REQUIRE_MESSAGE(opened.has_value(), failure);
    return std::move(*opened);
}

/// Returns: the first indices and terms of the entries, for short comparisons.
[[nodiscard]] inline std::vector<log_id> ids_of(const std::vector<entry>& entries) {
    std::vector<log_id> ids;
    for (const entry& e : entries) {
        ids.push_back(e.id());
    }
    return ids;
}

/// Returns: a segment's bytes as if they had been written before the machine was started.
[[nodiscard]] inline std::string after_power_loss(std::string bytes) {
    const auto header = decode_segment_header(bytes);
    BOOST_REQUIRE(header.has_value());
    for (const std::uint64_t generation : {0U, 1U}) {
        for (std::size_t copy = 0; copy < slot_copies; ++copy) {
            const std::uint64_t place = slot_offset(generation) + copy * segment_slot_bytes;
            auto slot = decode_segment_slot(byte_view(bytes).substr(place), header->checksum);
            if (slot) {
                slot->boot ^= 1;
                encode_segment_slot(*slot, header->checksum, &bytes[place]);
            }
        }
    }
    return bytes;
}

/// What a faulty disk does, and how far it has come. Shared by all its files.
struct fault_plan {
    int fail_at = -1;        ///< The operation that fails; later ones fail too. Negative: none.
    bool half_done = false;  ///< A write that fails has written half of its bytes.
    int operations = 0;      ///< Changes asked for so far.
    int full_at = -1;        ///< The operation from which on there is no space. Negative: there is.
    bool fails_once = false; ///< Later ones succeed.

    [[nodiscard]] bool lacks_space() const noexcept { return full_at >= 0 && operations > full_at; }
    [[nodiscard]] static error_code full() noexcept {
        return {ENOSPC, boost::system::system_category()};
    }
    [[nodiscard]] bool next_fails() noexcept {
        const int now = operations++;
        return fail_at >= 0 && (fails_once ? now == fail_at : now >= fail_at);
    }
    [[nodiscard]] static error_code error() noexcept {
        return {EIO, boost::system::system_category()};
    }
};

class faulty_file {
public:
    faulty_file(posix_file inner, std::shared_ptr<fault_plan> plan)
        : inner_(std::move(inner)), plan_(std::move(plan)) {}

    [[nodiscard]] result<std::uint64_t> size() const { return inner_.size(); }
    [[nodiscard]] result<std::size_t> read_at(std::uint64_t offset, char* place,
                                              std::size_t size) const {
        return inner_.read_at(offset, place, size);
    }
    [[nodiscard]] error_code write_at(std::uint64_t offset, std::span<const byte_view> pieces) {
        const bool first_failure = plan_->operations == plan_->fail_at;
        const bool fails = plan_->next_fails();
        if (!fails && !plan_->lacks_space()) {
            return inner_.write_at(offset, pieces);
        }
        if ((!fails || first_failure) && plan_->half_done) {
            std::string all;
            for (const byte_view piece : pieces) {
                all.append(piece);
            }
            const byte_view half = byte_view(all).substr(0, all.size() / 2);
            static_cast<void>(inner_.write_at(offset, {&half, 1}));
        }
        return fails ? fault_plan::error() : fault_plan::full();
    }
    [[nodiscard]] error_code reserve(std::uint64_t size) {
        if (plan_->next_fails()) {
            return fault_plan::error();
        }
        return plan_->lacks_space() ? fault_plan::full() : inner_.reserve(size);
    }
    [[nodiscard]] error_code resize(std::uint64_t size) {
        return plan_->next_fails() ? fault_plan::error() : inner_.resize(size);
    }
    [[nodiscard]] error_code sync_data() {
        return plan_->next_fails() ? fault_plan::error() : inner_.sync_data();
    }

private:
    posix_file inner_;
    std::shared_ptr<fault_plan> plan_;
};

/// A directory whose changes fail from some point on, as when a cable is pulled.
class faulty_volume {
public:
    using file_type = faulty_file;

    faulty_volume(posix_volume inner, std::shared_ptr<fault_plan> plan)
        : inner_(std::move(inner)), plan_(std::move(plan)) {}

    [[nodiscard]] static result<faulty_volume> open(const std::filesystem::path& directory) {
        result<posix_volume> inner = posix_volume::open(directory);
        if (!inner) {
            return inner.error();
        }
        return faulty_volume(std::move(*inner), std::make_shared<fault_plan>());
    }

    [[nodiscard]] result<std::vector<std::string>> list() const { return inner_.list(); }
    [[nodiscard]] result<faulty_file> open_file(const std::string& name) {
        result<posix_file> file = inner_.open_file(name);
        if (!file) {
            return file.error();
        }
        return faulty_file(std::move(*file), plan_);
    }
    [[nodiscard]] result<temporary_file<faulty_file>> create_temporary() {
        if (plan_->next_fails()) {
            return fault_plan::error();
        }
        if (plan_->lacks_space()) {
            return fault_plan::full();
        }
        auto made = inner_.create_temporary();
        if (!made) {
            return made.error();
        }
        return temporary_file<faulty_file>{faulty_file(std::move(made->file), plan_), made->name};
    }
    [[nodiscard]] error_code rename(const std::string& from, const std::string& to) {
        return plan_->next_fails() ? fault_plan::error() : inner_.rename(from, to);
    }
    [[nodiscard]] error_code remove(const std::string& name) {
        return plan_->next_fails() ? fault_plan::error() : inner_.remove(name);
    }
    [[nodiscard]] error_code sync() {
        return plan_->next_fails() ? fault_plan::error() : inner_.sync();
    }
    [[nodiscard]] std::string path(const std::string& name) const { return inner_.path(name); }
    [[nodiscard]] std::uint64_t boot() const noexcept { return inner_.boot(); }

private:
    posix_volume inner_;
    std::shared_ptr<fault_plan> plan_;
};

static_assert(volume<faulty_volume>);

} // namespace log_test

#endif
