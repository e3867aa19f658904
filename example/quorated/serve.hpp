// The subcommand `serve`, in the flavours that its backends make of it.
#ifndef QUORATED_SERVE_HPP
#define QUORATED_SERVE_HPP

#include <quorate/server/node_options.hpp>

#include <functional>
#include <string>

#include "serve_options.hpp"

namespace quorated {

/// Where a member's lines go. `reopen` is called when files were moved away; empty: there are none.
struct member_log {
    std::function<void(quorate::severity, const std::string&)> say;
    std::function<void()> reopen{};
};

/// Return: the exit status, when the member has ended.
int serve_memory(const serve_options& told, const member_log& log);
int serve_lmdb(const serve_options& told, const member_log& log);

} // namespace quorated

#endif
