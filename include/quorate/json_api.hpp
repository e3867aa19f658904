// etcd's JSON API and an operator's pages over a service: HTTP requests in, responses out.
// Flow:       0 to 3 and 13. http::request → typed call → http::response
// In / Out:   exchanges of an HTTP server → calls of a service → responses and streams
// Invariants: what does not decode reaches no service; a stream ends with its client, or with the
//             service
// Source:     etcd's gRPC gateway and its health, version and metrics pages; doc/api.md
// Threads:    the service's
#ifndef QUORATE_JSON_API_HPP
#define QUORATE_JSON_API_HPP

#include <quorate/election.hpp>
#include <quorate/gateway/api_call.hpp>
#include <quorate/gateway/api_error.hpp>
#include <quorate/gateway/decode.hpp>
#include <quorate/gateway/encode.hpp>
#include <quorate/gateway/request_arena.hpp>
#include <quorate/http/exchange.hpp>
#include <quorate/http/page_rules.hpp>
#include <quorate/impl/json_parts.hpp>
#include <quorate/service.hpp>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace quorate {

/// A checksum that snapshots end with, of a library that the program links.
class snapshot_digest {
public:
    snapshot_digest() = default;
    snapshot_digest(const snapshot_digest&) = delete;
    snapshot_digest& operator=(const snapshot_digest&) = delete;
    virtual ~snapshot_digest() = default;
    virtual void add(byte_view bytes) = 0;
    /// Returns: the checksum. Called once, after all of `add`.
    virtual std::string finish() = 0;
};

struct json_api_options {
    gateway::error_dialect dialect = gateway::error_dialect::etcd_3_4;
    /// What `/version` and `status` say: the version of the reference whose API this is.
    std::string version = "3.4.23";
    /// Origins of other servers whose pages may use the API; `*`: all. This server's own page may.
    std::vector<std::string> cors;
    std::vector<std::string> host_whitelist; ///< Names that Host may say; empty: all.
    /// Names of this server, beside its addresses, by which its own page may be opened.
    std::vector<std::string> own_hosts;
    /// Whether a request without a token is made by the user that the client's certificate names.
    bool users_from_certificates = false;
    /// Units: bytes. A watch's response is split where it would be longer and the watch allows it.
    std::size_t stream_bytes_max = 2 << 20;
    /// Given a moment to tell, for `/metrics`; empty: there is no such page.
    std::function<std::string()> metrics;
    /// Told of each check of `/health`, and whether it went well; empty: nobody.
    std::function<void(bool)> checked;
    /// Told of each call that begins, and how it ended after how long; empty: nobody.
    std::function<void(gateway::api_call)> began;
    std::function<void(gateway::api_call, gateway::grpc_code, std::chrono::nanoseconds)> ended;
    std::string_view status_page; ///< What `/` shows; empty: nothing.
    /// Makes what snapshots end with: SHA-256, as etcd's clients expect; empty: nothing.
    std::function<std::unique_ptr<snapshot_digest>()> make_digest;
};

/// Serves whatever a server's handler is given.
///
/// Lifetime: the service outlives it. It outlives the exchanges that it was given.
template <class Service>
class json_api {
public:
    json_api(Service& service, json_api_options options)
        : service_(service), options_(std::move(options)) {}
    json_api(const json_api&) = delete;
    json_api& operator=(const json_api&) = delete;
    ~json_api() { close_streams(); }

    /// Effects: answers, now or later.
    void serve(http::exchange asked);
    /// The same for a door that has health and metrics only; any other path is 404.
    void serve_checks_only(http::exchange asked);
    /// Effects: ends what would never end by itself, as before the server is drained: streams, and
    /// waits for a lock or an election, each with an error that the client can read. Refuses more.
    void close_streams();
    /// Returns: whether a request is for health or metrics, which are served at any limit.
    [[nodiscard]] static bool is_vital(const http::request& asked) noexcept;
    /// Returns: what a server answers to a request that it refuses itself: calls get an error of
    /// the API, others plain text.
    [[nodiscard]] http::response refusal(const http::request& asked, unsigned status,
                                         std::string_view why) const;
    /// Effects: ends the streams of clients that asked for a member with a leader, once there has
    /// been none for three election timeouts. To be called now and then.
    void tend_streams();

private:
    /// One request on its way: what it was decoded to, and where the answer goes.
    struct call_state {
        http::exchange client;
        gateway::request_arena arena;
        identity by;
        gateway::api_call what;
        std::shared_ptr<request_trace> trace; ///< Where its path is noted, if it asked for that.
        bool needs_leader = false;            ///< The client does not want to wait for one.
        monotonic_clock::time_point begun;

        call_state(http::exchange asked, identity who, gateway::api_call call,
                   monotonic_clock::time_point now)
            : client(std::move(asked)), by(std::move(who)), what(call), begun(now) {}
    };
    using call = std::shared_ptr<call_state>;
    /// A stream that may have to end before its client does.
    struct live_stream {
        virtual void end_with(const gateway::api_error& reason) = 0;
        /// Effects: tries again what failed.
        virtual void on_tick() {}

