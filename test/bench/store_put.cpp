// How long the store takes for one command, and what a key costs, with either index.
#include <quorate/store/block_index.hpp>
#include <quorate/store/kv_machine.hpp>
#include <quorate/store/ordered_index.hpp>

#include <malloc.h>
#include <time.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <new>
#include <random>
#include <string>
#include <vector>

namespace {
std::size_t allocations = 0;
} // namespace

// Counted, so that a change that allocates more is seen even where it costs little time.
[[gnu::noinline]] void* operator new(std::size_t size) {
    ++allocations;
    if (void* place = std::malloc(size)) {
        return place;
    }
    throw std::bad_alloc();
}
[[gnu::noinline]] void operator delete(void* place) noexcept {
    std::free(place);
}
[[gnu::noinline]] void operator delete(void* place, std::size_t) noexcept {
    std::free(place);
}

namespace {

using quorate::shared_bytes;
using tree_machine = quorate::kv_machine<quorate::ordered_index>;
using block_machine = quorate::kv_machine<quorate::block_index>;

/// Time of this process on the processor: the machine may have other work.
struct process_clock {
    using duration = std::chrono::nanoseconds;
    using time_point = std::chrono::time_point<process_clock>;
    static time_point now() {
        timespec spent{};
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &spent);
        return time_point(std::chrono::seconds(spent.tv_sec) + duration(spent.tv_nsec));
    }
};

constexpr std::size_t value_bytes = 256;
constexpr std::size_t batch = 1000;

/// Bytes that malloc has given out.
std::size_t allocated() {
    const struct mallinfo2 info = mallinfo2();
    return info.uordblks + info.hblkhd;
}
double nanoseconds(process_clock::duration time) {
    return std::chrono::duration<double, std::nano>(time).count();
}
/// All numbers below `keys`, each once, in an order that is not that of the keys.
std::string key_of(std::size_t number, std::size_t keys) {
    char text[64];
    const int size =
        std::snprintf(text, sizeof(text), "/registry/pods/default/%09zu", number * 7919 % keys);
    return {text, static_cast<std::size_t>(size)};
}
shared_bytes put_of(const std::string& key, const std::string& value) {
    return tree_machine::encode(quorate::put{.key = key, .value = value})
        .freeze()
        .slice(quorate::command_header_bytes);
}

struct cost {
    double nanoseconds;
    double allocations;
};

/// What one put costs. Commands are made beforehand, a batch at a time, unmeasured.
template <class Machine, class Pick>
cost measure_puts(Machine& m, std::size_t count, std::size_t keys, Pick pick) {
    const std::string value(value_bytes, 'v');
    process_clock::duration spent{};
    std::size_t allocated_before = 0;
    std::size_t made = 0;
    std::vector<shared_bytes> commands;
    std::uint64_t index = 0;
    for (std::size_t done = 0; done < count; done += batch) {
        commands.clear();
        for (std::size_t i = 0; i < batch; ++i) {
            commands.push_back(put_of(key_of(pick(done + i), keys), value));
        }
        allocated_before = allocations;
        const auto begin = process_clock::now();
        for (const shared_bytes& command : commands) {
            if (m.apply(quorate::log_index(++index), command).error()) {
                std::abort();
            }
        }
        spent += process_clock::now() - begin;
        made += allocations - allocated_before;
    }
    const auto total = static_cast<double>(count);
    return {nanoseconds(spent) / total, static_cast<double>(made) / total};
}

template <class Machine>
double measure_gets(const Machine& m, std::size_t keys, std::mt19937_64& random) {
    std::vector<std::string> asked;
    for (std::size_t i = 0; i < 100 * batch; ++i) {
        asked.push_back(key_of(random() % keys, keys));
    }
    const auto begin = process_clock::now();
    for (const std::string& key : asked) {
        if (!m.get(key)) {
            std::abort();
        }
    }
    return nanoseconds(process_clock::now() - begin) / static_cast<double>(asked.size());
}

