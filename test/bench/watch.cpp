// What a watch costs in memory, and what a write costs that concerns few of many watches.
#include <quorate/store/kv_machine.hpp>
#include <quorate/store/watch_hub.hpp>

#include <malloc.h>
#include <time.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

namespace {

using namespace quorate;
using store_type = kv_machine<>::store_type;
using hub_type = watch_hub<store_type>;

/// Time of this process on the processor: the machine may have other work.
double nanoseconds_now() {
    timespec spent{};
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &spent);
    return static_cast<double>(spent.tv_sec) * 1e9 + static_cast<double>(spent.tv_nsec);
}
/// Bytes that malloc has given out.
std::size_t allocated() {
    const struct mallinfo2 info = mallinfo2();
    return info.uordblks + info.hblkhd;
}
std::string key_of(const char* folder, std::size_t number) {
    char text[32];
    std::snprintf(text, sizeof(text), "/%s/%07zu", folder, number);
    return text;
}

struct world {
    kv_machine<> machine;
    hub_type hub{machine.store()};
    watch_stream_id stream = hub.open([] {});

    void put(const std::string& key, bool publish = true) {
        const request asked = quorate::put{.key = key, .value = "some value"};
        machine.apply(log_index(1), machine.encode(asked).freeze().slice(command_header_bytes));
        if (publish) {
            hub.publish();
        }
    }
    void watch(const std::string& key, const std::string& range_end, std::uint64_t start = 0) {
        const auto made =
            hub.create(stream, {.key = key, .range_end = range_end, .start_revision = start});
        if (!made) {
            std::abort();
        }
    }
    std::size_t take_all() {
        std::size_t events = 0;
        while (const auto batch = hub.take(stream, 1 << 20)) {
            events += batch->events.size();
        }
        return events;
    }
};

/// Memory of watches that wait, each key or range another one, or all the same.
void run_memory() {
    constexpr std::size_t watches = 100000;
    struct shape {
        const char* name;
        bool range;
        bool same;
        bool brief; // names as in etcd's benchmark
    };
    for (const shape& one :
         {shape{"one key each, of up to 8 bytes", false, false, true},
          shape{"one key each", false, false, false}, shape{"one range each", true, false, false},
          shape{"all of one key", false, true, false}}) {
        world w;
        const std::size_t before = allocated();
        for (std::size_t i = 0; i < watches; ++i) {
            const std::string key =
                one.brief ? "foo" + std::to_string(i) : key_of("watched", one.same ? 0 : i);
            w.watch(key, one.range ? key + "x" : "");
        }
        std::printf("%zu watches, %s: %zu bytes each\n", watches, one.name,
                    (allocated() - before) / watches);
    }
}

/// What publishing one write adds to it, while `idle` watches watch other keys and one this one.
void run_others(std::size_t idle) {
    constexpr std::size_t writes = 20000;
    world w;
    for (std::size_t i = 0; i < idle; ++i) {
        const std::string key = key_of("other", i);
        w.watch(key, i % 2 == 0 ? "" : key + "x");
    }
    w.watch(key_of("mine", 0), "");
    double spent = 0;
    std::size_t events = 0;
    for (std::size_t i = 0; i < writes; ++i) {
        w.put(key_of("mine", 0), false);
        const double begin = nanoseconds_now();
        w.hub.publish();
        events += w.take_all();
        spent += nanoseconds_now() - begin;
    }
    if (events != writes) {
        std::abort();
    }
    std::printf("%zu watches of other keys: %.0f ns to publish a write and take its event\n", idle,
                spent / static_cast<double>(writes));
}

void run_fan_out() {
    constexpr std::size_t watches = 10000;
    constexpr std::size_t writes = 50;
    world w;
    for (std::size_t i = 0; i < watches; ++i) {
        w.watch("/shared/", "/shared0");
    }
    const double begin = nanoseconds_now();
    for (std::size_t i = 0; i < writes; ++i) {
        w.put(key_of("shared", i));
    }
    const double published = nanoseconds_now();
    if (w.take_all() != watches * writes) {
        std::abort();
    }
    const auto all = static_cast<double>(watches * writes);
    std::printf("%zu watches of one range: %.0f ns per watch and event to publish, %.0f to take\n",
                watches, (published - begin) / all, (nanoseconds_now() - published) / all);
}

void run_catch_up() {
    constexpr std::size_t writes = 200000;
    constexpr std::size_t watches = 100;
    world w;
    for (std::size_t i = 0; i < writes; ++i) {
        w.put(key_of("history", i % 1000));
    }
    for (std::size_t i = 0; i < watches; ++i) {
        w.watch(key_of("history", i), "", 1);
    }
    const double begin = nanoseconds_now();
    std::size_t events = 0;
    while (w.hub.step(1000)) {
        events += w.take_all();
    }
    events += w.take_all();
    if (events != writes / 1000 * watches) {
        std::abort();
    }
    std::printf("%zu watches from the past: %.0f ns for each of %zu changes\n", watches,
                (nanoseconds_now() - begin) / static_cast<double>(writes), writes);
}

} // namespace

int main() {
    run_memory();
    for (const std::size_t idle : {std::size_t{10}, std::size_t{1000}, std::size_t{100000}}) {
        run_others(idle);
    }
    run_fan_out();
    run_catch_up();
}
