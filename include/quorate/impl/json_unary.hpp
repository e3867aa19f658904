// json_api: calls that are one message in and one message out.
// Flow:       1 and 13. HTTP body → typed call; reply → HTTP body
#ifndef QUORATE_IMPL_JSON_UNARY_HPP
#define QUORATE_IMPL_JSON_UNARY_HPP

#include <quorate/json_api.hpp>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>

namespace quorate {

template <class Service>
void json_api<Service>::serve(http::exchange asked) {
    const http::request& head = asked.request();
    if (!allows_host(head)) {
        asked.respond(detail::page(421, gateway::text_content_type, "Misdirected Request\n"));
        return;
    }
    std::string decoded;
    const std::optional<std::string_view> path = detail::decoded_path(head.target, decoded);
    if (!path) {
        http::response page = detail::page(400, gateway::text_content_type, "400 Bad Request");
        page.close = true;
        asked.respond(std::move(page));
        return;
    }
    const gateway::api_route route = gateway::route_of(head.method, *path);
    using kind = gateway::api_route::kind;
    if (route.what == kind::elsewhere) {
        serve_page(std::move(asked));
        return;
    }
    if (route.what != kind::call) {
        const bool preflight = route.what == kind::preflight;
        show(asked,
             detail::page(route.status, preflight ? std::string_view() : gateway::text_content_type,
                          route.body));
        return;
    }
    if (refuse_page(asked)) {
        return;
    }
    const bool needs_leader = head.field("Grpc-Metadata-hasleader") == "true";
    identity by = identity::of_token(detail::token_of(head, options_.dialect));
    if (options_.users_from_certificates && by.token.empty()) {
        by = identity::of_user(asked.peer().common_name);
    }
    const call taken = std::make_shared<call_state>(std::move(asked), std::move(by), route.call,
                                                    service_.runtime().now());
    taken->needs_leader = needs_leader;
    if (taken->client.request().field("X-Quorate-Trace") == "1") {
        taken->trace = std::make_shared<request_trace>();
    }
    if (options_.began) {
        options_.began(route.call);
    }
    if (needs_leader && !service_.node().status().engine.soft.leader) {
        refuse(taken, errc::no_leader);
        return;
    }
    dispatch(taken);
}

/// Returns: whether a call would not end by itself, or may take long to.
template <class Service>
bool json_api<Service>::lasts(gateway::api_call what) noexcept {
    using gateway::api_call;
    return what == api_call::watch || what == api_call::observe || what == api_call::snapshot ||
           what == api_call::lock || what == api_call::campaign;
}

template <class Service>
void json_api<Service>::dispatch(const call& asked) {
    const gateway::api_call what = asked->what;
    if (closing_ && lasts(what)) {
        refuse(asked, gateway::failures::transport_closing);
        return;
    }
    const bool taken = dispatch_kv(what, asked) || dispatch_lease(what, asked) ||
                       dispatch_auth(what, asked) || dispatch_cluster(what, asked) ||
                       dispatch_maintenance(what, asked) || dispatch_election(what, asked);
    if (!taken) {
        refuse(asked, gateway::failures::unimplemented);
    }
}

template <class Service>
gateway::response_header json_api<Service>::header(std::uint64_t revision) const {
    const node_options& node = service_.options().node;
    return {node.cluster, node.id, revision, service_.node().status().engine.hard.term};
}

template <class Service>
void json_api<Service>::note_end(const call_state& asked, gateway::grpc_code code) const {
    if (options_.ended) {
        options_.ended(asked.what, code, service_.runtime().now() - asked.begun);
    }
}

template <class Service>
void json_api<Service>::answer(const call& asked, std::string body) {
    note_end(*asked, gateway::grpc_code::ok);
    http::response page = detail::page(200, gateway::json_content_type, body);
    add_common_fields(page, asked->client.request());
    page.fields.push_back({std::string(gateway::grpc_content_field.name),
                           std::string(gateway::grpc_content_field.value)});
    if (asked->trace != nullptr && !asked->trace->events().empty()) {
        page.fields.push_back({"X-Quorate-Trace", asked->trace->text()});
    }
    asked->client.respond(std::move(page));
}

template <class Service>
template <class Reply>
void json_api<Service>::tell(const call& asked, std::uint64_t revision, const Reply& told) {
    answer(asked, detail::encoded(header(revision), told));
}

template <class Service>
void json_api<Service>::refuse(const call& asked, const gateway::api_error& reason) {
    note_end(*asked, reason.code);
    std::string body;
    gateway::append_error_body(body, reason, options_.dialect);
    http::response page = detail::page(gateway::http_status_of(reason.code, options_.dialect),
                                       gateway::json_content_type, body);
    add_common_fields(page, asked->client.request());
    asked->client.respond(std::move(page));
}

template <class Service>
void json_api<Service>::refuse(const call& asked, error_code reason) {
    refuse(asked, gateway::api_error_of(reason));
}

/// Effects: decodes the body, or refuses the call. Returns: whether it was decoded.
template <class Service>
template <class Message>
bool json_api<Service>::take(const call& asked, Message& into) {
    const gateway::api_error failed =
        gateway::decode(asked->client.request().body, asked->arena, into);
    if (failed) {
        refuse(asked, failed);
    }
    return !failed;
}

/// Returns: a handler that answers with the one body that such a reply can have.
template <class Service>
template <class Body>
auto json_api<Service>::teller(const call& asked) {
    return [this, asked](error_code failed, const reply& made) {
        failed ? refuse(asked, failed)
               : tell(asked, made.header.revision, std::get<Body>(made.body));
    };
}

/// The same for calls that answer with nothing but a header.
template <class Service>
auto json_api<Service>::acknowledger(const call& asked) {
    return [this, asked](error_code failed, const reply& made) {
        failed ? refuse(asked, failed) : tell(asked, made.header.revision, gateway::empty_reply{});
    };
}

template <class Service>
bool json_api<Service>::dispatch_kv(gateway::api_call what, const call& asked) {
    using gateway::api_call;
    if (what == api_call::range) {
        gateway::range_call message;
        if (take(asked, message)) {
            service_.range(message.request, message.serializable, asked->by,
                           teller<range_reply>(asked));
        }
    } else if (what == api_call::put) {
        put message;
        if (take(asked, message)) {
            service_.submit(message, asked->by, teller<put_reply>(asked), asked->trace);
        }
    } else if (what == api_call::delete_range) {
        delete_range message;
        if (take(asked, message)) {
            service_.submit(message, asked->by, teller<delete_reply>(asked), asked->trace);
        }
    } else if (what == api_call::txn) {
        gateway::txn_call message;
        if (take(asked, message)) {
            service_.txn(std::move(message.request), message.serializable, asked->by,
                         teller<txn_reply>(asked), asked->trace);
        }
    } else if (what == api_call::compact) {
        compact message;
        if (take(asked, message)) {
            service_.submit(message, asked->by, teller<compact_reply>(asked));
        }
    } else if (what == api_call::watch) {
        serve_watch(asked);
    } else {
        return false;
    }
    return true;
}

template <class Service>
bool json_api<Service>::dispatch_lease(gateway::api_call what, const call& asked) {
    using gateway::api_call;
    if (what == api_call::lease_grant) {
        lease_grant message;
        if (take(asked, message)) {
            service_.grant(message.id, static_cast<std::int64_t>(message.ttl), asked->by,
                           teller<lease_grant_reply>(asked));
        }
    } else if (what == api_call::lease_revoke) {
        lease_revoke message;
        if (take(asked, message)) {
            service_.submit(message, asked->by, teller<lease_revoke_reply>(asked));
        }
    } else if (what == api_call::lease_keep_alive) {
        serve_keep_alive(asked);
    } else if (what == api_call::lease_time_to_live) {
        gateway::lease_id_call message;
        if (take(asked, message)) {
            service_.time_to_live(message.id, message.keys, asked->by,
                                  [this, asked](error_code failed, const lease_life_reply& life) {
                                      failed
                                          ? refuse(asked, failed)
                                          : tell(asked, service_.header().revision,
                                                 gateway::lease_life_reply{
                                                     life.id, life.ttl, life.granted, life.keys});
                                  });
        }
    } else if (what == api_call::lease_list) {
        service_.leases(
            asked->by, [this, asked](error_code failed, const std::vector<lease_id>& all) {
                failed ? refuse(asked, failed)
                       : tell(asked, service_.header().revision, gateway::lease_list_reply{all});
            });
    } else {
        return false;
    }
    return true;
}

} // namespace quorate

#endif
