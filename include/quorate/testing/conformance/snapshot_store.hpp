// Whether a model of snapshot_store keeps the contract: the newest one saved is the one given out.
// Flow:       none
// In / Out:   a model type, options → a report
// Source:     doc/concept/snapshot_store.md
// Threads:    none
#ifndef QUORATE_TESTING_CONFORMANCE_SNAPSHOT_STORE_HPP
#define QUORATE_TESTING_CONFORMANCE_SNAPSHOT_STORE_HPP

#include <quorate/log/snapshot_store.hpp>
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
        return report_;
    }

private:
    [[nodiscard]] static snapshot make(std::uint64_t term, std::uint64_t index, int pieces,
                                       std::size_t piece_bytes) {
        snapshot snap;
        snap.last = {term_id(term), log_index(index)};
        snap.members.voters = {node_id(1), node_id(2), node_id(3)};
        snap.members.learners = {node_id(9)};
        for (int i = 0; i < pieces; ++i) {
            const std::string piece(piece_bytes + static_cast<std::size_t>(i),
                                    static_cast<char>('a' + i));
            snap.data.push_back(shared_bytes::copy_of(piece));
        }
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
    [[nodiscard]] static std::string bytes_of(const snapshot& snap) {
        std::string bytes;
        for (const shared_bytes& piece : snap.data) {
            bytes.append(piece.view());
        }
        return bytes;
    }
    [[nodiscard]] static bool same(const snapshot_ptr& found, const snapshot& want) {
        return found != nullptr && found->last == want.last && found->members == want.members &&
               bytes_of(*found) == bytes_of(want);
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

    snapshot_options options_;
    bool durable_;
    conformance_report report_;
};

} // namespace quorate::testing

#endif
