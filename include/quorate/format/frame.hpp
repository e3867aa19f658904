// The bytes between members: hello, messages, and snapshots in chunks.
// Flow:       8 and 9. message → frame → message
// In / Out:   message → header and fields in a gather_buffer, payloads shared; frame → message
// Invariants: each byte is under a checksum; payloads keep the checksum of their proposer
// Source:     doc/format.md, "Frame"
// Threads:    any
#ifndef QUORATE_FORMAT_FRAME_HPP
#define QUORATE_FORMAT_FRAME_HPP

#include <quorate/base/limits.hpp>
#include <quorate/base/result.hpp>
#include <quorate/consensus/message.hpp>
#include <quorate/format/gather_buffer.hpp>
#include <quorate/format/primitives.hpp>
#include <quorate/format/record.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <variant>
#include <vector>

namespace quorate {

inline constexpr std::size_t frame_header_bytes = 32;
inline constexpr std::uint8_t frame_magic = 0x51;
/// The version of the frame header; hello frames negotiate what stands behind it.
inline constexpr std::uint8_t frame_version = 2;
/// The versions of everything else that this library speaks, as hello frames state them: the newest
/// and the oldest.
inline constexpr std::uint16_t protocol_version = 3;
inline constexpr std::uint16_t protocol_version_oldest = 3;
static_assert(protocol_version_oldest <= protocol_version);
/// A hello of any version is no longer than this, so that a listener reads no more from a stranger.
inline constexpr std::size_t hello_frame_bytes_max = frame_header_bytes + 256;
/// A hello of this version.
inline constexpr std::size_t hello_frame_bytes = frame_header_bytes + 80;
static_assert(hello_frame_bytes <= hello_frame_bytes_max);
/// Data bytes of every chunk of a snapshot but the last.
inline constexpr std::uint32_t chunk_data_bytes = bulk_block_bytes;

/// Bytes that a frame of one entry has beside the entry's payload.
inline constexpr std::size_t frame_bytes_around_entry =
    frame_header_bytes + 72 + record_header_bytes;
static_assert(entry_bytes_limit + frame_bytes_around_entry <= frame_bytes_limit);

/// The kinds below 32 are those of messages.
inline constexpr std::uint8_t frame_kind_hello = 32;
inline constexpr std::uint8_t frame_kind_chunk = 33;
inline constexpr std::uint8_t frame_kind_progress = 34;
inline constexpr std::uint8_t frame_kind_call = 35;

/// Data bytes of a call or its answer.
inline constexpr std::uint32_t call_bytes_max = 1 << 20;
static_assert(member_table_bytes_limit < call_bytes_max);
/// What calls are about; zero is left to whatever is built on the node.
inline constexpr std::uint8_t trace_topic = 1;   ///< The path of a request.
inline constexpr std::uint8_t echo_topic = 2;    ///< Answered as it is.
inline constexpr std::uint8_t members_topic = 3; ///< The member table, for members and newcomers.
inline constexpr std::uint8_t address_topic = 4; ///< The sender's peer URLs, with commas between.
inline constexpr std::uint8_t birth_topic = 5;   ///< The sender's birth mark, 8 bytes.

/// The first bytes of each frame, once their checksum is found right.
struct frame_header {
    std::uint8_t kind = 0;
    std::uint8_t flags = 0;
    std::uint32_t body_size = 0;       ///< Bytes behind the header.
    std::uint32_t fields_checksum = 0; ///< Over the part of the body that has no checksum inside.
    group_id group;                    ///< Zero; another one is refused.

    [[nodiscard]] std::uint64_t frame_size() const noexcept {
        return frame_header_bytes + std::uint64_t{body_size};
    }
};

/// How a listener answers a hello. Values are part of the format.
enum class hello_status : std::uint8_t {
    ok = 0, ///< Also what the dialling side sends.
    wrong_cluster = 1,
    wrong_member = 2, ///< Meant for somebody else, or from nobody.
    removed = 3,      ///< The dialling member was removed from the group.
    unsupported_version = 4,
    unknown_member = 5, ///< The listener does not know the dialling member yet.
    wiped = 6,          ///< The dialling member holds nothing, and has taken part before.
    other_group = 7,    ///< Both have the same cluster id, and histories of two groups.
    unproven = 8,       ///< Nothing shows that the dialling member's log is that of this group.
    outdated = 9,       ///< The dialling member's directory counts fewer starts than were seen.
};

/// What a member states in a hello about its data, so that its peer may judge them.
struct member_past {
    birth_mark birth{};              ///< Of the sender's group.
    bool birth_applied = false;      ///< Else the mark stands in an entry that may be replaced.
    std::uint64_t starts = 0;        ///< Starts of its data directory; zero: not counted.
    std::uint64_t life = 0;          ///< A random number of this start.
    log_id last{};                   ///< Its last entry.
    std::uint32_t last_checksum = 0; ///< Of that entry's payload.
    bool holds_last = false;         ///< Else the entry is compacted, and the checksum unknown.
    bool holds_nothing = false;      ///< Its log is empty, or holds only its first snapshot.
    bool joining = false;            ///< It has not applied its own addition yet.
    /// It may have lost entries, and knows: it is recovering, or its operator accepts the loss.
    bool admits_loss = false;

