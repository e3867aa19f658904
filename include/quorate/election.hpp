// Elections and locks: whose key under a name is the oldest has the turn.
// Flow:       beside 1 to 13. a wish for a turn → transaction, then a watch on whoever is before
// In / Out:   names, leases and values → a turn, or why there is none
// Invariants: a turn is announced only after a linearizable read found its key, and no older key of
//             the name
// Source:     etcd's v3election and v3lock; the recipe is that of its concurrency package. A turn
// is
//             advisory: compare the create revision of its key in the transactions it should guard
// Threads:    the service's
#ifndef QUORATE_ELECTION_HPP
#define QUORATE_ELECTION_HPP

#include <quorate/service.hpp>

#include <charconv>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace quorate {

/// A key that has, or waits for, the turn of a name.
struct turn_key {
    std::string name;
    std::string key;
    std::uint64_t revision = 0; ///< At which the key was created.
    lease_id lease{};
};

/// Units: seconds. What a lease gets that is granted for who brings none.
inline constexpr std::int64_t turn_lease_seconds = 60;

namespace detail {

/// How often, and after which pause, a wait tries again to take its place back.
inline constexpr int take_back_attempts = 60;
inline constexpr std::chrono::milliseconds take_back_pause{1000};

/// Returns: the key of a name and a lease, which is one for each pair.
[[nodiscard]] inline std::string turn_key_of(const std::string& name, lease_id lease) {
    char digits[16];
    const auto end = std::to_chars(digits, digits + sizeof(digits), lease.value(), 16).ptr;
    return name + '/' + std::string(digits, end);
}

/// Returns: the end of the range of keys that begin so.
[[nodiscard]] inline std::string prefix_end(std::string prefix) {
    while (!prefix.empty() && prefix.back() == '\xff') {
        prefix.pop_back();
    }
    if (prefix.empty()) {
        return std::string(1, '\0');
    }
    prefix.back() = static_cast<char>(static_cast<unsigned char>(prefix.back()) + 1);
    return prefix;
}

} // namespace detail

/// One wait for a turn, from the key that is put to the moment when no older one is left. It keeps
/// itself alive while it goes on.
///
/// Waits that name the same lease share one key, on whichever members they are. A wait that ends
/// without the turn takes back what no other wait can have been given: the lease that was granted
/// for it, or a key that it created, as long as an older key keeps that from having the turn.
/// Lifetime: the service outlives it, or was stopped.
template <class Service>
class turn_wait : public std::enable_shared_from_this<turn_wait<Service>> {
public:
    using done_handler = std::function<void(error_code, reply_header, const turn_key&)>;

    turn_wait(Service& service, std::string name, identity by, done_handler done)
        : service_(service), by_(std::move(by)), done_(std::move(done)) {
        turn_.name = std::move(name);
    }
    ~turn_wait() { close(); }
    turn_wait(const turn_wait&) = delete;
    turn_wait& operator=(const turn_wait&) = delete;

    /// Effects: begins. `lease` zero: one is granted, which nobody renews.
    /// Errors, given to the handler: lease_not_found; session_expired when the key or its lease
    /// ended during the wait; and those of basic_service.
    void begin(lease_id lease, std::string value) {
        value_ = std::move(value);
        if (lease) {
            put_key(lease);
            return;
        }
        service_.grant({}, turn_lease_seconds, by_,
                       [self = this->shared_from_this()](error_code failed, const reply& made) {
                           self->on_granted(failed, made);
                       });
    }

    /// Effects: gives the wait up, and its place with it. None once the handler was called.
    void cancel() {
        if (done_) {
            done_ = nullptr;
            close();
            take_back();
        }
    }

private:
    void on_granted(error_code failed, const reply& made) {
        const auto* granted = std::get_if<lease_grant_reply>(&made.body);
        if (failed || granted == nullptr) {
            finish(failed ? failed : make_error_code(errc::command_invalid));
            return;
        }
        own_lease_ = granted->id;
        done_ ? put_key(own_lease_) : take_back();
    }

    // A client that asks again with the same lease gets the place that it has.
    void put_key(lease_id lease) {
        turn_.lease = lease;
        turn_.key = detail::turn_key_of(turn_.name, lease);
        prefix_ = turn_.name + '/';
        end_ = detail::prefix_end(prefix_);
        quorate::txn asked;
        asked.compares.push_back({.target = compare_target::create, .key = turn_.key});
        asked.success.push_back({put{.key = turn_.key, .value = value_, .lease = lease}});
        asked.failure.push_back({quorate::range{.key = turn_.key}});
        service_.txn(std::move(asked), false, by_,
                     [self = this->shared_from_this()](error_code failed, const reply& made) {
                         failed ? self->finish(self->reason_of(failed)) : self->take_place(made);
                     });
    }

    void take_place(const reply& made) {
        const auto& did = std::get<txn_reply>(made.body);
        created_ = did.succeeded;
        had_place_ = true;
        turn_.revision = made.header.revision;
        const key_value* found = nullptr;
        if (!created_) {
            found = &std::get<range_reply>(did.responses.front().body).kvs.front();
            turn_.revision = found->create_revision;
        }
        if (!done_) {
            take_back();
        } else if (found != nullptr && found->value.view() != value_) {
            proclaim();
        } else {
            look();
        }
    }
    void proclaim() {
        quorate::txn asked;
        asked.compares.push_back(place_is_kept());
        asked.success.push_back({put{.key = turn_.key, .value = value_, .lease = turn_.lease}});
        service_.txn(std::move(asked), false, by_,
                     [self = this->shared_from_this()](error_code failed, const reply&) {
                         failed ? self->finish(self->reason_of(failed)) : self->look();
                     });
    }

