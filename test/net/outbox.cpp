#include <quorate/net/framer.hpp>
#include <quorate/net/outbox.hpp>
#include <quorate/net/snapshot_assembly.hpp>

#include <boost/test/unit_test.hpp>

#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "support.hpp"

using namespace quorate;
using namespace quorate_test;

BOOST_AUTO_TEST_SUITE(sending)

namespace {

constexpr node_id one{1};
constexpr node_id two{2};

/// Drains an outbox as a slow socket would, and reads what comes out.
struct drain {
    /// Returns: whether a snapshot ended. Effects: takes at most `size` bytes.
    bool take(outbox& out, std::size_t size) {
        out.refill();
        std::vector<byte_view> views(64);
        views.resize(out.gather(views));
        std::size_t taken = 0;
        for (byte_view view : views) {
            const byte_view part = view.substr(0, size - taken);
            stream += part;
            taken += part.size();
        }
        return out.consume(taken);
    }
    bool take_all(outbox& out) {
        bool ended = false;
        do {
            ended = take(out, 100'000) || ended;
        } while (!out.empty());
        return ended;
    }
    std::vector<frame_content> frames() const {
        std::vector<frame_content> all;
        byte_view rest = stream;
        while (!rest.empty()) {
            const auto header = decode_frame_header(rest, UINT64_MAX);
            BOOST_REQUIRE(header.has_value());
            const auto size = static_cast<std::size_t>(header->frame_size());
            BOOST_REQUIRE(size <= rest.size());
            auto content = decode_frame(shared_bytes::copy_of(rest.substr(0, size)));
            BOOST_REQUIRE(content.has_value());
            all.push_back(std::move(*content));
            rest.remove_prefix(size);
        }
        return all;
    }

    std::string stream;
};

std::vector<std::uint64_t> contexts(const drain& d) {
    std::vector<std::uint64_t> seen;
    for (const frame_content& content : d.frames()) {
        if (const auto* m = std::get_if<owned_message>(&content)) {
            seen.push_back(m->get().context);
        }
    }
    return seen;
}

message snapshot_to(node_id to, std::uint64_t index, std::size_t size) {
    message m = heartbeat(one, to, 0);
    m.kind = message_kind::install_snapshot;
    auto snap = std::make_shared<snapshot>();
    snap->last = {term_id(1), log_index(index)};
    snap->members.voters = {one, to};
    snap->data = {shared_bytes::copy_of(std::string(size, 'd'))};
    m.snap = snap;
    return m;
}

} // namespace

BOOST_AUTO_TEST_CASE(while_open_messages_leave_in_order) {
    outbox out({});
    out.open();
    for (std::uint64_t i = 0; i < 10; ++i) {
        BOOST_TEST(out.push(heartbeat(one, two, i)));
    }
    drain d;
    while (!out.empty()) {
        d.take(out, 33);
    }
    const auto seen = contexts(d);
    BOOST_REQUIRE(seen.size() == 10U);
    BOOST_TEST(std::ranges::is_sorted(seen));
}

BOOST_AUTO_TEST_CASE(while_closed_only_the_newest_are_kept) {
    outbox out({});
    for (std::uint64_t i = 0; i < 200; ++i) {
        BOOST_TEST(out.push(heartbeat(one, two, i)) == (i < outbox::parked_messages_max));
    }
    out.open();
    drain d;
    d.take_all(out);
    const auto seen = contexts(d);
    BOOST_REQUIRE(seen.size() == outbox::parked_messages_max);
    BOOST_TEST(seen.front() == 200 - outbox::parked_messages_max);
    BOOST_TEST(seen.back() == 199U);
}

BOOST_AUTO_TEST_CASE(while_closed_bytes_are_bounded) {
    outbox out({});
    const sample_append quarter(one, two, 1, 1, outbox::parked_bytes_max / 4);
    for (int i = 0; i < 3; ++i) {
        BOOST_TEST(out.push(quarter.m));
    }
    BOOST_TEST(!out.push(quarter.m));
    const sample_append huge(one, two, 1, 1, outbox::parked_bytes_max);
    BOOST_TEST(!out.push(huge.m));
    out.open();
    BOOST_TEST(out.queued_bytes() <= outbox::parked_bytes_max);
    BOOST_TEST(out.queued_bytes() > 3 * outbox::parked_bytes_max / 4);
}

BOOST_AUTO_TEST_CASE(a_full_queue_refuses_entries_but_not_heartbeats) {
    outbox out({.queue_bytes_max = 10'000, .frame_bytes_max = 1 << 20});
    out.open();
    const sample_append m(one, two, 1, 1, 3000);
    int kept = 0;
    for (int i = 0; i < 10; ++i) {
        kept += out.push(m.m) ? 1 : 0;
    }
    BOOST_TEST(kept == 3);
    BOOST_TEST(out.push(heartbeat(one, two, 1)));
    // Even these are bounded.
    int heartbeats = 0;
    while (out.push(heartbeat(one, two, 1))) {
        ++heartbeats;
    }
    BOOST_TEST(heartbeats > 1000);
    BOOST_TEST(out.queued_bytes() <= 10'000 + outbox::control_bytes_max);
    drain d;
    d.take_all(out);
    BOOST_TEST(out.push(m.m));
}

BOOST_AUTO_TEST_CASE(an_empty_queue_takes_a_frame_over_its_limit) {
    outbox out({.queue_bytes_max = 100, .frame_bytes_max = 10'000});
    out.open();
    BOOST_TEST(out.push(sample_append(one, two, 1, 1, 5000).m));
    BOOST_TEST(!out.push(sample_append(one, two, 1, 1, 5000).m));
}

BOOST_AUTO_TEST_CASE(a_frame_that_the_peer_would_refuse_is_not_sent) {
    const sample_append m(one, two, 1, 1, 5000);
    outbox fits({.queue_bytes_max = 1 << 20, .frame_bytes_max = frame_size(m.m)});
    outbox over({.queue_bytes_max = 1 << 20, .frame_bytes_max = frame_size(m.m) - 1});
    fits.open();
    over.open();
    BOOST_TEST(fits.push(m.m));
    BOOST_TEST(!over.push(m.m));
}

BOOST_AUTO_TEST_CASE(closing_forgets_what_was_sent_halfway) {
    outbox out({});
    out.open();
    BOOST_TEST(out.push(heartbeat(one, two, 1)));
    drain half;
    half.take(out, 10);
    BOOST_TEST(!out.close());
    BOOST_TEST(out.empty());
    BOOST_TEST(out.push(heartbeat(one, two, 2)));
    out.open();
    drain d;
    d.take_all(out);
    BOOST_TEST(contexts(d) == std::vector<std::uint64_t>{2});
}

BOOST_AUTO_TEST_CASE(heartbeats_pass_between_the_chunks_of_a_snapshot) {
    outbox out({});
    out.open();
    const message m = snapshot_to(two, 9, 3'000'000);
    BOOST_TEST(out.push(m));
    drain d;
    bool ended = false;
    std::uint64_t beats = 0;
    while (!ended) {
        BOOST_TEST(out.push(heartbeat(one, two, ++beats)));
        ended = d.take(out, 50'000);
        BOOST_TEST(out.queued_bytes() < 3 * chunk_data_bytes);
    }
    d.take_all(out);
    snapshot_assembly in(1 << 30);
    bool whole = false;
    std::uint64_t before_the_end = 0;
    for (frame_content& content : d.frames()) {
        if (auto* start = std::get_if<snapshot_start>(&content)) {
            BOOST_TEST(!in.start(std::move(*start)).value());
        } else if (auto* chunk = std::get_if<snapshot_chunk>(&content)) {
            const auto done = in.add(std::move(*chunk));
            BOOST_REQUIRE(done.has_value());
            whole = whole || done->has_value();
        } else {
            before_the_end += whole ? 0 : 1;
        }
    }
    BOOST_TEST(whole);
    // Sixty takes were needed; most heartbeats overtook a part of the snapshot.
    BOOST_TEST(beats >= 60U);
    BOOST_TEST(before_the_end > beats / 2);
}

BOOST_AUTO_TEST_CASE(a_newer_snapshot_replaces_the_one_on_its_way) {
    outbox out({});
    out.open();
    BOOST_TEST(out.push(snapshot_to(two, 9, 2'000'000)));
    drain d;
    BOOST_TEST(!d.take(out, 100'000));
    BOOST_TEST(out.push(snapshot_to(two, 9, 2'000'000))); // The same again changes nothing.
    BOOST_TEST(out.push(snapshot_to(two, 12, 1'000'000)));
    BOOST_TEST(d.take_all(out));
    snapshot_assembly in(1 << 30);
    std::vector<log_id> arrived;
    int starts = 0;
    for (frame_content& content : d.frames()) {
        auto* start = std::get_if<snapshot_start>(&content);
        starts += start != nullptr ? 1 : 0;
        const auto done = start != nullptr ? in.start(std::move(*start))
                                           : in.add(std::move(std::get<snapshot_chunk>(content)));
        BOOST_REQUIRE(done.has_value());
        if (done->has_value()) {
            arrived.push_back((**done)->snap->last);
        }
    }
    BOOST_TEST(starts == 2);
    BOOST_REQUIRE(arrived.size() == 1U);
    BOOST_TEST(arrived[0] == (log_id{term_id(1), log_index(12)}));
}

BOOST_AUTO_TEST_CASE(closing_tells_of_a_snapshot_that_is_lost) {
    outbox out({});
    BOOST_TEST(out.push(snapshot_to(two, 9, 1000)));
    BOOST_TEST(!out.empty());
    BOOST_TEST(out.close());
    BOOST_TEST(!out.close());
    out.open();
    BOOST_TEST(out.push(snapshot_to(two, 9, 1000)));
    drain d;
    BOOST_TEST(!d.take(out, 500));
    BOOST_TEST(out.close());
    BOOST_TEST(out.empty());
}

BOOST_AUTO_TEST_CASE(a_snapshot_over_the_limit_is_refused) {
    outbox out({.snapshot_bytes_max = 1000});
    BOOST_TEST(out.push(snapshot_to(two, 9, 1000)));
    BOOST_TEST(!out.push(snapshot_to(two, 9, 1001)));
}

BOOST_AUTO_TEST_SUITE_END()
