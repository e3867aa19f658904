// A member that holds its store in memory, and its log and snapshots in files.
#include "member_process.hpp"
#include "serve.hpp"

namespace quorated {

int serve_memory(const serve_options& told, const say_function& say) {
    return member_process<quorate::default_policies>(told, say).run();
}

} // namespace quorated
