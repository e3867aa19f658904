// Conformance of a transport, as cases that need no test framework.
// Flow:       none; see net/transport.hpp
// In / Out:   a fixture → named cases, each with what it found wrong
// Source:     doc/concept/transport.md
// Threads:    none (the test's)
#ifndef QUORATE_TESTING_CONFORMANCE_TRANSPORT_HPP
#define QUORATE_TESTING_CONFORMANCE_TRANSPORT_HPP

#include <quorate/format/record.hpp>
#include <quorate/net/transport.hpp>
#include <quorate/testing/bulk.hpp>
#include <quorate/testing/conformance/report.hpp>

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace quorate::testing {

/// A sink that writes down what it is told.
class recording_sink : public transport_sink {
public:
    void on_message(const message& m) override {
        note();
        messages.emplace_back(m);
        if (then) {
            then(m);
        }
    }
    void on_unreachable(node_id peer) override {
        note();
        ++unreachable[peer];
    }
    void on_snapshot_sent(node_id peer, bool delivered) override {
        note();
        ++(delivered ? snapshots_sent : snapshots_failed)[peer];
    }
    void on_removed() override {
        note();
        ++removed;
    }
    void on_untrusted(const std::string& why) override {
        note();
        refused.push_back(why);
    }
    void on_dropped(const std::string& why) override {
        note();
        dropped.push_back(why);
    }
    void on_call(node_id from, const member_call& call) override {
        note();
        asked.emplace_back(from, call);
    }

    void on_refused(node_id, hello_status why) override {
        note();
        refusals.push_back(why);
    }
    member_past past() const override { return stated; }
    hello_status judge_past(node_id member, const member_past& theirs) override {
        note();
        return judge ? judge(member, theirs) : hello_status::ok;
    }

    /// Returns: how many messages carried this context.
    [[nodiscard]] std::size_t count(std::uint64_t context) const {
        return static_cast<std::size_t>(std::ranges::count_if(
            messages, [context](const owned_message& m) { return m->context == context; }));
    }

    std::vector<owned_message> messages;
    std::vector<std::pair<node_id, member_call>> asked; ///< Calls and answers.
    std::vector<std::string> refused;                   ///< Why somebody was.
    std::vector<std::string> dropped;                   ///< Why a message was.
    std::map<node_id, std::size_t> unreachable;
    std::map<node_id, std::size_t> snapshots_sent;
    std::map<node_id, std::size_t> snapshots_failed;
    std::size_t removed = 0;
    std::size_t calls = 0;
    bool forbidden = false; ///< While set, a call is a violation.
    bool violated = false;
    std::function<void(const message&)> then;
    std::vector<hello_status> refusals; ///< Of this member, by its peers.
    member_past stated;                 ///< What past() returns.
    std::function<hello_status(node_id, const member_past&)> judge; ///< Empty: all is well.

private:
    void note() noexcept {
        ++calls;
        violated = violated || forbidden;
    }
};

/// How a case gets at a model. A fixture starts with no member; a case makes its own.
///  open(id, cluster, sink)  makes and starts member `id`, with URL url(id), also after close(id)
///  wire(id)                 the transport of an open member
///  close(id)                destroys it
///  url(id)                  where it listens or would listen
///  run_until(done)          lets messages flow until done() or a deadline of seconds; then done()
template <class F>
concept transport_fixture = requires(F f, node_id id, cluster_id cluster, transport_sink& sink,
                                     std::function<bool()> done) {
    requires transport<typename F::transport_type>;
    { f.open(id, cluster, sink) } -> std::same_as<error_code>;
    { f.wire(id) } -> std::same_as<typename F::transport_type&>;
    { f.close(id) } -> std::same_as<void>;
    { f.url(id) } -> std::convertible_to<std::string>;
    { f.run_until(done) } -> std::same_as<bool>;
};

/// One promise. `run` makes a fixture of its own. Returns: empty, or what was broken.
struct conformance_case {
    const char* name;
    std::function<std::string()> run;
};

namespace detail {

inline constexpr cluster_id conformance_cluster{77};

/// Returns: a message of the kind with a value of its own in every field.
[[nodiscard]] inline message filled_message(message_kind kind, node_id from, node_id to) {
    message m;
    m.kind = kind;
    m.reject = true;
    m.transfer = true;
    m.to = to;
    m.from = from;
    m.term = term_id(5);
    m.log_term = term_id(4);
    m.index = log_index(40);
    m.commit = log_index(39);
    m.reject_hint = log_index(38);
    m.context = 0xfedcba9876543210;
    return m;
}

[[nodiscard]] inline message heartbeat(node_id from, node_id to, std::uint64_t context) {
    message m;
    m.kind = message_kind::heartbeat;
    m.to = to;
    m.from = from;
    m.term = term_id(1);
    m.context = context;
    return m;
}

[[nodiscard]] inline entry filled_entry(term_id term, log_index index, std::size_t size) {
    draft bytes(size);
    for (std::size_t i = 0; i < size; ++i) {
        bytes.data()[i] = static_cast<char>((i * 7 + index.value()) & 0xff);
    }
    const shared_bytes payload = std::move(bytes).freeze();
    return {term, index, entry_kind::normal, payload_checksum_of(payload.view()), payload};
}

[[nodiscard]] inline bool same_content(const message& a, const message& b) {
    const bool fields = a.kind == b.kind && a.reject == b.reject && a.transfer == b.transfer &&
                        a.to == b.to && a.from == b.from && a.term == b.term &&
                        a.log_term == b.log_term && a.index == b.index && a.commit == b.commit &&
                        a.reject_hint == b.reject_hint && a.context == b.context;
    return fields && std::ranges::equal(a.entries, b.entries);
}

/// The cases themselves; each is a fresh object.
template <transport_fixture Fixture>
class transport_cases {
public:
    std::string messages_arrive_whole() {
        pair();
        for (std::uint8_t kind = 0; kind <= message_kind_max; ++kind) {
            message m = filled_message(static_cast<message_kind>(kind), one, two);
            if (m.kind == message_kind::install_snapshot) {
                continue;
            }
            if (!send_until_arrived(m)) {
                return "no message of kind " + std::to_string(kind) + " arrived";
            }
            if (!same_content(b.messages.back().get(), m)) {
                return "a message of kind " + std::to_string(kind) + " changed on its way";
            }
        }
        return {};
    }

    std::string entries_arrive_whole() {
        pair();
        message m = filled_message(message_kind::append, one, two);
        std::vector<entry> entries;
        for (std::size_t size : {0U, 1U, 255U, 256U, 257U, 70'000U, 3'000'000U}) {
            entries.push_back(filled_entry(m.term, m.index + entries.size() + 1, size));
        }
        const std::vector<entry> expected = entries;
        m.entries = entries;
        if (!link()) {
            return "the members do not reach each other";
        }
        b.messages.clear();
        fixture.wire(one).send(m);
        // The sender's log may change as soon as `send` returns.
        entries.assign(entries.size(), entry{});
        m.entries = expected;
        if (!fixture.run_until([&] { return !b.messages.empty(); })) {
            return "the append did not arrive";
        }
        return same_content(b.messages.back().get(), m) ? "" : "the append changed on its way";
    }

    std::string snapshots_arrive_whole() {
        pair();
        auto snap = std::make_shared<snapshot>();
        snap->last = {term_id(3), log_index(30)};
        snap->members.voters = {one, two};
        snap->members.learners = {node_id(9)};
        rope pieces;
        for (std::size_t i = 0; i < 300; ++i) {
            pieces.push_back(filled_entry(term_id(1), log_index(i), i * 11).payload);
        }
        snap->data = std::move(pieces);
        const std::string expected = bytes_of(snap->data);
        message m = filled_message(message_kind::install_snapshot, one, two);
        m.snap = snap;
        if (!link()) {
            return "the members do not reach each other";
        }
        b.messages.clear();
        fixture.wire(one).send(m);
        const auto told = [&] { return a.snapshots_sent[two] == 1 && !b.messages.empty(); };
        if (!fixture.run_until(told)) {
            return "the snapshot did not arrive, or its sender was not told";
        }
        const message& got = b.messages.back().get();
        const std::string data = got.snap == nullptr ? "" : bytes_of(got.snap->data);
        const bool same = got.snap != nullptr && got.snap->last == snap->last &&
                          got.snap->members == snap->members && same_content(got, m);
        return same && data == expected ? "" : "the snapshot changed on its way";
    }

    std::string a_snapshot_to_nobody_fails() {
        if (open(one, a)) {
            return "start failed";
        }
        static_cast<void>(fixture.wire(one).add_peer(two, fixture.url(two)));
        message m = heartbeat(one, two, 1);
        m.kind = message_kind::install_snapshot;
        m.snap = std::make_shared<snapshot>();
        fixture.wire(one).send(m);
        const bool told = fixture.run_until([&] { return a.snapshots_failed[two] == 1; });
        return told && a.snapshots_sent[two] == 0 ? "" : "the failed transfer was not reported";
    }

    std::string the_sink_is_never_called_inside() {
        if (open(one, a)) {
            return "start failed";
        }
        auto& wire = fixture.wire(one);
        a.forbidden = true;
        static_cast<void>(wire.add_peer(two, fixture.url(two)));
        for (std::uint64_t i = 0; i < 200; ++i) {
            wire.send(heartbeat(one, two, i));
            wire.send(heartbeat(one, node_id(99), i));
            static_cast<void>(wire.call(two, {i, false, {}}));
        }
        wire.drop_peer(two);
        a.forbidden = false;
        return a.violated ? "the sink was called inside a call of the transport" : "";
    }

    std::string losses_are_reported() {
        if (open(one, a)) {
            return "start failed";
        }
        static_cast<void>(fixture.wire(one).add_peer(two, fixture.url(two)));
        const bool told = fixture.run_until([&] {
            fixture.wire(one).send(heartbeat(one, two, 1));
            return a.unreachable[two] > 0;
        });
        return told ? "" : "an unreachable peer was not reported";
    }

    std::string a_peer_that_comes_back_is_reached() {
        pair();
        if (!link()) {
            return "the members do not reach each other";
        }
        fixture.close(two);
        recording_sink again;
        if (fixture.open(two, conformance_cluster, again)) {
            return "the second start failed";
        }
        const bool reached = fixture.run_until([&] {
            fixture.wire(one).send(heartbeat(one, two, 5));
            return again.count(5) > 0;
        });
        fixture.close(two);
        return reached ? "" : "a peer that restarted is not reached";
    }

    std::string strangers_are_not_sent_to() {
        pair();
        if (!link()) {
            return "the members do not reach each other";
        }
        fixture.wire(two).send(heartbeat(two, one, 8));
        static_cast<void>(fixture.wire(two).add_peer(one, fixture.url(one)));
        const bool reached = fixture.run_until([&] {
            fixture.wire(two).send(heartbeat(two, one, 9));
            return a.count(9) > 0;
        });
        return reached && a.count(8) == 0 ? "" : "a message to an unknown peer was sent";
    }

    std::string a_dropped_member_is_told() {
        pair();
        static_cast<void>(fixture.wire(two).add_peer(one, fixture.url(one)));
        if (!link()) {
            return "the members do not reach each other";
        }
        fixture.wire(one).drop_peer(two);
        const bool told = fixture.run_until([&] {
            fixture.wire(two).send(heartbeat(two, one, 6));
            return b.removed > 0;
        });
        if (!told) {
            return "a removed member was not told";
        }
        static_cast<void>(fixture.wire(one).add_peer(two, fixture.url(two)));
        return link() ? "" : "a member that was added again is not reached";
    }

    std::string queued_messages_leave_before_a_drop() {
        pair();
        if (!link()) {
            return "the members do not reach each other";
        }
        for (std::uint64_t i = 1000; i < 1100; ++i) {
            fixture.wire(one).send(heartbeat(one, two, i));
        }
        fixture.wire(one).drop_peer(two);
        const bool arrived = fixture.run_until([&] { return b.count(1099) > 0; });
        return arrived ? "" : "the last messages to a dropped peer were lost";
    }

    std::string other_clusters_are_not_heard() {
        if (open(one, a) || fixture.open(two, cluster_id(78), b)) {
            return "start failed";
        }
        static_cast<void>(fixture.wire(one).add_peer(two, fixture.url(two)));
        const bool reported = fixture.run_until([&] {
            fixture.wire(one).send(heartbeat(one, two, 4));
            return a.unreachable[two] > 1;
        });
        return reported && b.messages.empty() ? "" : "a message came from another cluster";
    }

    std::string refused_past_exchanges_no_message() {
        pair();
        static_cast<void>(fixture.wire(two).add_peer(one, fixture.url(one)));
        const birth_mark other(9);
        b.stated.birth = other;
        b.stated.birth_applied = true;
        a.judge = [other](node_id member, const member_past& theirs) {
            const bool refuses = member == two && theirs.birth == other && theirs.birth_applied;
            return refuses ? hello_status::other_group : hello_status::ok;
        };
        const bool told = fixture.run_until([&] {
            send_both(21);
            return !b.refusals.empty();
        });
        if (!told || b.refusals.front() != hello_status::other_group) {
            return "a member whose past is refused is not told why";
        }
        if (!a.messages.empty() || !b.messages.empty()) {
            return "members exchanged messages before both accepted the other's past";
        }
        b.stated = {};
        return flows(22) ? "" : "members whose pasts fit again do not reach each other";
    }

    std::string recheck_judges_an_open_connection_again() {
        if constexpr (rechecks_peers<typename Fixture::transport_type>) {
            pair();
            static_cast<void>(fixture.wire(two).add_peer(one, fixture.url(one)));
            if (!flows(21)) {
                return "the members do not reach each other";
            }
            a.judge = [](node_id, const member_past&) { return hello_status::other_group; };
            fixture.wire(one).recheck_peer(two);
            const bool told = fixture.run_until([&] {
                send_both(22);
                return !b.refusals.empty();
            });
            const std::size_t heard = a.count(23) + b.count(23);
            static_cast<void>(fixture.run_until([&, turns = 0]() mutable {
                send_both(23);
                return ++turns > 50;
            }));
            if (!told || a.count(23) + b.count(23) != heard) {
                return "an open connection outlasts a verdict that changed";
            }
            a.judge = {};
            return flows(24) ? "" : "members whose pasts fit again do not reach each other";
        }
        return {};
    }

    std::string calls_arrive_whole_and_once() {
        pair();
        if (!link()) {
            return "the members do not reach each other";
        }
        const shared_bytes most = filled_entry(term_id(1), log_index(1), call_bytes_max).payload;
        const shared_bytes few = shared_bytes::copy_of("few");
        const bool taken = fixture.wire(one).call(two, {0xfedcba9876543210, false, most}) &&
                           fixture.wire(one).call(two, {7, true, few, 9}) &&
                           fixture.wire(one).call(two, {8, false, {}});
        if (!taken || !fixture.run_until([&] { return b.asked.size() >= 3; })) {
            return "a call did not arrive";
        }
        if (!link() || b.asked.size() != 3) {
            return "a call arrived twice";
        }
        const auto same = [&](std::size_t place, std::uint64_t number, bool answers,
                              const shared_bytes& data, std::uint8_t topic) {
            const auto& [from, call] = b.asked[place];
            return from == one && call.number == number && call.answers == answers &&
                   call.data == data && call.topic == topic;
        };
        const bool whole = same(0, 0xfedcba9876543210, false, most, 0) &&
                           same(1, 7, true, few, 9) && same(2, 8, false, {}, 0);
        return whole ? "" : "a call changed on its way";
    }

    std::string calls_to_nobody_are_refused() {
        pair();
        if (!link()) {
            return "the members do not reach each other";
        }
        if (fixture.wire(one).call(node_id(99), {1, false, {}})) {
            return "a call to a stranger was taken";
        }
        fixture.wire(one).drop_peer(two);
        return fixture.wire(one).call(two, {1, false, {}}) ? "a call to a dropped peer was taken"
                                                           : "";
    }

    std::string joining_members_are_heard() {
        if (open(one, a) || fixture.open(two, cluster_id(), b)) {
            return "start failed";
        }
        static_cast<void>(fixture.wire(one).add_peer(two, fixture.url(two)));
        static_cast<void>(fixture.wire(two).add_peer(one, fixture.url(one)));
        const bool both = fixture.run_until([&] {
            fixture.wire(one).send(heartbeat(one, two, 4));
            fixture.wire(two).send(heartbeat(two, one, 5));
            return a.count(5) > 0 && b.count(4) > 0;
        });
        return both ? "" : "a member that does not know its cluster cannot join";
    }

    std::string nothing_is_told_after_stop() {
        pair();
        if (!link()) {
            return "the members do not reach each other";
        }
        // Some of these are on their way when the sink stops its own transport.
        b.then = [&](const message&) {
            fixture.wire(two).stop();
            b.forbidden = true;
        };
        b.calls = 0;
        for (std::uint64_t i = 0; i < 50; ++i) {
            fixture.wire(one).send(heartbeat(one, two, i));
        }
        const bool stopped = fixture.run_until([&] { return b.forbidden; });
        static_cast<void>(fixture.run_until([&] {
            fixture.wire(one).send(heartbeat(one, two, 1));
            return a.unreachable[two] > 0;
        }));
        return stopped && !b.violated && b.calls == 1 ? "" : "the sink was called after stop";
    }

    std::string stop_is_safe_at_any_time() {
        pair();
        // So many that some may be lost already, and a notice of it is on its way.
        for (std::uint64_t i = 0; i < 200; ++i) {
            fixture.wire(one).send(heartbeat(one, two, i));
        }
        fixture.wire(one).stop();
        fixture.wire(one).send(heartbeat(one, two, 1));
        if (fixture.wire(one).call(two, {1, false, {}})) {
            return "a call was taken after stop";
        }
        static_cast<void>(fixture.wire(one).add_peer(node_id(3), fixture.url(node_id(3))));
        fixture.wire(one).drop_peer(two);
        fixture.wire(one).stop();
        a.forbidden = true;
        static_cast<void>(fixture.run_until([turns = 0]() mutable { return ++turns > 20; }));
        return a.violated ? "the sink was called after stop" : "";
    }

    ~transport_cases() {
        fixture.close(one);
        fixture.close(two);
    }

private:
    [[nodiscard]] error_code open(node_id id, recording_sink& sink) {
        return fixture.open(id, conformance_cluster, sink);
    }
    void pair() {
        const bool failed = open(one, a) || open(two, b);
        QUORATE_ASSERT(!failed);
        static_cast<void>(fixture.wire(one).add_peer(two, fixture.url(two)));
    }
    void send_both(std::uint64_t context) {
        fixture.wire(one).send(heartbeat(one, two, context));
        fixture.wire(two).send(heartbeat(two, one, context));
    }
    /// Returns: whether a heartbeat of each arrives at the other one.
    [[nodiscard]] bool flows(std::uint64_t context) {
        return fixture.run_until([&] {
            send_both(context);
            return a.count(context) > 0 && b.count(context) > 0;
        });
    }
    /// Effects: heartbeats until one arrives, so that later messages find a connection.
    [[nodiscard]] bool link() {
        b.messages.clear();
        const bool linked = fixture.run_until([&] {
            fixture.wire(one).send(heartbeat(one, two, 3));
            return b.count(3) > 0;
        });
        // What else is on its way must not be taken for a later message.
        fixture.wire(one).send(heartbeat(one, two, 4));
        return linked && fixture.run_until([&] { return b.count(4) > 0; });
    }
    [[nodiscard]] bool send_until_arrived(const message& m) {
        b.messages.clear();
        return fixture.run_until([&] {
            fixture.wire(one).send(m);
            return !b.messages.empty() && b.messages.back()->kind == m.kind;
        });
    }

    static constexpr node_id one{1};
    static constexpr node_id two{2};

    recording_sink a;
    recording_sink b;
    Fixture fixture;
};

template <class Fixture>
[[nodiscard]] conformance_case transport_case(const char* name,
                                              std::string (transport_cases<Fixture>::*run)()) {
    return {name, [run] {
                transport_cases<Fixture> cases;
                return (cases.*run)();
            }};
}

} // namespace detail

/// Returns: the suite's cases, for a framework that runs them one by one.
template <transport_fixture Fixture>
[[nodiscard]] std::vector<conformance_case> transport_conformance() {
    using cases = detail::transport_cases<Fixture>;
    const auto make = detail::transport_case<Fixture>;
    return {
        make("messages arrive whole", &cases::messages_arrive_whole),
        make("entries arrive whole", &cases::entries_arrive_whole),
        make("snapshots arrive whole", &cases::snapshots_arrive_whole),
        make("a snapshot to nobody fails", &cases::a_snapshot_to_nobody_fails),
        make("the sink is never called inside", &cases::the_sink_is_never_called_inside),
        make("losses are reported", &cases::losses_are_reported),
        make("a peer that comes back is reached", &cases::a_peer_that_comes_back_is_reached),
        make("strangers are not sent to", &cases::strangers_are_not_sent_to),
        make("a dropped member is told", &cases::a_dropped_member_is_told),
        make("queued messages leave before a drop", &cases::queued_messages_leave_before_a_drop),
        make("other clusters are not heard", &cases::other_clusters_are_not_heard),
        make("refused past exchanges no message", &cases::refused_past_exchanges_no_message),
        make("recheck judges an open connection again",
             &cases::recheck_judges_an_open_connection_again),
        make("calls arrive whole and once", &cases::calls_arrive_whole_and_once),
        make("calls to nobody are refused", &cases::calls_to_nobody_are_refused),
        make("joining members are heard", &cases::joining_members_are_heard),
        make("nothing is told after stop", &cases::nothing_is_told_after_stop),
        make("stop is safe at any time", &cases::stop_is_safe_at_any_time),
    };
}

/// Returns: what the whole suite found; `passed()` when the model keeps the contract.
template <transport_fixture Fixture>
[[nodiscard]] conformance_report check_transport() {
    conformance_report report;
    for (const conformance_case& c : transport_conformance<Fixture>()) {
        const std::string broken = c.run();
        report.expect(broken.empty(), (std::string(c.name) + ": " + broken).c_str());
    }
    return report;
}

} // namespace quorate::testing

#endif
