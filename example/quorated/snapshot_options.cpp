#include "snapshot_options.hpp"

#include <boost/program_options.hpp>

#include <charconv>
#include <exception>
#include <iostream>
#include <vector>

#include "command_table.hpp"
#include "flag_values.hpp"

namespace quorated {
namespace {

namespace po = boost::program_options;

constexpr const char* restore_about =
    "Makes the data directory of one member of a new cluster from a snapshot of an old one. Run "
    "it\n"
    "with the same FILE once for each member, with the flags that the member is then started "
    "with.\n"
    "Keys keep their revisions, and --bump-revision with --mark-compacted ends the watches of "
    "clients\nthat knew later ones; leases, users and roles are kept, the old members are "
    "forgotten.\n\n"
    "Exit status: 0 done, 1 the file cannot be used or the directory not be written, 2 wrong "
    "usage.\n";
constexpr const char* status_about =
    "Checks a snapshot and prints its hash (of the keys, as /v3/maintenance/hashkv), revision, "
    "total\n"
    "keys (each at every revision that is kept) and total size.\n\n"
    "Exit status: 0 sound, 1 the file cannot be used, 2 wrong usage.\n";
constexpr const char* about =
    "Usage: quorated snapshot status FILE [-w simple|table|json]\n"
    "       quorated snapshot restore FILE [options]\n\n"
    "FILE holds the blobs that /v3/maintenance/snapshot answers with, decoded.\n"
    "quorated snapshot COMMAND --help says more.\n";

/// Flags of a member, which mean what they mean to `serve`.
constexpr const char* member_flags[][2] = {
    {"name", "this member's name (default)"},
    {"data-dir", "the directory to make (NAME.quorate)"},
    {"wal-dir", "where the log lives, if not in --data-dir"},
    {"initial-cluster", "all first members: NAME=URL,..."},
    {"initial-cluster-token", "what sets the new cluster apart (etcd-cluster)"},
    {"initial-advertise-peer-urls", "where other members reach this one"},
    {"backend", "what the member will hold values in: memory or lmdb"},
};

po::options_description described(bool restore) {
    po::options_description all("Options");
    auto add = all.add_options();
    add("help,h", "print this and exit");
    add("skip-hash-check", "take a file without a hash, or with a wrong one");
    if (!restore) {
        add("write-out,w", po::value<std::string>()->value_name("KIND")->default_value("simple"),
            "simple, table or json");
        return all;
    }
    add("bump-revision", po::value<std::string>()->value_name("N"),
        "how much greater the restored revision is; with --mark-compacted");
    add("mark-compacted", "compact the restored revision, so that watches of the old cluster end");
    for (const auto& flag : member_flags) {
        add(flag[0], po::value<std::string>()->value_name("TEXT"), flag[1]);
    }
    return all;
}

output_kind output_of(const std::string& text) {
    if (text == "table" || text == "json") {
        return text == "json" ? output_kind::json : output_kind::table;
    }
    if (text != "simple") {
        throw usage_error("--write-out: '" + text + "' is none of simple, table, json");
    }
    return output_kind::simple;
}

/// As in etcd's tool: a revision that is bumped must be compacted, for nothing was written between;
/// and one that is not bumped must not be, for it would end no watch that it should.
/// Errors: usage_error.
void take_bump(const po::variables_map& given, snapshot_options& out) {
    out.mark_compacted = given.count("mark-compacted") != 0;
    if (given.count("bump-revision") != 0) {
        const std::string& text = given["bump-revision"].as<std::string>();
        const char* const end = text.data() + text.size();
        const auto read = std::from_chars(text.data(), end, out.bump_revision);
        if (read.ec != std::errc() || read.ptr != end) {
            throw usage_error("--bump-revision: '" + text + "' is not a number of revisions");
        }
    }
    if (out.mark_compacted != (out.bump_revision > 0)) {
        throw usage_error(
            "--mark-compacted is required with --bump-revision above zero, and not "
            "allowed without it");
    }
}

/// Errors: usage_error, as for `serve`.
serve_options member_of(const po::variables_map& given) {
    flag_values values;
    for (const auto& flag : member_flags) {
        if (given.count(flag[0]) != 0) {
            values.given[flag[0]] = given[flag[0]].as<std::string>();
        }
    }
    serve_options member = make_serve_options(values, parts_of_this_program());
    if (!member.bootstrap_problem.empty()) {
        throw usage_error(member.bootstrap_problem);
    }
    return member;
}

po::variables_map read(const std::vector<std::string>& words, const po::options_description& all) {
    po::options_description known;
    known.add(all).add_options()("file", po::value<std::vector<std::string>>());
    po::positional_options_description places;
    places.add("file", -1);
    const int style = po::command_line_style::unix_style ^ po::command_line_style::allow_guessing;
    po::variables_map given;
    po::store(po::command_line_parser(words).options(known).positional(places).style(style).run(),
              given);
    return given;
}

void take(const std::vector<std::string>& words, snapshot_options& out, std::optional<int>& ended) {
    const po::options_description all = described(out.restore);
    const po::variables_map given = read(words, all);
    if (given.count("help") != 0) {
        std::cout << "Usage: quorated snapshot " << (out.restore ? "restore" : "status")
                  << " FILE [options]\n\n"
                  << (out.restore ? restore_about : status_about) << '\n'
                  << all;
        ended = exit_well;
        return;
    }
    const auto files = given.count("file") != 0 ? given["file"].as<std::vector<std::string>>()
                                                : std::vector<std::string>();
    if (files.size() != 1) {
        throw usage_error("one file is wanted, not " + std::to_string(files.size()));
    }
    out.file = files.front();
    out.skip_hash_check = given.count("skip-hash-check") != 0;
    if (out.restore) {
        take_bump(given, out);
        out.member = member_of(given);
    } else {
        out.output = output_of(given["write-out"].as<std::string>());
    }
}

} // namespace

snapshot_options parse_snapshot(std::span<const char* const> arguments, std::optional<int>& ended) {
    snapshot_options out;
    std::vector<std::string> words(arguments.begin(), arguments.end());
    const std::string command = words.empty() ? "" : words.front();
    if (command == "--help" || command == "-h") {
        std::cout << about;
        ended = exit_well;
        return out;
    }
    try {
        out.restore = command == "restore";
        if (!out.restore && command != "status") {
            throw usage_error("snapshot: '" + command + "' is neither restore nor status");
        }
        words.erase(words.begin());
        take(words, out, ended);
    } catch (const std::exception& wrong) {
        std::cerr << "quorated: " << wrong.what() << "\nquorated: see quorated snapshot --help\n";
        ended = exit_usage;
    }
    return out;
}

} // namespace quorated
