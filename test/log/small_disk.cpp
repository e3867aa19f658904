// A log on a disk that is small or full: what it reserves, and that a start needs little.
#include <quorate/log/segmented_log.hpp>

#include <boost/test/unit_test.hpp>

#include <cerrno>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "support.hpp"

using namespace quorate;
using namespace log_test;

namespace {

/// Returns: the bytes of all files in a directory.
std::uint64_t bytes_in(const std::filesystem::path& directory) {
    std::uint64_t sum = 0;
    for (const auto& each : std::filesystem::directory_iterator(directory)) {
        sum += each.file_size();
    }
    return sum;
}

/// A disk of so many bytes, with one directory.
struct small_disk {
    std::filesystem::path directory;
    std::uint64_t capacity = 0;

    [[nodiscard]] std::uint64_t free() const {
        const std::uint64_t used = bytes_in(directory);
        return used < capacity ? capacity - used : 0;
    }
};

class small_file {
public:
    small_file(posix_file inner, std::shared_ptr<const small_disk> disk)
        : inner_(std::move(inner)), disk_(std::move(disk)) {}

    [[nodiscard]] result<std::uint64_t> size() const { return inner_.size(); }
    [[nodiscard]] result<std::size_t> read_at(std::uint64_t offset, char* place,
                                              std::size_t size) const {
        return inner_.read_at(offset, place, size);
    }
    [[nodiscard]] error_code write_at(std::uint64_t offset, std::span<const byte_view> pieces) {
        std::uint64_t end = offset;
        for (const byte_view piece : pieces) {
            end += piece.size();
        }
        return grows_beyond(end) ? fault_plan::full() : inner_.write_at(offset, pieces);
    }
    /// As some file systems do, it assigns what there is before it fails.
    [[nodiscard]] error_code reserve(std::uint64_t size) {
        if (!grows_beyond(size)) {
            return inner_.reserve(size);
        }
        static_cast<void>(inner_.resize(*inner_.size() + disk_->free()));
        return fault_plan::full();
    }
    [[nodiscard]] error_code resize(std::uint64_t size) { return inner_.resize(size); }
    [[nodiscard]] error_code sync_data() { return inner_.sync_data(); }

private:
    [[nodiscard]] bool grows_beyond(std::uint64_t end) const {
        const std::uint64_t now = *inner_.size();
        return end > now && end - now > disk_->free();
    }

    posix_file inner_;
    std::shared_ptr<const small_disk> disk_;
};

/// `Tells`: whether it says how much is free.
template <bool Tells>
class small_volume {
public:
    using file_type = small_file;

    small_volume(posix_volume inner, std::shared_ptr<const small_disk> disk)
        : inner_(std::move(inner)), disk_(std::move(disk)) {}
    [[nodiscard]] static result<small_volume> open(const std::filesystem::path& directory) {
        result<posix_volume> inner = posix_volume::open(directory);
        if (!inner) {
            return inner.error();
        }
        const small_disk unlimited{directory, UINT64_MAX};
        return small_volume(std::move(*inner), std::make_shared<const small_disk>(unlimited));
    }

