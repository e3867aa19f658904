// One client's socket: reads requests ahead, hands them on in order, writes responses in order.
// Flow:       0 and 13. HTTP bytes → exchange → HTTP bytes
// Invariants: at most pipeline_max requests are unanswered, and no request is read while those and
//             their responses hold more than backlog_bytes_max; so memory is bounded by that, one
//             request at its limits and pipeline_max responses
//             responses leave in the order of their requests; none leaves after one that closes
//             no request is handed on while a stream is open
//             at most one read and one write are under way; where nothing may be begun, one is only
//             to notice that the client leaves, and what it brings waits
// Source:     RFC 9112 §9 (persistence, pipelining, tear-down)
// Threads:    those of the asio_context, one at a time
#ifndef QUORATE_HTTP_CONNECTION_HPP
#define QUORATE_HTTP_CONNECTION_HPP

#include <quorate/http/exchange.hpp>
#include <quorate/http/head_scanner.hpp>
#include <quorate/http/outbox.hpp>
#include <quorate/http/request_parser.hpp>
#include <quorate/http/server_options.hpp>
#include <quorate/http/traffic.hpp>
#include <quorate/net/secure_channel.hpp>
#include <quorate/runtime/asio_context.hpp>

#include <boost/beast/core/flat_buffer.hpp>
#include <boost/intrusive/list_hook.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace quorate::http::detail {

/// The bytes of unanswered requests, and of unsent responses, above which no request is begun.
inline constexpr std::size_t backlog_bytes_max = 256 << 10;
/// The most that is read at once, but for a body of known length.
inline constexpr std::size_t read_bytes_max = 8 << 10;

class connection;

/// How readily a connection makes way where there are too many: smaller values first.
enum class claim : std::uint8_t {
    spent,      ///< It was answered for the last time, or never completed a request for long.
    idle,       ///< It has been idle for long.
    unfinished, ///< Its next request has been unfinished for long.
    stalled,    ///< Its client has taken nothing for long.
    fresh,      ///< It never completed a request, and is new.
    kept,       ///< It makes no way: a request or a stream is under way.
};

/// What all connections of a server share. Ticks pass at a steady pace; a limit that is stored as a
/// tick costs no timer and no look at the clock per request.
class connection_host {
public:
    server_options options;
    std::function<void(exchange)> handler;
    std::shared_ptr<traffic> load;
    std::size_t connections_max = 0; ///< What descriptors allow of the option.
    std::size_t streams_max = 0;     ///< The option, or what leaves connections for requests.
    std::uint64_t tick = 1;
    bool is_draining = false;

    /// Returns: the first tick that lies at least `limit` ahead.
    [[nodiscard]] virtual std::uint64_t tick_after(std::chrono::milliseconds limit) const = 0;
    /// More waits to be written, or is held, than may. Closes nothing before it returns.
    virtual void on_overload() = 0;
    /// A limit was reached.
    virtual void note_limit(limit_kind which) = 0;
    /// Returns: the present time as a Date field has it. Lifetime: until the next call.
    [[nodiscard]] virtual std::string_view date() = 0;
    /// Called once; the host forgets the connection.
    virtual void on_closed(connection& closed) noexcept = 0;

protected:
    connection_host() = default;
    ~connection_host() = default;
};

/// Returns: whether a request with this method asks for no change (RFC 9110 §9.2.1).
[[nodiscard]] bool is_safe(std::string_view method) noexcept;

class connection final : public exchange_owner, public boost::intrusive::list_base_hook<> {
public:
    /// Lifetime: `host` outlives the connection's being open.
    connection(tcp_socket socket, peer_identity peer, connection_host& host);
    /// Requires: `channel` is not null and belongs to `executor`.
    connection(asio_context::executor_type executor, std::shared_ptr<secure_channel> channel,
               peer_identity peer, connection_host& host);

    ~connection() override;

    /// Effects: reads, after a handshake where there is a channel. The connection keeps itself
    /// alive until it closes.
    void start();
    /// Effects: gives up at once; unsent bytes are lost. Does nothing when closed already.
    void close() noexcept;
    /// Effects: enforces the time limits.
    void on_tick();
    /// Effects: closes if idle; else the last response under way will close. Streams are told.
    /// Requires: the host is draining.
    void on_drain();

