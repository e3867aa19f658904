// The life of an incoming connection, in the order in which it happens.
#ifndef QUORATE_NET_IMPL_TCP_INLET_IPP
#define QUORATE_NET_IMPL_TCP_INLET_IPP

#include <quorate/net/tcp_dialler.hpp>
#include <quorate/net/tcp_inlet.hpp>

#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/write.hpp>

#include <algorithm>
#include <array>
#include <span>
#include <string>
#include <utility>
#include <variant>

namespace quorate::detail {

/// Returns: an IPv4 address that a socket of IPv6 shows as a mapped one as itself.
[[nodiscard]] inline boost::asio::ip::address plain_address(
    const boost::asio::ip::address& address) {
    return address.is_v6() && address.to_v6().is_v4_mapped()
               ? boost::asio::ip::make_address_v4(boost::asio::ip::v4_mapped, address.to_v6())
               : address;
}

[[nodiscard]] inline std::string place_of(const boost::asio::ip::tcp::endpoint& remote) {
    return remote.address().to_string() + ", port " + std::to_string(remote.port());
}

/// Returns: whether the other end closed the connection, or its process ended.
[[nodiscard]] inline bool is_departure(const error_code& failed) {
    return failed == boost::asio::error::eof || failed == boost::asio::error::connection_reset ||
           failed == boost::asio::error::broken_pipe;
}

QUORATE_DECL tcp_inlet::tcp_inlet(std::shared_ptr<tcp_hub> hub, tcp_socket socket)
    : hub_(std::move(hub)),
      stream_(std::move(socket)),
      framer_(hello_frame_bytes_max),
      assembly_(hub_->options.snapshot_bytes_max),
      accepted_(hub_->ticks) {
    error_code ignored;
    remote_ = stream_.socket().remote_endpoint(ignored);
    source_ = plain_address(remote_.address());
}

QUORATE_DECL void tcp_inlet::start(bool encrypted) {
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
    if (is_departure(failed)) {
        hub_->complain("lost a peer that connected from " + place_of(remote_) +
                       ": it left before the handshake of the encryption was complete");
        close();
        return;
    }
    const std::string wrong =
        stream_.channel() != nullptr ? stream_.channel()->complaint() : std::string();
    refuse_stranger(wrong.empty() ? failed.message() : wrong);
}

QUORATE_DECL void tcp_inlet::refuse_stranger(const std::string& why) {
    hub_->complain("refused a peer that connected from " + place_of(remote_) + ": " + why);
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
    read_at_ = hub_->ticks;
    framer_.commit(size);
    take_frames();
}

QUORATE_DECL void tcp_inlet::take_frames() {
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
        // The sink may have stopped the transport, and a refused or held hello waits for its
        // answer.
        if (closed_ || !member_) {
            return;
        }
    }
    if (!account_unfinished()) {
        refuse_frame();
        return;
    }
    read();
}

/// Returns: false when the unfinished frames of all connections hold too much memory.
QUORATE_DECL bool tcp_inlet::account_unfinished() {
    if (!framer_.unfinished()) {
        frame_since_ = 0;
    } else if (frame_since_ == 0) {
        frame_since_ = std::max<std::uint64_t>(hub_->ticks, 1);
    }
    hub_->unfinished_bytes -= std::exchange(accounted_, framer_.held_bytes());
    hub_->unfinished_bytes += accounted_;
    return accounted_ == 0 ||
           hub_->unfinished_bytes <= tcp_unfinished_frames_max * hub_->options.frame_bytes_max;
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
    if (!hub_->options.certificates_name_members || known == hub_->diallers.end() ||
        !hub_->peers.contains(member)) {
        return true;
    }
    const secure_channel* shown = stream_.channel().get();
    const auto& addresses = known->second->addresses();
    return shown != nullptr && std::ranges::any_of(addresses, [shown](const peer_address& one) {
               return shown->is_for_host(one.host);
           });
}

QUORATE_DECL void tcp_inlet::refuse_unproved(node_id member) {
    ++hub_->statistics.hellos_refused;
    refuse_stranger("its certificate is for no host of member " + std::to_string(member.value()) +
                    ", which it says it is");
}

QUORATE_DECL void tcp_inlet::on_hello(const hello& theirs) {
    if (asks_for_members(theirs)) {
        on_newcomer();
        return;
    }
    if (shared_version(theirs) == 0) {
        hub_->complain("refused member " + std::to_string(theirs.from.value()) +
                       ", which connected from " + remote_.address().to_string() + ": " +
                       version_problem(theirs));
    }
    if (!is_proved(theirs.from)) {
        refuse_unproved(theirs.from);
        return;
    }
    past_ = theirs.past;
    hello_status status = judge_hello(theirs, hub_->identity, hub_->removed.contains(theirs.from));
    if (status == hello_status::ok && !hub_->peers.contains(theirs.from)) {
        const admission allowed = judge_unknown(theirs.from);
        if (closed_) {
            return;
        }
        if (allowed == admission::wait) {
            held_ = theirs.from;
            held_since_ = hub_->ticks;
            return;
        }
        unconfirmed_ = allowed == admission::unconfirmed;
        status = allowed == admission::refuse ? hello_status::unknown_member : status;
    }
    answer(theirs.from, status);
}

