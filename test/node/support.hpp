// Groups of members in one process: a machine that remembers everything, a loop, a directory.
// Flow:    none
#ifndef QUORATE_TEST_NODE_SUPPORT_HPP
#define QUORATE_TEST_NODE_SUPPORT_HPP

#include <quorate/log/memory_log.hpp>
#include <quorate/log/memory_snapshots.hpp>
#include <quorate/net/loopback_transport.hpp>
#include <quorate/node.hpp>
#include <quorate/server/server_metrics.hpp>

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "../network_loop.hpp"
#include "../print_errc.hpp"
#include "../scratch_directory.hpp"

namespace node_test {

using namespace quorate;
using quorate_test::medium;
using quorate_test::scratch_directory;
using std::chrono::milliseconds;

/// A user's own machine: a list of words. Its reply is how many there are, so that a word applied
/// twice, or in another order on another member, is seen.
class word_list {
public:
    using request_type = std::string;
    using reply_type = std::size_t;

    [[nodiscard]] static draft encode(const std::string& word) {
        draft command(command_header_bytes + word.size());
        byte_writer(command.data(), command.size()).zeros(command_header_bytes).bytes(word);
        return command;
    }
    reply_type apply(log_index, const shared_bytes& command) {
        words_.emplace_back(command.view());
        return words_.size();
    }
    [[nodiscard]] rope snapshot() const {
        std::string bytes;
        byte_writer out(bytes);
        for (const std::string& word : words_) {
            out.u32(static_cast<std::uint32_t>(word.size())).bytes(word);
        }
        return {shared_bytes::copy_of(bytes)};
    }
    error_code restore(bulk_reader state) {
        const result<shared_bytes> bytes = state.take(state.remaining());
        if (!bytes) {
            return bytes.error();
        }
        std::vector<std::string> words;
        byte_reader in(bytes->view());
        while (!in.finished()) {
            words.emplace_back(in.bytes(in.u32()));
            if (in.failed()) {
                return errc::truncated;
            }
        }
        words_ = std::move(words);
        return {};
    }

    [[nodiscard]] const std::vector<std::string>& words() const noexcept { return words_; }
    [[nodiscard]] std::size_t count(const std::string& word) const {
        return static_cast<std::size_t>(std::count(words_.begin(), words_.end(), word));
    }

private:
    std::vector<std::string> words_;
};

static_assert(state_machine<word_list>);

struct memory_policies : default_policies {
    using log = memory_log;
    using snapshots = memory_snapshots;
    using transport = loopback_transport;
    using machine = word_list;
};

/// The same with files.
struct file_policies : default_policies {
    using transport = loopback_transport;
    using machine = word_list;
};

} // namespace node_test

// Made once, in main.cpp: the node is by far the most expensive thing to compile here.
extern template class quorate::basic_node<node_test::memory_policies>;
extern template class quorate::basic_node<node_test::file_policies>;

namespace node_test {

/// What became of a request or a read: none while it waits.
struct outcome {
    bool done = false;
    int calls = 0;
    error_code failed;
    std::size_t reply = 0;

    [[nodiscard]] bool well() const noexcept { return done && !failed; }
};

/// Members on one io_context, connected by a network that delivers whenever the loop turns.
template <class Policies>
class group : public quorate_test::network_loop {
public:
    using node = basic_node<Policies>;

    explicit group(std::uint64_t first_members = 3) {
        for (std::uint64_t id = 1; id <= first_members; ++id) {
            initial.push_back({node_id(id), url(id)});
        }
    }
    group(const group&) = delete;
    group& operator=(const group&) = delete;
    ~group() {
        network.set_filter({}); // it may refer to what the test had behind the group
        while (!nodes.empty()) {
            stop(nodes.begin()->first);
        }
    }

