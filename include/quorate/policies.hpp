// The bundle of choices that a node is assembled from.
// Flow:    none
// Source:  one struct with defaults, as openraft's type configuration
#ifndef QUORATE_POLICIES_HPP
#define QUORATE_POLICIES_HPP

#include <quorate/consensus/raft.hpp>
#include <quorate/log/file_snapshots.hpp>
#include <quorate/log/segmented_log.hpp>
#include <quorate/net/tcp_transport.hpp>
#include <quorate/net/transport.hpp>
#include <quorate/runtime/asio_runtime.hpp>
#include <quorate/runtime/runtime.hpp>
#include <quorate/store/kv_machine.hpp>
#include <quorate/store/state_machine.hpp>

namespace quorate {

/// Derive from this and replace what you want otherwise:
///
///     struct my_policies : quorate::default_policies {
///         using log = quorate::memory_log;
///     };
///     quorate::basic_node<my_policies> node(...);
struct default_policies {
    using consensus = raft;             ///< consensus_engine: raft, or solo for one node alone.
    using log = segmented_log<>;        ///< log_store: segmented_log, or memory_log.
    using snapshots = file_snapshots<>; ///< snapshot_store: file_snapshots, or memory_snapshots.
    using index = ordered_index;        ///< key_index of the default machine.
    using backend = memory_backend;     ///< value_backend of the default machine.
    using transport = tcp_transport;    ///< transport: tcp_transport, or loopback_transport.
    using runtime = asio_runtime;       ///< runtime: asio_runtime, or testing::manual_runtime.
    /// state_machine of its own: name it `machine` to replicate something else than keys.
};

namespace detail {

template <class P>
struct machine_of {
    using type = kv_machine<typename P::index, typename P::backend>;
};
template <class P>
requires requires {
    typename P::machine;
}
struct machine_of<P> {
    using type = typename P::machine;
};

template <class P>
struct runtime_of {
    using type = asio_runtime;
};
template <class P>
requires requires {
    typename P::runtime;
}
struct runtime_of<P> {
    using type = typename P::runtime;
};

} // namespace detail

/// What a node runs on: the bundle's `runtime`, or asio_runtime where it names none.
template <class P>
using runtime_of = typename detail::runtime_of<P>::type;

/// What a bundle replicates: its `machine`, or keys and values over its index and backend.
template <class P>
using machine_of = typename detail::machine_of<P>::type;

/// For users' generic code. basic_node checks the parts one by one instead, because compilers then
/// name the part and everything that it misses.
template <class P>
concept policy_bundle = requires {
    requires consensus_engine<typename P::consensus>;
}
&&requires {
    requires log_store<typename P::log>;
}
&&requires {
    requires snapshot_store<typename P::snapshots>;
}
&&requires {
    requires transport<typename P::transport>;
}
&&requires {
    requires runtime<runtime_of<P>>;
}
&&requires {
    requires state_machine<machine_of<P>>;
};

} // namespace quorate

#endif
