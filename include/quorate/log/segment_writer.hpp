// The storage side of the segmented log: turns batches into group commits, one segment at a time.
// Flow:       7. entries → frames → durable
// Invariants: bytes that a slot names are never written over, slots excepted; two slots are never
//             unsynced at once; after the first failure nothing is written any more, but for a slot
//             that takes back what the failed group claimed
// Threads:    one at a time; the sync job hands it from the owner's thread to the storage thread
#ifndef QUORATE_LOG_SEGMENT_WRITER_HPP
#define QUORATE_LOG_SEGMENT_WRITER_HPP

#include <quorate/log/log_batch.hpp>
#include <quorate/log/log_reader.hpp>
#include <quorate/log/log_store.hpp>
#include <quorate/log/segment.hpp>
#include <quorate/log/volume.hpp>

#include <boost/system/errc.hpp>

#include <algorithm>
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
        : disk_(std::move(disk)), options_(options), boot_(disk_.boot()) {}

    /// Effects: goes on where `found` ends, in a segment that holds what no watermark covers yet;
    /// sets broken files aside and removes litter. What `found` holds is durable afterwards.
    /// Interrupted at any point, it leaves what leads to the same outcome.
    [[nodiscard]] error_code open(found_log& found, const hard_state& hard);

    /// Effects: makes the batch durable. Errors: no_space, when nothing of it counts and it may be
    /// tried again; of the files, the first time; then poisoned.
    [[nodiscard]] error_code execute(const log_batch& batch);

    [[nodiscard]] V& disk() noexcept { return disk_; }
    /// Returns: which step of which file failed and why; empty while nothing has.
    [[nodiscard]] const std::string& failure() const noexcept { return failure_; }
    /// Returns: whether the newest slot vouches for all that is durable, after a loss of power too.
    [[nodiscard]] bool vouched() const noexcept { return vouched_; }
    /// Returns: what the operator should know of the last segment that was begun; empty: nothing.
    /// Call once.
    [[nodiscard]] std::string take_note() noexcept { return std::exchange(note_, {}); }

private:
    using file_type = typename V::file_type;
    using slot_bytes = std::array<char, slot_copies * segment_slot_bytes>;

    /// The file that a segment is written to.
    struct open_segment {
        std::optional<file_type> file;
        std::string name;
        std::uint32_t checksum = 0;   // of its header
        log_position end;             // of what is durable in it
        std::uint64_t generation = 0; // of the newest slot
        std::uint64_t reserved = 0;   // bytes that have their place on the disk
    };

    [[nodiscard]] error_code perform(const log_batch& batch);
    [[nodiscard]] error_code restart(log_id id, std::span<const entry> entries,
                                     const hard_state& hard);
    [[nodiscard]] error_code rotate(std::span<const entry> entries, const hard_state& hard);
    [[nodiscard]] error_code write_group(std::span<const entry> entries, const hard_state& hard);
    [[nodiscard]] error_code begin_segment(const segment_header& header,
                                           std::span<const entry> entries, const hard_state& hard);
    [[nodiscard]] error_code fill_segment(open_segment& begun, const segment_header& header,
                                          std::span<const entry> entries, const hard_state& hard);
    [[nodiscard]] error_code reserve(open_segment& begun);
    [[nodiscard]] std::uint64_t bytes_max(const open_segment& segment) const noexcept;
    [[nodiscard]] error_code check_spare(std::uint64_t end);
    [[nodiscard]] error_code close_segment(open_segment& old);
    [[nodiscard]] error_code go_on(found_log& found, const hard_state& hard);
    [[nodiscard]] error_code give_back_reserve(const found_log& found);
    [[nodiscard]] error_code replace_segment(const found_log& found, const hard_state& hard);
    [[nodiscard]] error_code continue_segment(const found_log& found, const hard_state& hard);
    void withdraw(const segment_slot& slot) noexcept;
    [[nodiscard]] error_code drop_before(log_index upto);
    [[nodiscard]] error_code remove_all(const std::vector<std::string>& names);
    [[nodiscard]] error_code set_aside(const std::vector<std::string>& names);

    [[nodiscard]] log_position gather(std::span<const entry> entries, std::uint64_t sequence,
                                      log_position at);
    [[nodiscard]] static slot_bytes encode(const segment_slot& slot,
                                           std::uint32_t checksum) noexcept;
    [[nodiscard]] segment_header next_header() const noexcept;
    error_code fail(const char* step, const std::string& name, error_code code);
    /// The same for a step that changed nothing: a lack of space is then no failure.
    error_code fail_unless_full(const char* step, const std::string& name, error_code code) {
        const error_code failed = fail(step, name, code);
        return is_out_of_space(failed) ? errc::no_space : failed;
    }

    V disk_;
    const log_options options_;
    const std::uint64_t boot_;
    std::vector<segment_header> segments_; // oldest first; the last one is being written
    open_segment current_;
    hard_state hard_;
    bool vouched_ = false;
    bool poisoned_ = false;
    std::string failure_;
    std::string note_;
    std::string bytes_;             // scratch, kept for its capacity
    std::vector<byte_view> pieces_; // the same
};

} // namespace quorate

#include <quorate/log/impl/segment_writer.hpp>

#endif
