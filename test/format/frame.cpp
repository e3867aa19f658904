#include <quorate/format/frame.hpp>
#include <quorate/testing/bulk.hpp>

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <random>
#include <string>
#include <utility>
#include <vector>

using namespace quorate;

BOOST_AUTO_TEST_SUITE(frame)

namespace {

entry sample_entry(std::uint64_t term, std::uint64_t index, std::size_t size) {
    const auto payload = shared_bytes::copy_of(std::string(size, static_cast<char>('a' + index)));
    return {term_id(term), log_index(index), entry_kind::normal,
            payload_checksum_of(payload.view()), payload};
}

message sample_message(message_kind kind) {
    message m;
    m.kind = kind;
    m.to = node_id(2);
    m.from = node_id(UINT64_MAX);
    m.term = term_id(7);
    m.log_term = term_id(6);
    m.index = log_index(20);
    m.commit = log_index(19);
    m.reject_hint = log_index(18);
    m.context = 0x0102030405060708;
    return m;
}

std::string joined(const gather_buffer& buffer) {
    std::vector<byte_view> views(10'000);
    views.resize(buffer.gather(views));
    std::string bytes;
    for (byte_view view : views) {
        bytes += view;
    }
    return bytes;
}

std::string bytes_of(const message& m) {
    gather_buffer buffer;
    encode_frame(m, buffer);
    BOOST_TEST(buffer.size() == frame_size(m));
    return joined(buffer);
}

result<frame_content> decode(byte_view bytes) {
    return decode_frame(shared_bytes::copy_of(bytes));
}

bool same(const message& a, const message& b) {
    return a.kind == b.kind && a.reject == b.reject && a.transfer == b.transfer &&
           a.lost == b.lost && a.to == b.to && a.from == b.from && a.term == b.term &&
           a.log_term == b.log_term && a.index == b.index && a.commit == b.commit &&
           a.reject_hint == b.reject_hint && a.context == b.context &&
           std::ranges::equal(a.entries, b.entries);
}

std::string append_frame() {
    message m = sample_message(message_kind::append);
    const std::vector<entry> entries{sample_entry(6, 21, 0), sample_entry(7, 22, 3),
                                     sample_entry(7, 23, 40)};
    m.entries = entries;
    return bytes_of(m);
}

message snapshot_message() {
    message m = sample_message(message_kind::install_snapshot);
    snapshot snap;
    snap.last = {term_id(5), log_index(17)};
    snap.members.voters = {node_id(1), node_id(2)};
    snap.members.outgoing = {node_id(2), node_id(3)};
    snap.members.learners = {node_id(4)};
    snap.members.learners_next = {node_id(3)};
    snap.members.auto_leave = true;
    rope data;
    for (std::size_t size : {0UL, 100UL, 200'000UL, 0UL, 100'000UL, 300'000UL}) {
        data.push_back(shared_bytes::copy_of(std::string(size, 's')));
    }
    snap.data = std::move(data);
    m.snap = std::make_shared<const snapshot>(std::move(snap));
    return m;
}

std::string start_frame() {
    gather_buffer buffer;
    encode_snapshot_start(snapshot_message(), 99, buffer);
    return joined(buffer);
}

std::string progress_frame() {
    return std::string(encode_progress({7, 262144, true}).view());
}

std::string call_frame(std::size_t size) {
    gather_buffer buffer;
    encode_frame(member_call{9, true, shared_bytes::copy_of(std::string(size, 'c'))}, buffer);
    return joined(buffer);
}

std::string chunk_frame(std::size_t size) {
    gather_buffer buffer;
    encode_chunk(5, 0, {shared_bytes::copy_of(std::string(size, 'c'))}, buffer);
    return joined(buffer);
}

std::string hello_frame() {
    const hello h{protocol_version, hello_status::removed, cluster_id(3), node_id(1), node_id(2)};
    return std::string(encode_hello(h).view());
}

/// Gives a changed frame valid checksums again, so that the checks behind them are reached.
void seal(std::string& bytes, std::size_t covered) {
    const byte_view all(bytes);
    store_little(bytes.data() + 12, crc32c(all.substr(frame_header_bytes, covered)));
    store_little(bytes.data(), crc32c(byte_view(bytes).substr(4, frame_header_bytes - 4)));
}

constexpr std::size_t fields_bytes = 64;

} // namespace

BOOST_AUTO_TEST_CASE(messages_of_every_kind_round_trip) {
    for (std::uint8_t kind = 0; kind <= message_kind_max; ++kind) {
        message m = sample_message(static_cast<message_kind>(kind));
        if (m.kind == message_kind::install_snapshot) {
            continue;
        }
        for (unsigned flags = 0; flags < 8; ++flags) {
            m.reject = (flags & 1) != 0;
            m.transfer = (flags & 2) != 0;
            m.lost = (flags & 4) != 0;
            const auto content = decode(bytes_of(m));
            BOOST_REQUIRE(content.has_value());
            const auto* back = std::get_if<owned_message>(&*content);
            BOOST_REQUIRE(back != nullptr);
            BOOST_TEST(same(back->get(), m));
        }
    }
}

BOOST_AUTO_TEST_CASE(entries_round_trip_as_slices_of_the_frame) {
    message m = sample_message(message_kind::append);
    std::vector<entry> entries;
    for (std::size_t size : {0UL, 1UL, 256UL, 257UL, 100'000UL}) {
        entries.push_back(sample_entry(7, 21 + entries.size(), size));
    }
    entries[1].kind = entry_kind::joint_change;
    m.entries = entries;
    const shared_bytes frame = shared_bytes::copy_of(bytes_of(m));
    const auto content = decode_frame(frame);
    BOOST_REQUIRE(content.has_value());
    const auto& back = std::get<owned_message>(*content).get();
    BOOST_TEST(same(back, m));
    for (const entry& e : back.entries) {
        const bool inside = e.payload.data() >= frame.data() &&
                            e.payload.data() + e.payload.size() <= frame.data() + frame.size();
        BOOST_TEST((e.payload.empty() || inside));
    }
}

BOOST_AUTO_TEST_CASE(large_payloads_are_not_copied_when_encoded) {
    message m = sample_message(message_kind::append);
    const std::vector<entry> entries{sample_entry(7, 21, 5000)};
    m.entries = entries;
    gather_buffer buffer;
    encode_frame(m, buffer);
    std::vector<byte_view> views(4);
    BOOST_REQUIRE(buffer.gather(views) == 2U);
    BOOST_TEST(static_cast<const void*>(views[1].data()) ==
               static_cast<const void*>(entries[0].payload.data()));
}

BOOST_AUTO_TEST_CASE(proposals_carry_entries_without_place) {
    message m = sample_message(message_kind::proposal);
    const std::vector<entry> entries{sample_entry(0, 0, 9), sample_entry(0, 0, 9)};
    m.entries = entries;
    const auto content = decode(bytes_of(m));
    BOOST_REQUIRE(content.has_value());
    BOOST_TEST(same(std::get<owned_message>(*content).get(), m));
    const std::vector<entry> placed{sample_entry(0, 1, 9)};
    m.entries = placed;
    BOOST_TEST(decode(bytes_of(m)).error() == error_code(errc::corrupt));
    const std::vector<entry> dated{sample_entry(1, 0, 9)};
    m.entries = dated;
    BOOST_TEST(decode(bytes_of(m)).error() == error_code(errc::corrupt));
}

BOOST_AUTO_TEST_CASE(appends_are_dense) {
    message m = sample_message(message_kind::append);
    for (std::uint64_t first : {0U, 20U, 22U}) {
        const std::vector<entry> entries{sample_entry(7, first, 1)};
        m.entries = entries;
        BOOST_TEST(decode(bytes_of(m)).error() == error_code(errc::corrupt));
    }
    const std::vector<entry> gap{sample_entry(7, 21, 1), sample_entry(7, 23, 1)};
    m.entries = gap;
    BOOST_TEST(decode(bytes_of(m)).error() == error_code(errc::corrupt));
    // Behind the last index there is no next one.
    const std::vector<entry> wrapped{sample_entry(7, 0, 1)};
    m.entries = wrapped;
    m.index = log_index_max;
    BOOST_TEST(decode(bytes_of(m)).error() == error_code(errc::corrupt));
}

BOOST_AUTO_TEST_CASE(snapshot_starts_round_trip) {
    const message m = snapshot_message();
    const std::string bytes = start_frame();
    BOOST_TEST(bytes.size() == frame_size(m));
    const auto content = decode(bytes);
    BOOST_REQUIRE(content.has_value());
    const auto& start = std::get<snapshot_start>(*content);
    BOOST_TEST(same(start.head, m));
    BOOST_TEST(start.number == 99U);
    BOOST_TEST((start.snap == head_of(*m.snap)));
    BOOST_TEST(start.snap.size == 600'100U);
}

BOOST_AUTO_TEST_CASE(chunks_cover_the_data_in_order) {
    const bulk_bytes whole = snapshot_message().snap->data;
    std::string data;
    while (data.size() < whole.size()) {
        gather_buffer buffer;
        encode_chunk(8, data.size(), whole.read_block(data.size()).value(), buffer);
        const auto content = decode(joined(buffer));
        BOOST_REQUIRE(content.has_value());
        const auto& chunk = std::get<snapshot_chunk>(*content);
        BOOST_TEST(chunk.number == 8U);
        BOOST_TEST(chunk.offset == data.size());
        data += chunk.data.view();
        BOOST_TEST((chunk.data.size() == chunk_data_bytes || data.size() == whole.size()));
    }
    BOOST_TEST((data == quorate::testing::bytes_of(whole)));
}

BOOST_AUTO_TEST_CASE(progress_round_trips) {
    for (const bool refused : {false, true}) {
        const snapshot_progress said{7, 1ULL << 40, refused};
        const shared_bytes bytes = encode_progress(said);
        BOOST_TEST(bytes.size() == progress_frame_bytes);
        const auto content = decode_frame(bytes);
        BOOST_REQUIRE(content.has_value());
        BOOST_TEST((std::get<snapshot_progress>(*content) == said));
    }
    std::string bad(encode_progress({7, 8, true}).view());
    store_little(bad.data() + frame_header_bytes + 16, 2U);
    seal(bad, 24);
    BOOST_TEST(decode(bad).error() == error_code(errc::corrupt));
}

BOOST_AUTO_TEST_CASE(calls_round_trip) {
    for (const std::size_t size : {std::size_t{0}, std::size_t{5}, std::size_t{call_bytes_max}}) {
        for (const bool answers : {false, true}) {
            const member_call call{0xfedcba9876543210, answers,
                                   shared_bytes::copy_of(std::string(size, 'c')), 200};
            gather_buffer buffer;
            encode_frame(call, buffer);
            BOOST_TEST(buffer.size() == frame_size(call));
            const auto content = decode(joined(buffer));
            BOOST_REQUIRE(content.has_value());
            const auto& read = std::get<member_call>(*content);
            BOOST_TEST(read.number == call.number);
            BOOST_TEST(read.answers == answers);
            BOOST_TEST(unsigned{read.topic} == 200U);
            BOOST_TEST((read.data == call.data));
        }
    }
}

BOOST_AUTO_TEST_CASE(a_call_that_is_none_is_refused) {
    std::string neither = call_frame(3);
    store_little(neither.data() + frame_header_bytes + 8, 2U);
    seal(neither, 16);
    BOOST_TEST(decode(neither).error() == error_code(errc::corrupt));
    std::string reserved = call_frame(3);
    store_little(reserved.data() + frame_header_bytes + 10, std::uint16_t{1});
    seal(reserved, 16);
    BOOST_TEST(decode(reserved).error() == error_code(errc::corrupt));
    std::string shorter = call_frame(0).substr(0, frame_header_bytes + 12);
    store_little(shorter.data() + 8, 12U);
    seal(shorter, 12);
    BOOST_TEST(decode(shorter).error() == error_code(errc::corrupt));
    std::string longer = call_frame(call_bytes_max) + 'x';
    store_little(longer.data() + 8, std::uint32_t{call_bytes_max} + 17);
    const std::string_view data = std::string_view(longer).substr(frame_header_bytes + 16);
    store_little(longer.data() + frame_header_bytes + 12, crc32c(data));
    seal(longer, 16);
    BOOST_TEST(decode(longer).error() == error_code(errc::corrupt));
}

BOOST_AUTO_TEST_CASE(hellos_round_trip) {
    const hello h{protocol_version, hello_status::wrong_member, cluster_id(9), node_id(8),
                  node_id(7)};
    const shared_bytes bytes = encode_hello(h);
    BOOST_TEST(bytes.size() <= hello_frame_bytes_max);
    const auto content = decode_frame(bytes);
    BOOST_REQUIRE(content.has_value());
    BOOST_TEST((std::get<hello>(*content) == h));
}

BOOST_AUTO_TEST_CASE(hello_with_a_past_round_trips) {
    member_past past;
    past.birth = birth_mark(0x1122334455667788);
    past.starts = 5;
    past.life = 6;
    past.last = {term_id(3), log_index(4)};
    for (int flag = 0; flag < 32; ++flag) {
        past.holds_nothing = (flag & 1) != 0;
        past.holds_last = (flag & 2) != 0;
        past.last_checksum = past.holds_last ? 7 : 0;
        past.birth_applied = (flag & 4) != 0;
        past.joining = (flag & 8) != 0;
        past.admits_loss = (flag & 16) != 0;
        const hello h{
            protocol_version, hello_status::outdated, cluster_id(9), node_id(8), node_id(7), past};
        const auto content = decode_frame(encode_hello(h));
        BOOST_REQUIRE(content.has_value());
        BOOST_TEST((std::get<hello>(*content) == h));
    }
}

BOOST_AUTO_TEST_CASE(hello_with_a_past_of_no_member_is_refused) {
    const auto refused = [](std::size_t offset, char value) {
        std::string bytes = hello_frame();
        bytes[frame_header_bytes + offset] = value;
        seal(bytes, bytes.size() - frame_header_bytes);
        return decode(bytes).error() == error_code(errc::corrupt);
    };
    BOOST_TEST(!refused(3, 1));
    BOOST_TEST(refused(3, 32)); // an unknown flag
    BOOST_TEST(refused(3, 4));  // applies a mark, and has none
    BOOST_TEST(refused(4, 1));  // the checksum of an entry that it does not hold
    BOOST_TEST(refused(7, 1));
    BOOST_TEST(refused(2, 10)); // an unknown status
}

namespace {

/// A hello that states these versions, of another length.
std::string hello_of(std::uint16_t oldest, std::uint16_t newest, std::size_t body_bytes) {
    std::string bytes = hello_frame();
    store_little(bytes.data() + frame_header_bytes, newest);
    store_little(bytes.data() + frame_header_bytes + 72, oldest);
    bytes.resize(frame_header_bytes + body_bytes, '\x55');
    store_little(bytes.data() + 8, static_cast<std::uint32_t>(body_bytes));
    seal(bytes, body_bytes);
    return bytes;
}

} // namespace

BOOST_AUTO_TEST_CASE(hello_of_a_newer_version_may_be_longer) {
    for (const std::size_t size : {80U, 81U, 120U, 256U}) {
        std::string bytes = hello_of(protocol_version, protocol_version + 6, size);
        bytes[frame_header_bytes + 2] = '\x7F'; // a status and a flag of that version
        bytes[frame_header_bytes + 3] = '\x41';
        store_little(bytes.data() + frame_header_bytes + 74, std::uint16_t{9});
        seal(bytes, size);
        const auto content = decode(bytes);
        BOOST_REQUIRE(content.has_value());
        const auto& h = std::get<hello>(*content);
        BOOST_TEST(h.version == protocol_version + 6);
        BOOST_TEST(h.oldest == protocol_version);
        BOOST_TEST((h.status == hello_status::unsupported_version));
        BOOST_TEST(h.from == node_id(1));
        BOOST_TEST(h.past.holds_nothing);
    }
    BOOST_TEST(!decode(hello_of(protocol_version, protocol_version + 1, 79)).has_value());
}

BOOST_AUTO_TEST_CASE(hello_of_an_older_version_is_understood_up_to_its_ids) {
    for (const std::size_t size : {32U, 72U, 80U}) {
        const auto content = decode(hello_of(1, protocol_version_oldest - 1, size));
        BOOST_REQUIRE(content.has_value());
        const auto& h = std::get<hello>(*content);
        BOOST_TEST(h.version == protocol_version_oldest - 1);
        BOOST_TEST(h.oldest == h.version);
        BOOST_TEST(h.from == node_id(1));
    }
    BOOST_TEST(!decode(hello_of(1, protocol_version_oldest - 1, 31)).has_value());
}

BOOST_AUTO_TEST_CASE(hello_with_an_impossible_oldest_version_is_refused) {
    BOOST_TEST(decode(hello_of(protocol_version, protocol_version, 80)).has_value());
    for (const int oldest : {0, protocol_version + 1}) {
        BOOST_TEST(
            decode(hello_of(static_cast<std::uint16_t>(oldest), protocol_version, 80)).error() ==
            error_code(errc::corrupt));
    }
}

BOOST_AUTO_TEST_CASE(every_flipped_bit_is_refused) {
    for (const std::string& good :
         {append_frame(), bytes_of(sample_message(message_kind::vote)), start_frame(),
          chunk_frame(200), hello_frame(), progress_frame(), call_frame(300)}) {
        BOOST_REQUIRE(decode(good).has_value());
        for (std::size_t bit = 0; bit < good.size() * 8; ++bit) {
            std::string bad = good;
            bad[bit / 8] = static_cast<char>(bad[bit / 8] ^ (1 << (bit % 8)));
            BOOST_TEST(!decode(bad).has_value());
        }
    }
}

BOOST_AUTO_TEST_CASE(every_other_length_is_refused) {
    for (const std::string& good :
         {append_frame(), bytes_of(sample_message(message_kind::vote)), start_frame(),
          chunk_frame(200), hello_frame(), progress_frame(), call_frame(300)}) {
        for (std::size_t size = 0; size < good.size(); ++size) {
            BOOST_TEST(decode(good.substr(0, size)).error() == error_code(errc::truncated));
        }
        BOOST_TEST(decode(good + 'x').error() == error_code(errc::corrupt));
    }
}

/// The same with checksums made right, as a faulty or hostile peer would: what the header says of
/// the body must hold.
BOOST_AUTO_TEST_CASE(a_sealed_frame_of_the_wrong_size_is_refused) {
    for (const std::string& good :
         {append_frame(), bytes_of(sample_message(message_kind::vote)), start_frame(),
          chunk_frame(200), hello_frame(), progress_frame(), call_frame(300)}) {
        for (std::size_t size = frame_header_bytes; size < good.size(); ++size) {
            std::string bad = good.substr(0, size);
            const std::size_t body = size - frame_header_bytes;
            store_little(bad.data() + 8, static_cast<std::uint32_t>(body));
            for (std::size_t covered : {body, fields_bytes + 8, std::size_t{24}}) {
                seal(bad, std::min(covered, body));
                BOOST_TEST(!decode(bad).has_value());
            }
        }
    }
}

BOOST_AUTO_TEST_CASE(other_groups_and_reserved_bytes_are_refused) {
    const std::string good = bytes_of(sample_message(message_kind::vote));
    for (std::size_t place = 16; place < frame_header_bytes; ++place) {
        std::string bad = good;
        bad[place] = 1;
        seal(bad, fields_bytes);
        BOOST_TEST(decode(bad).error() ==
                   error_code(place < 24 ? errc::feature_unavailable : errc::corrupt));
    }
}

BOOST_AUTO_TEST_CASE(unknown_kinds_flags_and_versions_are_refused) {
    const std::string good = bytes_of(sample_message(message_kind::vote));
    const auto changed = [&](std::size_t place, std::uint8_t value) {
        std::string bad = good;
        store_little(bad.data() + place, value);
        seal(bad, fields_bytes);
        return decode(bad).error();
    };
    BOOST_TEST(changed(4, 0x52) == error_code(errc::corrupt));
    for (const unsigned version : {0U, 1U, 3U, 255U}) {
        BOOST_TEST(changed(5, static_cast<std::uint8_t>(version)) ==
                   error_code(errc::unsupported_version));
    }
    for (unsigned kind = message_kind_max + 1U; kind < 256; ++kind) {
        if (kind == frame_kind_hello) {
            continue; // These bytes may happen to be a hello of another version.
        }
        BOOST_TEST(changed(6, static_cast<std::uint8_t>(kind)).failed());
    }
    for (unsigned flags = 8; flags < 256; ++flags) {
        BOOST_TEST(changed(7, static_cast<std::uint8_t>(flags)) == error_code(errc::corrupt));
    }
}

BOOST_AUTO_TEST_CASE(declared_counts_are_held_against_the_size) {
    const std::string good = append_frame();
    for (std::uint32_t count : {0U, 2U, 4U, 1000U, UINT32_MAX}) {
        std::string bad = good;
        store_little(bad.data() + frame_header_bytes + fields_bytes, count);
        seal(bad, fields_bytes + 8);
        BOOST_TEST(decode(bad).error() == error_code(errc::corrupt));
    }
    std::string reserved = good;
    store_little(reserved.data() + frame_header_bytes + fields_bytes + 4, 1U);
    seal(reserved, fields_bytes + 8);
    BOOST_TEST(decode(reserved).error() == error_code(errc::corrupt));
}

BOOST_AUTO_TEST_CASE(memberships_are_checked) {
    const std::string good = start_frame();
    const std::size_t counts = frame_header_bytes + fields_bytes + 48;
    const auto changed = [&](std::size_t place, std::uint64_t value, std::size_t size) {
        std::string bad = good;
        for (std::size_t i = 0; i < size; ++i) {
            bad[place + i] = static_cast<char>((value >> (8 * i)) & 0xff);
        }
        seal(bad, bad.size() - frame_header_bytes);
        return decode(bad).error();
    };
    BOOST_TEST(changed(counts - 8, 2, 8) == error_code(errc::corrupt)); // auto_leave
    for (std::size_t set = 0; set < 4; ++set) {
        for (std::uint32_t count : {0U, 3U, UINT32_MAX}) {
            BOOST_TEST(changed(counts + 4 * set, count, 4) == error_code(errc::corrupt));
        }
    }
    const std::size_t ids = counts + 16;
    BOOST_TEST(changed(ids, 0, 8) == error_code(errc::corrupt));      // Nobody.
    BOOST_TEST(changed(ids, 2, 8) == error_code(errc::corrupt));      // Twice.
    BOOST_TEST(changed(ids, 5, 8) == error_code(errc::corrupt));      // Out of order.
    BOOST_TEST(changed(ids + 32, 2, 8) == error_code(errc::corrupt)); // A learner that votes.
}

BOOST_AUTO_TEST_CASE(chunks_have_data_and_no_more_than_they_may) {
    std::string empty = chunk_frame(1).substr(0, frame_header_bytes + 24);
    store_little(empty.data() + 8, 24U);
    store_little(empty.data() + frame_header_bytes + 16, crc32c({}));
    seal(empty, 24);
    BOOST_TEST(decode(empty).error() == error_code(errc::corrupt));
    std::string large = chunk_frame(chunk_data_bytes) + 'c';
    store_little(large.data() + 8, static_cast<std::uint32_t>(large.size() - frame_header_bytes));
    store_little(large.data() + frame_header_bytes + 16,
                 crc32c(byte_view(large).substr(frame_header_bytes + 24)));
    seal(large, 24);
    BOOST_TEST(decode(large).error() == error_code(errc::corrupt));
}

BOOST_AUTO_TEST_CASE(a_header_over_the_limit_is_refused) {
    const std::string good = bytes_of(sample_message(message_kind::vote));
    BOOST_TEST(decode_frame_header(good, good.size()).has_value());
    BOOST_TEST(decode_frame_header(good, good.size() - 1).error() == error_code(errc::too_large));
    BOOST_TEST(decode_frame_header(good.substr(0, frame_header_bytes - 1), 1000).error() ==
               error_code(errc::truncated));
}

/// The figures of doc/format.md.
BOOST_AUTO_TEST_CASE(the_layout_is_the_documented_one) {
    message m = sample_message(message_kind::append_response);
    m.reject = true;
    const std::string bytes = bytes_of(m);
    BOOST_TEST(bytes.size() == 96U);
    const auto u64 = [&](std::size_t place) {
        return load_little<std::uint64_t>(bytes.data() + place);
    };
    BOOST_TEST(bytes.substr(4, 4) == std::string("\x51\x02\x02\x01", 4));
    BOOST_TEST(load_little<std::uint32_t>(bytes.data() + 8) == 64U);
    BOOST_TEST(load_little<std::uint32_t>(bytes.data() + 12) == crc32c(bytes.substr(32)));
    BOOST_TEST(load_little<std::uint32_t>(bytes.data()) == crc32c(bytes.substr(4, 28)));
    BOOST_TEST(u64(16) == 0U);
    BOOST_TEST(u64(24) == 0U);
    BOOST_TEST(u64(32) == 2U);
    BOOST_TEST(u64(40) == UINT64_MAX);
    BOOST_TEST(u64(48) == 7U);
    BOOST_TEST(u64(56) == 6U);
    BOOST_TEST(u64(64) == 20U);
    BOOST_TEST(u64(72) == 19U);
    BOOST_TEST(u64(80) == 18U);
    BOOST_TEST(u64(88) == 0x0102030405060708U);
}

/// The example of doc/format.md.
BOOST_AUTO_TEST_CASE(an_append_is_the_documented_bytes) {
    // clang-format off
    // [frame_example
    // Member 1, leader of term 3, sends member 2 the entry of the record example: it follows entry
    // 8 of term 3, and entries up to 7 are committed.
    const unsigned char expected[] = {
        0x76, 0xbb, 0x37, 0x97,                         // checksum of the 28 bytes that follow
        0x51, 0x02, 0x01, 0x00,                         // magic, version, kind append, no flags
        0x6d, 0x00, 0x00, 0x00,                         // body size
        0x38, 0x32, 0x26, 0x90,                         // checksum of the fields
        0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, // group
        0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, // reserved
        0x02, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, // to
        0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, // from
        0x03, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, // term
        0x03, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, // log term
        0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, // index
        0x07, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, // commit
        0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, // reject hint
        0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, // context
        0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, // one entry; reserved
        0x70, 0xba, 0x1c, 0xb8, 0x4c, 0xbb, 0x71, 0x9a, // its record
        0x05, 0x00, 0x00, 0x00, 0x01, 0x01, 0x00, 0x00,
        0x03, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
        0x09, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
        'h', 'e', 'l', 'l', 'o',
    };
    // frame_example]
    // clang-format on
    message m;
    m.kind = message_kind::append;
    m.to = node_id(2);
    m.from = node_id(1);
    m.term = m.log_term = term_id(3);
    m.index = log_index(8);
    m.commit = log_index(7);
    const auto payload = shared_bytes::copy_of("hello");
    const std::vector<entry> entries{{term_id(3), log_index(9), entry_kind::change,
                                      payload_checksum_of(payload.view()), payload}};
    m.entries = entries;
    const byte_view documented(reinterpret_cast<const char*>(expected), sizeof(expected));
    BOOST_TEST(bytes_of(m) == documented);
}

BOOST_AUTO_TEST_SUITE_END()
