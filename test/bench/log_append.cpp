// What the log adds to the cost of the disk, and what an entry costs in a large group.
#include <quorate/log/segmented_log.hpp>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace {

using namespace quorate;
using steady = std::chrono::steady_clock;

constexpr std::size_t payload_bytes = 100;
constexpr std::size_t round_syncs = 100;
constexpr int rounds = 5;

double nanoseconds(steady::duration time) {
    return std::chrono::duration<double, std::nano>(time).count();
}

[[noreturn]] void give_up(const char* what, const std::string& why) {
    std::fprintf(stderr, "%s: %s\n", what, why.c_str());
    std::exit(1);
}

/// What any log must do at least: one write and one sync into space that is reserved.
class bare_file {
public:
    explicit bare_file(const std::filesystem::path& directory)
        : disk_(*posix_volume::open(directory)), made_(*disk_.create_temporary()) {
        if (made_.file.reserve(64 << 20) || made_.file.sync_data()) {
            give_up("bare file", made_.name);
        }
    }
    double measure(std::size_t count) {
        const std::string bytes(payload_bytes, 'b');
        const byte_view piece = bytes;
        const auto begin = steady::now();
        for (std::size_t i = 0; i < count; ++i) {
            if (made_.file.write_at(offset_, {&piece, 1}) || made_.file.sync_data()) {
                give_up("bare file", "write or sync failed");
            }
            offset_ += bytes.size();
        }
        return nanoseconds(steady::now() - begin) / static_cast<double>(count);
    }

private:
    posix_volume disk_;
    temporary_file<posix_file> made_;
    std::uint64_t offset_ = 0;
};

class measured_log {
public:
    explicit measured_log(const std::filesystem::path& directory) {
        log_options options;
        options.directory = directory;
        options.cluster = cluster_id(1);
        options.member = node_id(1);
        auto opened = segmented_log<>::open(options);
        if (!opened) {
            give_up("log", opened.error().message());
        }
        log_ = std::move(*opened);
    }
    /// Returns: nanoseconds a group of `size` entries.
    double measure(std::size_t groups, std::size_t size) {
        const shared_bytes payload = shared_bytes::copy_of(std::string(payload_bytes, 'l'));
        const std::uint32_t checksum = payload_checksum_of(payload.view());
        std::vector<entry> entries(size, {term_id(1), {}, entry_kind::normal, checksum, payload});
        const auto begin = steady::now();
        for (std::size_t group = 0; group < groups; ++group) {
            for (entry& e : entries) {
                e.index = ++last_;
            }
            log_->append(entries);
            auto job = log_->begin_sync();
            const error_code outcome = job.run();
            log_->finish_sync(std::move(job), outcome);
            if (outcome) {
                give_up("log", log_->failure());
            }
        }
        return nanoseconds(steady::now() - begin) / static_cast<double>(groups);
    }

private:
    std::unique_ptr<segmented_log<>> log_;
    log_index last_;
};

std::filesystem::path make_scratch(const char* parent) {
    std::string name = std::string(parent) + "/quorate_bench_XXXXXX";
    if (::mkdtemp(name.data()) == nullptr) {
        give_up("scratch directory", name);
    }
    return name;
}

} // namespace

/// Usage: quorate_bench_log_append [DIR]; the directory is on the disk to measure.
int main(int count, char** arguments) {
    const std::filesystem::path scratch = make_scratch(count > 1 ? arguments[1] : ".");
    bare_file bare(scratch / "bare");
    measured_log log(scratch / "log");
    // In turns, so that a disk that is slow for a while is slow for both.
    double bare_total = 0;
    double log_total = 0;
    double group_total = 0;
    for (int round = 0; round < rounds; ++round) {
        bare_total += bare.measure(round_syncs);
        log_total += log.measure(round_syncs, 1);
        group_total += log.measure(round_syncs, 100);
    }
    std::printf("write and sync of %zu B      %10.1f us\n", payload_bytes,
                bare_total / rounds / 1e3);
    std::printf("group commit of one entry   %10.1f us   ratio %.2f\n", log_total / rounds / 1e3,
                log_total / bare_total);
    std::printf("group commit of 100 entries %10.1f us   %.0f ns/entry, sync included\n",
                group_total / rounds / 1e3, group_total / rounds / 100);
    // The same where a sync costs nothing shows the work of the log itself.
    const std::filesystem::path memory = make_scratch("/dev/shm");
    const double work = measured_log(memory).measure(round_syncs * rounds, 100) / 100;
    std::printf("the same in memory          %10s      %.0f ns/entry\n", "", work);
    std::filesystem::remove_all(memory);
    std::filesystem::remove_all(scratch);
    return 0;
}
