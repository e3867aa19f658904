// quorated: a server that etcd's clients can talk to, and a look into its data directory.
//
//   main.cpp            the table of subcommands
//   serve.cpp           a member of a cluster: what it is told becomes what the library is told
//   member_process.hpp  its service, front doors and signals
//   serve_options.cpp   its flags, environment variables and file
//   options.cpp         the command lines of the others
//   verify.cpp    is all of it sound?
//   dump.cpp      what is in it?
//   snapshot.cpp  what is in a saved snapshot, and a new cluster made of it
//   describe.cpp  entries as text and as JSON
#include <quorate/version.hpp>

#include <cstring>
#include <iostream>
#include <span>
#include <string>
#include <string_view>

#include "command_table.hpp"
#include "serve_options.hpp"

namespace {

using namespace quorated;

int help(std::span<const char* const> arguments);

int version(std::span<const char* const>) {
    std::cout << "quorated " << QUORATE_VERSION_STRING << '\n' << description_of_parts();
    return exit_well;
}

constexpr subcommand table[] = {
    {"serve", "run a member of a cluster", &serve},
    {"verify", "check every byte of a data directory", &verify},
    {"dump", "show what a data directory holds", &dump},
    {"snapshot", "look into a saved snapshot, or restore a cluster from it", &snapshot},
    {"help", "print this, or what a subcommand does", &help},
    {"version", "print the version", &version},
};

void print_usage(std::ostream& out) {
    out << "Usage: quorated SUBCOMMAND [options]\n"
           "       quorated --flag ...    the same as quorated serve --flag ...\n\nSubcommands:\n";
    for (const subcommand& one : table) {
        out << "  " << one.name << std::string(10 - std::strlen(one.name), ' ') << one.summary
            << '\n';
    }
    out << "\nquorated SUBCOMMAND --help says more.\n"
           "Exit status: 0 all is well, 1 something is damaged, 2 wrong usage.\n";
}

const subcommand* find(std::string_view name) {
    for (const subcommand& one : table) {
        if (name == one.name) {
            return &one;
        }
    }
    return nullptr;
}

int complain(std::string_view name) {
    std::cerr << "quorated: no subcommand '" << name << "'\nquorated: see quorated help\n";
    return exit_usage;
}

int help(std::span<const char* const> arguments) {
    if (arguments.empty() || std::string_view(arguments.front()).starts_with("-")) {
        print_usage(std::cout);
        return exit_well;
    }
    const subcommand* const asked = find(arguments.front());
    const char* const words[] = {"--help"};
    if (asked == nullptr) {
        return complain(arguments.front());
    }
    return asked->run({words, 1});
}

// Flags alone, or variables of the environment alone, run a member, as they do with etcd.
int run(std::span<const char* const> words) {
    if (words.empty()) {
        if (environment_has_flags()) {
            return serve({});
        }
        print_usage(std::cerr);
        return exit_usage;
    }
    std::string_view name = words.front();
    if (name == "--help" || name == "-h" || name == "--version") {
        name.remove_prefix(name == "-h" ? 1 : 2);
        name = name == "h" ? "help" : name;
    } else if (name.starts_with('-')) {
        return serve(words);
    }
    const subcommand* const asked = find(name);
    return asked != nullptr ? asked->run(words.subspan(1)) : complain(words.front());
}

} // namespace

int main(int count, char** words) {
    const std::span<const char* const> all(words, static_cast<std::size_t>(count));
    const int status = run(all.empty() ? all : all.subspan(1));
    // A report that could not be written is no report.
    return std::cout.flush() ? status : exit_usage;
}
