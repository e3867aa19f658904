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
    "Shows what a data directory holds: whose it is, snapshots, segments of the log with their\n"
    "slots, and the entries, with the commands of the key-value store decoded. Nothing is "
    "changed,\n"
    "no lock is taken. Damage is told where it is met.\n\n"
    "Exit status: 0 sound, 1 damaged, 2 wrong usage, or no such directory.\n"
    "Bytes of keys and values that are no printable ASCII are shown as \\xNN; in JSON as the\n"
    "character of the same number.\n";

class dumper : public quorate::inspection_visitor {
public:
    explicit dumper(const inspect_options& options) : options_(options) {}

    void on_identity(const std::string& file, const quorate::data_identity& identity) override {
        print(identity_line(file, identity, options_.json));
    }
    void on_segment(const quorate::inspected_segment& segment) override {
        print(segment_lines(segment, options_.json));
    }
    void on_frame(const quorate::inspected_frame& frame) override {
        const std::uint64_t index = frame.record.index.value();
        if (index >= options_.from && index <= options_.to && shown_ < options_.limit) {
            ++shown_;
            print(frame_line(frame, options_.values, options_.json));
        }
    }
    void on_snapshot(const quorate::inspected_snapshot& snapshot) override {
        print(snapshot_line(snapshot, options_.json));
    }
    void on_note(const std::string& file, const std::string& what) override {
        print(note_line(file, what, options_.json));
    }
    void on_damage(const quorate::log_damage& damage) override {
        print(damage_line(damage, options_.json));
    }

private:
    static void print(const std::string& lines) { std::cout << lines << '\n'; }

    const inspect_options& options_;
    std::uint64_t shown_ = 0;
};

} // namespace

int dump(std::span<const char* const> arguments) {
    std::optional<int> ended;
    const inspect_options options = parse_inspect("dump", about, true, arguments, ended);
    if (ended) {
        return *ended;
    }
    dumper visitor(options);
    const auto sum = quorate::inspect_directory(options.directory, visitor);
    if (!sum) {
        std::cerr << "quorated: " << options.directory << ": " << sum.error().message() << '\n';
        return exit_usage;
    }
    std::cout << summary_line(options.directory, *sum, options.json) << '\n';
    return sum->damages == 0 ? exit_well : exit_damaged;
}

} // namespace quorated