    [[nodiscard]] result<std::vector<std::string>> list() const { return inner_.list(); }
    [[nodiscard]] result<small_file> open_file(const std::string& name) {
        result<posix_file> file = inner_.open_file(name);
        return file ? result<small_file>(small_file(std::move(*file), disk_)) : file.error();
    }
    [[nodiscard]] result<temporary_file<small_file>> create_temporary() {
        auto made = inner_.create_temporary();
        if (!made) {
            return made.error();
        }
        return temporary_file<small_file>{small_file(std::move(made->file), disk_), made->name};
    }
    [[nodiscard]] error_code rename(const std::string& from, const std::string& to) {
        return inner_.rename(from, to);
    }
    [[nodiscard]] error_code remove(const std::string& name) { return inner_.remove(name); }
    [[nodiscard]] error_code sync() { return inner_.sync(); }
    [[nodiscard]] std::string path(const std::string& name) const { return inner_.path(name); }
    [[nodiscard]] std::uint64_t boot() const noexcept { return inner_.boot(); }
    [[nodiscard]] std::uint64_t free_bytes() const requires Tells { return disk_->free(); }

private:
    posix_volume inner_;
    std::shared_ptr<const small_disk> disk_;
};

template <bool Tells>
using small_log = segmented_log<small_volume<Tells>>;

template <bool Tells>
result<std::unique_ptr<small_log<Tells>>> open_on(const log_options& options,
                                                  std::uint64_t capacity) {
    result<posix_volume> inner = posix_volume::open(options.directory);
    BOOST_TEST_REQUIRE(inner.has_value());
    const auto disk = std::make_shared<const small_disk>(small_disk{options.directory, capacity});
    return small_log<Tells>::open(options, small_volume<Tells>(std::move(*inner), disk));
}

log_options large_segments(const std::filesystem::path& directory) {
    log_options options = options_for(directory);
    options.segment_bytes = 8 << 20;
    return options;
}

std::vector<entry> blocks(std::uint64_t first, std::size_t count) {
    return make_entries(1, first, count, 16 << 10);
}

/// Effects: appends until there is no space. Returns: the entries that are durable.
template <class Log>
std::size_t fill(Log& log, std::uint64_t first = 1) {
    for (std::size_t durable = 0;; ++durable) {
        log.append(blocks(first + durable, 1));
        auto job = log.begin_sync();
        const error_code outcome = job.run();
        log.finish_sync(std::move(job), outcome);
        if (outcome) {
            BOOST_TEST((outcome == errc::no_space));
            return durable;
        }
    }
}

template <bool Tells>
void expect_small_disk_works() {
    scratch_directory scratch;
    const log_options options = large_segments(scratch.path());
    constexpr std::uint64_t capacity = 4 << 20; // half of one segment
    std::size_t durable = 0;
    {
        auto log = open_on<Tells>(options, capacity);
        BOOST_TEST_REQUIRE(log.has_value());
        const std::string note = (*log)->take_recovered().note;
        BOOST_TEST(note.find("are reserved") != std::string::npos, note);
        BOOST_TEST(bytes_in(scratch.path()) >= capacity / 4);
        BOOST_TEST(bytes_in(scratch.path()) <= capacity / 2);
        durable = fill(**log);
        BOOST_TEST(durable > capacity / (16 << 10) * 3 / 4);
    }
    // A start on the disk that is full now, and another one.
    for (int i = 0; i < 3; ++i) {
        auto log = open_on<Tells>(options, capacity);
        if (!Tells && !log) {
            return; // nothing could be left for it
        }
        BOOST_TEST_REQUIRE(log.has_value());
        BOOST_TEST((*log)->take_recovered().entries.size() == durable);
        durable += fill(**log, durable + 1);
    }
}

} // namespace

BOOST_AUTO_TEST_SUITE(small_disks)

BOOST_AUTO_TEST_CASE(log_on_a_small_disk_reserves_what_fits_and_starts_when_full) {
    expect_small_disk_works<true>();
}

BOOST_AUTO_TEST_CASE(log_whose_disk_tells_no_size_reserves_what_fits) {
    expect_small_disk_works<false>();
}

BOOST_AUTO_TEST_CASE(start_on_a_disk_that_others_filled_uses_what_was_reserved) {
    scratch_directory scratch;
    const log_options options = large_segments(scratch.path());
    const std::uint64_t capacity = 40 << 20;
    {
        auto log = open_on<true>(options, capacity);
        BOOST_TEST_REQUIRE(log.has_value());
        BOOST_TEST((*log)->take_recovered().note == "");
        (*log)->append(blocks(1, 3)); // not sealed: durable as long as the machine runs
        BOOST_TEST(!sync(**log));
    }
    const std::uint64_t used = bytes_in(scratch.path());
    auto log = open_on<true>(options, used); // nothing is free
    BOOST_TEST_REQUIRE(log.has_value());
    BOOST_TEST((*log)->take_recovered().entries.size() == 3U);
    BOOST_TEST(fill(**log, 4) > 0U);
}

BOOST_AUTO_TEST_CASE(segment_has_its_whole_size_again_once_there_is_space) {
    scratch_directory scratch;
    const log_options options = large_segments(scratch.path());
    {
        auto log = open_on<true>(options, 4 << 20);
        BOOST_TEST_REQUIRE(log.has_value());
        static_cast<void>(fill(**log));
    }
    auto log = open_on<true>(options, 1 << 30);
    BOOST_TEST_REQUIRE(log.has_value());
    BOOST_TEST((*log)->take_recovered().note == "");
    BOOST_TEST(bytes_in(scratch.path()) > options.segment_bytes);
}

BOOST_AUTO_TEST_SUITE_END()
