// A report about a data directory, its contents and its faults, which changes nothing.
// Flow:       none; for operators, see doc/operations.md
// In / Out:   directory → what was found, piece by piece, to a visitor
// Invariants: opens nothing for writing and takes no lock; memory is bounded, whatever the files
// say Source:     doc/format.md Threads:    one
#ifndef QUORATE_LOG_INSPECT_HPP
#define QUORATE_LOG_INSPECT_HPP

#include <quorate/format/snapshot.hpp>
#include <quorate/log/data_directory.hpp>
#include <quorate/log/recovery.hpp>
#include <quorate/log/segment.hpp>

#include <cstdint>
#include <filesystem>
#include <string>

namespace quorate {

/// Payloads up to this size are shown to the visitor; longer ones are only checked.
inline constexpr std::size_t inspected_payload_bytes_max = 16 << 20;

/// What becomes of a segment when the log is opened.
enum class segment_use : std::uint8_t {
    newest, ///< The one that is written; its slots count.
    closed, ///< Continued by a later one.
    void_,  ///< Not read any more: before a restart, or set aside after a damage.
};

struct inspected_segment {
    std::string file;       ///< Its path.
    std::uint64_t size = 0; ///< Bytes.
    segment_use use = segment_use::closed;
    segment_header header;
    found_slots slots; ///< Those that are valid.
};

/// One frame whose checksums hold.
struct inspected_frame {
    std::uint64_t offset = 0; ///< Where it starts in the segment that was told of last.
    std::uint32_t chain = 0;
    record_header record;
    bool acknowledged = true; ///< False: behind the newest mark that vouches for anything.
    byte_view payload;        ///< Empty when it is over `inspected_payload_bytes_max`. Lifetime:
                              ///< until the visitor returns.
};

struct inspected_snapshot {
    std::string file;       ///< Its path.
    std::uint64_t size = 0; ///< Bytes, of the file.
    snapshot_header header;
};

/// Told of everything in the order in which it is found. What is not overridden is ignored.
class inspection_visitor {
public:
    virtual ~inspection_visitor() = default;

    virtual void on_identity(const std::string& /*file*/, const data_identity& /*identity*/) {}
    virtual void on_segment(const inspected_segment& /*segment*/) {}
    virtual void on_frame(const inspected_frame& /*frame*/) {}
    /// A snapshot of which every byte was checked.
    virtual void on_snapshot(const inspected_snapshot& /*snapshot*/) {}
    /// Something that an operator may want to know and that is no damage: a whole sentence.
    virtual void on_note(const std::string& /*file*/, const std::string& /*what*/) {}
    /// `damage.file` is a path.
    virtual void on_damage(const log_damage& /*damage*/) {}
};

/// The whole in numbers.
struct inspection {
    std::uint64_t segments = 0;
    std::uint64_t frames = 0;
    std::uint64_t payload_bytes = 0;
    std::uint64_t snapshots = 0; ///< Sound ones.
    std::uint64_t notes = 0;
    std::uint64_t damages = 0;
    hard_state hard;        ///< As the newest slot says it; of no meaning when that is damaged.
    log_id base;            ///< Just before the first entry of the log.
    log_id last;            ///< Its last entry.
    log_id snapshot;        ///< What the newest sound snapshot stands for.
    std::uint64_t user = 0; ///< The process that has the directory open; zero: none is known.
};

/// Reads everything below a data directory, in one pass over each file. Damage does not end it:
/// what can still be followed behind it is looked at too.
/// Errors: those of the operating system when the directory cannot be read at all.
[[nodiscard]] result<inspection> inspect_directory(const std::filesystem::path& directory,
                                                   inspection_visitor& visitor);

/// Returns: the process that holds the lock of a data directory, as the system tells it, without
/// touching the lock; zero when none does, or when it cannot be told.
[[nodiscard]] std::uint64_t user_of_directory(const std::filesystem::path& directory);

} // namespace quorate

#if defined(QUORATE_HEADER_ONLY)
#include <quorate/log/impl/inspect.ipp>
#endif

#endif
