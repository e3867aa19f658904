// What the consensus core costs: nanoseconds and heap allocations of its steady states.
// Storage is asynchronous and at once; followers are real engines or answers made by hand.
#include <quorate/consensus/raft.hpp>

#include <malloc.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <memory>
#include <new>
#include <span>
#include <string>
#include <vector>

namespace {

std::uint64_t allocations = 0;
std::int64_t live_bytes = 0;

void* counted(std::size_t size) {
    void* place = std::malloc(size);
    if (place == nullptr) {
        std::abort();
    }
    ++allocations;
    live_bytes += static_cast<std::int64_t>(malloc_usable_size(place));
    return place;
}
void uncounted(void* place) noexcept {
    if (place != nullptr) {
        live_bytes -= static_cast<std::int64_t>(malloc_usable_size(place));
        std::free(place);
    }
}

} // namespace

void* operator new(std::size_t size) {
    return counted(size);
}
void* operator new[](std::size_t size) {
    return counted(size);
}
void operator delete(void* place) noexcept {
    uncounted(place);
}
void operator delete[](void* place) noexcept {
    uncounted(place);
}
void operator delete(void* place, std::size_t) noexcept {
    uncounted(place);
}
void operator delete[](void* place, std::size_t) noexcept {
    uncounted(place);
}

namespace {

using namespace quorate;

constexpr std::uint64_t compact_every = 1024;

/// Runs `operation` a quarter of a second of processor time after a warm-up and prints its cost.
template <class Operation>
void measure(const char* name, std::uint64_t units, Operation&& operation) {
    for (int i = 0; i < 5000; ++i) {
        operation();
    }
    const std::uint64_t allocated = allocations;
    const std::clock_t start = std::clock();
    std::uint64_t count = 0;
    double seconds = 0;
    do {
        for (int i = 0; i < 1000; ++i) {
            operation();
        }
        count += 1000;
        seconds = static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
    } while (seconds < 0.25);
    const auto total = static_cast<double>(count * units);
    std::printf("%-52s %9.1f ns %8.3f allocations\n", name, 1e9 * seconds / total,
                static_cast<double>(allocations - allocated) / total);
}

snapshot_ptr start_of(std::uint64_t size) {
    auto snap = std::make_shared<snapshot>();
    for (std::uint64_t id = 1; id <= size; ++id) {
        snap->members.voters.insert(node_id(id));
    }
    return snap;
}

/// One engine whose disk and state machine are instantaneous.
class member {
public:
    member(std::uint64_t id, snapshot_ptr start)
        : engine_(options_of(id), engine_state{.base = std::move(start)}, 0) {}

    [[nodiscard]] raft& engine() noexcept { return engine_; }

    /// Effects: makes everything durable and applied; `send(message)` is called for every message
    /// to others, while what it views is still there.
    template <class Send>
    void work(Send&& send) {
        while (engine_.has_effects()) {
            effects& batch = engine_.take_effects();
            for (const message& m : batch.send_now) {
                send(m);
            }
            for (const message& m : batch.send_after_sync) {
                if (m.to == engine_.status().id) {
                    static_cast<void>(engine_.step(m));
                } else {
                    send(m);
                }
            }
            if (batch.stable) {
                engine_.on_stable(*batch.stable);
            }
            if (batch.applied) {
                engine_.on_applied(*batch.applied);
            }
        }
        compact();
    }

private:
    static raft_options options_of(std::uint64_t id) {
        raft_options options;
        options.id = node_id(id);
        options.pre_vote = false;
        options.check_quorum = false;
        return options;
    }
    void compact() {
        const engine_status now = engine_.status();
        if (now.applied - now.first.prev() < 2 * compact_every) {
            return;
        }
        // The same object each time: the snapshot is the application's to make.
        if (offered_ == nullptr) {
            auto snap = std::make_shared<snapshot>();
            snap->members = engine_.members();
            snap->last.index = log_index(std::uint64_t{1} << 60);
            offered_ = std::move(snap);
        }
        engine_.offer_snapshot(offered_);
        if (engine_.compact(now.applied - compact_every)) {
            std::abort();
        }
    }

