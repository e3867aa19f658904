// A file that a server's snapshot was saved into, checked before anything is made of it.
#ifndef QUORATED_SAVED_SNAPSHOT_HPP
#define QUORATED_SAVED_SNAPSHOT_HPP

#include <quorate/base/bulk_bytes.hpp>
#include <quorate/store/auth_machine.hpp>

#include <filesystem>
#include <optional>
#include <string>

namespace quorated {

struct saved_snapshot {
    quorate::bulk_bytes state;       ///< What a machine restores; read from the file.
    quorate::auth_machine<> machine; ///< What it says.
};

/// Reads a file that holds the blobs of /v3/maintenance/snapshot, one after the other: a machine's
/// state, and its SHA-256. Units: takes about as much memory as the file is long.
/// `skip_hash_check`: the state alone will do, and a wrong sum too.
/// Returns: nothing where it cannot be used; `problem` then says why, in a sentence.
[[nodiscard]] std::optional<saved_snapshot> open_saved_snapshot(const std::filesystem::path& path,
                                                                bool skip_hash_check,
                                                                std::string& problem);

} // namespace quorated

#endif