    static std::string url(std::uint64_t id) {
        return "http://127.0.0.1:" + std::to_string(20000 + id);
    }
    [[nodiscard]] node_options options_of(std::uint64_t id) const {
        node_options options;
        options.id = node_id(id);
        options.cluster = cluster_id(7);
        options.initial_members = initial;
        options.peer_url = url(id);
        options.data_directory = directory.path() / std::to_string(id);
        options.tick_interval = milliseconds(4);
        options.engine.election_ticks = 12;
        options.read_retry = milliseconds(100);
        options.seed = id;
        return options;
    }
    node& add(node_options options) {
        const std::uint64_t id = options.id.value();
        transport_options wire;
        wire.cluster = options.cluster;
        wire.self = options.id;
        nodes[id] = std::make_unique<node>(
            io, std::move(options), std::make_unique<typename Policies::transport>(network, wire));
        return *nodes[id];
    }
    node& start(node_options options) {
        const std::uint64_t id = options.id.value();
        node& made = add(std::move(options));
        const error_code failed = made.start([this, id](error_code why) { ended[id] = why; });
        BOOST_REQUIRE_MESSAGE(!failed, made.explanation());
        return made;
    }
    node& start(std::uint64_t id) { return start(options_of(id)); }
    void start_all() {
        for (const member_info& m : initial) {
            start(m.id.value());
        }
        BOOST_REQUIRE(run_until([this] { return leader() != 0; }));
    }
    /// Effects: starts all; each counts what happens to it, under its id.
    void start_counted(std::map<std::uint64_t, server_metrics>& counted) {
        for (const member_info& m : initial) {
            node_options options = options_of(m.id.value());
            options.metrics = &counted[m.id.value()];
            start(std::move(options));
        }
        BOOST_REQUIRE(run_until([this] { return leader() != 0; }));
    }
    /// Effects: stops the member, and destroys it once it has.
    void stop(std::uint64_t id) {
        bool stopped = false;
        nodes.at(id)->stop([&stopped](error_code) { stopped = true; });
        BOOST_REQUIRE(run_until([&stopped] { return stopped; }));
        nodes.erase(id);
    }

    /// Returns: the leader that a quorum of the others follows; zero when there is none.
    [[nodiscard]] std::uint64_t leader(std::uint64_t besides = 0) const {
        for (const auto& n : nodes) {
            const std::uint64_t id = n.first;
            if (id == besides || n.second->status().engine.soft.role != role_kind::leader) {
                continue;
            }
            const auto follows = [id, besides](const auto& other) {
                const soft_state soft = other.second->status().engine.soft;
                return other.first != besides && soft.leader == node_id(id);
            };
            const auto count = std::count_if(nodes.begin(), nodes.end(), follows);
            if (2 * static_cast<std::size_t>(count) > initial.size()) {
                return id;
            }
        }
        return 0;
    }
    [[nodiscard]] std::uint64_t follower() const {
        const std::uint64_t leads = leader();
        const auto found = std::find_if(nodes.begin(), nodes.end(),
                                        [leads](const auto& n) { return n.first != leads; });
        return found == nodes.end() ? 0 : found->first;
    }
    /// Effects: only these members reach one another.
    void isolate(std::uint64_t id) {
        for (std::uint64_t other = 1; other <= 9; ++other) {
            if (other != id) {
                network.cut(node_id(id), node_id(other));
            }
        }
    }

    std::shared_ptr<outcome> submit(std::uint64_t id, const std::string& word) {
        auto result = std::make_shared<outcome>();
        nodes.at(id)->submit(word, [result](error_code failed, std::size_t reply) {
            result->done = true;
            ++result->calls;
            result->failed = failed;
            result->reply = reply;
        });
        return result;
    }
    typename node::handler into(const std::shared_ptr<outcome>& result) {
        return [result](error_code failed) {
            result->done = true;
            ++result->calls;
            result->failed = failed;
        };
    }
    std::shared_ptr<outcome> read(std::uint64_t id) {
        auto result = std::make_shared<outcome>();
        nodes.at(id)->read(into(result));
        return result;
    }
    bool finished(const std::shared_ptr<outcome>& result) {
        return run_until([&result] { return result->done; });
    }
    /// Returns: whether the word was applied at the member that was asked.
    bool wrote(std::uint64_t id, const std::string& word) {
        const auto result = submit(id, word);
        return finished(result) && !result->failed;
    }
    [[nodiscard]] const word_list& words(std::uint64_t id) const { return nodes.at(id)->machine(); }
    /// Returns: whether all members come to hold the same words, at least `least` of them.
    bool agree(std::size_t least) {
        return run_until([this, least] {
            const std::vector<std::string>& first = nodes.begin()->second->machine().words();
            return first.size() >= least &&
                   std::all_of(nodes.begin(), nodes.end(), [&first](const auto& n) {
                       return n.second->machine().words() == first;
                   });
        });
    }

    scratch_directory directory{medium::disk};
    std::vector<member_info> initial;
    std::map<std::uint64_t, error_code> ended;
    std::map<std::uint64_t, std::unique_ptr<node>> nodes;
};

using memory_group = group<memory_policies>;
using file_group = group<file_policies>;

} // namespace node_test

#endif
