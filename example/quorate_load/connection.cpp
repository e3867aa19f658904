#include "connection.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/http/error.hpp>

#include <cstring>
#include <utility>

namespace quorate_load {
namespace {

namespace asio = boost::asio;
using boost::asio::ip::tcp;

constexpr std::size_t in_bytes = 64 << 10;
constexpr std::chrono::milliseconds retry_after{100};

} // namespace

connection::connection(asio::io_context& context, workload& work, const options& chosen,
                       const endpoint& server, std::size_t clients)
    : work_(work),
      options_(chosen),
      server_(server),
      socket_(context),
      retry_(context),
      under_way_(clients),
      in_(in_bytes) {}

void connection::go_on() {
    if (state_ == state::apart) {
        connect();
    } else if (state_ == state::connected) {
        fill();
    }
}

void connection::connect() {
    state_ = state::connecting;
    since_ = steady::now();
    socket_.async_connect(server_, [this, turn = ++turn_](error_code failed) {
        if (turn != turn_) {
            return;
        }
        if (!failed) {
            socket_.non_blocking(true, failed);
        }
        if (failed) {
            fail("no connection");
            return;
        }
        socket_.set_option(tcp::no_delay(true), failed);
        state_ = state::connected;
        read();
        fill();
    });
}

void connection::fill() {
    const steady::time_point now = steady::now();
    operation asked;
    while (!under_way_.full() && work_.next(now, asked) == workload::step::ready) {
        work_.write_request(asked, waiting_);
        under_way_.push_back(asked);
    }
    flush();
}

// Most requests fit into the socket's buffer, so the reactor is asked only for what does not.
void connection::flush() {
    if (writing_ || waiting_.empty()) {
        return;
    }
    std::swap(waiting_, sending_);
    waiting_.clear();
    error_code failed;
    const std::size_t sent = socket_.write_some(asio::buffer(sending_), failed);
    if (failed && failed != asio::error::would_block && failed != asio::error::try_again) {
        fail("connection lost");
        return;
    }
    if (sent == sending_.size()) {
        return;
    }
    writing_ = true;
    asio::async_write(socket_, asio::buffer(sending_) + sent,
                      [this, turn = turn_](error_code broken, std::size_t) {
                          if (turn != turn_) {
                              return;
                          }
                          writing_ = false;
                          if (broken) {
                              fail("connection lost");
                          } else {
                              flush();
                          }
                      });
}

void connection::read() {
    socket_.async_read_some(asio::buffer(in_) + in_size_,
                            [this, turn = turn_](error_code failed, std::size_t size) {
                                if (turn != turn_) {
                                    return;
                                }
                                if (failed) {
                                    fail("connection lost");
                                } else {
                                    on_read(size);
                                }
                            });
}

void connection::on_read(std::size_t size) {
    in_size_ += size;
    if (!take_answers()) {
        return;
    }
    if (in_size_ == in_.size()) {
        fail("malformed answer");
        return;
    }
    read();
    fill();
}

// Returns: false when the connection is no longer connected.
bool connection::take_answers() {
    std::size_t used = 0;
    while (used < in_size_) {
        if (!parser_.has_value()) {
            parser_.emplace(body_);
        }
        error_code failed;
        const std::size_t taken =
            parser_->put(asio::buffer(in_.data() + used, in_size_ - used), failed);
        used += taken;
        if (failed == boost::beast::http::error::need_more || (!failed && taken == 0)) {
            break;
        }
        if (failed) {
            fail("malformed answer");
            return false;
        }
        if (parser_->is_done() && !take_answer(*parser_)) {
            return false;
        }
    }
    in_size_ -= used;
    std::memmove(in_.data(), in_.data() + used, in_size_);
    return true;
}

bool connection::take_answer(const answer_parser& whole) {
    if (under_way_.empty()) {
        fail("malformed answer");
        return false;
    }
    const operation asked = under_way_.front();
    if (!work_.on_answer(asked, whole.status(), body_, steady::now())) {
        fail("malformed answer");
        return false;
    }
    under_way_.pop_front();
    const bool goes_on = whole.keep_alive();
    parser_.reset();
    if (!goes_on) {
        fail("connection lost");
    }
    return goes_on;
}

// Whatever was under way has failed; what the server did with it is not known.
void connection::fail(const char* why) {
    const steady::time_point now = steady::now();
    if (state_ == state::connecting) {
        work_.on_unconnected(now);
    }
    for (; !under_way_.empty(); under_way_.pop_front()) {
        work_.on_failure(why, now);
    }
    part();
    state_ = state::waiting;
    retry_.expires_after(retry_after);
    retry_.async_wait([this](error_code cancelled) {
        if (!cancelled) {
            state_ = state::apart;
            go_on();
        }
    });
}

void connection::part() {
    ++turn_;
    error_code ignored;
    socket_.close(ignored);
    waiting_.clear();
    writing_ = false;
    in_size_ = 0;
    parser_.reset();
}

void connection::check(steady::time_point now) {
    if (!under_way_.empty() && now - under_way_.front().sent > options_.timeout) {
        fail("timeout");
    } else if (state_ == state::connecting && now - since_ > options_.timeout) {
        fail("timeout");
    }
}

} // namespace quorate_load
