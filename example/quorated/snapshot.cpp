// The subcommand `snapshot`: what a saved snapshot holds, and a new cluster made of it.
#include <quorate/server/group_seed.hpp>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <iostream>
#include <optional>
#include <string>
#include <vector>

#include "command_table.hpp"
#include "saved_snapshot.hpp"
#include "snapshot_options.hpp"

namespace quorated {
namespace {

int complain(const std::string& problem) {
    std::cerr << "quorated: " << problem << '\n';
    return exit_damaged;
}

std::string hex(std::uint64_t number) {
    char text[17];
    std::snprintf(text, sizeof(text), "%llx", static_cast<unsigned long long>(number));
    return text;
}

/// Returns: a size for people, in units of a thousand as etcdctl tells it.
std::string size_text(std::uint64_t bytes) {
    static constexpr const char* units[] = {"B", "kB", "MB", "GB", "TB", "PB", "EB"};
    double size = static_cast<double>(bytes);
    std::size_t unit = 0;
    while (size >= 999.5 && unit + 1 < std::size(units)) {
        size /= 1000;
        ++unit;
    }
    char text[32];
    std::snprintf(text, sizeof(text), unit > 0 && size < 9.95 ? "%.1f %s" : "%.0f %s", size,
                  units[unit]);
    return text;
}

void print_table(const std::vector<std::string>& cells) {
    static constexpr const char* titles[] = {"HASH", "REVISION", "TOTAL KEYS", "TOTAL SIZE"};
    std::string rule = "+";
    std::string head = "|";
    std::string line = "|";
    for (std::size_t i = 0; i < cells.size(); ++i) {
        const std::string title = titles[i];
        const std::size_t width = std::max(title.size(), cells[i].size());
        const std::size_t left = (width - title.size()) / 2;
        rule += std::string(width + 2, '-') + "+";
        head += " " + std::string(left, ' ') + title +
                std::string(width - title.size() - left, ' ') + " |";
        line += " " + std::string(width - cells[i].size(), ' ') + cells[i] + " |";
    }
    std::cout << rule << '\n' << head << '\n' << rule << '\n' << line << '\n' << rule << '\n';
}

int tell_status(const snapshot_options& told) {
    std::string problem;
    const auto saved = open_saved_snapshot(told.file, told.skip_hash_check, problem);
    if (!saved) {
        return complain(problem);
    }
    const auto& store = saved->machine.store();
    const auto hash = store.hash(0);
    if (!hash) {
        return complain(told.file + ": " + hash.error().message());
    }
    const std::uint64_t size = saved->state.size();
    const std::vector<std::string> cells = {hex(hash->hash),
                                            std::to_string(store.current_revision()),
                                            std::to_string(store.row_count()), size_text(size)};
    if (told.output == output_kind::json) {
        std::cout << "{\"hash\":" << hash->hash << ",\"revision\":" << cells[1]
                  << ",\"totalKey\":" << cells[2] << ",\"totalSize\":" << size << "}\n";
    } else if (told.output == output_kind::table) {
        print_table(cells);
    } else {
        std::cout << cells[0] << ", " << cells[1] << ", " << cells[2] << ", " << cells[3] << '\n';
    }
    return exit_well;
}

int restore(const snapshot_options& told) {
    std::string problem;
    auto saved = open_saved_snapshot(told.file, told.skip_hash_check, problem);
    if (!saved) {
        return complain(problem);
    }
    if (told.mark_compacted) {
        if (saved->machine.bump(told.bump_revision)) {
            return complain("--bump-revision is too large for a revision of " +
                            std::to_string(saved->machine.store().current_revision()));
        }
        saved->state = quorate::bulk_bytes(saved->machine.snapshot());
    }
    const serve_options& self = told.member;
    quorate::group_seed seed;
    seed.cluster = self.cluster;
    seed.member = self.id;
    for (const initial_member& m : self.initial_cluster) {
        seed.members.emplace_back(m.id, m.peer_urls, m.name);
    }
    seed.state = saved->state;
    seed.wal_directory = self.wal_dir;
    seed.labels = {self.cluster_token, self.name};
    const auto& store = saved->machine.store();
    // A leader of the new cluster has to be a later one than the last that leases know of.
    seed.term = quorate::term_id(std::max<std::uint64_t>(1, store.leases().epoch()));
    if (quorate::seed_directory(self.data_dir, seed, &problem)) {
        return complain(problem);
    }
    std::cout << "restored revision " << store.current_revision() << " for member "
              << hex(self.id.value()) << " (" << self.name << ") of the new cluster "
              << hex(self.cluster.value()) << " in " << self.data_dir.string() << '\n';
    return exit_well;
}

} // namespace

int snapshot(std::span<const char* const> arguments) {
    std::optional<int> ended;
    const snapshot_options told = parse_snapshot(arguments, ended);
    if (ended) {
        return *ended;
    }
    return told.restore ? restore(told) : tell_status(told);
}

} // namespace quorated
