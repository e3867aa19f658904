// What the crash tests share: names, directories, options, counters.
// Flow:    none
#ifndef QUORATE_TEST_CRASH_SUPPORT_HPP
#define QUORATE_TEST_CRASH_SUPPORT_HPP

#include <quorate/log/file_snapshots.hpp>
#include <quorate/log/segmented_log.hpp>
#include <quorate/testing/conformance/log_store.hpp>
#include <quorate/testing/conformance/snapshot_store.hpp>
#include <quorate/testing/conformance/volume.hpp>
#include <quorate/testing/simulated_volume.hpp>

#include <boost/system/system_category.hpp>
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <ostream>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "../scratch_directory.hpp"

namespace crash_test {

using namespace quorate;
using namespace quorate::testing;
using quorate_test::medium;
using quorate_test::scratch_directory;

using simulated_log = segmented_log<simulated_volume>;
using simulated_snapshots = file_snapshots<simulated_volume>;

/// Where the simulated files are.
inline const std::string wal = "/member/wal";
inline const std::string snap = "/member/snap";

[[nodiscard]] inline log_options options_of_log() {
    log_options options;
    options.directory = wal;
    options.cluster = cluster_id(77);
    options.member = node_id(3);
    options.segment_bytes = segment_head_bytes + (3 << 10);
    return options;
}

[[nodiscard]] inline snapshot_options options_of_snapshots() {
    snapshot_options options;
    options.directory = snap;
    options.cluster = cluster_id(77);
    options.member = node_id(3);
    return options;
}

/// Returns: what is there on the disk, or the reason why it cannot be opened.
[[nodiscard]] inline result<std::unique_ptr<simulated_log>> open_log(
    const std::shared_ptr<simulated_disk>& disk, log_options options, std::string& failure) {
    options.failure = &failure;
    result<simulated_volume> opened = simulated_volume::open(disk, options.directory);
    if (!opened) {
        failure = opened.error().message();
        return opened.error();
    }
    return simulated_log::open(options, std::move(*opened));
}

/// Returns: the snapshots on the disk; null, with the reason, when they cannot be opened.
[[nodiscard]] inline std::unique_ptr<simulated_snapshots> open_snapshots(
    const std::shared_ptr<simulated_disk>& disk, std::string& failure, std::uint32_t keep = 2) {
    snapshot_options options = options_of_snapshots();
    options.keep = keep;
    result<simulated_volume> opened = simulated_volume::open(disk, options.directory);
    if (!opened) {
        failure = opened.error().message();
        return nullptr;
    }
    auto store = simulated_snapshots::open(options, std::move(*opened));
    if (!store) {
        failure = store.error().message();
        return nullptr;
    }
    return std::move(*store);
}

/// Returns: a snapshot whose bytes depend on where it stands, in two pieces.
[[nodiscard]] inline snapshot make_snapshot(log_id last, std::size_t size) {
    snapshot taken;
    taken.last = last;
    taken.members.voters = {node_id(1), node_id(2), node_id(3)};
    taken.data = rope{
        shared_bytes::copy_of(std::string(size, static_cast<char>('a' + last.index.value() % 26))),
        shared_bytes::copy_of(std::to_string(last.index.value()))};
    return taken;
}

/// Returns: the bytes, or the reason why they cannot be read.
[[nodiscard]] inline std::string bytes_of(const snapshot& taken) {
    std::string all;
    while (all.size() < taken.data.size()) {
        const result<shared_bytes> piece = taken.data.read(all.size(), bulk_block_bytes);
        if (!piece) {
            return piece.error().message();
        }
        all.append(piece->view());
    }
    return all;
}

template <class Log>
[[nodiscard]] error_code sync(Log& log) {
    auto job = log.begin_sync();
    const error_code outcome = job.run();
    log.finish_sync(std::move(job), outcome);
    return outcome;
}

/// Returns: where the frames of a segment start; at last, where they end.
[[nodiscard]] inline std::vector<std::uint64_t> frame_places(const simulated_disk& disk,
                                                             const std::string& directory,
                                                             const std::string& name) {
    const std::string bytes = disk.contents(directory, name);
    const auto header = decode_segment_header(bytes);
    auto volume = simulated_volume::open(disk.clone(), directory);
    auto file = volume->open_file(name);
    BOOST_REQUIRE((header && file));
    frame_reader<simulated_file> frames(*file, header->header.sequence,
                                        first_position(header->header, header->checksum),
                                        bytes.size());
    std::vector<std::uint64_t> places;
    for (bool more = true; more;) {
        places.push_back(frames.position().offset);
        const auto read = frames.next();
        more = read && *read;
    }
    return places;
}

/// Whether a sanitizer makes every step many times slower, so that fewer are tried.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool slow_run = true;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
inline constexpr bool slow_run = true;
#else
inline constexpr bool slow_run = false;
#endif
#else
inline constexpr bool slow_run = false;
#endif

/// Whether everything is to be tried, however long it takes.
[[nodiscard]] inline bool full_run() {
    const char* const wanted = std::getenv("QUORATE_CRASH_FULL");
    return wanted != nullptr && std::string(wanted) == "1";
}

} // namespace crash_test

#endif
