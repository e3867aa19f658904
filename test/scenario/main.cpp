// quorate_scenario: runs consensus scripts. See doc/scenario.md.
#include <charconv>
#include <cstdio>
#include <optional>
#include <string_view>

#include "runner.hpp"

namespace {

namespace scenario = quorate::scenario;

constexpr const char* usage =
    "usage: quorate_scenario [--rewrite] [--verbose] [--seed N] PATH...\n"
    "Runs script files, and all files in folders, against the raft engine.\n"
    "  --rewrite  put what the scripts print in the place of what they expect\n"
    "  --verbose  name every file and how many directives it has\n"
    "  --seed N   draw other election timeouts; no script may depend on them\n"
    "Ends with 'N passed, N failed', counting files; status 1 if any failed, 2 on wrong usage.\n";

struct command_line {
    scenario::run_options run;
    bool verbose = false;
    std::vector<std::filesystem::path> paths;
};

bool parse_seed(std::string_view text, std::uint64_t& seed) {
    const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), seed);
    return error == std::errc() && stop == text.data() + text.size();
}

std::optional<command_line> parse(int count, char** words) {
    command_line parsed;
    for (int i = 1; i < count; ++i) {
        const std::string_view word = words[i];
        if (word == "--rewrite") {
            parsed.run.rewrite = true;
        } else if (word == "--verbose") {
            parsed.verbose = true;
        } else if (word == "--seed" && i + 1 < count) {
            if (!parse_seed(words[++i], parsed.run.seed)) {
                return std::nullopt;
            }
        } else if (word.starts_with("--")) {
            return std::nullopt;
        } else {
            parsed.paths.emplace_back(word);
        }
    }
    return parsed.paths.empty() ? std::nullopt : std::optional(parsed);
}

int run(const command_line& line) {
    std::size_t passed = 0;
    std::size_t failed = 0;
    for (const std::filesystem::path& path : scenario::find_scripts(line.paths)) {
        const scenario::file_report report = scenario::run_file(path, line.run);
        ++(report.passed ? passed : failed);
        if (line.verbose) {
            std::printf("%s %s (%zu directives)\n", report.passed ? "ok    " : "FAILED",
                        path.c_str(), report.cases);
        }
        std::printf("%s", report.failure.c_str());
        std::fflush(stdout);
    }
    std::printf("%zu passed, %zu failed\n", passed, failed);
    // A folder without scripts proves nothing.
    return failed == 0 && passed > 0 ? 0 : 1;
}

} // namespace

int main(int count, char** words) {
    const std::optional<command_line> line = parse(count, words);
    if (!line) {
        std::fprintf(stderr, "%s", usage);
        return 2;
    }
    scenario::install_assertion_handler();
    try {
        return run(*line);
    } catch (const std::exception& error) {
        std::fprintf(stderr, "quorate_scenario: %s\n", error.what());
        return 2;
    }
}
