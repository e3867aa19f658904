// The work of etcd's own benchmarks of its store, on ours: same sizes, same order, same counts.
#ifndef QUORATE_TEST_BENCH_ETCD_WORK_HPP
#define QUORATE_TEST_BENCH_ETCD_WORK_HPP

#include <quorate/store/durable_machine.hpp>
#include <quorate/store/kv_machine.hpp>
#include <quorate/store/watch_hub.hpp>

#include <malloc.h>
#include <time.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <random>
#include <string>
#include <utility>
#include <vector>

namespace etcd_work {

using quorate::log_index;
using quorate::shared_bytes;

/// Repeats of each case; the least time counts, as the machine may have other work.
inline constexpr int repeats = 3;
inline constexpr std::size_t key_bytes = 64;
inline constexpr std::size_t batch = 1000;

/// Returns: nanoseconds of this process on the processor.
[[nodiscard]] inline double now() {
    timespec spent{};
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &spent);
    return static_cast<double>(spent.tv_sec) * 1e9 + static_cast<double>(spent.tv_nsec);
}
/// Returns: bytes that malloc has given out.
[[nodiscard]] inline std::size_t allocated() {
    const struct mallinfo2 info = mallinfo2();
    return info.uordblks + info.hblkhd;
}
inline void require(bool holds) {
    if (!holds) {
        std::abort();
    }
}
/// Random bytes, as etcd's benchmarks choose their keys and values.
class names {
public:
    [[nodiscard]] std::string next(std::size_t size) {
        std::string made(size, '\0');
        for (std::size_t at = 0; at < size; at += sizeof(std::uint64_t)) {
            const std::uint64_t word = random_();
            std::memcpy(made.data() + at, &word, std::min(sizeof(word), size - at));
        }
        return made;
    }

private:
    std::mt19937_64 random_{1};
};

template <class Machine>
[[nodiscard]] shared_bytes command_of(const quorate::request& asked) {
    return Machine::encode(asked).freeze().slice(quorate::command_header_bytes);
}
/// As a node does it, but on this thread.
template <class Machine>
void commit(Machine& m, std::uint64_t index) {
    if constexpr (quorate::durable_machine<Machine>) {
        auto job = m.begin_commit({quorate::term_id(1), log_index(index)});
        const quorate::error_code failed = job.run();
        require(!m.finish_commit(std::move(job), failed));
    }
}
template <class Machine>
void commit_if_due(Machine& m, std::uint64_t index) {
    if constexpr (quorate::durable_machine<Machine>) {
        if (m.wants_commit()) {
            commit(m, index);
        }
    }
}

/// Returns: nanoseconds a put, commits included; commands are made beforehand, unmeasured.
/// `done(m)` is called after each of them. Zero keys: each put has a key of its own.
template <class Machine, class Done>
double measure_puts(Machine& m, std::size_t count, std::size_t keys, std::size_t value_bytes,
                    Done done) {
    names chosen;
    std::vector<std::string> known;
    for (std::size_t i = 0; i < keys; ++i) {
        known.push_back(chosen.next(key_bytes));
    }
    double spent = 0;
    std::uint64_t index = 0;
    std::vector<shared_bytes> commands;
    while (index < count) {
        commands.clear();
        for (std::size_t i = 0; i < batch; ++i) {
            const std::string key = keys == 0 ? chosen.next(key_bytes) : known[i % keys];
            const std::string value = chosen.next(value_bytes);
            commands.push_back(command_of<Machine>(quorate::put{.key = key, .value = value}));
        }
        const double begin = now();
        for (const shared_bytes& command : commands) {
            require(!m.apply(log_index(++index), command).error());
            done(m);
            commit_if_due(m, index);
        }
        spent += now() - begin;
    }
    const double begin = now();
    commit(m, index);
    return (spent + now() - begin) / static_cast<double>(count);
}
template <class Machine>
double measure_puts(Machine& m, std::size_t count, std::size_t keys, std::size_t value_bytes) {
    return measure_puts(m, count, keys, value_bytes, [](Machine&) {});
}

/// Returns: nanoseconds for all of a store of a hundred keys, values of 64 bytes.
template <class Machine>
double measure_ranges(Machine& m) {
    constexpr std::size_t rows = 100;
    constexpr std::size_t count = 20000;
    measure_puts(m, batch, rows, 64);
    const std::string all(1, '\0');
    const double begin = now();
    for (std::size_t i = 0; i < count; ++i) {
        const quorate::reply found = m.range({.key = all, .range_end = all});
        require(std::get<quorate::range_reply>(found.body).kvs.size() == rows);
    }
    return (now() - begin) / static_cast<double>(count);
}

template <class Measure>
double least(Measure measure) {
    double best = measure();
    for (int i = 1; i < repeats; ++i) {
        best = std::min(best, measure());
    }
    return best;
}

/// `with_new(use)` calls `use` with an empty machine.
template <class WithNew>
void run_machine(const char* name, WithNew with_new) {
    constexpr std::size_t puts = 400'000;
    const auto measured = [&](auto measure) {
        return least([&] {
            double spent = 0;
            with_new([&](auto& m) { spent = measure(m); });
            return spent;
        });
    };
    std::printf("%s: StorePut %.0f ns/op\n", name,
                measured([](auto& m) { return measure_puts(m, puts, 0, 64); }));
    std::printf("%s: StorePutUpdate %.0f ns/op\n", name,
                measured([](auto& m) { return measure_puts(m, puts, 1, 1024); }));
    std::printf("%s: StoreRangeKey100 %.0f ns/op\n", name,
                measured([](auto& m) { return measure_ranges(m); }));
    const double published = measured([](auto& m) {
        quorate::watch_hub hub(m.store());
        return measure_puts(m, puts, 0, 64, [&hub](auto&) { hub.publish(); });
    });
    std::printf("%s: WatchableStorePut %.0f ns/op\n", name, published);
}

} // namespace etcd_work

#endif
