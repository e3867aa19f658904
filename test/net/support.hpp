// What the tests of net/ share: sample values, and a conformance case that Boost.Test can print.
#ifndef QUORATE_TEST_NET_SUPPORT_HPP
#define QUORATE_TEST_NET_SUPPORT_HPP

#include <quorate/format/frame.hpp>
#include <quorate/testing/conformance/transport.hpp>

#include <cstddef>
#include <cstdint>
#include <ostream>
#include <string>
#include <vector>

namespace quorate::testing {

inline std::ostream& operator<<(std::ostream& out, const conformance_case& c) {
    return out << c.name;
}

} // namespace quorate::testing

namespace quorate_test {

inline quorate::message heartbeat(quorate::node_id from, quorate::node_id to,
                                  std::uint64_t context) {
    quorate::message m;
    m.kind = quorate::message_kind::heartbeat;
    m.from = from;
    m.to = to;
    m.term = quorate::term_id(1);
    m.context = context;
    return m;
}

inline quorate::entry sample_entry(std::uint64_t term, std::uint64_t index, std::size_t size) {
    const auto letter = static_cast<char>('a' + index % 26);
    const auto payload = quorate::shared_bytes::copy_of(std::string(size, letter));
    return {quorate::term_id(term), quorate::log_index(index), quorate::entry_kind::normal,
            quorate::payload_checksum_of(payload.view()), payload};
}

/// An append of `count` entries of `size` bytes after index `after`.
struct sample_append {
    sample_append(quorate::node_id from, quorate::node_id to, std::uint64_t after,
                  std::size_t count, std::size_t size) {
        for (std::size_t i = 0; i < count; ++i) {
            entries.push_back(sample_entry(3, after + 1 + i, size));
        }
        m.kind = quorate::message_kind::append;
        m.from = from;
        m.to = to;
        m.term = quorate::term_id(3);
        m.log_term = quorate::term_id(3);
        m.index = quorate::log_index(after);
        m.entries = entries;
    }
    sample_append(const sample_append&) = delete;
    sample_append& operator=(const sample_append&) = delete;

    std::vector<quorate::entry> entries;
    quorate::message m;
};

/// Returns: everything that is queued, in one piece.
inline std::string joined(const quorate::gather_buffer& buffer) {
    std::vector<quorate::byte_view> views(100'000);
    views.resize(buffer.gather(views));
    std::string bytes;
    for (quorate::byte_view view : views) {
        bytes += view;
    }
    return bytes;
}

inline std::string frame_of(const quorate::message& m) {
    quorate::gather_buffer buffer;
    quorate::encode_frame(m, buffer);
    return joined(buffer);
}

} // namespace quorate_test

#endif