QUORATE_DECL admission tcp_inlet::judge_unknown(node_id id) {
    const admission allowed =
        hub_->sink != nullptr ? hub_->sink->on_unknown(id) : admission::refuse;
    const bool limits = allowed == admission::unconfirmed;
    if (!limits && allowed != admission::full) {
        return allowed;
    }
    const auto others = std::ranges::count_if(hub_->inlets, [&](const auto& other) {
        return !other->closed_ && other->member_ && other->member_ != id &&
               !hub_->peers.contains(other->member_) && (!limits || other->unconfirmed_);
    });
    const std::size_t most = limits ? tcp_unconfirmed_max : tcp_unknown_max;
    return static_cast<std::size_t>(others) < most ? allowed : admission::refuse;
}

QUORATE_DECL void tcp_inlet::answer(node_id member, hello_status status) {
    if (status == hello_status::ok || status == hello_status::removed) {
        const hello_status verdict = hub_->judge(member, past_);
        // A group that has removed the member says nothing about its membership in another one.
        const bool counts = status == hello_status::ok || verdict == hello_status::other_group;
        status = counts ? verdict : status;
    }
    answered_ = true;
    if (status == hello_status::ok) {
        for (const auto& other : hub_->inlets) {
            if (other->member_ == member) {
                other->close();
            }
        }
        member_ = member;
        framer_.set_limit(hub_->options.frame_bytes_max);
        ++hub_->statistics.connections_accepted;
    } else {
        ++hub_->statistics.hellos_refused;
    }
    if (status == hello_status::unknown_member) {
        hub_->complain("refused member " + std::to_string(member.value()) +
                       ", which connected from " + remote_.address().to_string() +
                       ": this member does not know it");
    }
    if (const std::string problem = past_problem(status); !problem.empty()) {
        hub_->complain("refused member " + std::to_string(member.value()) + ": " + problem);
    }
    say(hub_->greeting(status, member));
}

/// Effects: answers the hello of an unknown id that was added or dropped meanwhile, or whose time
/// is up.
QUORATE_DECL void tcp_inlet::on_held_tick() {
    const node_id id = held_;
    const bool added = hub_->peers.contains(id);
    if (!added && !hub_->removed.contains(id) &&
        hub_->ticks - held_since_ <= tcp_unknown_ticks_max) {
        return;
    }
    held_ = node_id();
    if (!added) {
        answer(id,
               hub_->removed.contains(id) ? hello_status::removed : hello_status::unknown_member);
        return;
    }
    if (!is_proved(id)) {
        refuse_unproved(id);
        return;
    }
    answer(id, hello_status::ok);
    // Not from here: the owner may be called, and the lists of connections are being walked.
    boost::asio::post(hub_->executor, [self = shared_from_this()] {
        if (!self->closed_) {
            self->take_frames();
        }
    });
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

/// Returns: whether the other end may send that. A member of a later configuration, which an
/// unconfirmed id may be, sends other things, too; these are left out.
QUORATE_DECL bool tcp_inlet::heard(message_kind kind) {
    const bool leads = kind == message_kind::append || kind == message_kind::heartbeat ||
                       kind == message_kind::install_snapshot;
    const bool campaigns = kind == message_kind::vote || kind == message_kind::pre_vote;
    if (leads || campaigns || !limited()) {
        return true;
    }
    ++hub_->statistics.messages_refused;
    return false;
}

QUORATE_DECL bool tcp_inlet::on_content(owned_message& m) {
    if (!plausible(m.get())) {
        return false;
    }
    if (hub_->sink != nullptr && heard(m->kind)) {
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
    const bool announces = call.topic == address_topic || call.topic == birth_topic;
    if (limited() && (call.answers || !announces)) {
        ++hub_->statistics.messages_refused;
    } else if (hub_->sink != nullptr) {
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
    hub_->unfinished_bytes -= std::exchange(accounted_, 0);
    stream_.close();
}

QUORATE_DECL void tcp_inlet::on_tick() {
    if (closed_) {
        return;
    }
    const std::uint64_t now = hub_->ticks;
    const bool silent = !member_ && now - accepted_ > tcp_hello_ticks_max;
    const bool stalled =
        member_ && frame_since_ != 0 &&
        (now - read_at_ > tcp_stall_ticks_max || now - frame_since_ > tcp_frame_ticks_max);
    if (silent || stalled) {
        close();
    } else if (held_) {
        on_held_tick();
    }
}

} // namespace quorate::detail

#endif