    /// Returns: the condition that the key is the one whose place this wait has.
    [[nodiscard]] compare place_is_kept() const {
        return {.target = compare_target::create,
                .key = turn_.key,
                .number = static_cast<std::int64_t>(turn_.revision)};
    }
    /// Returns: what a failed write means: the lease was there when the wait began.
    [[nodiscard]] error_code reason_of(const error_code& failed) const {
        const bool ended = failed == errc::lease_not_found && had_place_;
        return ended ? make_error_code(errc::session_expired) : failed;
    }

    // The newest of those before is the last to go, so it alone is watched. The key itself is
    // looked at in the same read: without it, there is no turn.
    void look() {
        if (!done_) {
            return;
        }
        quorate::range older{.key = prefix_, .range_end = end_, .limit = 1};
        older.order = sort_order::descend;
        older.target = sort_target::create;
        older.max_create_revision = turn_.revision - 1;
        quorate::txn asked;
        asked.compares.push_back(place_is_kept());
        asked.success.push_back({older});
        service_.txn(std::move(asked), false, by_,
                     [self = this->shared_from_this()](error_code failed, const reply& found) {
                         failed ? self->finish(failed) : self->on_found(found);
                     });
    }
    void on_found(const reply& found) {
        const auto& looked = std::get<txn_reply>(found.body);
        if (!looked.succeeded) {
            lose_place();
            return;
        }
        const auto& before = std::get<range_reply>(looked.responses.front().body).kvs;
        before.empty() ? finish({}, found.header) : await(before.front(), found.header.revision);
    }
    // The wait that created a shared key may have taken it back: then this one queues anew.
    void lose_place() {
        if (!done_) {
            return;
        }
        created_ ? finish(errc::session_expired) : put_key(turn_.lease);
    }

    void await(const key_value& before, std::uint64_t seen_at) {
        if (!done_) {
            return;
        }
        close();
        stream_ = service_.open_watches([weak = this->weak_from_this()] {
            if (const auto self = weak.lock()) {
                self->on_event();
            }
        });
        self_ = this->shared_from_this();
        for (const byte_view key : {before.key.view(), byte_view(turn_.key)}) {
            watch_request asked;
            asked.key = key;
            asked.start_revision = seen_at + 1;
            asked.no_put = true;
            if (const auto made = service_.watch(*stream_, asked, by_); !made) {
                finish(made.error());
                return;
            }
        }
    }
    // One of the two keys is gone, or that is unknown because the past is compacted: look again.
    void on_event() {
        const auto keep = this->shared_from_this();
        if (stream_ && service_.take_watched(*stream_, 1)) {
            close();
            look();
        }
    }

    void close() {
        if (stream_) {
            service_.close_watches(*std::exchange(stream_, std::nullopt));
        }
        self_.reset();
    }
    void finish(error_code failed, reply_header header = {}) {
        const auto keep = this->weak_from_this().lock();
        close();
        if (done_) {
            const done_handler done = std::exchange(done_, nullptr);
            done(failed, header, turn_);
            if (failed) {
                take_back();
            }
        }
    }

    /// Effects: ends the lease that was granted for the wait, with its key; or deletes the key.
    /// The server does this on its own behalf: the user may have lost the permission, or be gone.
    /// Tried again while the outcome is not known, as long as such a lease can live.
    void take_back() {
        if (own_lease_) {
            service_.submit_own(lease_revoke{own_lease_}, taken_back());
        } else if (created_) {
            service_.submit_own(deletion_unless_oldest(), taken_back());
        }
    }
    [[nodiscard]] auto taken_back() {
        return [self = this->shared_from_this()](error_code failed, const reply&) {
            const bool passing = failed == condition::retry || failed == condition::outcome_unknown;
            if (!passing || ++self->attempts_ >= detail::take_back_attempts) {
                return;
            }
            self->service_.after(detail::take_back_pause, [self] { self->take_back(); });
        };
    }
    // Another wait with the same lease may have been given the turn once no older key is there.
    [[nodiscard]] quorate::txn deletion_unless_oldest() const {
        quorate::txn unless;
        unless.compares.push_back({.target = compare_target::create,
                                   .result = compare_result::greater,
                                   .key = prefix_,
                                   .range_end = end_,
                                   .number = static_cast<std::int64_t>(turn_.revision) - 1});
        unless.failure.push_back({delete_range{.key = turn_.key}});
        quorate::txn asked;
        asked.compares.push_back(place_is_kept());
        asked.success.push_back({std::move(unless)});
        return asked;
    }

    Service& service_;
    identity by_;
    done_handler done_;
    std::string value_;
    std::string prefix_;
    std::string end_;
    turn_key turn_;
    lease_id own_lease_{};   // granted for this wait; its client does not know it yet
    bool had_place_ = false; // at some time
    bool created_ = false;   // the key is this wait's own
    int attempts_ = 0;       // to take the place back
    std::optional<watch_stream_id> stream_;
    std::shared_ptr<turn_wait> self_; // while a watch is what it waits for
};

} // namespace quorate

#endif
