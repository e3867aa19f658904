// A blocking client on a raw socket, and a server in a thread of its own.
#ifndef QUORATE_TEST_HTTP_SUPPORT_HPP
#define QUORATE_TEST_HTTP_SUPPORT_HPP

#include <quorate/http/server.hpp>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <future>
#include <map>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

namespace quorate::http::test {

using namespace std::chrono_literals;

/// Returns: limits of time that no test reaches that does not want to.
inline server_options patient(std::chrono::milliseconds linger = 200ms) {
    return {.handshake_timeout = 30s,
            .head_timeout = 30s,
            .body_timeout = 30s,
            .idle_timeout = 30s,
            .write_timeout = 30s,
            .linger_timeout = linger};
}

/// A response as the client saw it; names of fields in lower case.
struct seen {
    unsigned status = 0;
    std::string head;
    std::multimap<std::string, std::string> fields;
    std::string body;

    [[nodiscard]] std::string field(const std::string& name) const {
        const auto found = fields.find(name);
        return found == fields.end() ? std::string() : found->second;
    }
    [[nodiscard]] bool closes() const { return field("connection") == "close"; }
};

/// Knows just enough of HTTP to take responses apart that frame themselves by Content-Length.
class client {
public:
    explicit client(std::uint16_t port, int receive_buffer = 0)
        : fd_(::socket(AF_INET, SOCK_STREAM, 0)) {
        if (receive_buffer > 0) {
            ::setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof(receive_buffer));
        }
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(port);
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        if (fd_ < 0 ||
            ::connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0) {
            throw std::runtime_error("cannot connect");
        }
    }
    client(client&& other) noexcept
        : fd_(std::exchange(other.fd_, -1)), received_(std::move(other.received_)) {}
    client(const client&) = delete;
    client& operator=(const client&) = delete;
    client& operator=(client&&) = delete;
    ~client() {
        if (fd_ >= 0) {
            ::close(fd_);
        }
    }

    /// Returns: whether all was taken; a server that closed early is no error here.
    bool send(std::string_view bytes) {
        while (!bytes.empty()) {
            const ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
            if (sent <= 0) {
                return false;
            }
            bytes.remove_prefix(static_cast<std::size_t>(sent));
        }
        return true;
    }
    void send_one_by_one(std::string_view bytes) {
        for (const char& byte : bytes) {
            send({&byte, 1});
            std::this_thread::sleep_for(300us);
        }
    }
    void finish_sending() { ::shutdown(fd_, SHUT_WR); }
    void reset() {
        const linger at_once{1, 0};
        ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
        ::close(std::exchange(fd_, -1));
    }

    /// Returns: the next response. `has_body` is false for answers to HEAD.
    seen receive(bool has_body = true, std::chrono::milliseconds within = 5s) {
        std::size_t end = 0;
        while ((end = received_.find("\r\n\r\n")) == std::string::npos) {
            more_or_throw(within);
        }
        seen r;
        r.head = received_.substr(0, end + 4);
        received_.erase(0, end + 4);
        r.status = static_cast<unsigned>(std::stoul(r.head.substr(9, 3)));
        for (std::size_t at = r.head.find("\r\n") + 2; at < end;) {
            const std::size_t stop = r.head.find("\r\n", at);
            const std::string line = r.head.substr(at, stop - at);
            std::string name = line.substr(0, line.find(':'));
            for (char& c : name) {
                c = static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c);
            }
            r.fields.emplace(name, line.substr(line.find(':') + 2));
            at = stop + 2;
        }
        const std::string length = r.field("content-length");
        if (has_body && !length.empty()) {
            const std::size_t size = std::stoul(length);
            while (received_.size() < size) {
                more_or_throw(within);
            }
            r.body = received_.substr(0, size);
            received_.erase(0, size);
        }
        return r;
    }

    /// Returns: the content of the next chunk; empty for the last one.
    std::string chunk(std::chrono::milliseconds within = 5s) {
        std::size_t line = 0;
        while ((line = received_.find("\r\n")) == std::string::npos) {
            more_or_throw(within);
        }
        const std::size_t size = std::stoul(received_.substr(0, line), nullptr, 16);
        while (received_.size() < line + 2 + size + 2) {
            more_or_throw(within);
        }
        std::string content = received_.substr(line + 2, size);
        received_.erase(0, line + 2 + size + 2);
        return content;
    }
    /// Returns: what arrives until `size` bytes are there, or the end is.
    std::string bytes(std::size_t size, std::chrono::milliseconds within = 5s) {
        while (received_.size() < size && more(within) == what::bytes) {
        }
        return std::exchange(received_, std::string());
    }

    /// Returns: whether the end that was seen was a reset.
    [[nodiscard]] bool was_reset() const { return was_reset_; }
    /// Returns: whether the server reset the connection, with nothing unread before.
    bool is_reset(std::chrono::milliseconds within = 5s) {
        return received_.empty() && more(within) == what::end && was_reset_;
    }
    /// Returns: whether the server ended the connection, with nothing unread before.
    bool is_closed(std::chrono::milliseconds within = 5s) {
        return received_.empty() && more(within) == what::end;
    }
    /// Returns: whether nothing arrives for that long.
    bool is_silent(std::chrono::milliseconds span) {
        return received_.empty() && more(span) == what::nothing;
    }

