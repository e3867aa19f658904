// The command line of quorate_load.
#ifndef QUORATE_LOAD_OPTIONS_HPP
#define QUORATE_LOAD_OPTIONS_HPP

#include <boost/asio/ip/tcp.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace quorate_load {

enum class api { kvstore, json };

struct options {
    quorate_load::api api = api::kvstore;
    std::vector<boost::asio::ip::tcp::endpoint> endpoints;
    std::string host; ///< of the first endpoint, as requests name it
    std::size_t connections = 64;
    std::size_t clients = 64; ///< spread over the connections; more than one shares its connection
    std::size_t threads = 1;
    double rate = 0;                      ///< requests a second; 0 does not hold back
    std::uint64_t total = 0;              ///< requests; 0 is no limit
    std::chrono::nanoseconds duration{0}; ///< 0 is no limit
    std::chrono::nanoseconds warmup{0};
    std::chrono::nanoseconds timeout{0};
    std::size_t key_size = 16;
    std::size_t value_size = 256;
    std::uint64_t key_space = 10'000;
    bool sequential_keys = false;
    double put_share = 1;
    bool serializable = false;
    bool fill = false;
    std::uint64_t seed = 1;
    bool json = false;
    bool progress = false;
};

/// Effects: fills `out`, or prints what was asked for or what is wrong.
/// Returns: the exit status when there is nothing to run.
[[nodiscard]] std::optional<int> parse(int argc, const char* const* argv, options& out);

} // namespace quorate_load

#endif
