// What the store costs over a database: puts with their commits, reads, a start, defragmentation.
#include <quorate/lmdb/lmdb_backend.hpp>
#include <quorate/store/kv_machine.hpp>

#include <time.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "../scratch_directory.hpp"

namespace {

using quorate::log_index;
using quorate::shared_bytes;
using machine = quorate::kv_machine<quorate::ordered_index, quorate::lmdb_backend>;

/// Time of this process on the processor: the machine may have other work. What a sync waits for is
/// not in it; the log's syncs are what a client waits for.
struct clock_type {
    using duration = std::chrono::nanoseconds;
    using time_point = std::chrono::time_point<clock_type>;
    static time_point now() {
        timespec spent{};
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &spent);
        return time_point(std::chrono::seconds(spent.tv_sec) + duration(spent.tv_nsec));
    }
};

constexpr std::size_t keys = 100'000;
constexpr std::size_t value_bytes = 256;

double microseconds(clock_type::time_point begin) {
    return std::chrono::duration<double, std::micro>(clock_type::now() - begin).count();
}
std::string key_of(std::size_t number) {
    char text[64];
    const int size = std::snprintf(text, sizeof(text), "/registry/pods/default/%09zu", number);
    return {text, static_cast<std::size_t>(size)};
}
void require(bool holds) {
    if (!holds) {
        std::abort();
    }
}
machine open(const std::filesystem::path& directory) {
    quorate::database_options options;
    options.directory = directory.string();
    auto opened = machine::open(options);
    require(opened.has_value());
    return std::move(*opened);
}

/// Commits included, all on this thread: a node has them on another.
void measure_puts(machine& m, const char* name, std::uint64_t& index) {
    const std::string value(value_bytes, 'v');
    std::vector<shared_bytes> commands;
    for (std::size_t i = 0; i < keys; ++i) {
        commands.push_back(
            machine::encode(quorate::put{.key = key_of(i * 7919 % keys), .value = value})
                .freeze()
                .slice(quorate::command_header_bytes));
    }
    double committing = 0;
    const auto commit = [&] {
        const auto begin = clock_type::now();
        auto job = m.begin_commit({quorate::term_id(1), log_index(index)});
        const quorate::error_code failed = job.run();
        require(!m.finish_commit(std::move(job), failed));
        committing += microseconds(begin);
    };
    const auto begin = clock_type::now();
    for (const shared_bytes& command : commands) {
        require(!m.apply(log_index(++index), command).error());
        if (m.wants_commit()) {
            commit();
        }
    }
    commit();
    const double total = microseconds(begin);
    std::printf("%s: %.2f us a put, commits included; %.2f us of it on the apply path\n", name,
                total / static_cast<double>(keys),
                (total - committing) / static_cast<double>(keys));
}

void measure_reads(const machine& m) {
    std::mt19937_64 random(1);
    constexpr std::size_t gets = 100'000;
    auto begin = clock_type::now();
    for (std::size_t i = 0; i < gets; ++i) {
        require(m.get(key_of(random() % keys)).has_value());
    }
    std::printf("get: %.2f us\n", microseconds(begin) / static_cast<double>(gets));
    constexpr std::size_t ranges = 2000;
    begin = clock_type::now();
    for (std::size_t i = 0; i < ranges; ++i) {
        const std::size_t first = random() % (keys - 100);
        const std::string from = key_of(first);
        const std::string end = key_of(first + 100);
        const quorate::reply found = m.range({.key = from, .range_end = end});
        require(std::get<quorate::range_reply>(found.body).kvs.size() == 100);
    }
    std::printf("range of 100 keys: %.1f us\n", microseconds(begin) / static_cast<double>(ranges));
}

/// All but the last change of each key goes, and then the pages that it leaves.
void measure_compaction(machine& m, std::uint64_t& index) {
    const quorate::compact all{m.store().current_revision(), true};
    auto begin = clock_type::now();
    require(!m.apply(log_index(++index),
                     machine::encode(all).freeze().slice(quorate::command_header_bytes))
                 .error());
    auto job = m.begin_commit({quorate::term_id(1), log_index(index)});
    const quorate::error_code failed = job.run();
    require(!m.finish_commit(std::move(job), failed));
    std::printf("compaction of %zu changes: %.0f ms\n", keys, microseconds(begin) / 1000);
    const std::uint64_t before = *m.backend().file_bytes();
    begin = clock_type::now();
    auto defragmentation = m.backend().begin_defragmentation();
    const quorate::error_code copied = defragmentation.run();
    require(!m.backend().finish_defragmentation(std::move(defragmentation), copied));
    std::printf("defragmentation: %.0f ms, %.1f MB -> %.1f MB\n", microseconds(begin) / 1000,
                static_cast<double>(before) / 1e6,
                static_cast<double>(*m.backend().file_bytes()) / 1e6);
}

} // namespace

int main() {
    const quorate_test::scratch_directory scratch(quorate_test::medium::disk);
    const std::filesystem::path directory = scratch.path() / "db";
    std::uint64_t index = 0;
    {
        machine m = open(directory);
        measure_puts(m, "new keys", index);
        measure_puts(m, "the same keys again", index);
        measure_reads(m);
    }
    auto begin = clock_type::now();
    machine m = open(directory);
    std::printf("start with %zu keys, two changes each: %.0f ms\n", keys,
                microseconds(begin) / 1000);
    require(m.held().index == log_index(index));
    measure_compaction(m, index);
    m = machine();
    begin = clock_type::now();
    m = open(directory);
    std::printf("start with %zu keys: %.0f ms\n", keys, microseconds(begin) / 1000);
    m = machine(); // it is closed before its files go
}