    /// Units: bytes that the client has not taken.
    [[nodiscard]] std::size_t unsent_bytes() const noexcept { return outbox_.unsent_bytes(); }
    /// Units: bytes of requests that are being received or not answered.
    [[nodiscard]] std::size_t held_bytes() const noexcept { return held_; }
    /// Returns: for how many ticks its request has been unfinished. Requires: is_receiving().
    [[nodiscard]] std::uint64_t receiving_ticks() const noexcept {
        return host_->tick - waits_since_;
    }
    /// Returns: how often in a row this was called while no request waited for its answer.
    [[nodiscard]] int grace_parts_without_request() noexcept {
        grace_parts_ = is_asking() ? 0 : grace_parts_ + 1;
        return grace_parts_;
    }
    /// Returns: whether a request is being received.
    [[nodiscard]] bool is_receiving() const noexcept;
    /// Returns: whether the handler has a request of it, or had one that is not answered.
    [[nodiscard]] bool is_asking() const noexcept;
    /// Returns: how readily it makes way, and for how many ticks that has been so.
    [[nodiscard]] std::pair<claim, std::uint64_t> standing() const noexcept;
    /// Effects: takes a reserved place, where only vital requests are served.
    /// Requires: not started.
    void take_reserved_place() noexcept;
    [[nodiscard]] bool is_reserved() const noexcept { return reserved_; }

    void answer(exchange_slot& which, response&& r) override;
    void watch(exchange_slot& which) override;
    [[nodiscard]] bool hold(exchange_slot& which) override;
    [[nodiscard]] bool is_open() const noexcept override { return host_ != nullptr; }
    [[nodiscard]] const peer_identity& peer() const noexcept override { return peer_; }

    [[nodiscard]] boost::intrusive_ptr<stream_state> begin_stream(exchange_slot& which,
                                                                  response&& head) override;
    void write(stream_state& stream, shared_bytes&& piece) override;
    void write(stream_state& stream, byte_view piece) override;
    void end(stream_state& stream) override;
    void cut(stream_state& stream) noexcept override;
    [[nodiscard]] std::size_t waiting_bytes(const stream_state& stream) const noexcept override;
    void tell(stream_state& stream) override;

    /// Returns: whether nothing is under way: no request, not even a part of one, no response. A
    /// handshake is nothing, for anybody can begin one.
    [[nodiscard]] bool is_idle() const noexcept;

private:
    /// A request and, once there is one, its response that waits for its turn.
    struct slot : exchange_slot {
        std::string head;
        parsed_head parsed;
        boost::beast::flat_buffer body;
        std::optional<response> answer;
        std::size_t bytes = 0; ///< Of head and body.
        unsigned version = 11;
        bool is_head_request = false;
        bool keep_alive = true;
        bool is_answered = false; ///< In whole: a stream has ended.
        // Of a stream:
        boost::intrusive_ptr<stream_state> stream; ///< Null once it has ended.
        std::vector<shared_bytes> early;           ///< Pieces before its turn.
        std::size_t early_bytes = 0;
        bool is_stream = false; ///< `answer` is its head.
        bool is_begun = false;  ///< The head is sent.
        bool is_full = false;   ///< More waits than leaves room.
        bool closes = false;
    };
    enum class phase : std::uint8_t {
        handshake,    ///< Before the first request, where there is a channel.
        head,         ///< Between requests, or in the head of one.
        sized_body,   ///< In a body of known length.
        chunked_body, ///< In a chunked body.
        held,         ///< A whole request waits until those before it are answered.
        finished,     ///< No further request will be read.
        lingering,    ///< All is sent; what comes is discarded until the client closes, too.
    };
    /// What the deadline for reading is about.
    enum class wait : std::uint8_t { nothing, handshake, idle, head, body, linger };

    void shake_hands();
    void advance();
    [[nodiscard]] bool take_step();
    [[nodiscard]] bool may_begin();
    [[nodiscard]] bool take_head();
    [[nodiscard]] bool take_sized_body();
    [[nodiscard]] bool take_chunks();
    void begin_body(slot& s);
    void dispatch(slot& s);
    void hand_over(slot& s);
    [[nodiscard]] std::string_view overload_of(const slot& s);
    [[nodiscard]] bool has_stream_place() const noexcept;
    void free_place(exchange_slot& which) noexcept;
    [[nodiscard]] response refusal_of(const request& asked, unsigned status,
                                      std::string_view why) const;
    void refuse(unsigned status, std::string_view why = {});
    void trim() noexcept;

