// Every body of the library, for the one source file of a program compiled separately.
// Flow:    none
// Source:  written by tools/make_src.py; run it after adding or removing an .ipp file
#ifndef QUORATE_SRC_HPP
#define QUORATE_SRC_HPP

#if !defined(QUORATE_SEPARATE_COMPILATION)
#error "define QUORATE_SEPARATE_COMPILATION for the whole program before you include this header"
#endif

#include <quorate/base/impl/bulk_bytes.ipp>
#include <quorate/base/impl/checksum.ipp>
#include <quorate/base/impl/error.ipp>
#include <quorate/command/impl/auth_request.ipp>
#include <quorate/command/impl/validate.ipp>
#include <quorate/consensus/impl/invariants.ipp>
#include <quorate/consensus/impl/membership_change.ipp>
#include <quorate/consensus/impl/raft.ipp>
#include <quorate/consensus/impl/raft_candidate.ipp>
#include <quorate/consensus/impl/raft_follower.ipp>
#include <quorate/consensus/impl/raft_leader.ipp>
#include <quorate/consensus/impl/raft_log.ipp>
#include <quorate/consensus/impl/raft_membership.ipp>
#include <quorate/consensus/impl/raft_reads.ipp>
#include <quorate/format/impl/auth_command.ipp>
#include <quorate/format/impl/auth_contents.ipp>
#include <quorate/format/impl/command.ipp>
#include <quorate/format/impl/frame.ipp>
#include <quorate/format/impl/gather_buffer.ipp>
#include <quorate/format/impl/machine_state.ipp>
#include <quorate/format/impl/record.ipp>
#include <quorate/format/impl/snapshot.ipp>
#include <quorate/format/impl/state.ipp>
#include <quorate/http/impl/connection.ipp>
#include <quorate/http/impl/error_page.ipp>
#include <quorate/http/impl/head_scanner.ipp>
#include <quorate/http/impl/head_writer.ipp>
#include <quorate/http/impl/listener.ipp>
#include <quorate/http/impl/outbox.ipp>
#include <quorate/http/impl/request.ipp>
#include <quorate/http/impl/request_parser.ipp>
#include <quorate/http/impl/server.ipp>
#include <quorate/http/impl/server_options.ipp>
#include <quorate/lmdb/impl/environment.ipp>
#include <quorate/lmdb/impl/jobs.ipp>
#include <quorate/lmdb/impl/lmdb_backend.ipp>
#include <quorate/lmdb/impl/row_record.ipp>
#include <quorate/lmdb/impl/state_source.ipp>
#include <quorate/log/impl/data_directory.ipp>
#include <quorate/log/impl/inspect.ipp>
#include <quorate/log/impl/inspect_frames.ipp>
#include <quorate/log/impl/inspect_log.ipp>
#include <quorate/log/impl/posix_file.ipp>
#include <quorate/log/impl/posix_volume.ipp>
#include <quorate/log/impl/recovery.ipp>
#include <quorate/log/impl/segment.ipp>
#include <quorate/net/impl/framer.ipp>
#include <quorate/net/impl/loopback_transport.ipp>
#include <quorate/net/impl/outbox.ipp>
#include <quorate/net/impl/peer_address.ipp>
#include <quorate/net/impl/snapshot_assembly.ipp>
#include <quorate/net/impl/tcp_dialler.ipp>
#include <quorate/net/impl/tcp_hub.ipp>
#include <quorate/net/impl/tcp_inlet.ipp>
#include <quorate/net/impl/tcp_listener.ipp>
#include <quorate/net/impl/tcp_transport.ipp>
#include <quorate/server/impl/auth_tokens.ipp>
#include <quorate/server/impl/lessor.ipp>
#include <quorate/store/impl/auth_access.ipp>
#include <quorate/store/impl/auth_store.ipp>
#include <quorate/store/impl/key_cover.ipp>
#include <quorate/store/impl/watch_queue.ipp>
#include <quorate/testing/impl/simulated_crash.ipp>
#include <quorate/testing/impl/simulated_disk.ipp>
#include <quorate/testing/impl/simulated_volume.ipp>
#include <quorate/testing/impl/tear.ipp>

#endif
