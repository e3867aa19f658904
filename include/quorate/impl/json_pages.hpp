// json_api: health, version, metrics and the page for people.
#ifndef QUORATE_IMPL_JSON_PAGES_HPP
#define QUORATE_IMPL_JSON_PAGES_HPP

#include <quorate/gateway/json_writer.hpp>
#include <quorate/http/error_page.hpp>
#include <quorate/json_api.hpp>

#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace quorate {

template <class Service>
bool json_api<Service>::allows_host(const http::request& asked) const {
    if (options_.host_whitelist.empty()) {
        return true;
    }
    const std::string_view host = http::host_of(asked.field("Host").value_or(""));
    return http::lists_host(options_.host_whitelist, host);
}

template <class Service>
bool json_api<Service>::allows_origin(const http::request& asked) const {
    const auto& allowed = options_.cors;
    const std::optional<std::string_view> origin = asked.field("Origin");
    return std::find(allowed.begin(), allowed.end(), "*") != allowed.end() ||
           (origin && std::find(allowed.begin(), allowed.end(), *origin) != allowed.end());
}

// Browsers let a page of another origin read an answer that names the origin, or all. Programs,
// which send no origin, get the fields that etcd sends by default; no browser looks at them there.
template <class Service>
void json_api<Service>::add_common_fields(http::response& page, const http::request& asked) const {
    page.fields.push_back({"Vary", "Origin"});
    const auto& allowed = options_.cors;
    const std::optional<std::string_view> origin = asked.field("Origin");
    const std::string named(origin.value_or(""));
    const bool all = std::find(allowed.begin(), allowed.end(), "*") != allowed.end() ||
                     (allowed.empty() && !origin.has_value());
    if (!all && !allows_origin(asked)) {
        return;
    }
    for (const gateway::fixed_field& field : gateway::cors_fields) {
        const bool names_origin = field.name == "Access-Control-Allow-Origin" && !all;
        page.fields.push_back(
            {std::string(field.name), names_origin ? named : std::string(field.value)});
    }
}

// A browser sends a page's simple requests, such as text/plain, without asking first; it only keeps
// the answer from the page. With the user's certificate or network position they would be carried
// out. So a call with an origin is refused unless its origin is known, and has to be JSON, for
// which browsers ask first.
/// Effects: refuses the call of a page that may not make it. Returns: whether it did.
template <class Service>
bool json_api<Service>::refuse_page(http::exchange& asked) const {
    const http::request& head = asked.request();
    if (!head.field("Origin").has_value()) {
        return false;
    }
    std::vector<std::string> own = options_.own_hosts;
    for (const std::string& name : options_.host_whitelist) {
        if (name != "*") { // all names are served, but not all are this server's
            own.push_back(name);
        }
    }
    const bool foreign = !allows_origin(head) && http::is_of_foreign_page(head, own);
    if (!foreign && http::declares_json(head)) {
        return false;
    }
    const gateway::api_failure& why =
        foreign ? gateway::failures::origin_refused : gateway::failures::json_required;
    std::string body;
    gateway::append_error_body(body, why, options_.dialect);
    http::response page = detail::page(foreign ? 403 : 415, gateway::json_content_type, body);
    add_common_fields(page, head);
    asked.respond(std::move(page));
    return true;
}

/// Effects: answers with a page, and with what goes with every page.
template <class Service>
void json_api<Service>::show(http::exchange& asked, http::response page) const {
    add_common_fields(page, asked.request());
    if (page.status >= 400) {
        page.fields.push_back(
            {std::string(gateway::nosniff_field.name), std::string(gateway::nosniff_field.value)});
    }
    asked.respond(std::move(page));
}

