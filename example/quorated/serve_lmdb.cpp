// A member that holds its store in an LMDB database, which may be larger than memory.
#include "serve.hpp"

#if defined(QUORATED_WITH_LMDB)

#include <quorate/lmdb/lmdb_backend.hpp>

#include "member_process.hpp"

namespace quorated {

struct lmdb_policies : quorate::default_policies {
    using backend = quorate::lmdb_backend;
};

int serve_lmdb(const serve_options& told, const member_log& log) {
    return member_process<lmdb_policies>(told, log).run();
}

} // namespace quorated

#else

namespace quorated {

// The command line lets nobody get here: it knows what the program was built with.
int serve_lmdb(const serve_options&, const member_log& log) {
    log.say(quorate::severity::error, "--backend lmdb: built without LMDB");
    return 2;
}

} // namespace quorated

#endif
