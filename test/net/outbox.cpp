#include <quorate/net/framer.hpp>
#include <quorate/net/outbox.hpp>

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
    /// Effects: takes at most `size` bytes, and has read what the outbox wants read.
    void take(outbox& out, std::size_t size) {
        if (out.wants_start()) {
            out.announce();
        }
        if (const auto wanted = out.next_chunk()) {
            out.add_chunk(*wanted, wanted->data.read_block(wanted->offset).value());
        }
        std::vector<byte_view> views(64);
        views.resize(out.gather(views));
        std::size_t taken = 0;
        for (byte_view view : views) {
            const byte_view part = view.substr(0, size - taken);
            stream += part;
            taken += part.size();
        }
        out.consume(taken);
    }
    void take_all(outbox& out) {
        do {
            take(out, 100'000);
        } while (out.queued_bytes() != 0);
    }
    /// Returns: all frames. Requires: the last one is whole.
    std::vector<frame_content> frames() const {
        std::size_t read = 0;
        std::vector<frame_content> all = decode(read);
        BOOST_REQUIRE(read == stream.size());
        return all;
    }
    /// Returns: those that are whole and were not asked for before.
    std::vector<frame_content> whole_frames() { return decode(heard); }

    std::string stream;
    std::size_t heard = 0;

private:
    std::vector<frame_content> decode(std::size_t& at) const {
        std::vector<frame_content> all;
        for (;;) {
            const byte_view rest = byte_view(stream).substr(at);
            const auto header = decode_frame_header(rest, UINT64_MAX);
            if (!header || header->frame_size() > rest.size()) {
                return all;
            }
            const auto size = static_cast<std::size_t>(header->frame_size());
            auto content = decode_frame(shared_bytes::copy_of(rest.substr(0, size)));
            BOOST_REQUIRE(content.has_value());
            all.push_back(std::move(*content));
            at += size;
        }
    }
};

