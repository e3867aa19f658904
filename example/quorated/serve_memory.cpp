// A member that holds its store in memory, and its log and snapshots in files.
#include "member_process.hpp"
#include "serve.hpp"

namespace quorated {

int serve_memory(const serve_options& told, const member_log& log) {
    return member_process<quorate::default_policies>(told, log).run();
}

} // namespace quorated
