// What etcd's benchmarks of its store measure, measured of ours over LMDB: see etcd_store.sh.
#include <quorate/lmdb/lmdb_backend.hpp>
#include <quorate/store/ordered_index.hpp>

#include "../scratch_directory.hpp"
#include "etcd_work.hpp"

namespace {

using namespace etcd_work;
using quorate_test::medium;
using quorate_test::scratch_directory;
using machine = quorate::kv_machine<quorate::ordered_index, quorate::lmdb_backend>;

machine open(const scratch_directory& scratch) {
    quorate::database_options options;
    options.directory = (scratch.path() / "db").string();
    auto opened = machine::open(options);
    require(opened.has_value());
    return *std::move(opened);
}

} // namespace

int main() {
    run_machine("lmdb", [](auto use) {
        const scratch_directory scratch(medium::disk);
        machine m = open(scratch);
        use(m);
    });
    constexpr std::size_t keys = 400'000;
    const scratch_directory scratch(medium::disk);
    {
        machine m = open(scratch);
        measure_puts(m, keys, 0, 64);
    }
    const double spent = least([&] {
        const double begin = now();
        const machine m = open(scratch);
        require(m.store().key_count() == keys);
        return now() - begin;
    });
    std::printf("lmdb: StoreRestoreRevs1 %.0f ns/op\n", spent / static_cast<double>(keys));
}