template <class Service>
void json_api<Service>::serve_checks_only(http::exchange asked) {
    const http::request& head = asked.request();
    const std::string_view path = head.target.substr(0, head.target.find('?'));
    if (!allows_host(head)) {
        asked.respond(detail::page(421, gateway::text_content_type, "Misdirected Request\n"));
    } else if (detail::is_check_path(path)) {
        serve_page(std::move(asked));
    } else {
        show(asked, detail::page(404, gateway::text_content_type, "404 page not found\n"));
    }
}

template <class Service>
bool json_api<Service>::is_vital(const http::request& asked) noexcept {
    return detail::is_check_path(asked.target.substr(0, asked.target.find('?')));
}

template <class Service>
http::response json_api<Service>::refusal(const http::request& asked, unsigned status,
                                          std::string_view why) const {
    http::response page;
    if (asked.target.starts_with("/v3")) {
        const std::string text = "quorate: " + std::string(why);
        const gateway::api_error error =
            status == 413   ? gateway::api_error_of(errc::request_too_large)
            : status == 503 ? gateway::api_error(gateway::grpc_code::unavailable, text)
            : status == 408 ? gateway::api_error(gateway::grpc_code::canceled,
                                                 "quorate: the request did not arrive in time")
                            : gateway::api_error(gateway::grpc_code::invalid_argument,
                                                 "quorate: malformed request body");
        std::string body;
        gateway::append_error_body(body, error, options_.dialect);
        page = detail::page(status, gateway::json_content_type, body);
    } else {
        page = http::error_page(status, why);
    }
    add_common_fields(page, asked);
    return page;
}

/// Returns: why this member can make nothing durable; empty: it can.
template <class Service>
std::string json_api<Service>::disk_problem() const {
    const node_status now = service_.node().status();
    if (now.disk_hangs) {
        return "the disk hangs";
    }
    if (now.database_full) {
        return "the database is full";
    }
    return now.disk_full ? "the disk is full" : "";
}

template <class Service>
void json_api<Service>::serve_page(http::exchange asked) {
    const http::request& head = asked.request();
    const std::string_view target = head.target;
    const std::size_t mark = std::min(target.find('?'), target.size());
    const std::string_view path = target.substr(0, mark);
    const std::string_view query = target.substr(std::min(mark + 1, target.size()));
    const bool readable = head.method == "GET" || head.method == "HEAD";
    const bool shown = path != "/metrics" || options_.metrics;
    const bool known = (detail::is_check_path(path) && shown) || path == "/version" ||
                       (path == "/" && !options_.status_page.empty());
    if (!known) {
        show(asked, detail::page(404, gateway::text_content_type, "404 page not found\n"));
    } else if (!readable) {
        http::response page = detail::page(405, gateway::text_content_type, "Method Not Allowed\n");
        page.fields.push_back({"Allow", "GET"});
        show(asked, std::move(page));
    } else if (path == "/health") {
        serve_health(query, std::move(asked));
    } else if (path == "/version") {
        const std::string cluster = options_.version.substr(0, options_.version.rfind('.')) + ".0";
        show(asked, detail::page(200, gateway::json_content_type,
                                 "{\"etcdserver\":\"" + options_.version + "\",\"etcdcluster\":\"" +
                                     cluster + "\"}"));
    } else if (path == "/metrics") {
        show(asked,
             detail::page(200, "text/plain; version=0.0.4; charset=utf-8", options_.metrics()));
    } else if (path == "/") {
        http::response page = detail::page(200, "text/html; charset=utf-8", options_.status_page);
        page.fields.push_back({"Content-Security-Policy",
                               "default-src 'self' 'unsafe-inline'; img-src data:; "
                               "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"});
        page.fields.push_back({"X-Frame-Options", "DENY"});
        page.fields.push_back({"Referrer-Policy", "no-referrer"});
        show(asked, std::move(page));
    } else {
        serve_checks(path, query, std::move(asked));
    }
}

