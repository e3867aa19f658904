// Elections and locks: whose key under a name is the oldest has the turn.
// Flow:       beside 1 to 13. a wish for a turn → transaction, then a watch on whoever is before
// In / Out:   names, leases and values → a turn, or why there is none
// Invariants: a turn is announced only after a linearizable read found no older key of the name
// Source:     etcd's v3election and v3lock; the recipe is that of its concurrency package. A turn
// is
//             advisory: compare the create revision of its key in the transactions it should guard
// Threads:    the service's
#ifndef QUORATE_ELECTION_HPP
#define QUORATE_ELECTION_HPP

#include <quorate/service.hpp>

#include <charconv>
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
    /// Errors, given to the handler: lease_not_found, and those of basic_service.
    void begin(lease_id lease, std::string value) {
        value_ = std::move(value);
        if (lease) {
            put_key(lease);
            return;
        }
        service_.grant({}, turn_lease_seconds, by_,
                       [self = this->shared_from_this()](error_code failed, const reply& made) {
                           const auto* granted = std::get_if<lease_grant_reply>(&made.body);
                           failed || granted == nullptr ? self->finish(failed)
                                                        : self->put_key(granted->id);
                       });
    }

    /// Effects: gives the wait up, and its place with it. None once the handler was called.
    void cancel() {
        if (!done_) {
            return;
        }
        done_ = nullptr;
        close();
        if (turn_.revision != 0) {
            service_.submit(delete_range{.key = turn_.key}, by_, [](error_code, const reply&) {});
        }
    }

private:
    // Whoever asks again with the same lease gets the place that it has.
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
                         failed ? self->finish(failed) : self->take_place(made);
                     });
    }

    void take_place(const reply& made) {
        const auto& did = std::get<txn_reply>(made.body);
        turn_.revision = made.header.revision;
        if (!did.succeeded) {
            const auto& found = std::get<range_reply>(did.responses.front().body);
            turn_.revision = found.kvs.front().create_revision;
            if (found.kvs.front().value.view() != value_) {
                proclaim();
                return;
            }
        }
        done_ ? look() : withdraw();
    }
    void proclaim() {
        quorate::txn asked;
        asked.compares.push_back({.target = compare_target::create,
                                  .key = turn_.key,
                                  .number = static_cast<std::int64_t>(turn_.revision)});
        asked.success.push_back({put{.key = turn_.key, .value = value_, .lease = turn_.lease}});
        service_.txn(std::move(asked), false, by_,
                     [self = this->shared_from_this()](error_code failed, const reply&) {
                         failed ? self->finish(failed) : self->look();
                     });
    }
    // The wait was given up before its key was there.
    void withdraw() {
        service_.submit(delete_range{.key = turn_.key}, by_, [](error_code, const reply&) {});
    }

    // The newest of those before is the last to go, so it alone is watched.
    void look() {
        quorate::range asked{.key = prefix_, .range_end = end_, .limit = 1};
        asked.order = sort_order::descend;
        asked.target = sort_target::create;
        asked.max_create_revision = turn_.revision - 1;
        service_.range(asked, false, by_,
                       [self = this->shared_from_this()](error_code failed, const reply& found) {
                           if (failed) {
                               self->finish(failed);
                               return;
                           }
                           const auto& before = std::get<range_reply>(found.body).kvs;
                           before.empty() ? self->finish({}, found.header)
                                          : self->await(before.front(), found.header.revision);
                       });
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
        watch_request asked;
        asked.key = before.key.view();
        asked.start_revision = seen_at + 1;
        asked.no_put = true;
        if (const auto made = service_.watch(*stream_, asked, by_); !made) {
            finish(made.error());
        }
    }
    // Gone, or unknown because the past is compacted: look again.
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
        }
    }

    Service& service_;
    identity by_;
    done_handler done_;
    std::string value_;
    std::string prefix_;
    std::string end_;
    turn_key turn_;
    std::optional<watch_stream_id> stream_;
    std::shared_ptr<turn_wait> self_; // while a watch is what it waits for
};

} // namespace quorate

#endif
