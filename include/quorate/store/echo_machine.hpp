// The least state machine: counts commands and keeps the last one.
// Flow:       11 to 13. committed command → reply
// In / Out:   any bytes → how many there were, and these bytes
// Invariants: a pure function of the commands applied
// Source:     models state_machine; for tests, benchmarks and as the first example
// Threads:    none (owner's strand)
#ifndef QUORATE_STORE_ECHO_MACHINE_HPP
#define QUORATE_STORE_ECHO_MACHINE_HPP

#include <quorate/format/primitives.hpp>
#include <quorate/store/state_machine.hpp>

#include <utility>

namespace quorate {

class echo_machine {
public:
    using request_type = byte_view;

    struct reply_type {
        std::uint64_t count = 0; ///< Commands applied, this one included.
        shared_bytes bytes;      ///< The command itself.

        friend bool operator==(const reply_type&, const reply_type&) noexcept = default;
    };

    [[nodiscard]] static draft encode(byte_view asked) {
        draft command(command_header_bytes + asked.size());
        byte_writer(command.data(), command.size()).zeros(command_header_bytes).bytes(asked);
        return command;
    }

    reply_type apply(log_index, const shared_bytes& command) {
        last_ = {last_.count + 1, command.compacted()};
        return last_;
    }

    [[nodiscard]] rope snapshot() const {
        char count[8];
        store_little(count, last_.count);
        rope pieces{shared_bytes::copy_of({count, sizeof(count)})};
        if (!last_.bytes.empty()) {
            pieces.push_back(last_.bytes);
        }
        return pieces;
    }

    /// Errors: truncated, too_large, or of the reader.
    error_code restore(bulk_reader state) {
        char count[8];
        if (const error_code failed = state.read(count, sizeof(count))) {
            return failed;
        }
        result<shared_bytes> bytes = state.take(state.remaining());
        if (!bytes) {
            return bytes.error();
        }
        last_ = {load_little<std::uint64_t>(count), bytes->compacted()};
        return {};
    }

    /// Returns: what the last command was answered; a count of zero before the first.
    [[nodiscard]] const reply_type& last() const noexcept { return last_; }

private:
    reply_type last_;
};

static_assert(state_machine<echo_machine>);

} // namespace quorate

#endif
