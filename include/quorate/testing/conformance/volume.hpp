// Conformance of a volume while nothing crashes.
// Flow:       none
// In / Out:   a model type, a directory → a report
// Source:     doc/concept/volume.md
// Threads:    none
#ifndef QUORATE_TESTING_CONFORMANCE_VOLUME_HPP
#define QUORATE_TESTING_CONFORMANCE_VOLUME_HPP

#include <quorate/log/volume.hpp>
#include <quorate/testing/conformance/report.hpp>

#include <boost/system/errc.hpp>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace quorate::testing {

/// One run. `directory` does not exist yet, nor does its parent need to. Crashes cannot be tried
/// from within a process: what survives them is the model's word.
template <volume V>
class volume_suite {
public:
    explicit volume_suite(std::filesystem::path directory) : directory_(std::move(directory)) {}

    [[nodiscard]] conformance_report run() {
        result<V> opened = V::open(directory_);
        if (report_.expect(opened.has_value(), "a directory that is not there is made")) {
            V disk = std::move(*opened);
            check_new(disk);
            check_temporary(disk);
            check_bytes(disk);
            check_lengths(disk);
            check_many_pieces(disk);
            check_names(disk);
            check_missing(disk);
            check_again(disk);
        }
        return report_;
    }

private:
    using file_type = typename V::file_type;
    using temporary = temporary_file<file_type>;

    std::optional<temporary> make(V& disk) {
        result<temporary> made = disk.create_temporary();
        if (!report_.expect(made.has_value(), "a temporary file is made")) {
            return {};
        }
        return std::move(*made);
    }
    [[nodiscard]] static error_code write(file_type& file, std::uint64_t offset,
                                          const std::vector<byte_view>& pieces) {
        return file.write_at(offset, pieces);
    }
    /// Returns: what the file holds from `offset` on, asking for one byte more than is expected.
    [[nodiscard]] static std::string read(file_type& file, std::uint64_t offset, std::size_t size) {
        std::string bytes(size + 1, '?');
        const result<std::size_t> got = file.read_at(offset, bytes.data(), bytes.size());
        return got ? bytes.substr(0, *got) : "an error: " + got.error().message();
    }
    [[nodiscard]] static std::vector<std::string> sorted_names(V& disk) {
        result<std::vector<std::string>> names = disk.list();
        std::vector<std::string> found =
            names ? std::move(*names) : std::vector<std::string>{names.error().message()};
        std::sort(found.begin(), found.end());
        return found;
    }
    /// Effects: a file of this name, durable, that holds the bytes.
    void publish_bytes(V& disk, const std::string& name, byte_view bytes) {
        if (std::optional<temporary> made = make(disk)) {
            report_.expect(!write(made->file, 0, {bytes}), "a file is written");
            report_.expect(!publish(disk, *made, name), "a file is published");
        }
    }
    [[nodiscard]] std::string bytes_of(V& disk, const std::string& name) {
        result<file_type> file = disk.open_file(name);
        return file ? read(*file, 0, 100) : "an error: " + file.error().message();
    }

