// The meaning of a request's outcome over HTTP: each error code as the status that tells a client
// its next step.
// Flow:    13. reply → HTTP bytes
// Source:  RFC 9110 §15; 503 and 429 promise that nothing was done, 504 that nobody knows
// Threads: any
#ifndef QUORATE_HTTP_OUTCOME_HPP
#define QUORATE_HTTP_OUTCOME_HPP

#include <quorate/base/error.hpp>
#include <quorate/http/error_page.hpp>
#include <quorate/http/response.hpp>

namespace quorate::http {

/// Returns: 504 where the outcome is unknown; 503, 429 and 507 (the disk is full) where nothing was
/// done and the same request may be sent again; 413, 404, 400 and 409 where sending it again is no
/// use.
/// Requires: failed.failed().
[[nodiscard]] inline unsigned status_of(const error_code& failed) noexcept {
    if (failed == condition::outcome_unknown) {
        return 504;
    }
    if (failed == errc::too_many_unapplied || failed == errc::uncommitted_limit ||
        failed == errc::unsynced_limit || failed == errc::log_limit) {
        return 429;
    }
    if (failed == errc::no_space) {
        return 507;
    }
    if (failed == condition::retry || failed == condition::stopped) {
        return 503;
    }
    if (failed == errc::request_too_large) {
        return 413;
    }
    if (failed == errc::member_unknown) {
        return 404;
    }
    return failed == errc::invalid_option || failed == errc::key_empty ? 400 : 409;
}

/// Returns: a page that says why, with Retry-After where trying again is right.
[[nodiscard]] inline response refusal(const error_code& failed) {
    const unsigned status = status_of(failed);
    response page = error_page(status, failed.message());
    if (status == 503 || status == 429) {
        page.fields.push_back({"Retry-After", "1"});
    }
    return page;
}

/// Returns: 204 for success, else the refusal.
[[nodiscard]] inline response outcome(const error_code& failed) {
    return failed ? refusal(failed) : response{.status = 204};
}

} // namespace quorate::http

#endif
