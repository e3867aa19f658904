// Declares the types that users name in their own headers, without their definitions.
// Flow:    none
#ifndef QUORATE_FWD_HPP
#define QUORATE_FWD_HPP

namespace quorate {

// base/
class draft;
class shared_bytes;
enum class errc;
enum class condition;

// consensus/
class owned_message;
class raft;
struct effects;
struct engine_state;
struct entry;
struct hard_state;
struct membership;
struct membership_change;
struct message;
struct raft_options;
struct snapshot;

// log/, net/
class transport_sink;
struct log_options;
struct snapshot_options;
struct transport_options;

} // namespace quorate

#endif
