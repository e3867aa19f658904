// json_api: elections and locks.
// Flow:       1 and 13. HTTP body → transactions and watches; their outcome → HTTP body
#ifndef QUORATE_IMPL_JSON_ELECTION_HPP
#define QUORATE_IMPL_JSON_ELECTION_HPP

#include <quorate/json_api.hpp>

#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace quorate {

/// Effects: waits for the turn of a name, and gives its place up when the client leaves.
template <class Service>
template <class Told>
void json_api<Service>::wait_for_turn(const call& asked, byte_view name, lease_id lease,
                                      byte_view value, Told told) {
    if (!asked->client.hold()) {
        refuse(asked, gateway::failures::too_many_streams);
        return;
    }
    using wait = turn_wait<Service>;
    const auto waiting = std::make_shared<wait>(
        service_, std::string(name), asked->by,
        [this, asked, told](error_code failed, reply_header made, const turn_key& turn) {
            if (failed == errc::session_expired && asked->what == gateway::api_call::campaign) {
                refuse(asked, gateway::failures::election_session_expired);
            } else {
                failed ? refuse(asked, failed) : told(made.revision, turn);
            }
        });
    turns_.remove_if([](const auto& one) { return one.wait.expired(); });
    turns_.push_back({waiting, asked});
    // A client that left must not come to power.
    asked->client.on_left([this, turn = turns_.back()] {
        const auto wait_left = turn.wait.lock();
        const auto asked_left = turn.asked.lock();
        if (wait_left != nullptr && asked_left != nullptr) {
            give_up(asked_left, *wait_left, gateway::failures::client_left);
        }
    });
    waiting->begin(lease, std::string(value));
}

/// Effects: ends a wait that is not over, and deletes its key.
template <class Service>
void json_api<Service>::give_up(const call& asked, turn_wait<Service>& waiting,
                                const gateway::api_error& why) {
    if (!asked->client.is_answered()) {
        waiting.cancel();
        refuse(asked, why);
    }
}

/// Effects: carries a change out if the key still has the turn it was given.
template <class Service>
void json_api<Service>::use_turn(const call& asked, const gateway::election_key& turn, txn_op what,
                                 std::optional<gateway::api_failure> otherwise) {
    txn guarded;
    guarded.compares.push_back({.target = compare_target::create,
                                .key = turn.key,
                                .number = static_cast<std::int64_t>(turn.revision)});
    guarded.success.push_back(std::move(what));
    service_.txn(std::move(guarded), false, asked->by,
                 [this, asked, otherwise](error_code failed, const reply& made) {
                     if (failed) {
                         refuse(asked, failed);
                     } else if (!std::get<txn_reply>(made.body).succeeded && otherwise) {
                         refuse(asked, *otherwise);
                     } else {
                         tell(asked, made.header.revision, gateway::empty_reply{});
                     }
                 });
}

/// Returns: what finds the oldest key of a name; its views refer to `prefix` and `end`.
template <class Service>
range json_api<Service>::oldest_of(byte_view prefix, byte_view end) {
    range asked{.key = prefix, .range_end = end, .limit = 1};
    asked.order = sort_order::ascend;
    asked.target = sort_target::create;
    return asked;
}

template <class Service>
void json_api<Service>::tell_leader(const call& asked, byte_view name) {
    const auto prefix = std::make_shared<std::string>(std::string(name) + '/');
    const auto end = std::make_shared<std::string>(detail::prefix_end(*prefix));
    service_.range(oldest_of(*prefix, *end), false, asked->by,
                   [this, asked, prefix, end](error_code failed, const reply& made) {
                       if (failed) {
                           refuse(asked, failed);
                           return;
                       }
                       const auto& found = std::get<range_reply>(made.body).kvs;
                       found.empty() ? refuse(asked, gateway::failures::election_no_leader)
                                     : tell(asked, made.header.revision,
                                            gateway::leader_reply{found.front()});
                   });
}

template <class Service>
bool json_api<Service>::dispatch_election(gateway::api_call what, const call& asked) {
    using gateway::api_call;
    switch (what) {
    case api_call::campaign: serve_campaign(asked); return true;
    case api_call::lock: serve_lock(asked); return true;
    case api_call::observe: serve_observe(asked); return true;
    case api_call::leader: {
        gateway::leader_call message;
        if (take(asked, message)) {
            tell_leader(asked, message.name);
        }
        return true;
    }
    case api_call::proclaim: {
        gateway::proclaim_call message;
        if (!take(asked, message)) {
        } else if (!message.leader) {
            refuse(asked, gateway::failures::election_leader_missing);
        } else {
            const put change{
                .key = message.leader->key, .value = message.value, .lease = message.leader->lease};
            use_turn(asked, *message.leader, {change}, gateway::failures::election_not_leader);
        }
        return true;
    }
    case api_call::resign: {
        gateway::resign_call message;
        if (!take(asked, message)) {
        } else if (!message.leader) {
            refuse(asked, gateway::failures::election_leader_missing);
        } else {
            use_turn(asked, *message.leader, {delete_range{.key = message.leader->key}}, {});
        }
        return true;
    }
    case api_call::unlock: {
        gateway::unlock_call message;
        if (take(asked, message)) {
            service_.submit(delete_range{.key = message.key}, asked->by, acknowledger(asked));
        }
        return true;
    }
    default: return false;
    }
}

