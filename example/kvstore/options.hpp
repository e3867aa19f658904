// The command line of kvstore.
#ifndef KVSTORE_OPTIONS_HPP
#define KVSTORE_OPTIONS_HPP

#include <quorate/http/server_options.hpp>
#include <quorate/server/node_options.hpp>

#include <string>
#include <vector>

namespace kvstore {

struct options {
    quorate::node_options node;
    quorate::http::server_options http;
    std::vector<std::string> hosts; ///< Names that Host may say beside addresses; `*`: all.
};

/// What to do once the command line is read.
enum class next_step { serve, exit_well, exit_badly };

/// Effects: fills `out`, or prints what was asked for or what is wrong.
next_step parse(int argc, const char* const* argv, options& out);

} // namespace kvstore

#endif
