// Conformance of a state_machine: deterministic, total, and restored whole.
// Flow:       none
// In / Out:   a model type and sample requests → a report
// Invariants: none
// Source:     doc/concept/state_machine.md
// Threads:    none
#ifndef QUORATE_TESTING_CONFORMANCE_STATE_MACHINE_HPP
#define QUORATE_TESTING_CONFORMANCE_STATE_MACHINE_HPP

#include <quorate/store/state_machine.hpp>
#include <quorate/testing/conformance/report.hpp>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <random>
#include <span>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace quorate::testing {

/// Returns: the bytes of a rope or a stream, wherever it is cut. Requires: they can be read.
[[nodiscard]] inline std::string joined(const bulk_bytes& pieces) {
    std::string bytes;
    while (bytes.size() < pieces.size()) {
        const result<shared_bytes> piece = pieces.read(bytes.size(), UINT32_MAX);
        QUORATE_ASSERT(piece.has_value());
        bytes.append(piece->view());
    }
    return bytes;
}

/// Returns: a rope of these bytes in pieces of at most `piece_max` bytes. Requires: piece_max >= 1.
[[nodiscard]] inline rope cut(byte_view bytes, std::size_t piece_max) {
    rope pieces;
    while (!bytes.empty()) {
        const std::size_t size = std::min(piece_max, bytes.size());
        pieces.push_back(shared_bytes::copy_of(bytes.substr(0, size)));
        bytes.remove_prefix(size);
    }
    return pieces;
}

/// Gives its bytes three at a time, up to a place that cannot be read.
class breaking_source final : public bulk_source {
public:
    breaking_source(byte_view bytes, std::uint64_t broken)
        : bytes_(shared_bytes::copy_of(bytes)), broken_(broken) {}

    [[nodiscard]] std::uint64_t size() const noexcept override { return bytes_.size(); }
    [[nodiscard]] std::uint64_t hash() const override { return 0; }
    [[nodiscard]] bool blocking() const noexcept override { return false; }
    [[nodiscard]] result<shared_bytes> read(std::uint64_t offset,
                                            std::size_t size_max) const override {
        if (offset >= broken_) {
            return errc::corrupt;
        }
        const std::size_t readable = static_cast<std::size_t>(broken_ - offset);
        return bytes_.slice(static_cast<std::size_t>(offset),
                            std::min({size_max, readable, std::size_t{3}}));
    }

private:
    shared_bytes bytes_;
    std::uint64_t broken_;
};

/// One run over sample requests.
template <state_machine Machine>
class state_machine_suite {
public:
    using request_type = typename Machine::request_type;

    explicit state_machine_suite(std::span<const request_type> samples) : samples_(samples) {}

    [[nodiscard]] conformance_report run() {
        report_.expect(!samples_.empty(), "the suite is given sample requests");
        check_encode();
        check_total();
        check_deterministic();
        check_snapshot_is_fixed();
        check_restore();
        check_unreadable_restore();
        check_damaged_restore();
        check_detached();
        return report_;
    }

private:
    [[nodiscard]] static shared_bytes command_of(const request_type& asked) {
        return Machine::encode(asked).freeze().slice(command_header_bytes);
    }
    [[nodiscard]] static error_code restore(Machine& machine, bulk_bytes state) {
        bulk_reader in(std::move(state));
        return machine.restore(in);
    }
    void apply_samples(Machine& machine) {
        for (const request_type& asked : samples_) {
            static_cast<void>(machine.apply(++index_, command_of(asked)));
        }
    }
    [[nodiscard]] Machine sample_machine() {
        Machine machine;
        apply_samples(machine);
        return machine;
    }

    void check_encode() {
        for (const request_type& asked : samples_) {
            const draft command = Machine::encode(asked);
            report_.expect(command.size() >= command_header_bytes,
                           "encode leaves room for the request id");
            report_.expect(command.view() == Machine::encode(asked).view(),
                           "encode gives the same bytes for the same request");
        }
    }

    /// Random bytes, every prefix of a real command, and real commands with one byte changed.
    void check_total() {
        Machine one;
        Machine other;
        const auto both = [&](byte_view bytes) {
            ++index_;
            static_cast<void>(one.apply(index_, shared_bytes::copy_of(bytes)));
            static_cast<void>(other.apply(index_, shared_bytes::copy_of(bytes)));
        };
        for (int i = 0; i < 500; ++i) {
            both(noise(random_() % 64));
        }
        for (const request_type& asked : samples_) {
            const shared_bytes command = command_of(asked);
            for (std::size_t size = 0; size < command.size(); ++size) {
                both(command.view().substr(0, size));
                std::string changed(command.view());
                changed[size] = static_cast<char>(random_());
                both(changed);
            }
        }
        report_.expect(joined(one.snapshot()) == joined(other.snapshot()),
                       "any bytes have the same effect on every member");
    }