// Alarms first, then the leader, then a read as clients make them: what fails first is the reason.
template <class Service>
void json_api<Service>::serve_health(std::string_view query, http::exchange asked) {
    const bool local = detail::query_has(query, "serializable", "true");
    std::string reason;
    for (const raised_alarm& one : service_.raised_alarms()) {
        const std::string name = one.kind == alarm_kind::no_space ? "NOSPACE" : "CORRUPT";
        if (reason.empty() && !detail::query_has(query, "exclude", name)) {
            reason = "ALARM " + name;
        }
    }
    const node_status now = service_.node().status();
    if (reason == "ALARM NOSPACE" && now.disk_full) {
        reason += now.database_full ? ": the database is full" : ": the disk is full";
    } else if (reason.empty() && now.disk_hangs) {
        reason = "the disk hangs";
    }
    if (reason.empty() && !local && !now.engine.soft.leader) {
        reason = "RAFT NO LEADER";
    }
    const bool brief = options_.dialect == gateway::error_dialect::etcd_3_4;
    const auto say = [this, brief](http::exchange& to, const std::string& why) {
        if (options_.checked) {
            options_.checked(why.empty());
        }
        std::string body = why.empty() ? R"({"health":"true")" : R"({"health":"false")";
        if (!brief || !why.empty()) {
            gateway::append_json_string(body.append(R"(,"reason":)"), why);
        }
        body += "}";
        show(to, detail::page(why.empty() ? 200 : 503, gateway::text_content_type,
                              why.empty() ? body : body + "\n"));
    };
    if (!reason.empty() || local) {
        say(asked, reason);
        return;
    }
    const auto waiting = std::make_shared<http::exchange>(std::move(asked));
    service_.node().read([waiting, say](error_code failed) {
        say(*waiting, failed ? "RANGE ERROR:" + failed.message() : std::string());
    });
}

template <class Service>
void json_api<Service>::serve_checks(std::string_view path, std::string_view query,
                                     http::exchange asked) {
    const bool life = path.starts_with("/livez");
    std::string_view only = path.substr(life ? 6 : 7);
    only = only.starts_with('/') ? only.substr(1) : only;
    std::vector<std::string_view> wanted;
    for (const detail::health_check& one : detail::health_checks) {
        const bool named = only.empty() || only == one.name;
        if (named && (one.for_life || !life) && !detail::query_has(query, "exclude", one.name)) {
            wanted.push_back(one.name);
        }
    }
    if (wanted.empty() && !only.empty()) {
        show(asked, detail::page(404, gateway::text_content_type, "404 page not found\n"));
        return;
    }
    const bool verbose = detail::query_has(query, "verbose");
    const auto waiting = std::make_shared<http::exchange>(std::move(asked));
    auto say = [this, waiting, wanted, verbose, life](error_code read_failed) {
        std::string list;
        bool well = true;
        for (const std::string_view name : wanted) {
            std::string why;
            if (name == "writable_disk") {
                why = disk_problem();
            } else if (name == "data_corruption" && service_.alarms().raised(alarm_kind::corrupt)) {
                why = "alarm activated: CORRUPT";
            } else if (name == "linearizable_read" && read_failed) {
                why = read_failed.message();
            } else if (name == "non_learner" && service_.serves_all()) {
                why = "this member is a learner";
            }
            well = well && why.empty();
            list += (why.empty() ? "[+]" : "[-]") + std::string(name) +
                    (why.empty() ? " ok\n" : " failed: " + why + "\n");
        }
        const std::string name = life ? "livez" : "readyz";
        std::string body = well ? "ok\n" : list + name + " check failed\n";
        if (well && verbose) {
            body = list + name + " check passed\n";
        }
        show(*waiting, detail::page(well ? 200 : 503, gateway::text_content_type, body));
    };
    const bool reads = std::find(wanted.begin(), wanted.end(), "linearizable_read") != wanted.end();
    if (reads) {
        service_.node().read(std::move(say));
    } else {
        say({});
    }
}

} // namespace quorate

#endif
