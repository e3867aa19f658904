// The life of an outgoing connection, in the order in which it happens.
#ifndef QUORATE_NET_IMPL_TCP_DIALLER_IPP
#define QUORATE_NET_IMPL_TCP_DIALLER_IPP

#include <quorate/net/tcp_dialler.hpp>

#include <boost/asio/ip/address.hpp>
#include <boost/asio/write.hpp>

#include <algorithm>
#include <span>
#include <string>
#include <utility>
#include <variant>

namespace quorate::detail {

inline constexpr std::uint32_t tcp_backoff_ms_min = 50;
inline constexpr std::uint32_t tcp_backoff_ms_max = 1000;

/// A range of buffers that Asio may copy for the price of two pointers.
struct buffer_range {
    using value_type = boost::asio::const_buffer;
    using const_iterator = const boost::asio::const_buffer*;

    const_iterator first;
    const_iterator last;

    [[nodiscard]] const_iterator begin() const noexcept { return first; }
    [[nodiscard]] const_iterator end() const noexcept { return last; }
};

template <class Step>
auto tcp_dialler::guarded(Step step) {
    return [self = shared_from_this(), attempt = attempt_, step = std::move(step)](
               const error_code& ec, auto&&... results) {
        if (attempt != self->attempt_ || self->state_ == state::closed) {
            return;
        }
        if (ec) {
            self->on_error(ec);
            return;
        }
        step(*self, results...);
    };
}

QUORATE_DECL tcp_dialler::tcp_dialler(std::shared_ptr<tcp_hub> hub, node_id peer,
                                      std::vector<peer_address> addresses)
    : hub_(std::move(hub)),
      peer_(peer),
      addresses_(std::move(addresses)),
      jitter_(static_cast<std::minstd_rand::result_type>(
          (hub_->identity.self.value() * 31 + peer.value()) % 0x7fffffff)),
      stream_(hub_->executor),
      resolver_(hub_->executor),
      retry_(hub_->executor),
      outbox_({hub_->options.queue_bytes_max, hub_->options.frame_bytes_max,
               hub_->options.snapshot_bytes_max}) {
    link_.peer = peer;
}

QUORATE_DECL peer_link tcp_dialler::link() const {
    peer_link now = link_;
    if (state_ == state::open) {
        now.connected_for = std::chrono::milliseconds(tcp_tick_ms) * (hub_->ticks - opened_);
    }
    return now;
}

QUORATE_DECL void tcp_dialler::start() {
    dial();
}

QUORATE_DECL void tcp_dialler::dial() {
    ++attempt_;
    state_ = state::connecting;
    since_ = hub_->ticks;
    endpoints_.clear();
    const peer_address& address = target();
    if (address.literal) {
        error_code ec;
        const auto host = boost::asio::ip::make_address(address.host, ec);
        endpoints_.emplace_back(host, address.port);
        connect_next();
        return;
    }
    resolver_.async_resolve(address.host, std::to_string(address.port),
                            boost::asio::ip::resolver_base::numeric_service,
                            guarded([](tcp_dialler& self, const auto& found) {
                                self.resolved_.clear();
                                for (const auto& entry : found) {
                                    self.endpoints_.push_back(entry.endpoint());
                                    self.resolved_.push_back(entry.endpoint().address());
                                }
                                self.connect_next();
                            }));
}

QUORATE_DECL void tcp_dialler::connect_next() {
    if (endpoints_.empty()) {
        fail();
        return;
    }
    // The attempts follow one another here and not in a composed operation: one that still ran
    // after `hang_up` would close the socket under the next attempt.
    const tcp_endpoint next = endpoints_.front();
    endpoints_.erase(endpoints_.begin());
    stream_.close();
    stream_.socket().async_connect(next, guarded([](tcp_dialler& self) { self.on_connected(); }));
}

QUORATE_DECL void tcp_dialler::on_error(const error_code& ec) {
    if (state_ == state::connecting) {
        connect_next();
        return;
    }
    // A server that refuses a certificate says so only after the handshake, with TLS 1.3.
    const bool unwelcome = state_ == state::greeting && stream_.channel() != nullptr;
    if (state_ == state::securing || unwelcome) {
        const std::string wrong =
            stream_.channel() != nullptr ? stream_.channel()->complaint() : std::string();
        complain(wrong.empty() ? ec.message() : wrong);
    }
    fail();
}

QUORATE_DECL void tcp_dialler::complain(const std::string& why) {
    const peer_address& address = target();
    hub_->complain("no connection to member " + std::to_string(peer_.value()) + " at " +
                   address.host + ", port " + std::to_string(address.port) + ": " + why);
}

QUORATE_DECL void tcp_dialler::on_connected() {
    tune_socket(stream_.socket());
    target().secure ? secure() : greet();
}

QUORATE_DECL void tcp_dialler::secure() {
    state_ = state::securing;
    since_ = hub_->ticks;
    if (hub_->options.security == nullptr) {
        complain("its URL is an https:// one, and this member was given no certificates");
        fail();
        return;
    }
    stream_.dial_over(*hub_->options.security, target().host,
                      guarded([](tcp_dialler& self) { self.greet(); }));
}

QUORATE_DECL void tcp_dialler::greet() {
    state_ = state::greeting;
    since_ = hub_->ticks;
    greeting_ = hub_->greeting(hello_status::ok, peer_);
    answers_ = std::make_shared<framer>(hello_frame_bytes_max);
    boost::asio::async_write(stream_, boost::asio::const_buffer(greeting_.data(), greeting_.size()),
                             guarded([](tcp_dialler& self, std::size_t) { self.read_answer(); }));
}

QUORATE_DECL void tcp_dialler::read_answer() {
    const std::span<char> place = answers_->prepare();
    stream_.async_read_some(boost::asio::buffer(place.data(), place.size()),
                            guarded([kept = answers_](tcp_dialler& self, std::size_t size) {
                                self.on_answer_bytes(size);
                            }));
}

QUORATE_DECL void tcp_dialler::on_answer_bytes(std::size_t size) {
    hub_->statistics.bytes_received += size;
    count_received(size);
    answers_->commit(size);
    const auto frame = answers_->next();
    if (!frame) {
        ++hub_->statistics.frames_refused;
        fail();
    } else if (frame->empty()) {
        read_answer();
    } else {
        on_answer(*frame);
    }
}

QUORATE_DECL void tcp_dialler::on_answer(const shared_bytes& frame) {
    const auto content = decode_frame(frame);
    const hello* answer = content ? std::get_if<hello>(&*content) : nullptr;
    if (answer == nullptr) {
        ++hub_->statistics.frames_refused;
        fail();
        return;
    }
    hello_status status = judge_answer(*answer, hub_->identity, peer_);
    if (refuse_past(*answer, status)) {
        backoff_ms_ = tcp_backoff_ms_max;
        fail();
        return;
    }
    if (status == hello_status::ok) {
        if (!hub_->identity.cluster) {
            // The owner named this peer, so its cluster is the one that this member joins.
            hub_->identity.cluster = answer->cluster;
        }
        on_open();
        return;
    }
    ++hub_->statistics.hellos_refused;
    if (status == hello_status::removed) {
        hub_->tell_removed();
    } else if (std::exchange(told_refused_, status) != status) {
        if (shared_version(*answer) == 0) {
            complain(version_problem(*answer));
        }
        hub_->tell_refused(peer_, status);
    }
    // No use in asking often: somebody has to change an option or a membership first.
    backoff_ms_ = tcp_backoff_ms_max;
    fail();
}

/// Effects: another group's word on a removal counts for nothing.
/// Returns: whether this member wants no connection with the past that the peer states.
QUORATE_DECL bool tcp_dialler::refuse_past(const hello& answer, hello_status& status) {
    const bool is_peer =
        answer.from == peer_ && judge_hello(answer, hub_->identity, false) == hello_status::ok;
    const bool counts = status == hello_status::ok || status == hello_status::removed ||
                        status == hello_status::other_group;
    if (!is_peer || !counts) {
        return false;
    }
    const hello_status verdict = hub_->judge(peer_, answer.past);
    if (status != hello_status::ok) {
        status = verdict == hello_status::other_group ? verdict : status;
        return false;
    }
    if (verdict == hello_status::ok) {
        return false;
    }
    ++hub_->statistics.hellos_refused;
    if (const std::string problem = past_problem(verdict); !problem.empty()) {
        complain(problem);
    }
    return true;
}

QUORATE_DECL void tcp_dialler::on_open() {
    state_ = state::open;
    opened_ = since_ = hub_->ticks;
    told_unreachable_ = false;
    told_refused_ = hello_status::ok;
    answers_.reset();
    ++hub_->statistics.connections_opened;
    outbox_.open();
    if (const std::string& urls = hub_->options.announced_urls; !urls.empty()) {
        static_cast<void>(
            outbox_.push(member_call{0, false, shared_bytes::copy_of(urls), address_topic}));
    }
    watch();
    flush();
}

QUORATE_DECL void tcp_dialler::watch() {
    // Only a peer that is sent a snapshot has anything to say here, so that the others need no
    // buffer; and this read ends when the connection does.
    const auto place = answers_ == nullptr ? std::span<char>(&watched_, 1) : answers_->prepare();
    stream_.async_read_some(
        boost::asio::buffer(place.data(), place.size()),
        guarded([kept = answers_](tcp_dialler& self, std::size_t size) { self.on_words(size); }));
}

QUORATE_DECL void tcp_dialler::on_words(std::size_t size) {
    hub_->statistics.bytes_received += size;
    count_received(size);
    if (answers_ == nullptr) {
        answers_ = std::make_shared<framer>(progress_frame_bytes);
        answers_->prepare()[0] = watched_;
    }
    answers_->commit(size);
    for (;;) {
        const auto frame = answers_->next();
        if (frame && frame->empty()) {
            break;
        }
        if (!frame || !on_word(*frame)) {
            ++hub_->statistics.frames_refused;
            fail();
            return;
        }
    }
    watch();
    flush_soon();
}

/// Returns: whether the peer may say that.
QUORATE_DECL bool tcp_dialler::on_word(const shared_bytes& frame) {
    const auto content = decode_frame(frame);
    const auto* said = content ? std::get_if<snapshot_progress>(&*content) : nullptr;
    if (said == nullptr) {
        return false;
    }
    snapshot_moved_ = hub_->ticks;
    const upload_news news = outbox_.on_progress(*said);
    if (news == upload_news::delivered || news == upload_news::refused) {
        tell_snapshot_ended(news == upload_news::delivered);
    }
    return news != upload_news::invalid;
}

QUORATE_DECL void tcp_dialler::feed_snapshot() {
    if (outbox_.wants_start()) {
        const std::uint32_t limit = hub_->options.snapshots_at_once;
        if (!sending_snapshot_ && limit != 0 && hub_->snapshots_under_way >= limit) {
            return;
        }
        hub_->snapshots_under_way += sending_snapshot_ ? 0 : 1;
        sending_snapshot_ = true;
        snapshot_moved_ = hub_->ticks;
        ++hub_->statistics.snapshots_begun;
        outbox_.announce();
    }
    if (!hub_->snapshot_rate.ready()) {
        return;
    }
    if (std::optional<chunk_request> wanted = outbox_.next_chunk()) {
        hub_->snapshot_rate.spend(wanted->size());
        const bool blocks = wanted->data.blocking();
        const auto read = [data = wanted->data, offset = wanted->offset] {
            return data.read_block(offset);
        };
        hub_->perform(blocks, read,
                      [self = shared_from_this(), asked = *wanted](const result<rope>& block) {
                          self->on_chunk_read(asked, block);
                      });
    }
}

QUORATE_DECL void tcp_dialler::on_chunk_read(const chunk_request& wanted,
                                             const result<rope>& block) {
    snapshot_moved_ = hub_->ticks;
    if (block) {
        hub_->statistics.snapshot_bytes_sent += wanted.size();
        outbox_.add_chunk(wanted, *block);
    } else if (outbox_.give_up(wanted.number)) {
        tell_snapshot_ended(false);
    }
    flush_soon();
}

/// Effects: somebody else may have the turn.
QUORATE_DECL void tcp_dialler::end_snapshot() {
    if (std::exchange(sending_snapshot_, false)) {
        --hub_->snapshots_under_way;
        for (const auto& [id, dialler] : hub_->diallers) {
            dialler->flush_soon();
        }
    }
}

QUORATE_DECL void tcp_dialler::tell_snapshot_ended(bool delivered) {
    hub_->tell_snapshot_sent(peer_, delivered);
    end_snapshot();
}

QUORATE_DECL void tcp_dialler::send(const message& m) {
    const bool kept = outbox_.push(m);
    if (!kept) {
        ++hub_->statistics.messages_dropped;
        ++link_.send_failures;
        if (const std::string why = outbox_.limits().size_problem(m); !why.empty()) {
            hub_->report_drop("not sent to member " + std::to_string(peer_.value()) + ": " + why);
        }
        if (m.kind == message_kind::install_snapshot) {
            hub_->tell_snapshot_sent(peer_, false);
        } else if (!std::exchange(told_unreachable_, true)) {
            hub_->tell_unreachable(peer_);
        }
    }
    flush_soon();
}

QUORATE_DECL bool tcp_dialler::call(const member_call& asked) {
    const bool queued = state_ == state::open && outbox_.push(asked);
    flush_soon();
    return queued;
}

QUORATE_DECL void tcp_dialler::flush_soon() {
    if (state_ != state::open || writing_ || flush_posted_) {
        return;
    }
    // Everything that this turn of the loop still sends leaves with the same write.
    flush_posted_ = true;
    boost::asio::post(hub_->executor, [self = shared_from_this()] {
        self->flush_posted_ = false;
        if (self->state_ == state::open) {
            self->flush();
        }
    });
}

QUORATE_DECL void tcp_dialler::flush() {
    if (writing_) {
        return;
    }
    feed_snapshot();
    std::array<byte_view, views_max> views;
    const std::size_t count = outbox_.gather(views);
    if (count == 0) {
        told_unreachable_ = false;
        if (leave_by_ != 0 && outbox_.empty()) {
            end_snapshot();
            hang_up();
            state_ = state::closed;
        }
        return;
    }
    std::transform(
        views.begin(), views.begin() + static_cast<std::ptrdiff_t>(count), buffers_.begin(),
        [](byte_view view) { return boost::asio::const_buffer(view.data(), view.size()); });
    writing_ = true;
    since_ = hub_->ticks;
    stream_.async_write_some(
        buffer_range{buffers_.data(), buffers_.data() + count},
        guarded([](tcp_dialler& self, std::size_t size) { self.on_written(size); }));
}

QUORATE_DECL void tcp_dialler::on_written(std::size_t size) {
    writing_ = false;
    ++hub_->statistics.writes;
    hub_->statistics.bytes_sent += size;
    link_.bytes_sent += size;
    outbox_.consume(size);
    flush();
}

QUORATE_DECL void tcp_dialler::hang_up() {
    ++attempt_;
    stream_.close();
    resolver_.cancel();
    retry_.cancel();
    writing_ = false;
    answers_.reset();
}

QUORATE_DECL void tcp_dialler::fail() {
    const bool lasted = state_ == state::open && hub_->ticks - opened_ >= 10;
    link_.send_failures += state_ == state::open ? 1 : 0;
    if (lasted) {
        backoff_ms_ = 0;
    }
    if (state_ != state::open) {
        address_ = (address_ + 1) % (addresses_.size() + announced_.size());
    }
    hang_up();
    if (outbox_.close()) {
        tell_snapshot_ended(false);
    }
    if (leave_by_ != 0) {
        state_ = state::closed;
        return;
    }
    hub_->tell_unreachable(peer_);
    wait_and_dial();
}

QUORATE_DECL void tcp_dialler::wait_and_dial() {
    state_ = state::waiting;
    backoff_ms_ = std::clamp(backoff_ms_ * 2, tcp_backoff_ms_min, tcp_backoff_ms_max);
    // Up to a quarter less, so that members that lost each other do not dial in step.
    const auto less = static_cast<std::uint32_t>(jitter_()) % (backoff_ms_ / 4);
    retry_.expires_after(std::chrono::milliseconds(backoff_ms_ - less));
    retry_.async_wait(guarded([](tcp_dialler& self) { self.dial(); }));
}

QUORATE_DECL void tcp_dialler::move_to(std::vector<peer_address> addresses) {
    if (addresses == addresses_) {
        return;
    }
    addresses_ = std::move(addresses);
    announced_.clear();
    resolved_.clear();
    address_ = 0;
    backoff_ms_ = 0;
    if (attempt_ != 0 && state_ != state::closed) {
        begin_anew();
    }
}

QUORATE_DECL void tcp_dialler::redial() {
    const bool judged = state_ == state::open || state_ == state::greeting;
    if (judged && leave_by_ == 0) {
        begin_anew();
    }
}

QUORATE_DECL void tcp_dialler::begin_anew() {
    hang_up();
    if (outbox_.close()) {
        tell_snapshot_ended(false);
    }
    hub_->tell_unreachable(peer_);
    dial();
}

QUORATE_DECL void tcp_dialler::also_at(std::vector<peer_address> announced) {
    std::erase_if(announced, [this](const peer_address& one) {
        return std::ranges::find(addresses_, one) != addresses_.end();
    });
    if (announced == announced_) {
        return;
    }
    announced_ = std::move(announced);
    if (state_ != state::open) {
        address_ %= addresses_.size() + announced_.size();
    } else if (address_ >= addresses_.size()) {
        address_ = 0; // an open connection stays; the next attempt begins anew
    }
}

QUORATE_DECL bool tcp_dialler::is_at(const boost::asio::ip::address& source) const {
    const auto same = [&source](const peer_address& one) {
        error_code ec;
        return one.literal && boost::asio::ip::make_address(one.host, ec) == source && !ec;
    };
    return std::ranges::any_of(addresses_, same) ||
           std::ranges::find(resolved_, source) != resolved_.end();
}

QUORATE_DECL void tcp_dialler::leave() {
    if (outbox_.empty() && !writing_) {
        close();
        return;
    }
    leave_by_ = hub_->ticks + tcp_linger_ticks_max;
    flush_soon();
}

QUORATE_DECL void tcp_dialler::close() {
    if (state_ == state::closed) {
        return;
    }
    hang_up();
    static_cast<void>(outbox_.close());
    state_ = state::closed;
    end_snapshot();
}

QUORATE_DECL void tcp_dialler::on_tick() {
    const std::uint64_t elapsed = hub_->ticks - since_;
    const bool overdue = (state_ == state::connecting && elapsed > tcp_connect_ticks_max) ||
                         (state_ == state::securing && elapsed > tcp_hello_ticks_max) ||
                         (state_ == state::greeting && elapsed > tcp_hello_ticks_max) ||
                         (state_ == state::open && writing_ && elapsed > tcp_stall_ticks_max);
    if (overdue) {
        if (state_ == state::securing) {
            complain("it did not finish the handshake of the encryption in time");
        }
        fail();
    }
    if (leave_by_ != 0 && hub_->ticks >= leave_by_) {
        close();
    }
    const snapshot_upload* sent = outbox_.transfer();
    if (sent == nullptr) {
        return;
    }
    if (sent->waits_for_peer() && hub_->ticks - snapshot_moved_ > tcp_snapshot_ticks_max) {
        static_cast<void>(outbox_.give_up(sent->number()));
        tell_snapshot_ended(false);
    }
    flush_soon(); // the limit of bytes may allow more now
}

} // namespace quorate::detail

#endif
