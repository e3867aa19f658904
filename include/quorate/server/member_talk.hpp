// The peer RPCs beside the log: questions that another member's clock or state answers.
// Flow:       beside 3 to 13. a question → bytes → an answer
// In / Out:   lease lives and hashes of the state → bytes of basic_node::call → the same
// Invariants: any bytes may come; what is no answer reads as none
// Source:     etcd asks its leader for leases, and its peers for hashes, over HTTP
// Threads:    none
#ifndef QUORATE_SERVER_MEMBER_TALK_HPP
#define QUORATE_SERVER_MEMBER_TALK_HPP

#include <quorate/base/bytes.hpp>
#include <quorate/base/result.hpp>
#include <quorate/command/lease_request.hpp>
#include <quorate/format/primitives.hpp>
#include <quorate/store/mvcc_store.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace quorate {

/// What is left of a lease, as its leader's clock has it.
struct lease_life_reply {
    lease_id id{};
    std::int64_t ttl = -1;     ///< Units: seconds. Less than zero: there is no such lease.
    std::uint64_t granted = 0; ///< Units: seconds.
    std::vector<shared_bytes> keys{};
};

namespace detail {

/// Values are part of what members of one version tell each other.
enum class call_kind : std::uint8_t {
    keep_alive = 1,
    time_to_live = 2,
    store_hash = 3,
    promote = 4, ///< A learner; the number is its id, and answered as that of a lease would be.
};

/// How often leases, compaction and progress are looked at. Short against the second that leases
/// are counted in.
inline constexpr std::chrono::milliseconds service_tick{250};
/// How long a member waits for the leader's word on a lease.
inline constexpr std::chrono::milliseconds leader_word_limit{5000};

/// What a member answers another one that asked about a lease.
[[nodiscard]] inline shared_bytes encode_life(error_code failed, const lease_life_reply& life) {
    std::string bytes;
    byte_writer out(bytes);
    out.u32(static_cast<std::uint32_t>(failed.value()));
    out.u64(life.id.value()).u64(static_cast<std::uint64_t>(life.ttl)).u64(life.granted);
    return shared_bytes::copy_of(bytes);
}
/// Returns: the answer, or what it says went wrong; message_invalid for bytes that are none.
[[nodiscard]] inline result<lease_life_reply> decode_life(byte_view bytes) {
    byte_reader in(bytes);
    const std::uint32_t failed = in.u32();
    lease_life_reply life;
    life.id = lease_id(in.u64());
    life.ttl = static_cast<std::int64_t>(in.u64());
    life.granted = in.u64();
    if (!in.finished() || (failed != 0 && !is_errc(failed))) {
        return errc::message_invalid;
    }
    return failed == 0 ? result<lease_life_reply>(std::move(life))
                       : make_error_code(static_cast<errc>(failed));
}

[[nodiscard]] inline shared_bytes encode_hash(const store_hash& hash) {
    std::string bytes;
    byte_writer(bytes).u64(hash.revision).u64(hash.compact_revision).u32(hash.hash);
    return shared_bytes::copy_of(bytes);
}
/// Returns: nothing for bytes that are no hash, as from a member that has not got so far.
[[nodiscard]] inline std::optional<store_hash> decode_hash(byte_view bytes) {
    byte_reader in(bytes);
    store_hash read;
    read.revision = in.u64();
    read.compact_revision = in.u64();
    read.hash = in.u32();
    return in.finished() ? std::optional(read) : std::nullopt;
}

} // namespace detail
} // namespace quorate

#endif
