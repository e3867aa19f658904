// The subcommand `serve`, in the flavours that its backends make of it.
#ifndef QUORATED_SERVE_HPP
#define QUORATED_SERVE_HPP

#include <quorate/server/node_options.hpp>

#include <functional>
#include <string>

#include "serve_options.hpp"

namespace quorated {

/// Return: the exit status, when the member has ended.
int serve_memory(const serve_options& told,
                 const std::function<void(quorate::severity, const std::string&)>& say);
int serve_lmdb(const serve_options& told,
               const std::function<void(quorate::severity, const std::string&)>& say);

} // namespace quorated

#endif
