// The life of an incoming connection, in the order in which it happens.
#ifndef QUORATE_NET_IMPL_TCP_INLET_IPP
#define QUORATE_NET_IMPL_TCP_INLET_IPP

#include <quorate/net/tcp_dialler.hpp>
#include <quorate/net/tcp_inlet.hpp>

#include <boost/asio/buffer.hpp>
#include <boost/asio/write.hpp>

#include <algorithm>
#include <array>
#include <span>
#include <string>
#include <utility>
#include <variant>

namespace quorate::detail {

QUORATE_DECL tcp_inlet::tcp_inlet(std::shared_ptr<tcp_hub> hub, tcp_socket socket)
    : hub_(std::move(hub)),
      stream_(std::move(socket)),
      framer_(hello_frame_bytes_max),
      assembly_(hub_->options.snapshot_bytes_max),
      accepted_(hub_->ticks) {}

QUORATE_DECL void tcp_inlet::start(bool encrypted) {
    error_code ignored;
    remote_ = stream_.socket().remote_endpoint(ignored);
    tune_socket(stream_.socket());
    if (!encrypted) {
        read();
        return;
    }
    stream_.accept_over(
        *hub_->options.security,
        [self = shared_from_this()](const error_code& failed) { self->on_encrypted(failed); });
}

QUORATE_DECL void tcp_inlet::on_encrypted(const error_code& failed) {
    if (closed_) {
        return;
    }
    if (!failed) {
        read();
        return;
    }
    ++hub_->statistics.handshakes_failed;
    const std::string wrong =
        stream_.channel() != nullptr ? stream_.channel()->complaint() : std::string();
    refuse_stranger(wrong.empty() ? failed.message() : wrong);
}

QUORATE_DECL void tcp_inlet::refuse_stranger(const std::string& why) {
    hub_->complain("refused a peer that connected from " + remote_.address().to_string() +
                   ", port " + std::to_string(remote_.port()) + ": " + why);
    close();
}

QUORATE_DECL void tcp_inlet::read() {
    const std::span<char> place = framer_.prepare();
    stream_.async_read_some(boost::asio::buffer(place.data(), place.size()),
                            [self = shared_from_this()](const error_code& ec, std::size_t size) {
                                if (self->closed_) {
                                    return;
                                }
                                if (ec) {
                                    if (tcp_dialler* const peer = self->counterpart()) {
                                        peer->count_receive_failure();
                                    }
                                    self->close();
                                    return;
                                }
                                self->on_bytes(size);
                            });
}

QUORATE_DECL void tcp_inlet::on_bytes(std::size_t size) {
    hub_->statistics.bytes_received += size;
    if (tcp_dialler* const peer = counterpart()) {
        peer->count_received(size);
    }
    framer_.commit(size);
    for (;;) {
        const auto frame = framer_.next();
        if (!frame) {
            if (frame.error() == errc::too_large && member_) {
                report_drop("a frame over frame_bytes_max, " +
                            std::to_string(hub_->options.frame_bytes_max));
            }
            refuse_frame();
            return;
        }
        if (frame->empty()) {
            break;
        }
        ++hub_->statistics.frames_received;
        if (!on_frame(*frame)) {
            refuse_frame();
            return;
        }
        // The sink may have stopped the transport, and a refused hello waits for its answer.
        if (closed_ || (answered_ && !member_)) {
            return;
        }
    }
    read();
}

QUORATE_DECL void tcp_inlet::refuse_frame() {
    ++hub_->statistics.frames_refused;
    if (tcp_dialler* const peer = counterpart()) {
        peer->count_receive_failure();
    }
    close();
}

QUORATE_DECL tcp_dialler* tcp_inlet::counterpart() const {
    const auto found = hub_->diallers.find(member_);
    return found == hub_->diallers.end() ? nullptr : found->second.get();
}

QUORATE_DECL bool tcp_inlet::on_frame(const shared_bytes& frame) {
    auto content = decode_frame(frame);
    if (!content) {
        return false;
    }
    if (!answered_) {
        const hello* first = std::get_if<hello>(&*content);
        if (first != nullptr) {
            on_hello(*first);
        }
        return first != nullptr;
    }
    return std::visit([this](auto& c) { return on_content(c); }, *content);
}

/// Effects: answers in one piece, after which the connection ends as for any stranger.
QUORATE_DECL void tcp_inlet::on_newcomer() {
    shared_bytes members = hub_->sink != nullptr ? hub_->sink->on_newcomer() : shared_bytes();
    const bool tells = !members.empty() && members.size() <= call_bytes_max;
    const hello_status status = tells ? hello_status::ok : hello_status::wrong_member;
    std::string answer(
        encode_hello({protocol_version, status, hub_->identity.cluster, hub_->identity.self, {}})
            .view());
    if (tells) {
        gather_buffer frame;
        encode_frame(member_call{0, true, std::move(members), members_topic}, frame);
        std::array<byte_view, 4> pieces;
        const std::size_t count = frame.gather(pieces);
        for (const byte_view piece : std::span(pieces).first(count)) {
            answer += piece;
        }
    }
    ++(tells ? hub_->statistics.newcomers_told : hub_->statistics.hellos_refused);
    answered_ = true;
    say(shared_bytes::copy_of(answer));
}

/// Returns: whether the member at the other end showed a certificate that is for one of its hosts,
/// where it has to.
QUORATE_DECL bool tcp_inlet::is_proved(node_id member) const {
    const auto known = hub_->diallers.find(member);
    if (!hub_->options.certificates_name_members || known == hub_->diallers.end()) {
        return true;
    }
    const secure_channel* shown = stream_.channel().get();
    const auto& addresses = known->second->addresses();
    return shown != nullptr && std::ranges::any_of(addresses, [shown](const peer_address& one) {
               return shown->is_for_host(one.host);
           });
}

QUORATE_DECL void tcp_inlet::on_hello(const hello& theirs) {
    if (asks_for_members(theirs)) {
        on_newcomer();
        return;
    }
    if (!is_proved(theirs.from)) {
        ++hub_->statistics.hellos_refused;
        refuse_stranger("its certificate is for no host of member " +
                        std::to_string(theirs.from.value()) + ", which it says it is");
        return;
    }
    const hello_status status =
        judge_hello(theirs, hub_->identity, hub_->removed.contains(theirs.from));
    answered_ = true;
    if (status == hello_status::ok) {
        for (const auto& other : hub_->inlets) {
            if (other->member_ == theirs.from) {
                other->close();
            }
        }
        member_ = theirs.from;
        framer_.set_limit(hub_->options.frame_bytes_max);
        ++hub_->statistics.connections_accepted;
    } else {
        ++hub_->statistics.hellos_refused;
    }
    say(encode_hello(
        {protocol_version, status, hub_->identity.cluster, hub_->identity.self, theirs.from}));
}

/// The hello comes first and alone; what follows it is progress, of which the latest counts.
QUORATE_DECL void tcp_inlet::say(const shared_bytes& frame) {
    next_ = frame;
    if (saying_.empty()) {
        write();
    }
}

QUORATE_DECL void tcp_inlet::write() {
    saying_ = std::exchange(next_, {});
    if (saying_.empty()) {
        return;
    }
    boost::asio::async_write(stream_, boost::asio::const_buffer(saying_.data(), saying_.size()),
                             [self = shared_from_this()](const error_code& ec, std::size_t) {
                                 if (self->closed_) {
                                     return;
                                 }
                                 if (ec || !self->member_) {
                                     self->close();
                                     return;
                                 }
                                 self->write();
                             });
}

QUORATE_DECL bool tcp_inlet::plausible(const message& m) const noexcept {
    switch (m.kind) {
    case message_kind::proposal:
    case message_kind::read_index:
    case message_kind::transfer_leader:
        // A follower passes these on under the name of whom they came from.
        return m.to == hub_->identity.self && m.from;
    default: return m.to == hub_->identity.self && m.from == member_;
    }
}

QUORATE_DECL bool tcp_inlet::on_content(owned_message& m) {
    if (!plausible(m.get())) {
        return false;
    }
    if (hub_->sink != nullptr) {
        hub_->sink->on_message(m.get());
    }
    return true;
}

QUORATE_DECL bool tcp_inlet::on_content(snapshot_start& start) {
    if (!plausible(start.head)) {
        return false;
    }
    const std::uint64_t size = start.snap.size;
    if (const error_code failed = assembly_.start(std::move(start))) {
        if (failed == errc::too_large) {
            report_drop("a snapshot of " + std::to_string(size) +
                        " bytes, over snapshot_bytes_max, " +
                        std::to_string(hub_->options.snapshot_bytes_max));
        }
        return false;
    }
    work();
    return true;
}

QUORATE_DECL bool tcp_inlet::on_content(snapshot_chunk& chunk) {
    if (assembly_.add(std::move(chunk))) {
        return false;
    }
    work();
    return true;
}

QUORATE_DECL bool tcp_inlet::on_content(member_call& call) {
    if (hub_->sink != nullptr) {
        hub_->sink->on_call(member_, call);
    }
    return true;
}

QUORATE_DECL void tcp_inlet::report_drop(const std::string& what) {
    hub_->report_drop("refused from member " + std::to_string(member_.value()) + ": " + what);
}

QUORATE_DECL void tcp_inlet::work() {
    if (closed_) {
        return;
    }
    if (std::optional<intake_task> task = assembly_.next()) {
        snapshot_intake& intake = hub_->intake();
        hub_->perform(
            intake.intake_blocks(),
            [&intake, task = std::move(*task)] { return carry_out(intake, task); },
            [self = shared_from_this()](const intake_outcome& done) { self->on_worked(done); });
    }
}

QUORATE_DECL void tcp_inlet::on_worked(const intake_outcome& done) {
    if (closed_) {
        return;
    }
    hub_->statistics.snapshot_bytes_taken += done.failed ? 0 : done.bytes;
    const snapshot_assembly::news news = assembly_.on_done(done);
    if (news.tell) {
        say(encode_progress(*news.tell));
    }
    if (news.deliver && hub_->sink != nullptr) {
        hub_->sink->on_message(news.deliver->get());
    }
    work();
}

QUORATE_DECL void tcp_inlet::close() {
    closed_ = true;
    stream_.close();
}

QUORATE_DECL void tcp_inlet::on_tick() {
    if (!member_ && hub_->ticks - accepted_ > tcp_hello_ticks_max) {
        close();
    }
}

} // namespace quorate::detail

#endif
