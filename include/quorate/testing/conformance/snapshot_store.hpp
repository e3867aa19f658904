// Conformance of a snapshot_store: the newest saved one is the one given out.
// Flow:       none
// In / Out:   a model type, options → a report
// Source:     doc/concept/snapshot_store.md
// Threads:    none
#ifndef QUORATE_TESTING_CONFORMANCE_SNAPSHOT_STORE_HPP
#define QUORATE_TESTING_CONFORMANCE_SNAPSHOT_STORE_HPP

#include <quorate/log/snapshot_store.hpp>
#include <quorate/testing/bulk.hpp>
#include <quorate/testing/conformance/report.hpp>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>

namespace quorate::testing {

/// One run. `options` name an empty directory, for models that use one. `durable` says whether
/// the model is to remember anything.
template <snapshot_store Store>
class snapshot_store_suite {
public:
    snapshot_store_suite(snapshot_options options, bool durable)
        : options_(std::move(options)), durable_(durable) {}

    [[nodiscard]] conformance_report run() {
        check_new_store();
        check_saved(make(1, 10, 3, 100), "a small one");
        check_saved(make(1, 20, 0, 0), "one without data");
        check_saved(make(2, 30, 5, 700'000), "one of several megabytes");
        check_saved(joint(), "one with a joint membership");
        check_older_one();
        check_many();
        check_received(make(7, 200, 5, 200'000), "one of four blocks");
        check_received(make(7, 210, 1, bulk_block_bytes), "one of exactly one block");
        check_received(make(7, 220, 0, 0), "one without data");
        check_interrupted();
        check_replaced();
        check_refused();
        return report_;
    }

private:
    [[nodiscard]] static snapshot make(std::uint64_t term, std::uint64_t index, int pieces,
                                       std::size_t piece_bytes) {
        snapshot snap;
        snap.last = {term_id(term), log_index(index)};
        snap.members.voters = {node_id(1), node_id(2), node_id(3)};
        snap.members.learners = {node_id(9)};
        rope data;
        for (int i = 0; i < pieces; ++i) {
            const std::string piece(piece_bytes + static_cast<std::size_t>(i),
                                    static_cast<char>('a' + i));
            data.push_back(shared_bytes::copy_of(piece));
        }
        snap.data = std::move(data);
        return snap;
    }
    [[nodiscard]] static snapshot joint() {
        snapshot snap = make(3, 40, 1, 10);
        snap.members.outgoing = {node_id(1), node_id(4), node_id(5)};
        snap.members.learners_next = {node_id(5)};
        snap.members.auto_leave = true;
        return snap;
    }
    /// Data may come back cut at other places.
    [[nodiscard]] static bool same(const snapshot_ptr& found, const snapshot& want) {
        return found != nullptr && head_of(*found) == head_of(want) &&
               bytes_of(found->data) == bytes_of(want.data);
    }

    [[nodiscard]] std::unique_ptr<Store> open() {
        result<std::unique_ptr<Store>> opened = Store::open(options_);
        report_.expect(opened.has_value(), "the store opens");
        return opened ? std::move(*opened) : nullptr;
    }
    void check_new_store() {
        const auto store = open();
        report_.expect(store != nullptr && store->newest() == nullptr, "a new store has none");
    }
    void check_saved(const snapshot& snap, const char* what) {
        auto store = open();
        if (store == nullptr) {
            return;
        }
        report_.expect(!store->save(snap), what);
        report_.expect(same(store->newest(), snap), what);
        store.reset();
        check_kept(snap, what);
    }
    void check_kept(const snapshot& snap, const char* what) {
        if (!durable_) {
            return;
        }
        const auto store = open();
        report_.expect(store != nullptr && same(store->newest(), snap), what);
    }
    void check_older_one() {
        const auto store = open();
        if (store == nullptr) {
            return;
        }
        const snapshot newer = make(4, 60, 1, 5);
        const snapshot older = make(4, 50, 1, 5);
        report_.expect(!store->save(newer), "a newer one is saved");
        report_.expect(!store->save(older), "an older one may be saved too");
        report_.expect(same(store->newest(), newer), "but it is not the newest");
        check_kept(newer, "not after opening again either");
    }
    void check_many() {
        const auto store = open();
        if (store == nullptr) {
            return;
        }
        for (std::uint64_t index = 70; index < 90; ++index) {
            const snapshot snap = make(5, index, 1, 5);
            report_.expect(!store->save(snap), "one of many is saved");
            report_.expect(same(store->newest(), snap), "one of many is the newest");
        }
        // Holding one keeps its bytes, whatever the store does to the file.
        const snapshot_ptr held = store->newest();
        report_.expect(!store->save(make(6, 100, 1, 5)), "another one is saved");
        report_.expect(same(held, make(5, 89, 1, 5)), "one that is held does not change");
        check_kept(make(6, 100, 1, 5), "the last of many is kept");
    }

    /// Returns: block `number` of the data, counted from zero.
    [[nodiscard]] static shared_bytes block_of(const snapshot& snap, std::uint64_t number) {
        const std::string bytes = bytes_of(snap.data);
        const auto at = static_cast<std::size_t>(number * bulk_block_bytes);
        return shared_bytes::copy_of(byte_view(bytes).substr(at, bulk_block_bytes));
    }
    /// Effects: hands in the blocks from `ticket.received` on, at most `count` of them.
    void hand_in(snapshot_intake& intake, const intake_ticket& ticket, const snapshot& snap,
                 std::uint64_t count = UINT64_MAX) {
        std::uint64_t next = bulk_blocks(ticket.received);
        for (; count > 0 && next < bulk_blocks(snap.data.size()); --count, ++next) {
            report_.expect(!intake.add(ticket.number, block_of(snap, next)), "a block is taken");
        }
    }
    [[nodiscard]] intake_ticket begin(snapshot_intake& intake, const snapshot& snap) {
        const result<intake_ticket> ticket = intake.begin(head_of(snap));
        report_.expect(ticket.has_value(), "a snapshot may begin to arrive");
        return ticket ? *ticket : intake_ticket();
    }
    void check_received(const snapshot& snap, const char* what) {
        auto store = open();
        if (store == nullptr) {
            return;
        }
        const intake_ticket ticket = begin(store->intake(), snap);
        report_.expect(ticket.received == 0, "nothing of a new one is there");
        hand_in(store->intake(), ticket, snap);
        report_.expect(!same(store->newest(), snap), "one that is not finished is not given out");
        const result<snapshot_ptr> whole = store->intake().finish(ticket.number);
        report_.expect(whole && same(*whole, snap), what);
        report_.expect(same(store->newest(), snap), what);
        report_.expect(whole && !store->save(**whole), "what was received may be saved again");
        store.reset();
        check_kept(snap, what);
    }
    void check_interrupted() {
        const auto store = open();
        if (store == nullptr) {
            return;
        }
        const snapshot snap = make(8, 300, 5, 200'000);
        for (std::uint64_t done = 0; done < bulk_blocks(snap.data.size()); ++done) {
            const intake_ticket ticket = begin(store->intake(), snap);
            const std::uint64_t kept = ticket.received;
            report_.expect(kept == done * bulk_block_bytes, "it goes on where it was interrupted");
            hand_in(store->intake(), ticket, snap, 1);
        }
        const intake_ticket last = begin(store->intake(), snap);
        report_.expect(last.received == snap.data.size(), "it knows that it has everything");
        const result<snapshot_ptr> whole = store->intake().finish(last.number);
        report_.expect(whole && same(*whole, snap), "an interrupted one is whole at the end");
    }
    void check_replaced() {
        const auto store = open();
        if (store == nullptr) {
            return;
        }
        const snapshot one = make(9, 400, 3, 200'000);
        const snapshot other = make(9, 400, 3, 200'100); // the same index, other data
        const intake_ticket first = begin(store->intake(), one);
        hand_in(store->intake(), first, one, 1);
        const intake_ticket second = begin(store->intake(), other);
        report_.expect(second.received == 0, "another snapshot begins at its beginning");
        report_.expect(store->intake().add(first.number, block_of(one, 1)).failed(),
                       "an earlier ticket is void");
        report_.expect(!store->intake().finish(first.number), "for finishing too");
        hand_in(store->intake(), second, other);
        const result<snapshot_ptr> whole = store->intake().finish(second.number);
        report_.expect(whole && same(*whole, other), "the other one is received whole");
    }
    /// Nothing of these becomes a snapshot.
    void check_refused() {
        const auto store = open();
        if (store == nullptr) {
            return;
        }
        snapshot_intake& intake = store->intake();
        const snapshot before = make(10, 500, 1, 5);
        report_.expect(!store->save(before), "one is saved");
        const snapshot snap = make(10, 510, 3, 200'000);
        const intake_ticket ticket = begin(intake, snap);
        report_.expect(intake.add(ticket.number, {}) == errc::corrupt, "an empty block is refused");
        const shared_bytes first = block_of(snap, 0);
        report_.expect(intake.add(ticket.number, first.slice(1)) == errc::corrupt,
                       "a block that is too short is refused");
        report_.expect(!intake.add(ticket.number, first), "the right one is taken after that");
        report_.expect(intake.finish(ticket.number).error() == errc::corrupt,
                       "one that misses blocks is refused");
        const intake_ticket again = begin(intake, snap);
        report_.expect(again.received == 0, "and forgotten");
        hand_in(intake, again, make(10, 510, 3, 200'000), 2);
        const shared_bytes rest = block_of(snap, 2);
        std::string wrong(rest.view());
        wrong.back() = static_cast<char>(wrong.back() ^ 1);
        report_.expect(!intake.add(again.number, shared_bytes::copy_of(wrong)), "a block is taken");
        report_.expect(intake.finish(again.number).error() == errc::corrupt,
                       "one with another hash is refused");
        report_.expect(same(store->newest(), before), "and the one before stays the newest");
    }

    snapshot_options options_;
    bool durable_;
    conformance_report report_;
};

} // namespace quorate::testing

#endif
