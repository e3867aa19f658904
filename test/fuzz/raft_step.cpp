// Arbitrary bytes as the choices of a lying peer: a member survives, and never contradicts itself.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <span>

#include "../consensus/hostile.hpp"

namespace {

using namespace quorate;
using namespace quorate::test;

constexpr unsigned events_max = 200;

/// Small numbers take one byte, so that the fuzzer finds its way; 255 introduces a large one.
class choices {
public:
    explicit choices(std::span<const std::uint8_t> bytes) : left_(bytes) {}

    [[nodiscard]] bool empty() const noexcept { return left_.empty(); }
    std::uint64_t next() {
        std::uint64_t number = byte();
        if (number == 255) {
            for (unsigned i = 0; i < 8; ++i) {
                number = number << 8 | byte();
            }
        }
        return number;
    }

private:
    std::uint64_t byte() {
        if (left_.empty()) {
            return 0;
        }
        const std::uint8_t front = left_.front();
        left_ = left_.subspan(1);
        return front;
    }

    std::span<const std::uint8_t> left_;
};

raft_options options_of(std::uint64_t style) {
    raft_options options = (style & 1) != 0 ? exact(1) : usual(1);
    options.async_storage = true;
    options.check_leader = true;
    options.validate_changes = false;
    options.apply_bytes_max = (style & 2) != 0 ? 20 : 0;
    options.inflight_messages_max = (style & 4) != 0 ? 1 : 256;
    return options;
}

void one_event(member& m, choices& next, message_maker& maker) {
    switch (next.next() % 8) {
    case 0: m.tick(static_cast<std::uint32_t>(next.next())); break;
    case 1: static_cast<void>(m.propose("p")); break;
    case 2: static_cast<void>(m.read_index(next.next())); break;
    case 3: work_some(m, next.next()); break;
    case 4: m.make_snapshot(next.next() % 4); break;
    default: static_cast<void>(m.step(maker.random_to(m))); break;
    }
    m.outbox.clear();
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    choices next({data, size});
    try {
        message_maker maker([&next] { return next.next(); });
        member m(options_of(next.next()),
                 disk_with(voters({1, 2, 3}), {1, 1, 2}, hard_of(2, 0, 1)));
        if (next.next() % 2 == 0) {
            elect(m);
        }
        for (unsigned i = 0; i < events_max && !next.empty(); ++i) {
            one_event(m, next, maker);
        }
    } catch (const violation& broken) {
        std::fprintf(stderr, "%s\n", broken.what());
        std::abort();
    }
    return 0;
}
