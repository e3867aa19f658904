// What `quorated snapshot` is told: which of its two commands, and with what.
#ifndef QUORATED_SNAPSHOT_OPTIONS_HPP
#define QUORATED_SNAPSHOT_OPTIONS_HPP

#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "serve_options.hpp"

namespace quorated {

enum class output_kind { simple, table, json };

struct snapshot_options {
    bool restore = false; ///< Else status.
    std::string file;
    bool skip_hash_check = false;
    std::uint64_t bump_revision = 0;          ///< How much greater the restored revision is.
    bool mark_compacted = false;              ///< Whether that revision is compacted.
    output_kind output = output_kind::simple; ///< Of status.
    serve_options member;                     ///< Of restore: who starts on what is restored.
};

/// Effects: prints help where it was asked for, or what is wrong.
/// Returns: the options; an exit status in `ended` when there is nothing left to do.
[[nodiscard]] snapshot_options parse_snapshot(std::span<const char* const> arguments,
                                              std::optional<int>& ended);

} // namespace quorated

#endif
