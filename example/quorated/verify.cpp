#include <quorate/log/inspect.hpp>

#include <iostream>
#include <optional>
#include <string>

#include "command_table.hpp"
#include "describe.hpp"
#include "options.hpp"

namespace quorated {
namespace {

constexpr const char* about =
    "Reads every byte below a data directory and compares it with its checksums, and the files\n"
    "with one another. Nothing is changed, no lock is taken. Works on stopped members; on a "
    "running\n"
    "one, what is just being written may look damaged.\n\n"
    "Exit status: 0 sound, 1 damaged (file, offset and reason of each damage are told), 2 wrong\n"
    "usage, or no such directory. A write that did not complete and that nobody was told of is no\n"
    "damage; it is told as a note.\n";

/// Prints notes and damages as they come.
class verifier : public quorate::inspection_visitor {
public:
    explicit verifier(bool json) : json_(json) {}

    void on_note(const std::string& file, const std::string& what) override {
        std::cout << note_line(file, what, json_) << '\n';
    }
    void on_damage(const quorate::log_damage& damage) override {
        std::cout << damage_line(damage, json_) << '\n';
    }

private:
    const bool json_;
};

} // namespace

int verify(std::span<const char* const> arguments) {
    std::optional<int> ended;
    const inspect_options options = parse_inspect("verify", about, false, arguments, ended);
    if (ended) {
        return *ended;
    }
    verifier visitor(options.json);
    const auto sum = quorate::inspect_directory(options.directory, visitor);
    if (!sum) {
        std::cerr << "quorated: " << options.directory << ": " << sum.error().message() << '\n';
        return exit_usage;
    }
    std::cout << summary_line(options.directory, *sum, options.json) << '\n';
    return sum->damages == 0 ? exit_well : exit_damaged;
}

} // namespace quorated
