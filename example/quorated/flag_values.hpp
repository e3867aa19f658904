// What the command line, the environment or a file says of each flag, as text.
#ifndef QUORATED_FLAG_VALUES_HPP
#define QUORATED_FLAG_VALUES_HPP

#include <map>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace quorated {

/// The operator's mistake, in one line that names the flag.
struct usage_error : std::invalid_argument {
    using std::invalid_argument::invalid_argument;
};

struct flag_values {
    /// By the name of the table, whichever was written.
    std::map<std::string, std::string, std::less<>> given;
    std::vector<std::string> warnings;
    bool help = false;
    bool version = false;
};

/// Takes `-flag value`, `--flag value` and either with `=`, as Go's programs do; of a flag that is
/// there twice the last counts. Errors: usage_error.
[[nodiscard]] flag_values read_words(std::span<const char* const> words);

/// Effects: adds what `NAME=value` lines say of flags that have no value yet. QUORATE_NAME goes
/// before ETCD_NAME; empty ones count as absent.
void add_environment(std::span<const std::string> environment, flag_values& values);

/// Returns: what the variable of a flag is called behind its prefix: DATA_DIR for data-dir.
[[nodiscard]] std::string variable_of(std::string_view flag);

} // namespace quorated

#endif