    raft engine_;
    snapshot_ptr offered_;
};

void ignore(const message&) {}

message answer(message_kind kind, std::uint64_t from, const raft& to) {
    return {.kind = kind, .to = node_id(1), .from = node_id(from), .term = to.status().hard.term};
}
void acknowledge(raft& leader, std::uint64_t from) {
    message ack = answer(message_kind::append_response, from, leader);
    ack.index = leader.status().last;
    static_cast<void>(leader.step(ack));
}
void elect(member& leader, std::uint64_t size) {
    static_cast<void>(leader.engine().campaign());
    leader.work(ignore);
    for (std::uint64_t id = 2; id <= size; ++id) {
        static_cast<void>(
            leader.engine().step(answer(message_kind::vote_response, id, leader.engine())));
    }
    leader.work(ignore);
    for (std::uint64_t id = 2; id <= size; ++id) {
        acknowledge(leader.engine(), id);
    }
    leader.work(ignore);
}

void propose_some(raft& leader, const shared_bytes& payload, std::uint64_t count) {
    for (std::uint64_t i = 0; i < count; ++i) {
        proposed one{.payload = payload};
        if (leader.propose({&one, 1})) {
            std::abort();
        }
    }
}

/// The leader alone: its own append, and acknowledgements of everybody made by hand.
void bench_leader(std::uint64_t size, std::uint64_t batch) {
    const auto leader = std::make_unique<member>(1, start_of(size));
    elect(*leader, size);
    const shared_bytes payload = shared_bytes::copy_of(std::string(256, 'x'));
    char name[80];
    std::snprintf(name, sizeof(name), "committed proposal, %d voters, batches of %d",
                  static_cast<int>(size), static_cast<int>(batch));
    measure(name, batch, [&] {
        propose_some(leader->engine(), payload, batch);
        leader->work(ignore);
        for (std::uint64_t id = 2; id <= size; ++id) {
            acknowledge(leader->engine(), id);
        }
        leader->work(ignore);
    });
}

/// Everybody: the sum of what leader and followers spend on a proposal.
void bench_group(std::uint64_t size, std::uint64_t batch) {
    std::vector<std::unique_ptr<member>> members;
    for (std::uint64_t id = 1; id <= size; ++id) {
        members.push_back(std::make_unique<member>(id, start_of(size)));
    }
    const auto at = [&](node_id id) -> member& { return *members[id.value() - 1]; };
    member& leader = *members.front();
    std::vector<message> answers;
    const auto exchange = [&] {
        do {
            leader.work([&](const message& m) {
                static_cast<void>(at(m.to).engine().step(m)); // copies the entries it views
            });
            answers.clear();
            for (std::uint64_t id = 2; id <= size; ++id) {
                at(node_id(id)).work([&](const message& m) { answers.push_back(m); });
            }
            for (const message& m : answers) {
                static_cast<void>(leader.engine().step(m));
            }
        } while (!answers.empty());
    };
    static_cast<void>(leader.engine().campaign());
    exchange();
    const shared_bytes payload = shared_bytes::copy_of(std::string(256, 'x'));
    char name[80];
    std::snprintf(name, sizeof(name), "the same at all of %d members, batches of %d",
                  static_cast<int>(size), static_cast<int>(batch));
    measure(name, batch, [&] {
        propose_some(leader.engine(), payload, batch);
        exchange();
    });
}

/// A follower takes one entry, makes it durable and learns that it is committed.
void bench_append() {
    const auto follower = std::make_unique<member>(1, start_of(3));
    entry e{.term = term_id(1), .payload = shared_bytes::copy_of(std::string(256, 'x'))};
    measure("append handled by a follower, one entry", 1, [&] {
        message m{.kind = message_kind::append,
                  .to = node_id(1),
                  .from = node_id(2),
                  .term = term_id(1),
                  .log_term = e.index ? term_id(1) : term_id(0),
                  .index = e.index,
                  .commit = e.index};
        ++e.index;
        m.entries = {&e, 1};
        if (follower->engine().step(m)) {
            std::abort();
        }
        follower->work(ignore);
    });
}

/// An acknowledgement that commits nothing: the third voter's.
void bench_ack() {
    const auto leader = std::make_unique<member>(1, start_of(3));
    elect(*leader, 3);
    const shared_bytes payload = shared_bytes::copy_of("x");
    constexpr std::uint64_t ahead = 200;
    measure("acknowledgement of one of 200 appends under way", ahead, [&] {
        const log_index before = leader->engine().status().last;
        for (std::uint64_t i = 0; i < ahead; ++i) {
            propose_some(leader->engine(), payload, 1);
            leader->work(ignore);
        }
        for (std::uint64_t i = 1; i <= ahead; ++i) {
            for (std::uint64_t id : {2U, 3U}) {
                message ack = answer(message_kind::append_response, id, leader->engine());
                ack.index = before + i;
                static_cast<void>(leader->engine().step(ack));
            }
        }
        leader->work(ignore);
    });
}

void bench_idle(std::uint64_t groups, std::uint64_t size) {
    const snapshot_ptr start = start_of(size);
    std::vector<std::unique_ptr<member>> leaders;
    leaders.reserve(groups);
    const std::int64_t bytes = live_bytes;
    for (std::uint64_t n = 0; n < groups; ++n) {
        leaders.push_back(std::make_unique<member>(1, start));
        elect(*leaders.back(), size);
    }
    char name[80];
    std::snprintf(name, sizeof(name), "heartbeat round of one idle group of %d, of %d groups",
                  static_cast<int>(size), static_cast<int>(groups));
    std::size_t next = 0;
    measure(name, 1, [&] {
        member& leader = *leaders[next++ % leaders.size()];
        leader.engine().tick(0);
        leader.work(ignore);
        for (std::uint64_t id = 2; id <= size; ++id) {
            static_cast<void>(leader.engine().step(
                answer(message_kind::heartbeat_response, id, leader.engine())));
        }
        leader.work(ignore);
    });
    const auto leader_bytes = (live_bytes - bytes) / static_cast<std::int64_t>(groups);
    std::vector<std::unique_ptr<raft>> followers;
    followers.reserve(groups);
    const std::int64_t before = live_bytes;
    for (std::uint64_t n = 0; n < groups; ++n) {
        raft_options options;
        options.id = node_id(2);
        followers.push_back(std::make_unique<raft>(options, engine_state{.base = start}, 0));
    }
    const auto follower_bytes = (live_bytes - before) / static_cast<std::int64_t>(groups);
    std::printf("%-52s %9lld at a leader, %lld at a follower, engine object %zu\n",
                "bytes of an idle group of five", static_cast<long long>(leader_bytes),
                static_cast<long long>(follower_bytes), sizeof(raft));
}

} // namespace

int main() {
    for (const std::uint64_t size : {1U, 3U, 5U}) {
        bench_leader(size, 1);
        bench_leader(size, 64);
    }
    bench_group(3, 1);
    bench_group(3, 64);
    bench_append();
    bench_ack();
    bench_idle(1000, 5);
    return 0;
}
