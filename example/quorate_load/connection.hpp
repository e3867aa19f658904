// One connection: keeps as many requests under way as it has clients, and matches the answers.
#ifndef QUORATE_LOAD_CONNECTION_HPP
#define QUORATE_LOAD_CONNECTION_HPP

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/circular_buffer.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "answer_parser.hpp"
#include "workload.hpp"

namespace quorate_load {

/// Belongs to one thread. After a failure it connects again; requests that were under way are told
/// as failed and are not sent again. Lifetime: the context's handlers refer to it.
class connection {
public:
    using endpoint = boost::asio::ip::tcp::endpoint;

    connection(boost::asio::io_context& context, workload& work, const options& chosen,
               const endpoint& server, std::size_t clients);

    /// Effects: connects when it is not connected, and sends what the workload has.
    void go_on();
    /// Effects: fails what waits longer than the timeout, at `now`.
    void check(steady::time_point now);
    [[nodiscard]] std::size_t under_way() const { return under_way_.size(); }

private:
    enum class state { apart, connecting, connected, waiting };
    using error_code = boost::system::error_code;

    void connect();
    void fill();
    void flush();
    void read();
    void on_read(std::size_t size);
    bool take_answers();
    bool take_answer(const answer_parser& whole);
    void fail(const char* why);
    void part();

    workload& work_;
    const options& options_;
    endpoint server_;
    boost::asio::ip::tcp::socket socket_;
    boost::asio::steady_timer retry_;
    state state_ = state::apart;
    std::uint64_t turn_ = 0; ///< handlers of an earlier socket tell by it that they are late
    steady::time_point since_;
    boost::circular_buffer<operation> under_way_;
    std::string waiting_;
    std::string sending_;
    bool writing_ = false;
    std::vector<char> in_;
    std::size_t in_size_ = 0;
    std::string body_;
    std::optional<answer_parser> parser_;
};

} // namespace quorate_load

#endif