    friend bool operator==(const member_past&, const member_past&) noexcept = default;
};

/// The first frame in each direction of a connection.
struct hello {
    std::uint16_t version = protocol_version; ///< The newest that the sender speaks.
    hello_status status = hello_status::ok;
    cluster_id cluster; ///< Zero: the sender does not know yet.
    node_id from;
    node_id to;
    member_past past{};
    std::uint16_t oldest = protocol_version_oldest; ///< The oldest that the sender speaks.

    friend bool operator==(const hello&, const hello&) noexcept = default;
};

/// An install_snapshot message whose data follows in chunks.
struct snapshot_start {
    message head;             ///< Without a snapshot.
    std::uint64_t number = 0; ///< Ties the chunks to it; unique within the connection.
    snapshot_head snap;
};

/// A part of a snapshot's data.
struct snapshot_chunk {
    std::uint64_t number = 0;
    std::uint64_t offset = 0;
    shared_bytes data;
};

/// What the receiver of a snapshot says of it, against the direction of all other frames: first
/// from where on it wants the data, then how much of it was taken.
struct snapshot_progress {
    std::uint64_t number = 0;
    std::uint64_t offset = 0; ///< Bytes taken; all of them: the snapshot is whole and verified.
    bool refused = false;     ///< Nothing more is wanted of it.

    friend bool operator==(const snapshot_progress&, const snapshot_progress&) noexcept = default;
};

/// What one member asks another, or answers it, outside the protocol of the log.
struct member_call {
    std::uint64_t number = 0; ///< The asker's; an answer repeats it.
    bool answers = false;
    shared_bytes data; ///< At most call_bytes_max; nothing of it is looked at here.
    /// What it is about: 0 for whatever is built on the node, others for nodes themselves.
    std::uint8_t topic = 0;
};

inline constexpr std::size_t progress_frame_bytes = frame_header_bytes + 24;

using frame_content = std::variant<hello, owned_message, snapshot_start, snapshot_chunk,
                                   snapshot_progress, member_call>;

/// Returns: bytes of the frame of a message; of an install_snapshot only those of its start.
/// Complexity: linear in the number of entries.
[[nodiscard]] std::uint64_t frame_size(const message& m) noexcept;

/// Effects: appends the frame; payloads are shared, or copied when small.
/// Requires: not install_snapshot; frame_size(m) fits 32 bits.
void encode_frame(const message& m, gather_buffer& out);

/// Effects: appends the start of a snapshot's transfer. Requires: an install_snapshot with `snap`.
void encode_snapshot_start(const message& m, std::uint64_t number, gather_buffer& out);

/// Returns: a hello as a whole frame, hello_frame_bytes long.
[[nodiscard]] shared_bytes encode_hello(const hello& h);

/// Returns: the frame, progress_frame_bytes long.
[[nodiscard]] shared_bytes encode_progress(const snapshot_progress& progress);

/// Effects: appends a chunk's frame; its data is shared.
/// Requires: `data` has at least one and at most chunk_data_bytes bytes.
void encode_chunk(std::uint64_t number, std::uint64_t offset, const rope& data, gather_buffer& out);

/// Returns: bytes of the frame of a call.
[[nodiscard]] std::uint64_t frame_size(const member_call& call) noexcept;
/// Effects: appends the frame; the data is shared, or copied when small.
/// Requires: at most call_bytes_max bytes of data.
void encode_frame(const member_call& call, gather_buffer& out);

/// Returns: whether `bytes` may be the first ones of a frame of any version, however few they are.
[[nodiscard]] bool may_be_frame(byte_view bytes) noexcept;
/// Reads a header from the front of `bytes`; what follows is not looked at.
/// Errors: truncated, corrupt, unsupported_version, too_large (a frame over `frame_bytes_max`
/// bytes; checked before anybody allocates for it).
[[nodiscard]] result<frame_header> decode_frame_header(byte_view bytes,
                                                       std::uint64_t frame_bytes_max) noexcept;

/// Reads one whole frame. Payloads and chunk data in the result are slices of `frame`.
/// Errors: truncated, corrupt, unsupported_version. Every checksum is verified, entries of an
/// append are dense after its index, those of a proposal have neither term nor index, and
/// memberships do not contradict themselves. Complexity: linear in the bytes.
[[nodiscard]] result<frame_content> decode_frame(const shared_bytes& frame);

} // namespace quorate

#if defined(QUORATE_HEADER_ONLY)
#include <quorate/format/impl/frame.ipp>
#endif

#endif
