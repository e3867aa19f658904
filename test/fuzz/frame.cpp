// Arbitrary bytes as frames, as a received stream, and as a stream whose checksums are right.
#include <quorate/format/frame.hpp>
#include <quorate/net/framer.hpp>
#include <quorate/net/snapshot_assembly.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace {

using namespace quorate;

constexpr std::uint64_t frame_limit = 1 << 20;
constexpr std::uint64_t snapshot_limit = 4 << 20;

/// What was decoded must encode to what it was decoded from: there is one form of each frame.
void check_again(const shared_bytes& frame, const frame_content& content) {
    const auto* m = std::get_if<owned_message>(&content);
    const auto* h = std::get_if<hello>(&content);
    const auto* said = std::get_if<snapshot_progress>(&content);
    const auto* asked = std::get_if<member_call>(&content);
    std::string again;
    if (m != nullptr) {
        gather_buffer buffer;
        encode_frame(m->get(), buffer);
        std::vector<byte_view> views(4096);
        views.resize(buffer.gather(views));
        for (byte_view view : views) {
            again += view;
        }
        QUORATE_ASSERT(again.size() == frame_size(m->get()));
    } else if (asked != nullptr) {
        gather_buffer buffer;
        encode_frame(*asked, buffer);
        std::vector<byte_view> views(64);
        views.resize(buffer.gather(views));
        for (byte_view view : views) {
            again += view;
        }
    } else if (said != nullptr) {
        again = encode_progress(*said).view();
    } else if (h != nullptr && h->version == protocol_version) {
        again = encode_hello(*h).view();
    } else {
        return;
    }
    QUORATE_ASSERT(frame.view() == again);
}

/// What an inlet holds of a snapshot, and where it goes.
struct receiver {
    snapshot_assembly assembly{snapshot_limit};
    memory_intake intake;
};

void decode_and_use(const shared_bytes& frame, receiver& in) {
    auto content = decode_frame(frame);
    if (!content) {
        return;
    }
    check_again(frame, *content);
    if (auto* start = std::get_if<snapshot_start>(&*content)) {
        static_cast<void>(in.assembly.start(std::move(*start)));
    } else if (auto* chunk = std::get_if<snapshot_chunk>(&*content)) {
        static_cast<void>(in.assembly.add(std::move(*chunk)));
    }
    QUORATE_ASSERT(in.assembly.held_bytes() <= snapshot_window_bytes);
    while (const auto task = in.assembly.next()) {
        const auto news = in.assembly.on_done(carry_out(in.intake, *task));
        QUORATE_ASSERT(!news.deliver || head_of(*news.deliver->get().snap).size <= snapshot_limit);
    }
}

/// Receives in parts of `part` bytes. Returns: the frames that came out.
std::vector<shared_bytes> receive(byte_view bytes, std::size_t part) {
    framer in(frame_limit);
    std::vector<shared_bytes> frames;
    while (!bytes.empty()) {
        const auto place = in.prepare();
        const std::size_t size = std::min({bytes.size(), part, place.size()});
        std::memcpy(place.data(), bytes.data(), size);
        in.commit(size);
        bytes.remove_prefix(size);
        for (;;) {
            auto frame = in.next();
            if (!frame) {
                return frames;
            }
            if (frame->empty()) {
                break;
            }
            frames.push_back(std::move(*frame));
        }
    }
    return frames;
}

/// The same for the records behind the fields of an append or a proposal.
void seal_records(std::string& body) {
    std::size_t at = 72;
    while (at < body.size() && body.size() - at >= record_header_bytes) {
        char* record = body.data() + at;
        const std::size_t rest = body.size() - at - record_header_bytes;
        const auto declared = static_cast<std::uint8_t>(record[8]);
        // Now and then one that is longer than its frame.
        const std::size_t size =
            declared == 0xff ? rest + 1 : std::min<std::size_t>(declared, rest);
        const std::size_t present = std::min(size, rest);
        store_little(record + 4, crc32c({record + record_header_bytes, present}));
        store_little(record + 8, static_cast<std::uint32_t>(size));
        store_little(record + 13, record_version);
        store_little(record + 14, std::uint16_t{0});
        store_little(record, crc32c({record + 4, record_header_bytes - 4}));
        at += record_header_bytes + present;
    }
}

/// Makes frames of chosen bytes pass their checksums, so that the checks behind them are reached.
/// Each one is a length, the kind, the flags, how much `fields_checksum` covers, and its body.
std::string sealed(byte_view bytes) {
    std::string stream;
    while (bytes.size() >= 5) {
        const auto byte = [&](std::size_t i) { return static_cast<std::uint8_t>(bytes[i]); };
        const auto wanted = static_cast<std::size_t>(byte(0) | (byte(1) & 3) << 8);
        const std::size_t size = std::min(wanted, bytes.size() - 5);
        std::string frame(frame_header_bytes, '\0');
        store_little(frame.data() + 4, frame_magic);
        store_little(frame.data() + 5, frame_version);
        store_little(frame.data() + 6, byte(2));
        store_little(frame.data() + 7, byte(3));
        store_little(frame.data() + 8, static_cast<std::uint32_t>(size));
        std::string body(bytes.substr(5, size));
        if (byte(2) <= 1) {
            seal_records(body);
        }
        const std::size_t covered = (byte(4) & 1) != 0   ? body.size()
                                    : (byte(4) & 2) != 0 ? std::size_t{24}
                                                         : std::size_t{72};
        store_little(frame.data() + 12, crc32c(byte_view(body).substr(0, covered)));
        store_little(frame.data(), crc32c(byte_view(frame).substr(4, frame_header_bytes - 4)));
        stream += frame;
        stream += body;
        bytes.remove_prefix(5 + size);
    }
    return stream;
}

void use_stream(byte_view stream) {
    const auto whole = receive(stream, stream.size() + 1);
    const auto parts = receive(stream, 7);
    QUORATE_ASSERT(whole == parts);
    receiver in;
    for (const shared_bytes& frame : whole) {
        decode_and_use(frame, in);
    }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    std::string bytes(size, '\0');
    std::copy_n(data, size, bytes.begin());
    receiver in;
    decode_and_use(shared_bytes::copy_of(bytes), in);
    use_stream(bytes);
    use_stream(sealed(bytes));
    return 0;
}
