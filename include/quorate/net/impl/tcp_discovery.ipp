// One question over one connection, in the order in which it happens.
#ifndef QUORATE_NET_IMPL_TCP_DISCOVERY_IPP
#define QUORATE_NET_IMPL_TCP_DISCOVERY_IPP

#include <quorate/net/framer.hpp>
#include <quorate/net/handshake.hpp>
#include <quorate/net/tcp_discovery.hpp>
#include <quorate/net/tcp_stream.hpp>

#include <boost/asio/buffer.hpp>
#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/write.hpp>

#include <span>
#include <string>
#include <utility>
#include <variant>

namespace quorate {
namespace detail {

/// Lives on the stack of the one who asks; its event loop ends before it does.
class tcp_question {
private:
    template <class Step>
    auto unless_failed(Step step) {
        return [this, step = std::move(step)](const error_code& ec, auto&&... results) {
            if (ec) {
                outcome_ = ec;
            } else {
                step(results...);
            }
        };
    }

public:
    [[nodiscard]] result<discovered_group> ask(const peer_address& address,
                                               std::chrono::milliseconds limit,
                                               secure_layer* security) {
        host_ = address.host;
        security_ = address.secure ? security : nullptr;
        resolver_.async_resolve(address.host, std::to_string(address.port),
                                boost::asio::ip::resolver_base::numeric_service,
                                unless_failed([this](const auto& found) { connect(found); }));
        io_.run_for(limit);
        const result<discovered_group> outcome = outcome_;
        // What is still under way ends before what it uses.
        stream_.close();
        resolver_.cancel();
        io_.restart();
        io_.poll();
        return outcome;
    }

private:
    void connect(const boost::asio::ip::tcp::resolver::results_type& found) {
        boost::asio::async_connect(stream_.socket(), found,
                                   unless_failed([this](const auto&) { secure(); }));
    }

    void secure() {
        if (security_ == nullptr) {
            write_question();
            return;
        }
        stream_.dial_over(*security_, host_, unless_failed([this] { write_question(); }));
    }

    void write_question() {
        boost::asio::async_write(stream_,
                                 boost::asio::const_buffer(question_.data(), question_.size()),
                                 unless_failed([this](std::size_t) { read(); }));
    }

    void read() {
        const std::span<char> place = framer_.prepare();
        stream_.async_read_some(boost::asio::buffer(place.data(), place.size()),
                                unless_failed([this](std::size_t size) { on_bytes(size); }));
    }

    void on_bytes(std::size_t size) {
        framer_.commit(size);
        for (;;) {
            const auto frame = framer_.next();
            if (frame && frame->empty()) {
                read();
                return;
            }
            const auto content =
                frame ? decode_frame(*frame) : result<frame_content>(frame.error());
            if (!content) {
                outcome_ = content.error();
                return;
            }
            if (on_content(*content)) {
                return;
            }
        }
    }

    /// Returns: whether that was the last of it.
    [[nodiscard]] bool on_content(const frame_content& content) {
        const hello* answer = std::get_if<hello>(&content);
        if (!heard_.from && answer != nullptr) {
            const bool named = answer->from && answer->cluster;
            heard_ = {answer->cluster, answer->from, {}};
            const bool understood =
                shared_version(*answer) != 0 && answer->status != hello_status::unsupported_version;
            if (!understood || answer->status != hello_status::ok || !named) {
                outcome_ = understood ? errc::wrong_member : errc::unsupported_version;
                return true;
            }
            return false;
        }
        const auto* told = std::get_if<member_call>(&content);
        if (!heard_.from || told == nullptr || !told->answers || told->topic != members_topic) {
            outcome_ = errc::corrupt;
            return true;
        }
        heard_.members = told->data;
        outcome_ = heard_;
        return true;
    }

    static constexpr std::uint64_t answer_bytes_max = frame_header_bytes + 16 + call_bytes_max;

    boost::asio::io_context io_{1};
    boost::asio::ip::tcp::resolver resolver_{io_};
    tcp_stream stream_{io_.get_executor()};
    std::string host_;
    secure_layer* security_ = nullptr; ///< Null: nothing is encrypted.
    framer framer_{answer_bytes_max};
    shared_bytes question_ = encode_hello({protocol_version, hello_status::ok, {}, {}, {}});
    discovered_group heard_{};
    result<discovered_group> outcome_{errc::read_timed_out};
};

} // namespace detail

QUORATE_DECL result<discovered_group> discover_members(const peer_address& address,
                                                       std::chrono::milliseconds limit,
                                                       secure_layer* security) {
    if (address.secure && security == nullptr) {
        return errc::invalid_option;
    }
    return detail::tcp_question().ask(address, limit, security);
}

} // namespace quorate

#endif
