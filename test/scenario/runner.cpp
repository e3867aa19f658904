// Finds, runs, compares and rewrites script files.
#include "runner.hpp"

#include <quorate/base/assert.hpp>

#include <algorithm>
#include <fstream>
#include <optional>
#include <sstream>

namespace quorate::scenario {
namespace {

namespace fs = std::filesystem;

/// Not a script_error: the script is right, the engine is not.
class engine_assertion : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

[[noreturn]] void throw_assertion(const assertion_failure& failure) {
    throw engine_assertion(std::string("assertion failed: ") + failure.expression + " (" +
                           failure.where.file_name() + ":" + std::to_string(failure.where.line()) +
                           ")");
}

bool ignored(const fs::path& path) {
    const std::string name = path.filename().string();
    return name.starts_with('.') || name.starts_with('#') || name.ends_with('~') ||
           name.ends_with(".swp") || name.ends_with(".orig") || name.ends_with(".bak");
}

void find_below(const fs::path& folder, std::vector<fs::path>& found) {
    std::vector<fs::path> inside;
    for (const fs::directory_entry& each : fs::directory_iterator(folder)) {
        if (!ignored(each.path())) {
            inside.push_back(each.path());
        }
    }
    std::sort(inside.begin(), inside.end());
    for (const fs::path& each : inside) {
        if (fs::is_directory(each)) {
            find_below(each, found);
        } else if (fs::is_regular_file(each)) {
            found.push_back(each);
        }
    }
}

std::string read_file(const fs::path& path) {
    std::ifstream in(path, std::ios::binary);
    std::ostringstream text;
    text << in.rdbuf();
    if (!in) {
        throw script_error("cannot be read");
    }
    return text.str();
}

void write_file(const fs::path& path, const std::string& text) {
    std::ofstream out(path, std::ios::binary | std::ios::trunc);
    out << text;
    out.flush();
    if (!out) {
        throw script_error("cannot be written");
    }
}

std::unique_ptr<session> make_session(const script_file& file, const fs::path& path,
                                      std::uint64_t seed) {
    const std::string& first = file.cases.front().command;
    const std::string folder = path.parent_path().filename().string();
    if (is_quorum_command(first) || folder == "quorum") {
        return make_quorum_session();
    }
    if (is_change_command(first) || folder == "confchange") {
        return make_change_session();
    }
    return make_group_session(seed);
}

std::string describe_difference(const fs::path& path, const script_case& directive,
                                const std::string& actual) {
    std::string text = path.string() + ":" + std::to_string(directive.line) + ":\n";
    text += directive.directive + "\n";
    if (!directive.input.empty()) {
        text += directive.input + "\n";
    }
    text += "----\nexpected:\n" + directive.expected;
    return text + "actual:\n" + actual;
}

/// Runs the cases of one file.
class file_run {
public:
    file_run(const fs::path& path, const run_options& options) : path_(path), options_(options) {}

    [[nodiscard]] file_report run() {
        try {
            run_cases();
        } catch (const std::exception& error) {
            fail(where() + ": " + error.what() + "\n");
        }
        report_.passed = report_.failure.empty();
        return std::move(report_);
    }

private:
    void run_cases() {
        file_ = parse_script(read_file(path_));
        if (file_.cases.empty()) {
            throw script_error("holds no directive");
        }
        const std::unique_ptr<session> running = make_session(file_, path_, options_.seed);
        std::vector<std::string> outputs;
        for (const script_case& directive : file_.cases) {
            at_ = &directive;
            std::string actual = running->run(directive);
            if (!actual.ends_with('\n')) {
                actual += '\n';
            }
            ++report_.cases;
            if (!options_.rewrite && actual != directive.expected) {
                fail(describe_difference(path_, directive, actual));
                return;
            }
            outputs.push_back(std::move(actual));
        }
        if (options_.rewrite) {
            write_file(path_, rewrite_script(file_, outputs));
        }
    }
    void fail(std::string text) { report_.failure = std::move(text); }
    [[nodiscard]] std::string where() const {
        if (at_ == nullptr) {
            return path_.string();
        }
        return path_.string() + ":" + std::to_string(at_->line) + ": " + at_->directive;
    }

    const fs::path& path_;
    const run_options& options_;
    script_file file_;
    file_report report_;
    const script_case* at_ = nullptr;
};

} // namespace

std::vector<fs::path> find_scripts(const std::vector<fs::path>& paths) {
    std::vector<fs::path> found;
    for (const fs::path& path : paths) {
        std::error_code error;
        if (fs::is_directory(path, error)) {
            find_below(path, found);
        } else if (fs::exists(path, error)) {
            found.push_back(path);
        } else {
            throw script_error(path.string() + ": no such file or folder");
        }
    }
    return found;
}

file_report run_file(const fs::path& path, const run_options& options) {
    return file_run(path, options).run();
}

void install_assertion_handler() {
    set_assertion_handler(&throw_assertion);
}

} // namespace quorate::scenario
