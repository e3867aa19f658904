// What etcd's benchmarks of its store measure, measured of ours over memory: see etcd_store.sh.
#include <quorate/store/block_index.hpp>
#include <quorate/store/ordered_index.hpp>

#include "etcd_work.hpp"

namespace {

using namespace etcd_work;
using quorate::kv_machine;

template <class Index>
void run_store(const char* name) {
    const auto with_new = [](auto use) {
        kv_machine<Index> m;
        use(m);
    };
    run_machine(name, with_new);
    constexpr std::size_t keys = 400'000;
    kv_machine<Index> source;
    measure_puts(source, keys, 0, 64);
    const quorate::bulk_bytes state = source.snapshot();
    const double spent = least([&] {
        kv_machine<Index> restored;
        const double begin = now();
        require(!restored.restore(quorate::bulk_reader(state)));
        return now() - begin;
    });
    std::printf("%s: StoreRestoreRevs1 %.0f ns/op\n", name, spent / static_cast<double>(keys));
}

/// One change for each of a million keys in the index alone.
template <class Index>
void run_index(const char* name) {
    constexpr std::size_t keys = 1'000'000;
    names chosen;
    std::vector<shared_bytes> known;
    known.reserve(keys);
    const std::size_t before = allocated();
    Index index;
    for (std::size_t i = 0; i < keys; ++i) {
        known.push_back(index.put(chosen.next(key_bytes), {i + 1, 0}).key);
    }
    std::printf("%s: %zu bytes a key, its name (%zu) among them\n", name,
                (allocated() - before) / keys, key_bytes);
    const double spent = least([&] {
        const double begin = now();
        for (const shared_bytes& key : known) {
            index.compact(key.view(), 1, [](quorate::revision) { std::abort(); });
        }
        return now() - begin;
    });
    std::printf("%s: a look at each of %zu keys, nothing of which goes: %.0f ms\n", name, keys,
                spent / 1e6);
}

/// etcd's IndexCompact1000000 compacts a million keys at their first revisions, one by one.
void run_compaction() {
    constexpr std::size_t keys = 1'000'000;
    constexpr std::uint64_t compactions = 4;
    kv_machine<> m;
    measure_puts(m, keys, 0, 8);
    const double begin = now();
    for (std::uint64_t main = 1; main <= compactions; ++main) {
        m.apply(log_index(1), command_of<kv_machine<>>(quorate::compact{main, true}));
    }
    std::printf("ordered_index: IndexCompact1000000 %.0f ns/op, rows and commands included\n",
                (now() - begin) / static_cast<double>(compactions));
}

} // namespace

int main() {
    run_store<quorate::ordered_index>("ordered_index");
    run_store<quorate::block_index>("block_index");
    run_index<quorate::ordered_index>("ordered_index");
    run_index<quorate::block_index>("block_index");
    run_compaction();
}