/// What a range of 100 keys costs that begins anywhere.
template <class Machine>
cost measure_ranges(const Machine& m, std::size_t keys, std::mt19937_64& random) {
    constexpr std::size_t rows = 100;
    std::vector<std::pair<std::string, std::string>> asked;
    char text[64];
    for (std::size_t i = 0; i < batch; ++i) {
        const std::size_t first = random() % (keys - rows);
        std::snprintf(text, sizeof(text), "/registry/pods/default/%09zu", first);
        std::string from = text;
        std::snprintf(text, sizeof(text), "/registry/pods/default/%09zu", first + rows);
        asked.emplace_back(std::move(from), text);
    }
    const std::size_t before = allocations;
    const auto begin = process_clock::now();
    for (const auto& [first, end] : asked) {
        const quorate::reply answer = m.range({.key = first, .range_end = end});
        if (std::get<quorate::range_reply>(answer.body).kvs.size() != rows) {
            std::abort();
        }
    }
    const auto total = static_cast<double>(asked.size());
    return {nanoseconds(process_clock::now() - begin) / total,
            static_cast<double>(allocations - before) / total};
}

template <class Do>
double milliseconds(Do work) {
    const auto begin = process_clock::now();
    work();
    return nanoseconds(process_clock::now() - begin) / 1e6;
}

template <class Machine>
void run(const char* name, std::size_t keys) {
    std::mt19937_64 random(1);
    Machine m;
    const std::size_t before = allocated();
    const cost created = measure_puts(m, keys, keys, [](std::size_t i) { return i; });
    const std::size_t bytes = (allocated() - before) / keys;
    const cost changed =
        measure_puts(m, 100 * batch, keys, [&](std::size_t) { return random() % keys; });
    const double read = measure_gets(m, keys, random);
    const cost ranged = measure_ranges(m, keys, random);
    std::printf(
        "%s, %zu keys: new put %.0f ns (%.1f allocations), put again %.0f ns (%.1f), get "
        "%.0f ns, range of 100 %.1f us (%.1f), %zu bytes/key (value %zu)\n",
        name, keys, created.nanoseconds, created.allocations, changed.nanoseconds,
        changed.allocations, read, ranged.nanoseconds / 1000, ranged.allocations, bytes,
        value_bytes);
    quorate::rope state;
    Machine restored;
    const double taken = milliseconds([&] { state = m.snapshot(); });
    const double entered = milliseconds([&] { static_cast<void>(restored.restore(state)); });
    const quorate::compact all{m.store().current_revision(), true};
    const double compacted = milliseconds([&] {
        m.apply(quorate::log_index(1),
                Machine::encode(all).freeze().slice(quorate::command_header_bytes));
    });
    std::printf("    snapshot %.1f ms, restore %.1f ms, compaction %.1f ms\n", taken, entered,
                compacted);
}

/// The index alone: a million keys, each put three times, all compacted at the last revision.
template <class Index>
void run_index(const char* name) {
    constexpr std::size_t keys = 1000000;
    const std::size_t before = allocated();
    Index index;
    std::uint64_t main = 1;
    std::vector<shared_bytes> names;
    for (std::size_t i = 0; i < keys; ++i) {
        names.push_back(index.put(key_of(i, keys), {++main, 0}).key);
    }
    const std::size_t bytes = (allocated() - before) / keys;
    for (int round = 0; round < 2; ++round) {
        for (const shared_bytes& key : names) {
            index.put(key.view(), {++main, 0});
        }
    }
    std::size_t removed = 0;
    const double spent = milliseconds([&] {
        for (const shared_bytes& key : names) {
            index.compact(key.view(), main, [&](quorate::revision) { ++removed; });
        }
    });
    std::printf(
        "%s alone: %zu bytes/key (name 32 and a reference to it 24 of them), compaction of "
        "%zu keys %.1f ms (%zu changes)\n",
        name, bytes, keys, spent, removed);
}

} // namespace

int main() {
    for (const std::size_t keys : {std::size_t{1000}, std::size_t{100000}}) {
        run<tree_machine>("ordered_index", keys);
        run<block_machine>("block_index", keys);
    }
    run_index<quorate::ordered_index>("ordered_index");
    run_index<quorate::block_index>("block_index");
}