private:
    enum class what { bytes, nothing, end };

    what more(std::chrono::milliseconds within) {
        pollfd one{fd_, POLLIN, 0};
        if (::poll(&one, 1, static_cast<int>(within.count())) == 0) {
            return what::nothing;
        }
        char bytes[65536];
        const ssize_t size = ::recv(fd_, bytes, sizeof(bytes), 0);
        if (size <= 0) {
            was_reset_ = size < 0 && errno == ECONNRESET;
            return what::end;
        }
        received_.append(bytes, static_cast<std::size_t>(size));
        return what::bytes;
    }
    void more_or_throw(std::chrono::milliseconds within) {
        switch (more(within)) {
        case what::bytes: return;
        case what::nothing: throw std::runtime_error("no response in time");
        case what::end: throw std::runtime_error("closed before a response");
        }
    }

    int fd_;
    std::string received_;
    bool was_reset_ = false;
};

/// A server and its thread. By default it answers 200 with "METHOD target version [body]"; a target
/// that starts with "/wait" is kept in `kept` until `answer_kept`.
class fixture {
public:
    explicit fixture(server_options options = {}, std::function<void(exchange)> handler = {},
                     std::shared_ptr<secure_layer> security = nullptr,
                     std::shared_ptr<traffic> shared = nullptr)
        : guard_(boost::asio::make_work_guard(io_)),
          server_(
              std::in_place, here_, options,
              handler ? std::move(handler) : [this](exchange x) { serve(std::move(x)); },
              std::move(security), std::move(shared)) {
        if (server_->start()) {
            throw std::runtime_error("cannot start");
        }
        thread_ = std::thread([this] { io_.run(); });
    }
    fixture(const fixture&) = delete;
    fixture& operator=(const fixture&) = delete;
    ~fixture() {
        run([this] {
            kept.clear();
            server_.reset();
        });
        guard_.reset();
        thread_.join();
    }

    [[nodiscard]] client connect() const { return client(server_->port()); }
    [[nodiscard]] std::uint16_t port() const { return server_->port(); }

    /// Effects: runs `job` within the server's context and waits for it.
    template <class Job>
    auto run(Job job) -> decltype(job()) {
        // Shared: the thread may still be inside the task when its result is already here.
        auto task = std::make_shared<std::packaged_task<decltype(job())()>>(std::move(job));
        auto done = task->get_future();
        boost::asio::post(here_.get_executor(), [task] { (*task)(); });
        return done.get();
    }
    server& of_thread() { return *server_; }
    const asio_context& context() { return here_; }
    std::size_t connection_count() {
        return run([this] { return server_->connection_count(); });
    }
    std::size_t kept_count() {
        return run([this] { return kept.size(); });
    }
    /// Returns: whether `predicate` held within five seconds.
    template <class Predicate>
    static bool eventually(Predicate predicate) {
        for (int i = 0; i < 1000; ++i) {
            if (predicate()) {
                return true;
            }
            std::this_thread::sleep_for(5ms);
        }
        return false;
    }
    bool keeps(std::size_t count) {
        return eventually([&] { return kept_count() == count; });
    }
    /// Requires: that many are kept. Effects: answers the one at `position` with its own text.
    void answer_kept(std::size_t position) {
        run([this, position] {
            exchange x = std::move(kept[position]);
            kept.erase(kept.begin() + static_cast<std::ptrdiff_t>(position));
            x.respond(describe(x.request()));
        });
    }

    static response describe(const request& r) {
        std::string text;
        text.append(r.method).append(" ").append(r.target).append(" ");
        text.append(std::to_string(r.version)).append(" [").append(r.body).append("]");
        return {.status = 200, .content_type = "text/plain", .body = shared_bytes::copy_of(text)};
    }

    std::deque<exchange> kept; ///< Touched on the server's thread only.

private:
    void serve(exchange x) {
        if (x.request().target.starts_with("/wait")) {
            kept.push_back(std::move(x));
            return;
        }
        x.respond(describe(x.request()));
    }

    boost::asio::io_context io_{1};
    asio_context here_ = asio_context::of_one_thread(io_);
    boost::asio::executor_work_guard<boost::asio::io_context::executor_type> guard_;
    std::optional<server> server_;
    std::thread thread_;
};

} // namespace quorate::http::test

#endif
