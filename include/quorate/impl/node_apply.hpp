// basic_node: requests in, committed entries applied, snapshots made and installed.
#ifndef QUORATE_IMPL_NODE_APPLY_HPP
#define QUORATE_IMPL_NODE_APPLY_HPP

#include <quorate/format/record.hpp>
#include <quorate/net/peer_address.hpp>
#include <quorate/node.hpp>

#include <algorithm>
#include <utility>

namespace quorate {

template <class Policies>
error_code basic_node<Policies>::admit() const noexcept {
    if (!started_ || stopping_ || failed_) {
        return errc::stopped;
    }
    if (refuses_writes() || database_full_) {
        return errc::no_space;
    }
    const log_index committed = engine_->status().hard.commit;
    const bool far_ahead =
        committed > applied_.index && committed - applied_.index > options_.unapplied_entries_max;
    return far_ahead || requests_.size() >= options_.requests_in_flight_max
               ? error_code(errc::too_many_unapplied)
               : error_code();
}

template <class Policies>
void basic_node<Policies>::submit(const request_type& asked, reply_handler done) {
    if (const error_code refused = admit()) {
        done(refused, reply_type{});
        return;
    }
    draft command = machine_type::encode(asked);
    QUORATE_ASSERT(command.size() >= command_header_bytes);
    if (command.size() > options_.request_bytes_max) {
        done(errc::request_too_large, reply_type{});
        return;
    }
    const request_id id = ids_.next();
    store_little(command.data(), id.value());
    enqueue(id, entry_kind::normal, std::move(command).freeze(), std::move(done));
}

template <class Policies>
void basic_node<Policies>::enqueue(request_id id, entry_kind kind, shared_bytes payload,
                                   reply_handler done) {
    const clock::time_point now = clock::now();
    const std::uint32_t checksum = payload_checksum_of(payload.view());
    requests_.add(id, {kind, checksum, std::move(payload)}, std::move(done),
                  now + options_.request_timeout, now + options_.leader_wait);
    schedule_pump();
}

template <class Policies>
void basic_node<Policies>::read(handler done) {
    if (!started_ || stopping_ || failed_) {
        done(errc::stopped);
        return;
    }
    if (reads_.size() >= options_.requests_in_flight_max) {
        done(errc::too_many_unapplied);
        return;
    }
    const clock::time_point now = clock::now();
    reads_.add(std::move(done), now + options_.request_timeout, now + options_.leader_wait);
    schedule_pump();
}

// Membership changes carry the request's id and the peer URL as their context.

template <class Policies>
void basic_node<Policies>::add_member(const member_address& member, change_kind kind,
                                      handler done) {
    QUORATE_ASSERT(kind != change_kind::remove);
    if (!member.id || !parse_peer_url(member.peer_url)) {
        done(errc::invalid_option);
        return;
    }
    const member_address* known = members_.find(member.id);
    const bool voter = engine_ != nullptr && engine_->members().is_voter(member.id);
    if (known != nullptr && kind == change_kind::add_voter && voter) {
        done(known->peer_url == member.peer_url ? error_code() : error_code(errc::member_exists));
        return;
    }
    propose_change({kind, member.id}, member.peer_url, std::move(done));
}

template <class Policies>
void basic_node<Policies>::remove_member(node_id member, handler done) {
    if (members_.find(member) == nullptr) {
        done(errc::member_unknown);
        return;
    }
    propose_change({change_kind::remove, member}, {}, std::move(done));
}

template <class Policies>
void basic_node<Policies>::propose_change(const single_change& change, byte_view peer_url,
                                          handler done) {
    if (const error_code refused = admit()) {
        done(refused);
        return;
    }
    const request_id id = ids_.next();
    draft context(command_header_bytes + peer_url.size());
    store_little(context.data(), id.value());
    std::copy(peer_url.begin(), peer_url.end(), context.data() + command_header_bytes);
    membership_change asked;
    asked.changes.push_back(change);
    asked.context = std::move(context).freeze();
    enqueue(id, entry_kind::change, encode(asked, entry_kind::change),
            [done = std::move(done)](error_code failed, reply_type) { done(failed); });
}

template <class Policies>
void basic_node<Policies>::apply(const applied_mark& mark) {
    for (const entry& e : applying_) {
        QUORATE_ASSERT(e.index == applied_.index.next());
        applied_ = e.id();
        bytes_since_snapshot_ += e.payload.size();
        requests_.on_term_applied(e.term);
        if (e.kind == entry_kind::normal) {
            apply_command(e);
        } else {
            apply_change(e);
        }
        if (failed_) {
            return;
        }
    }
    applying_.clear();
    engine_->on_applied(mark);
    reads_.on_applied(applied_.index);
    maybe_snapshot();
    maybe_commit();
}

template <class Policies>
void basic_node<Policies>::apply_command(const entry& e) {
    if (e.payload.size() < command_header_bytes) {
        return; // a new leader's empty entry
    }
    if (e.index <= database_at_.index) {
        return; // the machine's database holds it, and who asked is gone
    }
    const request_id id(load_little<std::uint64_t>(e.payload.data()));
    reply_type reply = machine_.apply(e.index, e.payload.slice(command_header_bytes));
    if constexpr (durable) {
        if (const error_code failed = machine_.error()) {
            fail(failed, "the database failed: " + failed.message());
            return; // the reply may be wrong
        }
    }
    requests_.finish(id, {}, std::move(reply));
}

template <class Policies>
void basic_node<Policies>::apply_change(const entry& e) {
    const result<membership_change> change = decode_change(e.kind, e.payload.view());
    if (!change) {
        say(severity::error, "skipped a membership change that cannot be decoded");
        return;
    }
    request_id id;
    byte_view peer_url;
    if (change->context.size() >= command_header_bytes) {
        id = request_id(load_little<std::uint64_t>(change->context.data()));
        peer_url = change->context.view().substr(command_header_bytes);
    }
    const result<membership> next = engine_->apply_change(*change);
    if (!next) {
        requests_.finish(id, next.error(), reply_type{});
        return;
    }
    for (const single_change& one : change->changes) {
        adopt_change(one, peer_url);
    }
    requests_.finish(id, {}, reply_type{});
}

template <class Policies>
void basic_node<Policies>::adopt_change(const single_change& change, byte_view peer_url) {
    const std::string name = "member " + std::to_string(change.node.value());
    if (change.kind != change_kind::remove) {
        members_.put(change.node, std::string(peer_url));
        say(severity::info, name + " is part of the group at " + std::string(peer_url));
        if (change.node != options_.id && wire_->add_peer(change.node, std::string(peer_url))) {
            say(severity::warning, name + " cannot be reached: not a peer URL");
        }
        return;
    }
    members_.erase(change.node);
    say(severity::info, name + " was removed from the group");
    if (change.node != options_.id) {
        wire_->drop_peer(change.node);
        return;
    }
    // The peers that have not heard yet that the removal is committed shall hear it.
    farewell_.expires_after(std::chrono::seconds(1));
    farewell_.async_wait([this](const error_code& cancelled) {
        if (!cancelled && !stopping_) {
            end(errc::member_removed);
        }
    });
}

template <class Policies>
void basic_node<Policies>::adopt_table(const member_table& table) {
    for (const member_address& before : std::exchange(members_, table)) {
        if (before.id != options_.id && members_.find(before.id) == nullptr) {
            wire_->drop_peer(before.id);
        }
    }
    for (const member_address& m : members_) {
        if (started_ && m.id != options_.id && wire_->add_peer(m.id, m.peer_url)) {
            say(severity::warning,
                "member " + std::to_string(m.id.value()) + " cannot be reached: not a peer URL");
        }
    }
}

template <class Policies>
error_code basic_node<Policies>::install(const snapshot& snap) {
    bulk_reader state(snap.data);
    const result<member_table> members = take_members(state);
    if (!members) {
        return members.error();
    }
    // A database that is ahead of the snapshot keeps what it holds; entries up to there are coming.
    if (!database_at_.index || snap.last.index > database_at_.index) {
        if (const error_code failed = machine_.restore(state)) {
            return failed;
        }
        database_at_ = {};
    }
    adopt_table(*members);
    applied_ = snap.last;
    snapshot_index_ = snap.last.index;
    compacted_ = snap.last.index;
    reads_.on_applied(applied_.index);
    requests_.on_snapshot_installed(applied_.term);
    return {};
}

/// Returns: what a snapshot holds: the members, and the machine's state as it is now.
template <class Policies>
bulk_bytes basic_node<Policies>::state_with(const member_table& members) const {
    if constexpr (std::is_same_v<decltype(machine_.snapshot()), rope>) {
        return join_snapshot(members, machine_.snapshot());
    } else {
        return stream_snapshot(members, machine_.snapshot());
    }
}

template <class Policies>
void basic_node<Policies>::maybe_snapshot() {
    const bool due = applied_.index - snapshot_index_ >= options_.snapshot_entries ||
                     bytes_since_snapshot_ >= options_.snapshot_bytes;
    const bool machine_ahead = applied_.index < database_at_.index; // its state is a later one
    if (snapshot_under_way_ || !due || applied_.index < next_snapshot_ || machine_ahead) {
        return;
    }
    bytes_since_snapshot_ = 0;
    auto made = std::make_shared<snapshot>();
    made->last = applied_;
    made->members = engine_->members();
    made->data = state_with(members_);
    snapshot_under_way_ = true;
    const snapshot_ptr snap = std::move(made);
    if constexpr (!blocking) {
        on_snapshot_saved(snap, snapshots_->save(*snap));
    } else {
        boost::asio::post(snapshot_thread_, [this, snap] {
            std::unique_lock lock(save_mutex_);
            const error_code failed = snapshots_->save(*snap);
            lock.unlock();
            boost::asio::post(io_, [this, snap, failed] { on_snapshot_saved(snap, failed); });
        });
    }
}

/// Returns: the same snapshot as the store gives it out: its data need not stay in memory.
template <class Policies>
snapshot_ptr basic_node<Policies>::as_stored(const snapshot_ptr& snap) const {
    snapshot_ptr newest = snapshots_->newest();
    return newest != nullptr && newest->last == snap->last ? newest : snap;
}

template <class Policies>
void basic_node<Policies>::on_snapshot_saved(const snapshot_ptr& snap, error_code failed) {
    snapshot_under_way_ = false;
    if (stopping_ || failed_) {
        return;
    }
    if (is_out_of_space(failed)) {
        say(severity::warning, "no space for a snapshot; it is tried again later");
        next_snapshot_ = applied_.index + 1 + options_.snapshot_entries / 16;
        bytes_since_snapshot_ = options_.snapshot_bytes;
        return;
    }
    if (failed) {
        fail(failed, "a snapshot cannot be written: " + describe_failure(*snapshots_, failed));
        return;
    }
    if (snap->last.index <= snapshot_index_) {
        return; // a newer one was received meanwhile
    }
    snapshot_index_ = snap->last.index;
    engine_->offer_snapshot(as_stored(snap));
    say(severity::info, "made a snapshot at index " + std::to_string(snap->last.index.value()));
    const std::uint64_t keep = options_.catch_up_entries;
    const log_index upto = snap->last.index.value() > keep ? snap->last.index - keep : log_index{};
    if (upto > compacted_ && !engine_->compact(upto)) {
        compacted_ = upto;
        log_->compact(upto);
    }
}

} // namespace quorate

#endif
