// The storage side of the segmented log: turns batches into group commits, one segment at a time.
// Flow:       7. entries → frames → durable
// Invariants: bytes once written are never written over, slots excepted; two slots are never
//             unsynced at once; after the first failure nothing is written any more
// Threads:    one at a time; the sync job hands it from the owner's thread to the storage thread
#ifndef QUORATE_LOG_SEGMENT_WRITER_HPP
#define QUORATE_LOG_SEGMENT_WRITER_HPP

#include <quorate/log/log_batch.hpp>
#include <quorate/log/log_reader.hpp>
#include <quorate/log/log_store.hpp>
#include <quorate/log/segment.hpp>
#include <quorate/log/volume.hpp>

#include <boost/system/errc.hpp>

#include <array>
#include <cstdint>
#include <new>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace quorate {

template <volume V>
class segment_writer {
public:
    segment_writer(V disk, const log_options& options)
        : disk_(std::move(disk)), options_(options) {}

    /// Effects: goes on where `found` ends, in a segment that holds what no watermark covers yet;
    /// removes litter. What `found` holds is durable afterwards.
    [[nodiscard]] error_code open(found_log& found, const hard_state& hard);

    /// Effects: makes the batch durable. Errors: of the files, the first time; then poisoned.
    [[nodiscard]] error_code execute(const log_batch& batch);

    [[nodiscard]] V& disk() noexcept { return disk_; }
    /// Returns: which step of which file failed and why; empty while nothing has.
    [[nodiscard]] const std::string& failure() const noexcept { return failure_; }

private:
    using file_type = typename V::file_type;

    [[nodiscard]] error_code perform(const log_batch& batch);
    [[nodiscard]] error_code restart(log_id id, std::span<const entry> entries);
    [[nodiscard]] error_code rotate(std::span<const entry> entries);
    [[nodiscard]] error_code write_group(std::span<const entry> entries);
    [[nodiscard]] error_code begin_segment(const segment_header& header,
                                           std::span<const entry> entries);
    [[nodiscard]] error_code close_segment(file_type& file, const segment_header& header,
                                           std::uint32_t checksum, const log_position& end);
    [[nodiscard]] error_code drop_before(log_index upto);
    [[nodiscard]] error_code remove_all(const std::vector<std::string>& names);

    [[nodiscard]] log_position gather(std::span<const entry> entries, std::uint64_t sequence,
                                      log_position at);
    [[nodiscard]] std::array<char, segment_slot_bytes> make_slot(std::uint32_t checksum,
                                                                 const log_position& acknowledged,
                                                                 bool closed) const noexcept;
    [[nodiscard]] segment_header next_header() const noexcept;
    error_code fail(const char* step, const std::string& name, error_code code);

    V disk_;
    const log_options options_;
    std::optional<file_type> file_;
    std::vector<segment_header> segments_; // oldest first; the last one is being written
    std::string name_;                     // of the last one
    std::uint32_t checksum_ = 0;           // of its header
    log_position end_;                     // of what is durable in it
    std::uint64_t generation_ = 0;         // of the newest slot
    hard_state hard_;
    bool poisoned_ = false;
    std::string failure_;
    std::string prefixes_;          // scratch, kept for its capacity
    std::vector<byte_view> pieces_; // the same
};

} // namespace quorate

#include <quorate/log/impl/segment_writer.hpp>

#endif
