// A state machine of one's own, replicated: accounts, and transfers that never overdraw one.
//
// The machine is an ordinary class. The node keeps every member's copy the same, durable and in
// order; with another bundle of policies the same class runs on one member or on five.
#include <quorate/format/primitives.hpp>
#include <quorate/quorate.hpp>

#include <boost/asio/io_context.hpp>

#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <map>
#include <string>

namespace {

// [machine
struct transfer {
    std::uint32_t from = 0; ///< Zero: cash, which has no limit.
    std::uint32_t to = 0;
    std::uint32_t amount = 0;
};

class bank {
public:
    using request_type = transfer;
    using reply_type = bool; ///< Whether the money moved.

    /// The bytes in front are the node's.
    static quorate::draft encode(const transfer& asked) {
        quorate::draft command(quorate::command_header_bytes + 12);
        quorate::byte_writer(command.data(), command.size())
            .zeros(quorate::command_header_bytes)
            .u32(asked.from)
            .u32(asked.to)
            .u32(asked.amount);
        return command;
    }

    /// Any bytes get an answer, the same one on every member: these come from the log.
    bool apply(quorate::log_index, const quorate::shared_bytes& command) {
        quorate::byte_reader in(command.view());
        const std::uint32_t from = in.u32();
        const std::uint32_t to = in.u32();
        const std::uint32_t amount = in.u32();
        if (!in.finished() || (from != 0 && balance(from) < amount)) {
            return false;
        }
        if (from != 0) {
            accounts_[from] -= amount;
        }
        if (to != 0) {
            accounts_[to] += amount;
        }
        return true;
    }
    // machine]

    // [snapshot
    /// The state as bytes, and back. A member that fell far behind is sent these.
    [[nodiscard]] quorate::rope snapshot() const {
        std::string bytes;
        quorate::byte_writer out(bytes);
        for (const auto& [account, amount] : accounts_) {
            out.u32(account).u64(amount);
        }
        return {quorate::shared_bytes::copy_of(bytes)};
    }
    quorate::error_code restore(quorate::bulk_reader state) {
        std::map<std::uint32_t, std::uint64_t> accounts;
        while (state.remaining() > 0) {
            char row[12]; // it may be larger than memory, so it comes piece by piece
            if (const quorate::error_code failed = state.read(row, sizeof(row))) {
                return failed; // the old state stays
            }
            quorate::byte_reader in({row, sizeof(row)});
            const std::uint32_t account = in.u32();
            accounts[account] = in.u64();
        }
        accounts_ = std::move(accounts);
        return {};
    }
    // snapshot]

    [[nodiscard]] std::uint64_t balance(std::uint32_t account) const {
        const auto found = accounts_.find(account);
        return found == accounts_.end() ? 0 : found->second;
    }

private:
    std::map<std::uint32_t, std::uint64_t> accounts_;
};

static_assert(quorate::state_machine<bank>);

// [policies
struct bank_policies : quorate::default_policies {
    using machine = bank;
    using consensus = quorate::solo; // or raft, and tcp_transport, for a group
    using transport = quorate::no_transport;
};
// policies]

} // namespace

int main(int argc, char** argv) {
    namespace fs = std::filesystem;
    boost::asio::io_context io(1);
    quorate::node_options options;
    options.id = quorate::node_id(1);
    options.initial_members = {{options.id, "nowhere"}};
    options.data_directory = argc > 1 ? argv[1] : fs::temp_directory_path() / "quorate_bank";
    quorate::basic_node<bank_policies> node(io, options);
    if (node.start()) {
        std::cerr << node.explanation() << '\n';
        return EXIT_FAILURE;
    }
    // [use
    int moved = 0;
    const auto report = [&](quorate::error_code failed, bool done) { moved += !failed && done; };
    node.submit({.from = 0, .to = 1, .amount = 100}, report);
    node.submit({.from = 1, .to = 2, .amount = 60}, report);
    node.submit({.from = 2, .to = 1, .amount = 1000}, [&](quorate::error_code failed, bool done) {
        report(failed, done); // more than there is: answered, and nothing moved
        node.read([&](quorate::error_code) {
            std::cout << "account 1 has " << node.machine().balance(1) << ", account 2 has "
                      << node.machine().balance(2) << '\n';
            node.stop([](quorate::error_code) {});
        });
    });
    io.run();
    // use]
    return moved == 2 ? EXIT_SUCCESS : EXIT_FAILURE;
}