    void check_deterministic() {
        index_ = log_index();
        Machine one = sample_machine();
        index_ = log_index();
        // Commands of other addresses, inside of larger blocks, as a frame brings them.
        Machine other;
        for (const request_type& asked : samples_) {
            const std::string command(command_of(asked).view());
            const shared_bytes frame = shared_bytes::copy_of(noise(5) + command + noise(900));
            static_cast<void>(other.apply(++index_, frame.slice(5, command.size())));
        }
        report_.expect(joined(one.snapshot()) == joined(other.snapshot()),
                       "the same commands lead to the same snapshot");
        if constexpr (std::equality_comparable<typename Machine::reply_type>) {
            for (const request_type& asked : samples_) {
                ++index_;
                report_.expect(
                    one.apply(index_, command_of(asked)) == other.apply(index_, command_of(asked)),
                    "the same command is answered alike");
            }
        }
    }

    void check_snapshot_is_fixed() {
        Machine machine = sample_machine();
        const bulk_bytes taken = machine.snapshot();
        const std::string before = joined(taken);
        apply_samples(machine);
        report_.expect(joined(taken) == before, "a snapshot does not change with its machine");
    }

    void check_restore() {
        Machine machine = sample_machine();
        const std::string bytes = joined(machine.snapshot());
        for (const std::size_t piece_max : {bytes.size(), std::size_t{1}, std::size_t{7}}) {
            Machine restored;
            apply_samples(restored); // To be replaced, not added to.
            report_.expect(!restore(restored, cut(bytes, piece_max)),
                           "a snapshot is restored wherever it is cut");
            report_.expect(joined(restored.snapshot()) == bytes,
                           "a restored machine has the same snapshot");
            const log_index here = index_;
            apply_samples(restored);
            Machine original;
            static_cast<void>(restore(original, machine.snapshot()));
            index_ = here;
            apply_samples(original);
            report_.expect(joined(restored.snapshot()) == joined(original.snapshot()),
                           "a restored machine goes on as the original");
        }
    }

    /// The bytes cannot be read to their end, as from a rotten file.
    void check_unreadable_restore() {
        Machine machine = sample_machine();
        const std::string bytes = joined(machine.snapshot());
        for (std::size_t broken = 0; broken < bytes.size(); broken += 1 + bytes.size() / 50) {
            const bulk_bytes state(std::make_shared<breaking_source>(bytes, broken));
            bulk_reader in(state);
            report_.expect(machine.restore(in).failed(), "a restore fails when its reader does");
            report_.expect(joined(machine.snapshot()) == bytes,
                           "a state that cannot be read leaves the old one");
        }
    }

    void check_damaged_restore() {
        Machine machine = sample_machine();
        const std::string bytes = joined(machine.snapshot());
        for (int i = 0; i < 400; ++i) {
            std::string damaged = bytes;
            if (i % 2 == 0) {
                damaged.resize(random_() % bytes.size());
            } else {
                damaged[random_() % bytes.size()] ^= static_cast<char>(1 << (random_() % 8));
            }
            if (restore(machine, cut(damaged, 1 + random_() % 64))) {
                report_.expect(joined(machine.snapshot()) == bytes,
                               "a restore that fails leaves the old state");
            } else {
                static_cast<void>(restore(machine, cut(bytes, bytes.size())));
            }
        }
        report_.expect(joined(machine.snapshot()) == bytes, "the old state survived it all");
    }

    /// A machine that another thread restores, while both threads read the old one, takes its
    /// place.
    void check_detached() {
        if constexpr (detachable_machine<Machine>) {
            Machine machine = sample_machine();
            const std::string bytes = joined(machine.snapshot());
            Machine fresh;
            error_code failed;
            std::string there;
            std::thread elsewhere([&] {
                there = joined(machine.snapshot());
                failed = restore(fresh, cut(bytes, 7));
            });
            const std::string here = joined(machine.snapshot());
            elsewhere.join();
            report_.expect(here == bytes && there == bytes, "two threads see one state");
            report_.expect(!failed, "a machine is restored on another thread");
            std::swap(machine, fresh);
            const log_index both = index_;
            apply_samples(machine);
            index_ = both;
            apply_samples(fresh);
            report_.expect(joined(machine.snapshot()) == joined(fresh.snapshot()),
                           "a machine goes on in the place of another");
        }
    }

    [[nodiscard]] std::string noise(std::size_t size) {
        std::string bytes(size, '\0');
        for (char& byte : bytes) {
            byte = static_cast<char>(random_());
        }
        return bytes;
    }

    std::span<const request_type> samples_;
    log_index index_;
    std::mt19937_64 random_{1};
    conformance_report report_;
};

/// Runs the suite. `samples` are applied in order, more than once; the more of what the machine can
/// do they touch, the more the suite can tell. Lifetime: only used during the call.
template <state_machine Machine>
[[nodiscard]] conformance_report check_state_machine(
    std::span<const typename Machine::request_type> samples) {
    return state_machine_suite<Machine>(samples).run();
}

} // namespace quorate::testing

#endif