/// Takes what a drain collected and answers as a peer does.
struct peer {
    void hear(drain& d, outbox& out) {
        std::vector<frame_content> frames = d.whole_frames();
        for (frame_content& content : frames) {
            if (const auto* start = std::get_if<snapshot_start>(&content)) {
                number = start->number;
                size = start->snap.size;
                data.clear();
                last_news = out.on_progress({number, 0, false});
            } else if (const auto* chunk = std::get_if<snapshot_chunk>(&content)) {
                BOOST_REQUIRE(chunk->number == number);
                BOOST_REQUIRE(chunk->offset == data.size());
                data += chunk->data.view();
                has_all = data.size() == size;
                last_news = out.on_progress({number, data.size(), false});
            }
        }
    }
    std::uint64_t number = 0;
    std::uint64_t size = 0;
    std::string data;
    bool has_all = false;
    upload_news last_news = upload_news::none;
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
    snap->data = rope{shared_bytes::copy_of(std::string(size, 'd'))};
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
    BOOST_TEST(out.push(snapshot_to(two, 9, 3'000'000)));
    drain d;
    peer to;
    std::uint64_t beats = 0;
    while (!to.has_all) {
        BOOST_TEST(out.push(heartbeat(one, two, ++beats)));
        d.take(out, 50'000);
        BOOST_TEST(out.queued_bytes() < 3 * chunk_data_bytes);
        to.hear(d, out);
    }
    BOOST_TEST((to.last_news == upload_news::delivered));
    BOOST_TEST(to.data == std::string(3'000'000, 'd'));
    // Sixty takes were needed; most heartbeats overtook a part of the snapshot.
    BOOST_TEST(beats >= 60U);
    d.take_all(out);
    BOOST_TEST(contexts(d).size() > beats / 2);
}

BOOST_AUTO_TEST_CASE(what_the_peer_has_not_taken_is_bounded) {
    outbox out({});
    out.open();
    BOOST_TEST(out.push(snapshot_to(two, 9, 20 * chunk_data_bytes)));
    drain d;
    d.take_all(out);
    BOOST_TEST(d.stream.size() < 1000U); // before the peer said a word, nothing but the start
    BOOST_TEST((out.on_progress({1, 0, false}) == upload_news::none));
    std::uint64_t taken = 0;
    do {
        d.stream.clear();
        d.take_all(out);
        const std::uint64_t sent = d.stream.size() / chunk_data_bytes * chunk_data_bytes;
        BOOST_TEST(sent == (taken == 0 ? snapshot_window_bytes : chunk_data_bytes));
        taken += chunk_data_bytes;
    } while (out.on_progress({1, taken, false}) == upload_news::none &&
             taken < 15 * chunk_data_bytes);
    BOOST_TEST(out.transfer()->waits_for_peer() == false);
    d.take_all(out);
    BOOST_TEST(out.transfer()->waits_for_peer());
}

BOOST_AUTO_TEST_CASE(it_begins_where_the_peer_says) {
    outbox out({});
    out.open();
    BOOST_TEST(out.push(snapshot_to(two, 9, 3 * chunk_data_bytes + 5)));
    drain d;
    d.take_all(out);
    BOOST_TEST((out.on_progress({1, 2 * chunk_data_bytes, false}) == upload_news::none));
    d.stream.clear();
    d.take_all(out);
    const auto frames = d.frames();
    BOOST_REQUIRE(frames.size() == 2U);
    BOOST_TEST(std::get<snapshot_chunk>(frames[0]).offset == 2 * chunk_data_bytes);
    BOOST_TEST(std::get<snapshot_chunk>(frames[1]).offset == 3 * chunk_data_bytes);
    BOOST_TEST((out.on_progress({1, 3 * chunk_data_bytes + 5, false}) == upload_news::delivered));
    BOOST_TEST(out.empty());
}

BOOST_AUTO_TEST_CASE(a_peer_that_has_it_already_is_sent_nothing) {
    outbox out({});
    out.open();
    BOOST_TEST(out.push(snapshot_to(two, 9, 3 * chunk_data_bytes)));
    drain d;
    d.take_all(out);
    BOOST_TEST((out.on_progress({1, 3 * chunk_data_bytes, false}) == upload_news::delivered));
    BOOST_TEST(d.frames().size() == 1U);
}

BOOST_AUTO_TEST_CASE(what_cannot_be_true_is_not_believed) {
    const auto news_of = [](bool announced, std::optional<std::uint64_t> first,
                            const snapshot_progress& said) {
        outbox out({});
        out.open();
        BOOST_TEST(out.push(snapshot_to(two, 9, 3 * chunk_data_bytes)));
        drain d;
        if (announced) {
            out.announce();
        }
        if (first) {
            BOOST_TEST((out.on_progress({1, *first, false}) == upload_news::none));
            d.take(out, 100);
        }
        return out.on_progress(said);
    };
    const upload_news invalid = upload_news::invalid;
    BOOST_TEST((news_of(false, {}, {1, 0, false}) == invalid));
    BOOST_TEST((news_of(true, {}, {2, 0, false}) == invalid));
    BOOST_TEST((news_of(true, {}, {1, 1, false}) == invalid));
    BOOST_TEST((news_of(true, {}, {1, 4 * chunk_data_bytes, false}) == invalid));
    BOOST_TEST((news_of(true, 0, {1, 2 * chunk_data_bytes, false}) == invalid)); // not sent yet
    BOOST_TEST((news_of(true, 0, {1, chunk_data_bytes, false}) == upload_news::none));
    BOOST_TEST((news_of(true, chunk_data_bytes, {1, 0, false}) == invalid)); // backwards
    BOOST_TEST((news_of(true, 0, {1, 0, true}) == upload_news::refused));
    outbox never({});
    never.open();
    BOOST_TEST((never.on_progress({1, 0, false}) == invalid));
}

BOOST_AUTO_TEST_CASE(a_newer_snapshot_replaces_the_one_on_its_way) {
    outbox out({});
    out.open();
    BOOST_TEST(out.push(snapshot_to(two, 9, 2'000'000)));
    drain d;
    d.take_all(out);
    BOOST_TEST((out.on_progress({1, 0, false}) == upload_news::none));
    const auto reading = out.next_chunk();
    BOOST_REQUIRE(reading.has_value());
    BOOST_TEST(out.push(snapshot_to(two, 9, 2'000'000))); // The same again changes nothing.
    BOOST_TEST(!out.wants_start());
    BOOST_TEST(out.push(snapshot_to(two, 12, 1'000'000)));
    BOOST_TEST(out.wants_start());
    // What was read of the first one comes too late, and so does what the peer says of it.
    out.add_chunk(*reading, reading->data.read_block(0).value());
    BOOST_TEST(out.queued_bytes() == 0U);
    BOOST_TEST((out.on_progress({1, chunk_data_bytes, false}) == upload_news::none));
    peer to;
    d.heard = d.stream.size();
    while (!to.has_all) {
        d.take_all(out);
        to.hear(d, out);
    }
    BOOST_TEST(to.data == std::string(1'000'000, 'd'));
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
    d.take(out, 500);
    BOOST_TEST(out.close());
    BOOST_TEST(out.empty());
}

BOOST_AUTO_TEST_CASE(one_may_be_given_up) {
    outbox out({});
    out.open();
    BOOST_TEST(out.push(snapshot_to(two, 9, 1000)));
    out.announce();
    BOOST_TEST(!out.give_up(2));
    BOOST_TEST(out.give_up(1));
    BOOST_TEST(!out.give_up(1));
    BOOST_TEST((out.on_progress({1, 0, false}) == upload_news::none));
}

BOOST_AUTO_TEST_CASE(a_snapshot_over_the_limit_is_refused) {
    outbox out({.snapshot_bytes_max = 1000});
    BOOST_TEST(out.push(snapshot_to(two, 9, 1000)));
    BOOST_TEST(!out.push(snapshot_to(two, 9, 1001)));
}

BOOST_AUTO_TEST_CASE(calls_are_queued_while_it_is_open_and_has_room) {
    outbox out({.queue_bytes_max = 1000, .frame_bytes_max = 900});
    const auto call = [](std::size_t size) {
        return member_call{3, false, shared_bytes::copy_of(std::string(size, 'c'))};
    };
    BOOST_TEST(!out.push(call(1)));
    out.open();
    BOOST_TEST(!out.push(call(900)));
    BOOST_TEST(out.push(call(500)));
    BOOST_TEST(!out.push(call(500)));
    BOOST_TEST(out.push(heartbeat(one, two, 1)));
    drain d;
    d.take_all(out);
    const auto frames = d.frames();
    BOOST_REQUIRE(frames.size() == 2U);
    BOOST_TEST(std::get<member_call>(frames[0]).data.size() == 500U);
    BOOST_TEST(out.push(call(500)));
    static_cast<void>(out.close());
    BOOST_TEST(out.empty());
}

// The group would never get on if a heartbeat in front of an entry kept the entry back.
BOOST_AUTO_TEST_CASE(queue_with_little_in_it_takes_a_frame_over_its_limit) {
    outbox out({.queue_bytes_max = 4 << 20, .frame_bytes_max = 64 << 20});
    out.open();
    BOOST_TEST(out.push(heartbeat(one, two, 1)));
    const sample_append large(one, two, 1, 1, 5 << 20);
    BOOST_TEST(out.push(large.m));
    BOOST_TEST(!out.push(large.m));
}

BOOST_AUTO_TEST_CASE(size_problem_names_the_limit_with_both_values) {
    const sample_append m(one, two, 1, 1, 5000);
    const std::uint64_t size = frame_size(m.m);
    const outbox_limits fits{.queue_bytes_max = 1 << 20, .frame_bytes_max = size};
    const outbox_limits over{.queue_bytes_max = 1 << 20, .frame_bytes_max = size - 1};
    BOOST_TEST(fits.size_problem(m.m) == "");
    const std::string problem = over.size_problem(m.m);
    BOOST_TEST(problem.find(std::to_string(size) + " bytes") != std::string::npos, problem);
    BOOST_TEST(problem.find("frame_bytes_max, " + std::to_string(size - 1)) != std::string::npos,
               problem);
}

BOOST_AUTO_TEST_SUITE_END()
