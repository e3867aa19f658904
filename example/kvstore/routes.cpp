#include "routes.hpp"

#include <quorate/http/outcome.hpp>
#include <quorate/http/page_rules.hpp>
#include <quorate/net/peer_address.hpp>

#include <boost/asio/steady_timer.hpp>

#include <charconv>
#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace kvstore {
namespace {

namespace http = quorate::http;
using quorate::errc;
using quorate::error_code;

// A handler that may be called much later has to be copyable; an exchange is not.
std::shared_ptr<http::exchange> keep(http::exchange asked) {
    return std::make_shared<http::exchange>(std::move(asked));
}

constexpr std::chrono::seconds change_timeout{5};

using trace_ptr = std::shared_ptr<quorate::request_trace>;

/// Returns: where the request's path is to be noted, if the client wants to see it.
trace_ptr trace_for(const http::request& asked) {
    const auto wanted = asked.field("X-Quorate-Trace");
    return wanted == "1" ? std::make_shared<quorate::request_trace>() : nullptr;
}

http::response with_trace(http::response page, const trace_ptr& trace) {
    if (trace != nullptr) {
        page.fields.push_back({"X-Quorate-Trace", trace->text()});
    }
    return page;
}

/// Returns: the number in "/<id>": decimal, or with 0x, 0o, 0b or a leading 0 as in C.
std::optional<quorate::node_id> member_of(std::string_view target) {
    std::string_view digits = target.substr(1);
    int base = 10;
    if (digits.size() > 1 && digits[0] == '0') {
        const char kind = static_cast<char>(digits[1] | 0x20);
        base = kind == 'x' ? 16 : kind == 'b' ? 2 : 8;
        digits.remove_prefix(kind == 'x' || kind == 'b' || kind == 'o' ? 2 : 1);
    }
    std::uint64_t id = 0;
    const char* const end = digits.data() + digits.size();
    const auto [stop, failed] = std::from_chars(digits.data(), end, id, base);
    const bool whole = failed == std::errc() && stop == end && id != 0;
    return whole ? std::optional(quorate::node_id(id)) : std::nullopt;
}

} // namespace

// A browser sends requests of any page it shows. Names that a page's author may have made to lead
// here, and pages of other servers, are refused.
void routes::serve(http::exchange asked) {
    if (!http::is_for_host(asked.request(), hosts_)) {
        asked.respond(http::error_page(421, "this server is not known by that name"));
        return;
    }
    if (http::is_of_foreign_page(asked.request(), hosts_)) {
        asked.respond(http::error_page(403, "pages of other servers may not use this one"));
        return;
    }
    const std::string_view method = asked.request().method;
    if (method == "PUT") {
        put(std::move(asked));
    } else if (method == "GET" || method == "HEAD") {
        get(std::move(asked));
    } else if (method == "POST") {
        add_member(std::move(asked));
    } else if (method == "DELETE") {
        remove_member(std::move(asked));
    } else {
        http::response page = http::error_page(405);
        for (const char* allowed : {"PUT", "GET", "POST", "DELETE"}) {
            page.fields.push_back({"Allow", allowed});
        }
        asked.respond(std::move(page));
    }
}

// [put
// The key is the raw request target, the value is the body. The body is copied once, into the
// command; log, peers and store share that copy.
void routes::put(http::exchange asked) {
    const auto waiting = keep(std::move(asked));
    const quorate::put command{.key = waiting->request().target, .value = waiting->request().body};
    const trace_ptr trace = trace_for(waiting->request());
    const auto answer = [waiting, trace](error_code failed, const quorate::reply& reply) {
        waiting->respond(with_trace(http::outcome(failed ? failed : reply.error()), trace));
    };
    node_.submit(command, answer, trace);
}
// put]

// [get
// The read waits until this member has applied all that was acknowledged before; then its own
// state answers.
void routes::get(http::exchange asked) {
    const auto waiting = keep(std::move(asked));
    node_.read([this, waiting](error_code failed) {
        if (failed) {
            waiting->respond(http::refusal(failed));
            return;
        }
        const auto found = node_.machine().get(waiting->request().target);
        if (!found.has_value()) {
            waiting->respond(http::error_page(404, "no such key"));
            return;
        }
        waiting->respond(
            {.status = 200, .content_type = "application/octet-stream", .body = found->value});
    });
}
// get]

void routes::add_member(http::exchange asked) {
    const auto id = member_of(asked.request().target);
    if (!id.has_value()) {
        asked.respond(http::error_page(400, "the path must be /<id>, a positive number"));
        return;
    }
    const quorate::member_info member{*id, quorate::with_small_scheme(asked.request().body)};
    const auto address = quorate::parse_peer_url(member.peer_urls.front());
    if (!address || address->secure) {
        asked.respond(http::error_page(400, "the body must be http://HOST:PORT")); // nor https
        return;
    }
    const auto waiting = keep(std::move(asked));
    change_members(
        [this, member](node::handler then) {
            node_.add_member(member, quorate::change_kind::add_voter, std::move(then));
        },
        [waiting](error_code failed) {
            waiting->respond(failed == errc::invalid_option
                                 ? http::error_page(400, "the body must be http://HOST:PORT")
                                 : http::outcome(failed));
        },
        clock::now() + change_timeout);
}

void routes::remove_member(http::exchange asked) {
    const auto id = member_of(asked.request().target);
    if (!id.has_value()) {
        asked.respond(http::error_page(400, "the path must be /<id>, a positive number"));
        return;
    }
    const auto waiting = keep(std::move(asked));
    change_members(
        [this, id = *id](node::handler then) { node_.remove_member(id, std::move(then)); },
        [waiting](error_code failed) { waiting->respond(http::outcome(failed)); },
        clock::now() + change_timeout);
}

// A leader takes one change at a time. The one before, such as a member that announces its
// address, is soon applied, and the client waits for that.
void routes::change_members(change attempt, node::handler done, clock::time_point deadline) {
    attempt([this, attempt, deadline, done = std::move(done)](error_code failed) mutable {
        if (failed != errc::change_pending || clock::now() >= deadline) {
            done(failed);
            return;
        }
        const auto pause = std::make_shared<boost::asio::steady_timer>(io_);
        pause->expires_after(std::chrono::milliseconds(20));
        pause->async_wait([this, pause, attempt = std::move(attempt), done = std::move(done),
                           deadline](const boost::system::error_code&) mutable {
            change_members(std::move(attempt), std::move(done), deadline);
        });
    });
}

} // namespace kvstore
