// A new member and the cluster that runs: whether it may take part, and as whom.
#ifndef QUORATED_JOINING_HPP
#define QUORATED_JOINING_HPP

#include <string>

#include "serve_options.hpp"

namespace quorated {

/// Effects: asks the other members who is there, and fills in who this one is: `id`, `cluster` and
/// `initial_cluster` of the options. Tries for a few seconds; blocks for as long.
/// Returns: why it cannot take part, in one sentence; empty: it can.
[[nodiscard]] std::string join_cluster(serve_options& told);

/// Effects: asks those that run, once: a first member may begin only once.
/// Returns: why it must not begin with an empty data directory; empty: it may.
[[nodiscard]] std::string why_not_begin(const serve_options& told);

} // namespace quorated

#endif
