#include "options.hpp"

#include <boost/program_options.hpp>

#include <exception>
#include <iostream>
#include <stdexcept>
#include <string>
#include <vector>

#include "command_table.hpp"

namespace quorated {
namespace {

namespace po = boost::program_options;

// Program_options takes "-1" for a number without a sign; this does not.
std::uint64_t number(const po::variables_map& given, const char* name, std::uint64_t otherwise) {
    if (given.count(name) == 0) {
        return otherwise;
    }
    const std::string text = given[name].as<std::string>();
    if (text.empty() || text.size() > 19 ||
        text.find_first_not_of("0123456789") != std::string::npos) {
        throw std::invalid_argument("--" + std::string(name) + ": '" + text +
                                    "' is not a number from 0 to 9999999999999999999");
    }
    return std::stoull(text);
}

} // namespace

inspect_options parse_inspect(const char* name, const char* about, bool dumps,
                              std::span<const char* const> arguments, std::optional<int>& ended) {
    inspect_options out;
    po::options_description all("Options");
    auto add = all.add_options();
    add("help,h", "print this and exit");
    add("data-dir", po::value(&out.directory)->value_name("DIR"), "the data directory; required");
    add("json", po::bool_switch(&out.json), "one JSON object a line instead of text");
    if (dumps) {
        const auto text = [] { return po::value<std::string>()->value_name("N"); };
        add("limit", text(), "show at most so many entries");
        add("from", text(), "show entries from this index on");
        add("to", text(), "show entries up to this index");
        add("values", po::bool_switch(&out.values), "show values too, not only their sizes");
    }
    try {
        po::variables_map given;
        const int style =
            po::command_line_style::unix_style ^ po::command_line_style::allow_guessing;
        const std::vector<std::string> words(arguments.begin(), arguments.end());
        po::store(po::command_line_parser(words).options(all).positional({}).style(style).run(),
                  given);
        po::notify(given);
        if (given.count("help") != 0) {
            std::cout << "Usage: quorated " << name << " --data-dir DIR [options]\n\n"
                      << about << '\n'
                      << all;
            ended = exit_well;
            return out;
        }
        if (out.directory.empty()) {
            throw std::invalid_argument("--data-dir is required");
        }
        out.limit = number(given, "limit", UINT64_MAX);
        out.from = number(given, "from", 0);
        out.to = number(given, "to", UINT64_MAX);
    } catch (const std::exception& wrong) {
        std::cerr << "quorated: " << wrong.what() << "\nquorated: see quorated " << name
                  << " --help\n";
        ended = exit_usage;
    }
    return out;
}

} // namespace quorated
