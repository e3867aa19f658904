// Reads a YAML file with the names of the flags, as etcd's --config-file.
#ifndef QUORATED_CONFIG_FILE_HPP
#define QUORATED_CONFIG_FILE_HPP

#include <string>

#include "flag_values.hpp"

namespace quorated {

/// Returns: whether the program was built with a YAML parser.
[[nodiscard]] bool reads_config_files() noexcept;

/// The two groups `client-transport-security` and `peer-transport-security` hold flags without
/// their common part. A list stands for values separated by commas, an absent value for the
/// default. Unknown names get a warning.
/// Errors: usage_error, also when the program was built without a YAML parser.
[[nodiscard]] flag_values read_config_file(const std::string& path);

} // namespace quorated

#endif
