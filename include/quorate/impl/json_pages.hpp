// json_api: health, version, metrics and the page for people.
#ifndef QUORATE_IMPL_JSON_PAGES_HPP
#define QUORATE_IMPL_JSON_PAGES_HPP

#include <quorate/http/error_page.hpp>
#include <quorate/json_api.hpp>

#include <algorithm>
#include <array>
#include <memory>
#include <string>
#include <utility>

namespace quorate {

template <class Service>
bool json_api<Service>::allows_host(const http::request& asked) const {
    if (options_.host_whitelist.empty()) {
        return true;
    }
    std::string_view host = asked.field("Host").value_or("");
    if (const std::size_t colon = host.rfind(':');
        colon != std::string_view::npos && host.find(']', colon) == std::string_view::npos) {
        host = host.substr(0, colon);
    }
    const auto& allowed = options_.host_whitelist;
    return std::any_of(allowed.begin(), allowed.end(),
                       [host](const std::string& name) { return name == "*" || name == host; });
}

// Pages of other origins may use the API where their origin is allowed; all are, by default.
template <class Service>
void json_api<Service>::add_common_fields(http::response& page, const http::request& asked) const {
    const std::string_view origin = asked.field("Origin").value_or("");
    const bool all = options_.cors.empty() || std::find(options_.cors.begin(), options_.cors.end(),
                                                        "*") != options_.cors.end();
    const bool listed =
        std::find(options_.cors.begin(), options_.cors.end(), origin) != options_.cors.end();
    if (!all && !listed) {
        return;
    }
    for (const gateway::fixed_field& field : gateway::cors_fields) {
        const bool names_origin = field.name == "Access-Control-Allow-Origin" && !all;
        page.fields.push_back(
            {std::string(field.name), std::string(names_origin ? origin : field.value)});
    }
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
void json_api<Service>::serve_page(http::exchange asked) {
    const http::request& head = asked.request();
    const std::string_view target = head.target;
    const std::size_t mark = std::min(target.find('?'), target.size());
    const std::string_view path = target.substr(0, mark);
    const std::string_view query = target.substr(std::min(mark + 1, target.size()));
    const bool readable = head.method == "GET" || head.method == "HEAD";
    const bool known = path == "/health" || path == "/version" ||
                       (path == "/metrics" && options_.metrics) ||
                       (path == "/" && !options_.status_page.empty()) ||
                       path.starts_with("/livez") || path.starts_with("/readyz");
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
        page.fields.push_back(
            {"Content-Security-Policy", "default-src 'self' 'unsafe-inline'; img-src data:"});
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
    for (const raised_alarm& one : service_.alarms().all()) {
        const std::string name = one.kind == alarm_kind::no_space ? "NOSPACE" : "CORRUPT";
        if (reason.empty() && !detail::query_has(query, "exclude", name)) {
            reason = "ALARM " + name;
        }
    }
    if (reason.empty() && !local && !service_.node().status().engine.soft.leader) {
        reason = "RAFT NO LEADER";
    }
    const bool brief = options_.dialect == gateway::error_dialect::etcd_3_4;
    const auto say = [this, brief](http::exchange& to, const std::string& why) {
        if (options_.checked) {
            options_.checked(why.empty());
        }
        std::string body = why.empty() ? R"({"health":"true")" : R"({"health":"false")";
        body += brief ? "}" : R"(,"reason":")" + why + "\"}";
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
            if (name == "data_corruption" && service_.alarms().raised(alarm_kind::corrupt)) {
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