    [[nodiscard]] slot& current_slot();
    [[nodiscard]] slot& slot_at(std::size_t offset) {
        return *slots_[(first_ + offset) % slots_.size()];
    }
    void send_answered();
    void emit(slot& s, response&& r);
    void conclude(const slot& s, bool closes);
    [[nodiscard]] bool is_last() const noexcept;
    void release(slot& s);
    void maybe_continue();

    void emit_stream_head(slot& s);
    void append_piece(slot& s, shared_bytes&& piece);
    void append_last_chunk(slot& s);
    void after_write(slot& s);
    void let_go(slot& s);
    void answer_at_once(slot& s, response&& r);
    void tell_streams();
    void drop_streams() noexcept;
    void tell_left();
    void notice_slow_request();
    void check_room();

    void settle();
    void finish_sending();
    void expect(wait what);
    [[nodiscard]] std::uint64_t deadline_after(std::chrono::milliseconds limit) const;
    [[nodiscard]] bool wants_to_read();
    void read();
    void on_read(error_code ec, std::size_t bytes);
    void weigh();
    void weigh_requests();
    void flush();
    void write();
    void on_write(error_code ec, std::size_t bytes);

    std::optional<tcp_socket> socket_;        ///< Neither, when closed.
    std::shared_ptr<secure_channel> channel_; ///< In place of the socket.
    asio_context::executor_type executor_;    ///< The socket's, which may be gone.
    connection_host* host_;
    std::shared_ptr<traffic> load_;
    peer_identity peer_;
    boost::intrusive_ptr<connection> self_; ///< Set while open.

    boost::beast::flat_buffer received_; ///< Not consumed yet, except for sized bodies.
    head_scanner scanner_;
    std::optional<request_parser> parser_;
    std::uint64_t body_missing_ = 0; ///< Of a sized body.

    /// A ring: `count_` requests in order from `first_`, then the one being read, if any.
    std::vector<std::unique_ptr<slot>> slots_;
    std::size_t first_ = 0;
    std::size_t count_ = 0;
    std::size_t unanswered_bytes_ = 0;
    std::size_t streams_ = 0; ///< Open ones.

    outbox outbox_;
    std::size_t weighed_ = 0;       ///< What of the unsent bytes of `load_` is its.
    std::size_t held_ = 0;          ///< The same of the held bytes.
    std::uint64_t opened_at_ = 0;   ///< The tick when it came.
    std::uint64_t waits_since_ = 0; ///< The tick when it began to wait for what it waits for.
    std::uint64_t written_at_ = 0;  ///< The tick when its client took something last.
    std::uint64_t asked_at_ = 0;    ///< The tick of the request handed on last.
    std::uint64_t read_deadline_ = 0;
    std::uint64_t write_deadline_ = 0;
    int grace_parts_ = 0; ///< Of a drain.
    phase phase_ = phase::head;
    wait waiting_ = wait::nothing;
    bool has_partial_head_ = false;
    bool skipped_empty_line_ = false;
    bool continue_wanted_ = false; ///< 100 is due once earlier requests are answered.
    bool advancing_ = false;
    bool reading_ = false;
    bool writing_ = false;
    bool end_of_input_ = false;
    bool watching_ = false; ///< A read has to be under way while requests are.
    bool has_asked_ = false;
    bool exclusive_ = false; ///< The request under way may change something: it is alone.
    bool closing_ = false;   ///< The last response is in the outbox.
    bool unread_ = false;    ///< The client may be sending what nobody will read.
    bool reserved_ = false;  ///< Only vital requests are served.
};

} // namespace quorate::http::detail

#if defined(QUORATE_HEADER_ONLY)
#include <quorate/http/impl/connection.ipp>
#include <quorate/http/impl/connection_leaving.ipp>
#include <quorate/http/impl/connection_limits.ipp>
#include <quorate/http/impl/connection_socket.ipp>
#include <quorate/http/impl/connection_stream.ipp>
#endif

#endif
