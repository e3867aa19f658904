// json_api: users and roles, the cluster, and maintenance.
// Flow:       1 and 13. HTTP body → typed call; reply → HTTP body
#ifndef QUORATE_IMPL_JSON_ADMIN_HPP
#define QUORATE_IMPL_JSON_ADMIN_HPP

#include <quorate/json_api.hpp>

#include <algorithm>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>

namespace quorate {

/// Effects: decodes a request that goes to the auth store as it is, and answers what it says.
template <class Service>
template <class Message>
void json_api<Service>::administer(gateway::api_call what, const call& asked) {
    std::conditional_t<std::is_empty_v<Message>, gateway::empty_call, Message> message;
    if (!take(asked, message)) {
        return;
    }
    Message wanted{};
    if constexpr (!std::is_empty_v<Message>) {
        wanted = message;
    }
    service_.administer(wanted, asked->by,
                        [this, what, asked](error_code failed, const reply& made) {
                            if (failed) {
                                refuse(asked, failed);
                                return;
                            }
                            std::string body;
                            gateway::encode(body, header(made.header.revision),
                                            std::get<auth_reply>(made.body), what);
                            answer(asked, std::move(body));
                        });
}

template <class Service>
bool json_api<Service>::dispatch_auth(gateway::api_call what, const call& asked) {
    using gateway::api_call;
    switch (what) {
    case api_call::auth_enable: administer<auth_enable>(what, asked); return true;
    case api_call::auth_disable: administer<auth_disable>(what, asked); return true;
    case api_call::auth_status: administer<auth_status>(what, asked); return true;
    case api_call::user_get: administer<user_get>(what, asked); return true;
    case api_call::user_list: administer<user_list>(what, asked); return true;
    case api_call::user_delete: administer<user_delete>(what, asked); return true;
    case api_call::user_grant_role: administer<user_grant_role>(what, asked); return true;
    case api_call::user_revoke_role: administer<user_revoke_role>(what, asked); return true;
    case api_call::role_add: administer<role_add>(what, asked); return true;
    case api_call::role_get: administer<role_get>(what, asked); return true;
    case api_call::role_list: administer<role_list>(what, asked); return true;
    case api_call::role_delete: administer<role_delete>(what, asked); return true;
    case api_call::role_grant_permission:
        administer<role_grant_permission>(what, asked);
        return true;
    case api_call::role_revoke_permission:
        administer<role_revoke_permission>(what, asked);
        return true;
    default: return dispatch_passwords(what, asked);
    }
}

template <class Service>
bool json_api<Service>::dispatch_passwords(gateway::api_call what, const call& asked) {
    using gateway::api_call;
    if (what == api_call::authenticate) {
        gateway::authenticate_call message;
        if (take(asked, message)) {
            service_.authenticate(
                std::string(message.name), std::string(message.password),
                [this, asked](error_code failed, const std::string& token) {
                    failed ? refuse(asked, failed)
                           : tell(asked, service_.header().revision,
                                  gateway::authenticate_reply{token});
                },
                given_up(asked));
        }
    } else if (what == api_call::user_add) {
        gateway::user_add_call message;
        if (take(asked, message)) {
            service_.add_user(std::string(message.name), std::string(message.password),
                              message.no_password, asked->by, acknowledger(asked), given_up(asked));
        }
    } else if (what == api_call::user_change_password) {
        gateway::user_change_password_call message;
        if (take(asked, message)) {
            service_.change_password(std::string(message.name), std::string(message.password),
                                     asked->by, acknowledger(asked), given_up(asked));
        }
    } else {
        return false;
    }
    return true;
}

/// Returns: a mark that is set when the client leaves.
template <class Service>
std::shared_ptr<std::atomic<bool>> json_api<Service>::given_up(const call& asked) {
    auto left = std::make_shared<std::atomic<bool>>(false);
    asked->client.on_left([left] { *left = true; });
    return left;
}

/// Effects: answers with all members; `added` is the one that is new.
template <class Service>
void json_api<Service>::tell_members(const call& asked, node_id added) {
    const std::vector<cluster_member> all = service_.members();
    const auto found = std::find_if(all.begin(), all.end(),
                                    [added](const cluster_member& m) { return m.id == added; });
    std::string body;
    gateway::encode_members(body, header(0), all, found == all.end() ? nullptr : &*found);
    answer(asked, std::move(body));
}

template <class Service>
bool json_api<Service>::dispatch_cluster(gateway::api_call what, const call& asked) {
    using gateway::api_call;
    const auto all = [this, asked](error_code failed) {
        failed ? refuse(asked, failed) : tell_members(asked);
    };
    if (what == api_call::member_list) {
        gateway::member_list_call message;
        if (take(asked, message)) {
            service_.members(message.linearizable, asked->by,
                             [all](error_code failed, const auto&) { all(failed); });
        }
    } else if (what == api_call::member_add) {
        gateway::member_add_call message;
        if (take(asked, message)) {
            service_.add_member(detail::owned(message.peer_urls), message.is_learner, asked->by,
                                [this, asked](error_code failed, node_id id) {
                                    failed ? refuse(asked, failed) : tell_members(asked, id);
                                });
        }
    } else if (what == api_call::member_update) {
        gateway::member_update_call message;
        if (take(asked, message)) {
            service_.update_member(message.id, detail::owned(message.peer_urls), asked->by, all);
        }
    } else if (what == api_call::member_remove || what == api_call::member_promote) {
        gateway::member_remove_call message;
        if (take(asked, message) && what == api_call::member_remove) {
            service_.remove_member(message.id, asked->by, all);
        } else if (!asked->client.is_answered()) {
            service_.promote_member(message.id, asked->by, all);
        }
    } else {
        return false;
    }
    return true;
}

template <class Service>
void json_api<Service>::serve_alarm(const call& asked) {
    gateway::alarm_call message;
    if (!take(asked, message)) {
        return;
    }
    const auto told = [this, asked](std::uint64_t revision, const alarm_reply& alarms) {
        std::string body;
        gateway::encode(body, header(revision), alarms, options_.dialect);
        answer(asked, std::move(body));
    };
    if (message.action == gateway::alarm_action::get) {
        if (const error_code refused = service_.permits_user(asked->by)) {
            refuse(asked, refused);
            return;
        }
        alarm_reply raised;
        for (const raised_alarm& one : service_.raised_alarms()) {
            const bool wanted = (!message.member || one.member == message.member) &&
                                (!message.kind || one.kind == *message.kind);
            if (wanted) {
                raised.alarms.push_back(one);
            }
        }
        told(service_.header().revision, raised);
        return;
    }
    if (!message.kind) { // none is raised or cleared
        const error_code refused = service_.permits_root(asked->by);
        refused ? refuse(asked, refused) : told(service_.header().revision, {});
        return;
    }
    const bool raise = message.action == gateway::alarm_action::activate;
    service_.alarm({{message.member, *message.kind}, raise}, asked->by,
                   [this, asked, told](error_code failed, const reply& made) {
                       failed ? refuse(asked, failed)
                              : told(made.header.revision, std::get<alarm_reply>(made.body));
                   });
}

template <class Service>
bool json_api<Service>::dispatch_maintenance(gateway::api_call what, const call& asked) {
    using gateway::api_call;
    const auto bare = [this, asked](error_code failed) {
        if (failed) {
            refuse(asked, failed);
            return;
        }
        std::string body;
        gateway::encode(body, gateway::bare_reply{});
        answer(asked, std::move(body));
    };
    gateway::empty_call nothing;
    if (what == api_call::alarm) {
        serve_alarm(asked);
    } else if (what == api_call::status) {
        if (!take(asked, nothing)) {
            return true;
        }
        if (const error_code refused = service_.permits_user(asked->by)) {
            refuse(asked, refused);
            return true;
        }
        member_status status = service_.status();
        status.version = options_.version;
        tell(asked, service_.header().revision, status);
    } else if (what == api_call::defragment) {
        if (take(asked, nothing)) {
            service_.defragment(asked->by, bare);
        }
    } else if (what == api_call::hash || what == api_call::hash_kv) {
        serve_hash(what, asked);
    } else if (what == api_call::snapshot) {
        serve_snapshot(asked);
    } else if (what == api_call::move_leader) {
        gateway::move_leader_call message;
        if (take(asked, message)) {
            service_.move_leader(message.target, asked->by, bare);
        }
    } else {
        return false;
    }
    return true;
}

template <class Service>
void json_api<Service>::serve_hash(gateway::api_call what, const call& asked) {
    gateway::hash_kv_call message;
    const bool whole = what == gateway::api_call::hash;
    if (!whole && !take(asked, message)) {
        return;
    }
    service_.hash(
        message.revision, asked->by,
        [this, asked, whole](error_code failed, const store_hash& hash) {
            if (failed) {
                refuse(asked, failed);
            } else if (whole) {
                tell(asked, service_.header().revision, gateway::hash_reply{hash.hash});
            } else {
                tell(asked, service_.header().revision,
                     gateway::hash_kv_reply{hash.hash, hash.compact_revision, hash.revision});
            }
        });
}

} // namespace quorate

#endif
