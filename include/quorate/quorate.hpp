// The whole library, for programs that would rather compile longer than choose; headers of the
// library include only their needs.
// Flow:    none
#ifndef QUORATE_QUORATE_HPP
#define QUORATE_QUORATE_HPP

#include <quorate/consensus/solo.hpp>
#include <quorate/http/server.hpp>
#include <quorate/log/memory_log.hpp>
#include <quorate/log/memory_snapshots.hpp>
#include <quorate/net/loopback_transport.hpp>
#include <quorate/net/no_transport.hpp>
#include <quorate/node.hpp>
#include <quorate/server/cluster_token.hpp>
#include <quorate/version.hpp>

#endif
