// Brings the chunks of a received snapshot in order to where they are kept.
// Flow:       beside 9. snapshot start, chunks → message
// In / Out:   snapshot_start, snapshot_chunk → tasks for a snapshot_intake; their outcomes → what
//             to tell the sender, and at the end the message
// Invariants: memory is bounded by the window, never by what was promised
// Threads:    none (owner's thread); a task may be carried out on any
#ifndef QUORATE_NET_SNAPSHOT_ASSEMBLY_HPP
#define QUORATE_NET_SNAPSHOT_ASSEMBLY_HPP

#include <quorate/base/result.hpp>
#include <quorate/consensus/snapshot_intake.hpp>
#include <quorate/net/snapshot_upload.hpp>

#include <cstdint>
#include <deque>
#include <optional>

namespace quorate {

/// One call of an intake, as a value.
struct intake_task {
    enum class what : std::uint8_t { begin, add, finish };
    what kind = what::begin;
    std::uint64_t transfer = 0;
    std::uint64_t ticket = 0; ///< add, finish.
    snapshot_head head;       ///< begin.
    shared_bytes block;       ///< add.
};

/// What came of it.
struct intake_outcome {
    intake_task::what kind = intake_task::what::begin;
    std::uint64_t transfer = 0;
    error_code failed;
    intake_ticket ticket;    ///< begin.
    std::uint64_t bytes = 0; ///< add.
    snapshot_ptr snap;       ///< finish.
};

/// May block, where the intake does.
[[nodiscard]] intake_outcome carry_out(snapshot_intake& intake, const intake_task& task);

/// One incoming transfer at a time; a new start replaces the one before it. The owner carries out
/// one task at a time.
class snapshot_assembly {
public:
    /// What the owner passes on.
    struct news {
        std::optional<snapshot_progress> tell; ///< The sender.
        std::optional<owned_message> deliver;  ///< The engine.
    };

    /// Units: bytes of a snapshot's data.
    explicit snapshot_assembly(std::uint64_t snapshot_bytes_max) noexcept
        : limit_(snapshot_bytes_max) {}

    /// Errors: too_large.
    [[nodiscard]] error_code start(snapshot_start begin);
    /// Errors: corrupt where the chunk is not the one that comes next, has not the size that it
    /// must have, or comes sooner than the sender may send it.
    [[nodiscard]] error_code add(snapshot_chunk chunk);

    /// Returns: what to carry out now; none while a task is under way or there is nothing to do.
    [[nodiscard]] std::optional<intake_task> next();
    [[nodiscard]] news on_done(const intake_outcome& done);

    /// Returns: bytes that wait for the intake.
    [[nodiscard]] std::uint64_t held_bytes() const noexcept { return held_; }

private:
    enum class state : std::uint8_t { idle, begins, receives, finishes };

    [[nodiscard]] news refuse();

    std::optional<snapshot_start> start_;
    state state_ = state::idle;
    bool busy_ = false;
    std::uint64_t ticket_ = 0;
    std::uint64_t taken_ = 0;    ///< Bytes that the intake has.
    std::uint64_t expected_ = 0; ///< Offset of the next chunk.
    std::deque<shared_bytes> waiting_;
    std::uint64_t held_ = 0;
    std::optional<std::uint64_t> refused_; ///< A transfer of which chunks may still come.
    std::uint64_t limit_;
};

} // namespace quorate

#if defined(QUORATE_HEADER_ONLY)
#include <quorate/net/impl/snapshot_assembly.ipp>
#endif

#endif
