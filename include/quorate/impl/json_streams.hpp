// json_api: watches, keep-alives and snapshots, whose answers are lines that come when they come.
// Flow:       beside 13. events → lines of a body
#ifndef QUORATE_IMPL_JSON_STREAMS_HPP
#define QUORATE_IMPL_JSON_STREAMS_HPP

#include <quorate/json_api.hpp>

#include <memory>
#include <string>
#include <utility>

namespace quorate {

template <class Service>
http::response json_api<Service>::stream_head(const call& asked) const {
    note_end(*asked,
             gateway::grpc_code::ok); // it begins well; how it ends says nothing of the call
    http::response head{
        .status = 200, .content_type = std::string(gateway::json_content_type), .body = {}};
    add_common_fields(head, asked->client.request());
    head.fields.push_back({std::string(gateway::grpc_content_field.name),
                           std::string(gateway::grpc_content_field.value)});
    return head;
}

template <class Service>
std::string json_api<Service>::last_line(const gateway::api_error& reason) const {
    std::string line;
    gateway::append_stream_error(line, reason, options_.dialect);
    return line;
}

template <class Service>
void json_api<Service>::tend_streams() {
    for (const auto& one : std::list<std::weak_ptr<live_stream>>(sessions_)) {
        if (const auto session = one.lock()) {
            session->on_tick();
        }
    }
    if (service_.node().status().engine.soft.leader) {
        leaderless_since_.reset();
        return;
    }
    const node_options& node = service_.options().node;
    const auto patience = 3 * node.tick_interval * node.engine.election_ticks;
    const monotonic_clock::time_point now = service_.runtime().now();
    if (!leaderless_since_) {
        leaderless_since_ = now;
    }
    if (now - *leaderless_since_ < patience) {
        return;
    }
    const std::list<std::weak_ptr<live_stream>> all = std::exchange(leader_bound_, {});
    for (const auto& one : all) {
        if (const auto stream = one.lock()) {
            stream->end_with(gateway::api_error_of(errc::no_leader));
        }
    }
}

/// One client's watches. It lives as long as its stream is open: the stream's functions hold it.
template <class Service>
class json_api<Service>::watch_session final
    : public json_api<Service>::live_stream,
      public std::enable_shared_from_this<json_api<Service>::watch_session> {
public:
    watch_session(json_api& api, const call& asked) : api_(api), by_(asked->by) {}
    ~watch_session() { close(); }
    watch_session(const watch_session&) = delete;
    watch_session& operator=(const watch_session&) = delete;

    /// Effects: takes the client's messages in order, and answers from then on.
    void begin(const call& asked, gateway::watch_call first, std::string_view rest) {
        watches_ = api_.service_.open_watches([weak = this->weak_from_this()] {
            if (const auto self = weak.lock()) {
                self->send();
            }
        });
        const auto keep = asked; // the arena
        std::string lines;
        take(first, lines);
        while (!gateway::at_stream_end(rest)) {
            gateway::watch_call next;
            if (gateway::decode_next(rest, asked->arena, next)) {
                break; // what cannot be read ends the client's half
            }
            take(next, lines);
        }
        http::response head = api_.stream_head(asked);
        head.body = shared_bytes::copy_of(lines);
        out_ = asked->client.stream(std::move(head));
        out_.on_room([self = this->shared_from_this()] { self->send(); });
        out_.on_closed([self = this->shared_from_this()] { self->close(); });
        send();
    }

    /// Effects: ends the stream, in a way that the client can tell from a break.
    void end_with(const gateway::api_error& reason) override {
        out_.write(api_.last_line(reason));
        out_.end();
        close();
    }

private:
    void take(const gateway::watch_call& asked, std::string& lines) {
        if (const auto* create = std::get_if<gateway::watch_create>(&asked)) {
            make(*create, lines);
        } else if (const auto* gone = std::get_if<gateway::watch_cancel>(&asked)) {
            if (api_.service_.watches().cancel(*watches_, gone->id)) {
                say(lines, current(), {.id = gone->id, .canceled = true});
            }
        } else if (std::holds_alternative<gateway::watch_progress>(asked)) {
            api_.service_.watches().request_progress(*watches_);
        }
    }

    void make(const gateway::watch_create& asked, std::string& lines) {
        const result<watch_id> made = api_.service_.watch(*watches_, asked.request, by_);
        if (made) {
            say(lines, current(), {.id = *made, .created = true});
            if (asked.start_is_compacted) {
                refuse_past(*made, lines);
            }
            return;
        }
        const std::string reason =
            gateway::watch_cancel_reason(static_cast<errc>(made.error().value()));
        say(lines, current(),
            {.id = whole_stream, .created = true, .canceled = true, .cancel_reason = reason});
    }
    // The watch exists until here: its id is one that no other watch of the stream has.
    void refuse_past(watch_id id, std::string& lines) {
        api_.service_.watches().cancel(*watches_, id);
        const auto compacted = static_cast<std::int64_t>(api_.service_.store().compact_revision());
        const std::string reason =
            compacted == 0 ? gateway::watch_cancel_reason(errc::revision_compacted) : std::string();
        say(lines, 0,
            {.id = id, .canceled = true, .compact_revision = compacted, .cancel_reason = reason});
    }

    /// Effects: sends what there is, as much as the client takes; the rest when it has room.
    void send() {
        const auto self = this->shared_from_this(); // what is sent may close the stream
        while (watches_ && out_.is_open() && out_.waiting_bytes() < detail::stream_backlog_max) {
            const auto batch =
                api_.service_.take_watched(*watches_, api_.options_.stream_bytes_max);
            if (!batch) {
                return;
            }
            std::string line;
            const std::string reason =
                batch->reason
                    ? gateway::watch_cancel_reason(static_cast<errc>(batch->reason.value()))
                    : std::string();
            say(line, batch->revision, gateway::watch_reply_of(*batch, reason));
            out_.write(line);
        }
    }

    void say(std::string& lines, std::uint64_t revision, const gateway::watch_reply& told) {
        const gateway::stream_result line(lines);
        gateway::encode(lines, api_.header(revision), told);
    }
    [[nodiscard]] std::uint64_t current() const { return api_.service_.header().revision; }

    void close() {
        if (watches_) {
            api_.service_.close_watches(*std::exchange(watches_, std::nullopt));
        }
    }

    json_api& api_;
    identity by_;
    std::optional<watch_stream_id> watches_;
    http::response_stream out_;
};

template <class Service>
void json_api<Service>::serve_watch(const call& asked) {
    if (const error_code refused = service_.serves_all()) {
        refuse(asked, refused);
        return;
    }
    std::string_view rest = asked->client.request().body;
    gateway::watch_call first;
    if (!gateway::at_stream_end(rest)) {
        const gateway::api_error failed = gateway::decode_next(rest, asked->arena, first);
        if (failed) {
            refuse(asked, failed);
            return;
        }
    }
    const auto session = std::make_shared<watch_session>(*this, asked);
    keep(session);
    bind_to_leader(asked, session);
    session->begin(asked, std::move(first), rest);
}

template <class Service>
void json_api<Service>::keep(const std::shared_ptr<live_stream>& stream) {
    sessions_.remove_if([](const auto& one) { return one.expired(); });
    sessions_.push_back(stream);
}

template <class Service>
void json_api<Service>::bind_to_leader(const call& asked,
                                       const std::shared_ptr<live_stream>& stream) {
    if (asked->needs_leader) {
        leader_bound_.remove_if([](const auto& one) { return one.expired(); });
        leader_bound_.push_back(stream);
    }
}

template <class Service>
void json_api<Service>::close_streams() {
    closing_ = true;
    const std::list<std::weak_ptr<live_stream>> all = std::exchange(sessions_, {});
    for (const auto& one : all) {
        if (const auto session = one.lock()) {
            session->end_with(gateway::failures::transport_closing);
        }
    }
    for (const pending_turn& turn : std::exchange(turns_, {})) {
        const auto waiting = turn.wait.lock();
        const auto asked = turn.asked.lock();
        if (waiting != nullptr && asked != nullptr) {
            give_up(asked, *waiting, gateway::failures::transport_closing);
        }
    }
}

// All messages are there before the first is answered, so the answers can be one body: a line each,
// in order, up to the first that fails.
template <class Service>
void json_api<Service>::serve_keep_alive(const call& asked) {
    renew_next(asked, asked->client.request().body, std::make_shared<std::string>());
}

template <class Service>
void json_api<Service>::renew_next(const call& asked, std::string_view rest,
                                   const std::shared_ptr<std::string>& lines) {
    if (gateway::at_stream_end(rest)) {
        answer(asked, std::move(*lines));
        return;
    }
    gateway::lease_id_call message;
    if (const gateway::api_error failed = gateway::decode_next(rest, asked->arena, message)) {
        lines->empty() ? refuse(asked, failed) : answer(asked, std::move(*lines));
        return;
    }
    const auto told = [this, asked, rest, lines](error_code failed, const lease_life_reply& life) {
        if (failed) {
            break_off(asked, std::move(*lines), gateway::api_error_of(failed));
            return;
        }
        {
            const gateway::stream_result line(*lines);
            gateway::encode(
                *lines, header(service_.header().revision),
                gateway::lease_alive_reply{
                    life.id, static_cast<std::uint64_t>(std::max<std::int64_t>(life.ttl, 0))});
        }
        renew_next(asked, rest, lines);
    };
    service_.keep_alive(message.id, asked->by, told);
}

/// Effects: answers with what there was to tell, and why there is no more.
template <class Service>
void json_api<Service>::break_off(const call& asked, std::string lines,
                                  const gateway::api_error& reason) {
    note_end(*asked, reason.code);
    const bool begun = !lines.empty();
    gateway::append_stream_error(lines, reason, options_.dialect);
    http::response page =
        detail::page(begun ? 200 : gateway::http_status_of(reason.code, options_.dialect),
                     gateway::json_content_type, lines);
    add_common_fields(page, asked->client.request());
    asked->client.respond(std::move(page));
}

/// The state as it was when it was asked for, block by block as the client takes it.
template <class Service>
class json_api<Service>::snapshot_session final
    : public json_api<Service>::live_stream,
      public std::enable_shared_from_this<json_api<Service>::snapshot_session> {
public:
    snapshot_session(json_api& api, bulk_bytes state, std::unique_ptr<snapshot_digest> digest)
        : api_(api), state_(std::move(state)), digest_(std::move(digest)) {}

    void begin(http::response_stream out) {
        out_ = std::move(out);
        out_.on_room([self = this->shared_from_this()] { self->send(); });
        out_.on_closed([self = this->shared_from_this()] { self->out_ = {}; });
        send();
    }
    void end_with(const gateway::api_error& reason) override {
        out_.write(api_.last_line(reason));
        out_.end();
    }

private:
    void send() {
        while (out_.is_open() && out_.waiting_bytes() < detail::stream_backlog_max) {
            const std::uint64_t size =
                std::min<std::uint64_t>(state_.remaining(), detail::snapshot_blob_bytes);
            if (size == 0) {
                finish();
                return;
            }
            const result<shared_bytes> blob = state_.take(size);
            if (!blob) {
                out_ = {}; // cut off: it must not look whole
                return;
            }
            if (digest_ != nullptr) {
                digest_->add(blob->view());
            }
            write({state_.remaining(), blob->view()});
        }
    }
    void finish() {
        if (digest_ != nullptr) {
            const std::string sum = digest_->finish();
            write({0, sum});
        }
        out_.end();
    }
    void write(const gateway::snapshot_reply& part) {
        std::string line;
        {
            const gateway::stream_result result(line);
            gateway::encode(line, part);
        }
        out_.write(line);
    }

    json_api& api_;
    bulk_reader state_;
    std::unique_ptr<snapshot_digest> digest_;
    http::response_stream out_;
};

template <class Service>
void json_api<Service>::serve_snapshot(const call& asked) {
    service_.snapshot(asked->by, [this, asked](error_code failed, bulk_bytes state) {
        if (failed || closing_) {
            break_off(asked, {},
                      failed ? gateway::api_error_of(failed)
                             : gateway::api_error(gateway::failures::transport_closing));
            return;
        }
        auto digest = options_.make_digest ? options_.make_digest() : nullptr;
        const auto session =
            std::make_shared<snapshot_session>(*this, std::move(state), std::move(digest));
        keep(session);
        http::response head = stream_head(asked);
        session->begin(asked->client.stream(std::move(head)));
    });
}

} // namespace quorate

#endif
