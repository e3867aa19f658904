// Changes read, judged and made.
#ifndef QUORATE_SERVER_IMPL_GROUP_HISTORY_IPP
#define QUORATE_SERVER_IMPL_GROUP_HISTORY_IPP

#include <quorate/format/primitives.hpp>
#include <quorate/server/group_history.hpp>
#include <quorate/store/state_machine.hpp>

#include <utility>

namespace quorate {

QUORATE_DECL std::optional<told_change> read_change(const entry& e) {
    result<membership_change> change = decode_change(e.kind, e.payload.view());
    if (!change) {
        return std::nullopt;
    }
    told_change read;
    read.change = std::move(*change);
    const shared_bytes& context = read.change.context;
    if (context.size() >= command_header_bytes) {
        read.id = load_request_id(context.data());
        read.told = decode_member_update(context.view().substr(command_header_bytes));
    }
    return read;
}

QUORATE_DECL error_code check_change(const told_change& asked, const member_table& table,
                                     const membership& config) {
    for (const single_change& one : asked.change.changes) {
        const member_info* known = table.find(one.node);
        if (!one.node) {
            continue; // cancelled
        }
        if (table.was_removed(one.node)) {
            return errc::member_removed;
        }
        if (one.kind == change_kind::remove) {
            continue;
        }
        if (!asked.told || asked.told->info.id != one.node) {
            return errc::command_invalid;
        }
        if (one.kind == change_kind::update && known == nullptr) {
            return errc::member_unknown;
        }
        if (one.kind == change_kind::add_voter && known != nullptr &&
            known->peer_urls != asked.told->info.peer_urls && config.is_voter(one.node)) {
            return errc::member_exists;
        }
        if (one.kind == change_kind::add_learner && config.is_voter(one.node)) {
            return errc::member_exists;
        }
        const bool sets_urls = known == nullptr || asked.told->peer_urls;
        if (sets_urls && table.find_rival(asked.told->info) != nullptr) {
            return errc::peer_url_exists;
        }
        member_table grown = table;
        grown.put(*asked.told);
        if (!grown.within_limits()) {
            return errc::request_too_large;
        }
    }
    return {};
}

QUORATE_DECL void replay(const entry& e, group_members& members) {
    const std::optional<told_change> asked =
        e.kind == entry_kind::normal ? std::nullopt : read_change(e);
    if (!asked || check_change(*asked, members.table, members.config)) {
        return;
    }
    result<membership> next = apply(members.config, asked->change);
    if (!next) {
        return;
    }
    members.config = std::move(*next);
    for (const single_change& one : asked->change.changes) {
        if (!one.node) {
            continue; // cancelled
        }
        if (one.kind == change_kind::remove) {
            members.table.erase(one.node);
        } else {
            members.table.put(*asked->told);
        }
    }
}

} // namespace quorate

#endif
