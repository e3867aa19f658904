// How long the store takes for one command, and how many bytes a key costs.
#include <quorate/store/kv_machine.hpp>

#include <malloc.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <string>
#include <vector>

namespace {

using quorate::shared_bytes;
using machine = quorate::kv_machine<>;
using steady = std::chrono::steady_clock;

constexpr std::size_t value_bytes = 256;
constexpr std::size_t batch = 1000;

/// Bytes that malloc has given out.
std::size_t allocated() {
    const struct mallinfo2 info = mallinfo2();
    return info.uordblks + info.hblkhd;
}
double nanoseconds(steady::duration time) {
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
    return machine::encode(quorate::put{.key = key, .value = value})
        .freeze()
        .slice(quorate::command_header_bytes);
}

/// Returns: nanoseconds a put. Commands are made beforehand, a batch at a time, unmeasured.
template <class Pick>
double measure_puts(machine& m, std::size_t count, std::size_t keys, Pick pick) {
    const std::string value(value_bytes, 'v');
    steady::duration spent{};
    std::vector<shared_bytes> commands;
    std::uint64_t index = 0;
    for (std::size_t done = 0; done < count; done += batch) {
        commands.clear();
        for (std::size_t i = 0; i < batch; ++i) {
            commands.push_back(put_of(key_of(pick(done + i), keys), value));
        }
        const auto begin = steady::now();
        for (const shared_bytes& command : commands) {
            if (m.apply(quorate::log_index(++index), command).error()) {
                std::abort();
            }
        }
        spent += steady::now() - begin;
    }
    return nanoseconds(spent) / static_cast<double>(count);
}

double measure_gets(const machine& m, std::size_t keys, std::mt19937_64& random) {
    std::vector<std::string> asked;
    for (std::size_t i = 0; i < 100 * batch; ++i) {
        asked.push_back(key_of(random() % keys, keys));
    }
    const auto begin = steady::now();
    for (const std::string& key : asked) {
        if (!m.get(key)) {
            std::abort();
        }
    }
    return nanoseconds(steady::now() - begin) / static_cast<double>(asked.size());
}

template <class Do>
double milliseconds(Do work) {
    const auto begin = steady::now();
    work();
    return nanoseconds(steady::now() - begin) / 1e6;
}

void run(std::size_t keys) {
    std::mt19937_64 random(1);
    machine m;
    const std::size_t before = allocated();
    const double created = measure_puts(m, keys, keys, [](std::size_t i) { return i; });
    const std::size_t bytes = (allocated() - before) / keys;
    const double changed =
        measure_puts(m, 100 * batch, keys, [&](std::size_t) { return random() % keys; });
    const double read = measure_gets(m, keys, random);
    quorate::rope state;
    machine restored;
    const double taken = milliseconds([&] { state = m.snapshot(); });
    const double entered = milliseconds([&] { static_cast<void>(restored.restore(state)); });
    const quorate::compact all{m.store().current_revision()};
    const double compacted = milliseconds([&] {
        m.apply(quorate::log_index(1),
                machine::encode(all).freeze().slice(quorate::command_header_bytes));
    });
    std::printf(
        "%8zu keys: new put %5.0f ns, put again %5.0f ns, get %5.0f ns, %zu bytes/key "
        "(value %zu); snapshot %.1f ms, restore %.1f ms, compact %.1f ms\n",
        keys, created, changed, read, bytes, value_bytes, taken, entered, compacted);
}

} // namespace

int main() {
    for (const std::size_t keys : {std::size_t{1000}, std::size_t{100000}, std::size_t{500000}}) {
        run(keys);
    }
}
