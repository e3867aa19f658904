#include "flag_values.hpp"

#include <cstddef>

#include "flag_table.hpp"

namespace quorated {
namespace {

/// Returns: the flag's name without its dashes. Errors: usage_error for what is no flag.
std::string_view without_dashes(std::string_view word) {
    const std::size_t dashes = word.starts_with("--") ? 2 : word.starts_with("-") ? 1 : 0;
    const std::string_view name = word.substr(dashes);
    if (dashes == 0 || name.empty() || name.front() == '-' || name.front() == '=') {
        throw usage_error("'" + std::string(word) + "' is not a valid flag");
    }
    return name;
}

/// Returns: whether the variable has a value, which is then in `value`.
bool in_environment(std::span<const std::string> environment, const std::string& variable,
                    std::string& value) {
    for (const std::string& line : environment) {
        if (line.size() > variable.size() + 1 && line.starts_with(variable) &&
            line[variable.size()] == '=') {
            value = line.substr(variable.size() + 1);
            return true;
        }
    }
    return false;
}

void warn_of_unknown(std::span<const std::string> environment, flag_values& values) {
    for (const std::string& line : environment) {
        const std::string name = line.substr(0, line.find('='));
        for (const std::string_view prefix : {"QUORATE_", "ETCD_"}) {
            if (!name.starts_with(prefix)) {
                continue;
            }
            std::string flag = name.substr(prefix.size());
            for (char& c : flag) {
                c = c == '_' ? '-' : c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
            }
            if (find_flag(flag) == nullptr) {
                values.warnings.push_back("the environment variable " + name +
                                          " belongs to no flag");
            }
        }
    }
}

} // namespace

flag_values read_words(std::span<const char* const> words) {
    flag_values out;
    for (std::size_t at = 0; at < words.size(); ++at) {
        const std::string_view word = words[at];
        const std::string_view bare = without_dashes(word);
        const std::size_t equals = bare.find('=');
        const std::string name(bare.substr(0, equals));
        if (name == "help" || name == "h") {
            out.help = true;
            continue;
        }
        if (name == "version") {
            out.version = true;
            continue;
        }
        const flag_rule* const rule = find_flag(name);
        if (rule == nullptr) {
            throw usage_error("--" + name + ": there is no such flag");
        }
        std::string& value = out.given[rule->name];
        if (equals != std::string_view::npos) {
            value = bare.substr(equals + 1);
        } else if (rule->kind == flag_kind::boolean) {
            value = "true";
        } else if (at + 1 < words.size()) {
            value = words[++at];
        } else {
            throw usage_error("--" + name + ": needs a value");
        }
    }
    return out;
}

std::string variable_of(std::string_view flag) {
    std::string out(flag);
    for (char& c : out) {
        c = c == '-' ? '_' : c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    }
    return out;
}

void add_environment(std::span<const std::string> environment, flag_values& values) {
    for (const flag_rule& rule : all_flags()) {
        const std::string variable = variable_of(rule.name);
        std::string value;
        if (in_environment(environment, "QUORATE_" + variable, value) ||
            in_environment(environment, "ETCD_" + variable, value)) {
            values.given.try_emplace(rule.name, value);
        }
    }
    warn_of_unknown(environment, values);
}

} // namespace quorated
