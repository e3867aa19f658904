#include "config_file.hpp"

#if defined(QUORATED_WITH_YAML)
#include <yaml-cpp/yaml.h>

#include <cstddef>
#include <exception>
#include <fstream>
#include <ios>
#include <string_view>
#endif

#include "flag_table.hpp"

namespace quorated {

#if defined(QUORATED_WITH_YAML)
namespace {

constexpr std::size_t file_bytes_max = 1 << 20;

std::string contents_of(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    std::string text(file_bytes_max + 1, '\0');
    file.read(text.data(), static_cast<std::streamsize>(text.size()));
    if (!file.is_open() || file.bad()) {
        throw usage_error("--config-file: cannot read '" + path + "'");
    }
    text.resize(static_cast<std::size_t>(file.gcount()));
    if (text.size() > file_bytes_max) {
        throw usage_error("--config-file: '" + path + "' is larger than 1 MiB");
    }
    return text;
}

[[noreturn]] void complain(const std::string& name, const char* what) {
    throw usage_error("--config-file: " + name + ": " + what);
}

std::string joined(const std::string& name, const YAML::Node& list) {
    std::string out;
    for (const YAML::Node& one : list) {
        if (!one.IsScalar()) {
            complain(name, "a list of anything but plain values");
        }
        out.append(out.empty() ? "" : ",").append(one.Scalar());
    }
    return out;
}

/// A whole number of nanoseconds where others write "10ms".
bool is_count(std::string_view text) {
    return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

void take(const flag_rule& rule, const std::string& name, const YAML::Node& node,
          flag_values& out) {
    if (node.IsMap()) {
        complain(name, "a plain value is needed");
    }
    std::string value = node.IsSequence() ? joined(name, node) : node.Scalar();
    if (rule.kind == flag_kind::boolean) {
        bool truth = false;
        if (!YAML::convert<bool>::decode(node, truth)) {
            complain(name, "true or false is needed");
        }
        value = truth ? "true" : "false";
    } else if (rule.kind == flag_kind::duration && is_count(value)) {
        value += "ns";
    }
    out.given[rule.name] = value;
}

/// `prefix`: what a security group's names have in front as flags.
void take_all(const YAML::Node& map, const std::string& prefix, flag_values& out) {
    for (const auto& line : map) {
        if (!line.first.IsScalar()) {
            throw usage_error("--config-file: a name that is no plain value");
        }
        const std::string name = line.first.Scalar();
        const bool client = name == "client-transport-security";
        if (client || name == "peer-transport-security") {
            if (line.second.IsMap() && prefix.empty()) {
                take_all(line.second, client ? "client" : "peer", out);
            }
            continue;
        }
        // Those of clients carry no prefix as flags, but for some that do.
        const flag_rule* rule = find_flag(prefix == "peer" ? "peer-" + name : name);
        if (rule == nullptr && prefix == "client") {
            rule = find_flag("client-" + name);
        }
        if (rule == nullptr) {
            out.warnings.push_back("--config-file: " + name + " is no flag's name");
        } else if (!line.second.IsNull()) {
            take(*rule, name, line.second, out);
        }
    }
}

} // namespace

bool reads_config_files() noexcept {
    return true;
}

flag_values read_config_file(const std::string& path) {
    const std::string text = contents_of(path);
    flag_values out;
    try {
        const YAML::Node root = YAML::Load(text);
        if (!root.IsMap() && !root.IsNull()) {
            throw usage_error("--config-file: '" + path + "' is no map from names to values");
        }
        take_all(root, "", out);
    } catch (const YAML::Exception& wrong) {
        throw usage_error("--config-file: '" + path + "': " + wrong.what());
    }
    return out;
}

#else

bool reads_config_files() noexcept {
    return false;
}

flag_values read_config_file(const std::string& path) {
    throw usage_error("--config-file: cannot read '" + path +
                      "': this program was built without yaml-cpp, which that needs");
}

#endif

} // namespace quorated