template <class Service>
void json_api<Service>::serve_campaign(const call& asked) {
    gateway::campaign_call message;
    if (!take(asked, message)) {
        return;
    }
    wait_for_turn(
        asked, message.name, message.lease, message.value,
        [this, asked](std::uint64_t revision, const turn_key& turn) {
            tell(asked, revision,
                 gateway::campaign_reply{{turn.name, turn.key, turn.revision, turn.lease}});
        });
}

template <class Service>
void json_api<Service>::serve_lock(const call& asked) {
    gateway::lock_call message;
    if (!take(asked, message)) {
        return;
    }
    wait_for_turn(asked, message.name, message.lease, {},
                  [this, asked](std::uint64_t revision, const turn_key& turn) {
                      tell(asked, revision, gateway::lock_reply{turn.key});
                  });
}

/// Tells who leads an election, and what the leader proclaims, as it changes.
template <class Service>
class json_api<Service>::observe_session final
    : public json_api<Service>::live_stream,
      public std::enable_shared_from_this<json_api<Service>::observe_session> {
public:
    observe_session(json_api& api, const call& asked, std::string prefix)
        : api_(api),
          by_(asked->by),
          prefix_(std::move(prefix)),
          end_(detail::prefix_end(prefix_)) {}
    ~observe_session() { close(); }
    observe_session(const observe_session&) = delete;
    observe_session& operator=(const observe_session&) = delete;

    void end_with(const gateway::api_error& reason) override {
        out_.write(api_.last_line(reason));
        out_.end();
        close();
    }

    void begin(http::response_stream out) {
        out_ = std::move(out);
        out_.on_closed([self = this->shared_from_this()] { self->close(); });
        events_ = api_.service_.open_watches([weak = this->weak_from_this()] {
            if (const auto self = weak.lock()) {
                self->drain();
            }
        });
        watch();
        look();
    }
    void on_tick() override {
        if (std::exchange(look_again_, false)) {
            look();
        }
    }

private:
    void watch() {
        const auto made = api_.service_.watch(*events_, {.key = prefix_, .range_end = end_}, by_);
        if (!made) {
            end_with(gateway::api_error_of(made.error()));
        }
    }
    // Which events there were does not matter: the state after them is what is told.
    void drain() {
        const auto self = this->shared_from_this();
        while (events_) {
            const auto batch = api_.service_.take_watched(*events_, 1 << 20);
            if (!batch) {
                look();
                return;
            }
            if (batch->canceled && batch->reason) {
                end_with(gateway::api_error_of(batch->reason));
            } else if (batch->canceled) {
                watch(); // the past was compacted before this watch had read it
            }
        }
    }
    void look() {
        if (!events_) {
            return;
        }
        api_.service_.range(
            oldest_of(prefix_, end_), false, by_,
            [self = this->shared_from_this()](error_code failed, const reply& made) {
                failed ? self->on_failed(failed) : self->tell(made);
            });
    }
    // No event may follow for long: what was missed now has to be looked up again.
    void on_failed(const error_code& failed) {
        if (failed == condition::retry) {
            look_again_ = true;
        } else if (out_.is_open()) {
            end_with(gateway::api_error_of(failed));
        }
    }
    void tell(const reply& made) {
        const auto& found = std::get<range_reply>(made.body).kvs;
        if (!out_.is_open() || found.empty() || found.front().mod_revision == told_) {
            return;
        }
        told_ = found.front().mod_revision;
        std::string line;
        {
            const gateway::stream_result result(line);
            gateway::encode(line, api_.header(made.header.revision),
                            gateway::leader_reply{found.front()});
        }
        out_.write(line);
    }
    void close() {
        if (events_) {
            api_.service_.close_watches(*std::exchange(events_, std::nullopt));
        }
    }

    json_api& api_;
    identity by_;
    std::string prefix_;
    std::string end_;
    std::uint64_t told_ = 0;  ///< At which revision what was told last was put.
    bool look_again_ = false; ///< The last look-up failed.
    std::optional<watch_stream_id> events_;
    http::response_stream out_;
};

template <class Service>
void json_api<Service>::serve_observe(const call& asked) {
    gateway::leader_call message;
    if (!take(asked, message)) {
        return;
    }
    if (const error_code refused = service_.serves_all()) {
        refuse(asked, refused);
        return;
    }
    const auto session =
        std::make_shared<observe_session>(*this, asked, std::string(message.name) + '/');
    keep(session);
    bind_to_leader(asked, session);
    http::response head = stream_head(asked);
    session->begin(asked->client.stream(std::move(head)));
}

} // namespace quorate

#endif