    protected:
        ~live_stream() = default;
    };
    class watch_session;
    /// A wait for a lock or an election, and on whose behalf.
    struct pending_turn {
        std::weak_ptr<turn_wait<Service>> wait;
        std::weak_ptr<call_state> asked;
    };
    class snapshot_session;
    class observe_session;

    // One message in, one out. Those that return something return whether the call is theirs.
    // impl/json_unary.hpp
    void dispatch(const call& asked);
    [[nodiscard]] static bool lasts(gateway::api_call what) noexcept;
    void note_end(const call_state& asked, gateway::grpc_code code) const;
    bool dispatch_kv(gateway::api_call what, const call& asked);
    bool dispatch_lease(gateway::api_call what, const call& asked);
    // impl/json_admin.hpp
    bool dispatch_auth(gateway::api_call what, const call& asked);
    bool dispatch_passwords(gateway::api_call what, const call& asked);
    [[nodiscard]] static std::shared_ptr<std::atomic<bool>> given_up(const call& asked);
    bool dispatch_cluster(gateway::api_call what, const call& asked);
    bool dispatch_maintenance(gateway::api_call what, const call& asked);
    void serve_alarm(const call& asked);
    void serve_hash(gateway::api_call what, const call& asked);
    // impl/json_election.hpp
    bool dispatch_election(gateway::api_call what, const call& asked);
    void serve_campaign(const call& asked);
    void serve_lock(const call& asked);
    void give_up(const call& asked, turn_wait<Service>& waiting, const gateway::api_error& why);
    void tell_leader(const call& asked, byte_view name);
    template <class Told>
    void wait_for_turn(const call& asked, byte_view name, lease_id lease, byte_view value,
                       Told told);
    void use_turn(const call& asked, const gateway::election_key& turn, txn_op what,
                  std::optional<gateway::api_failure> otherwise);
    [[nodiscard]] static range oldest_of(byte_view prefix, byte_view end);

    // Answers that go on (impl/json_streams.hpp, impl/json_election.hpp).
    void keep(const std::shared_ptr<live_stream>& stream);
    void bind_to_leader(const call& asked, const std::shared_ptr<live_stream>& stream);
    void serve_watch(const call& asked);
    void serve_keep_alive(const call& asked);
    void renew_next(const call& asked, std::string_view rest,
                    const std::shared_ptr<std::string>& lines);
    void break_off(const call& asked, std::string lines, const gateway::api_error& reason);
    void serve_snapshot(const call& asked);
    void serve_observe(const call& asked);
    [[nodiscard]] http::response stream_head(const call& asked) const;
    [[nodiscard]] std::string last_line(const gateway::api_error& reason) const;

    // impl/json_pages.hpp: what is no part of the API.
    void serve_page(http::exchange asked);
    void show(http::exchange& asked, http::response page) const;
    void serve_health(std::string_view query, http::exchange asked);
    void serve_checks(std::string_view path, std::string_view query, http::exchange asked);
    [[nodiscard]] std::string disk_problem() const;
    void add_common_fields(http::response& page, const http::request& asked) const;
    [[nodiscard]] bool allows_host(const http::request& asked) const;
    [[nodiscard]] bool allows_origin(const http::request& asked) const;
    [[nodiscard]] bool refuse_page(http::exchange& asked) const;

    [[nodiscard]] gateway::response_header header(std::uint64_t revision) const;
    void answer(const call& asked, std::string body);
    template <class Reply>
    void tell(const call& asked, std::uint64_t revision, const Reply& told);
    template <class Message>
    [[nodiscard]] bool take(const call& asked, Message& into);
    template <class Body>
    [[nodiscard]] auto teller(const call& asked);
    [[nodiscard]] auto acknowledger(const call& asked);
    template <class Message>
    void administer(gateway::api_call what, const call& asked);
    void tell_members(const call& asked, node_id added = {});
    void refuse(const call& asked, const gateway::api_error& reason);
    void refuse(const call& asked, error_code reason);

    Service& service_;
    json_api_options options_;
    bool closing_ = false;                           ///< No stream begins any more.
    std::list<std::weak_ptr<live_stream>> sessions_; ///< Streams that clients hold open.
    std::list<pending_turn> turns_;
    std::list<std::weak_ptr<live_stream>> leader_bound_; ///< Of clients that want a leader.
    std::optional<monotonic_clock::time_point> leaderless_since_;
};

} // namespace quorate

#include <quorate/impl/json_admin.hpp>
#include <quorate/impl/json_election.hpp>
#include <quorate/impl/json_pages.hpp>
#include <quorate/impl/json_streams.hpp>
#include <quorate/impl/json_unary.hpp>

#endif