    void check_new(V& disk) {
        report_.expect(sorted_names(disk).empty(), "a new directory is empty");
        report_.expect(!disk.sync(), "a new directory is synced");
        report_.expect(disk.path("some_name").ends_with("some_name"), "a path ends in the name");
        check_boot(disk, disk);
    }
    void check_boot(V& one, V& two) {
        report_.expect(one.boot() == two.boot(), "the boot number stays while nothing crashes");
    }
    void check_temporary(V& disk) {
        std::optional<temporary> one = make(disk);
        std::optional<temporary> two = make(disk);
        if (!one || !two) {
            return;
        }
        report_.expect(one->name != two->name, "temporary names differ");
        report_.expect(is_temporary(one->name), "a temporary name says what it is");
        report_.expect(sorted_names(disk).size() == 2, "temporary files are listed");
        const result<std::uint64_t> size = one->file.size();
        report_.expect(size && *size == 0, "a new file is empty");
        report_.expect(read(one->file, 0, 0).empty(), "nothing is read from an empty file");
        report_.expect(!disk.remove(one->name) && !disk.remove(two->name), "they are removed");
        report_.expect(sorted_names(disk).empty(), "what was removed is not listed");
        report_.expect(!write(two->file, 0, {"still here"}), "a removed file that is open is kept");
        report_.expect(read(two->file, 0, 10) == "still here", "until it is closed");
    }
    void check_bytes(V& disk) {
        std::optional<temporary> made = make(disk);
        if (!made) {
            return;
        }
        file_type file = std::move(made->file);
        report_.expect(!write(file, 3, {"abc", "", "de"}), "pieces are written behind each other");
        report_.expect(read(file, 0, 8) == std::string("\0\0\0abcde", 8), "a hole reads as zeros");
        report_.expect(!write(file, 4, {"XY"}), "bytes are written over others");
        report_.expect(read(file, 3, 5) == "aXYde", "the bytes around stay");
        report_.expect(!write(file, 1, {}), "no pieces are written");
        report_.expect(!write(file, 1000, {""}), "no bytes are written");
        const result<std::uint64_t> size = file.size();
        report_.expect(size && *size == 8, "writing no bytes changes no size");
        report_.expect(read(file, 7, 1) == "e", "the last byte is read");
        report_.expect(read(file, 8, 0).empty(), "nothing is read at the end");
        report_.expect(read(file, 1 << 20, 0).empty(), "nothing is read far behind the end");
        report_.expect(!file.sync_data() && !file.sync_data(), "bytes are synced, twice if asked");
        report_.expect(!disk.remove(made->name), "it is removed");
    }
    void check_lengths(V& disk) {
        std::optional<temporary> made = make(disk);
        if (!made) {
            return;
        }
        file_type& file = made->file;
        const auto has_size = [&file](std::uint64_t wanted) {
            const result<std::uint64_t> size = file.size();
            return size && *size == wanted;
        };
        report_.expect(!write(file, 0, {"0123456789"}), "a file is written");
        report_.expect(!file.reserve(0) && has_size(10), "reserving nothing changes nothing");
        report_.expect(!file.reserve(5) && has_size(10), "reserving never shortens");
        report_.expect(!file.reserve(9000) && has_size(9000), "reserving makes the file longer");
        report_.expect(read(file, 8, 3).substr(0, 4) == std::string("89\0\0", 4), "with zeros");
        report_.expect(!file.resize(4) && has_size(4), "a file is cut");
        report_.expect(read(file, 0, 4) == "0123", "what is left stays");
        report_.expect(!file.resize(8) && has_size(8), "a file grows");
        report_.expect(read(file, 0, 8) == std::string("0123\0\0\0\0", 8),
                       "what was cut off does not come back");
        report_.expect(!file.sync_data() && !disk.remove(made->name), "it is removed");
    }
    /// More than one system call takes, and of all sizes.
    void check_many_pieces(V& disk) {
        std::optional<temporary> made = make(disk);
        if (!made) {
            return;
        }
        std::vector<std::string> bytes;
        std::string all;
        for (std::size_t i = 0; i < 3000; ++i) {
            bytes.emplace_back(i % 50, static_cast<char>('a' + i % 26));
            all += bytes.back();
        }
        const std::vector<byte_view> pieces(bytes.begin(), bytes.end());
        report_.expect(!made->file.write_at(17, pieces), "thousands of pieces are written");
        report_.expect(read(made->file, 17, all.size()) == all, "each in its place");
        report_.expect(!disk.remove(made->name), "it is removed");
    }
    void check_names(V& disk) {
        publish_bytes(disk, "one", "first");
        publish_bytes(disk, "two", "second");
        const std::vector<std::string> both{"one", "two"};
        report_.expect(sorted_names(disk) == both, "published files have their final names");
        result<file_type> held = disk.open_file("two");
        report_.expect(!disk.rename("one", "two"), "a name is replaced");
        report_.expect(bytes_of(disk, "two") == "first", "the name stands for the other file");
        report_.expect(sorted_names(disk) == std::vector<std::string>{"two"}, "and for one alone");
        report_.expect(held && read(*held, 0, 6) == "second", "a replaced file that is open stays");
        result<file_type> again = disk.open_file("two");
        result<file_type> twice = disk.open_file("two");
        if (report_.expect(again && twice, "a file is opened twice")) {
            report_.expect(!write(*again, 0, {"F"}), "one of the two writes");
            report_.expect(read(*twice, 0, 5) == "First", "the other one reads it");
        }
        report_.expect(!disk.sync(), "names are synced");
    }
    void check_missing(V& disk) {
        const result<file_type> file = disk.open_file("missing");
        report_.expect(!file && file.error() == boost::system::errc::no_such_file_or_directory,
                       "a missing file is reported as missing");
        report_.expect(disk.remove("missing").failed(), "a missing file cannot be removed");
        report_.expect(disk.rename("missing", "x").failed(), "a missing file cannot be renamed");
        report_.expect(sorted_names(disk) == std::vector<std::string>{"two"}, "none of it matters");
    }
    void check_again(V& disk) {
        result<V> again = V::open(directory_);
        if (report_.expect(again.has_value(), "a directory that is there is opened")) {
            report_.expect(bytes_of(*again, "two") == "First", "its files are there");
            check_boot(disk, *again);
        }
    }

    std::filesystem::path directory_;
    conformance_report report_;
};

} // namespace quorate::testing

#endif
