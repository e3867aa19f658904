// Members whose state lies in a database, and a gate before a restore fills one.
// Flow:    none
#ifndef QUORATE_TEST_LMDB_DATABASE_GROUP_HPP
#define QUORATE_TEST_LMDB_DATABASE_GROUP_HPP

#include <quorate/lmdb/lmdb_backend.hpp>
#include <quorate/net/loopback_transport.hpp>
#include <quorate/node.hpp>

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "../gate.hpp"
#include "../node/support.hpp"

namespace database_test {

using namespace node_test;

struct database_policies : default_policies {
    using transport = loopback_transport;
    using backend = lmdb_backend;
};

/// Stops the threads that fill a database for a snapshot.
inline quorate_test::gate restores;
inline const std::thread::id loop_thread = std::this_thread::get_id();

/// An LMDB backend whose rows wait at the gate where another thread than the loop's puts them.
class gated_backend : public lmdb_backend {
public:
    gated_backend() = default;
    void put(revision at, row entered) {
        if (std::this_thread::get_id() != loop_thread) {
            restores.pass();
        }
        lmdb_backend::put(at, std::move(entered));
    }
    [[nodiscard]] static result<gated_backend> open(const database_options& options) {
        auto opened = lmdb_backend::open(options);
        return opened ? result<gated_backend>(gated_backend(std::move(*opened))) : opened.error();
    }
    [[nodiscard]] gated_backend successor() { return gated_backend(lmdb_backend::successor()); }

private:
    explicit gated_backend(lmdb_backend opened) : lmdb_backend(std::move(opened)) {}
};

struct gated_policies : database_policies {
    using backend = gated_backend;
};

template <class Policies>
class database_group_of : public group<Policies> {
    using base = group<Policies>;

public:
    using base::base;
    using base::initial, base::leader, base::nodes, base::options_of, base::run_until, base::start;

    void start_member(std::uint64_t id) {
        node_options options = options_of(id);
        options.snapshot_entries = snapshot_entries;
        options.catch_up_entries = 0;
        options.database_batch_bytes = 2000;
        options.log = [this](severity, const std::string& text) { said.push_back(text); };
        start(std::move(options));
    }
    void start_members() {
        for (const member_info& m : initial) {
            start_member(m.id.value());
        }
        BOOST_REQUIRE(run_until([this] { return leader() != 0; }));
    }
    void put(std::uint64_t id, const std::string& key, const std::string& value) {
        bool done = false;
        error_code failed;
        nodes.at(id)->submit(quorate::put{.key = key, .value = value},
                             [&](error_code outcome, const reply& answer) {
                                 failed = outcome ? outcome : answer.error();
                                 done = true;
                             });
        BOOST_REQUIRE(run_until([&] { return done; }));
        BOOST_REQUIRE_MESSAGE(!failed, failed.message());
    }
    void put_many(std::uint64_t id, int from, int upto) {
        for (int i = from; i < upto; ++i) {
            put(id, "key " + std::to_string(i % 50), "value " + std::to_string(i));
        }
    }
    [[nodiscard]] std::uint32_t hash(std::uint64_t id) {
        return nodes.at(id)->machine().store().hash(0)->hash;
    }
    bool agree_on(std::uint64_t revision) {
        return run_until([&] {
            for (const auto& n : nodes) {
                const auto& store = n.second->machine().store();
                if (store.current_revision() != revision ||
                    n.second->status().applied != nodes.begin()->second->status().applied ||
                    hash(n.first) != hash(nodes.begin()->first)) {
                    return false;
                }
            }
            return true;
        });
    }
    [[nodiscard]] bool heard(const std::string& part) const {
        return std::any_of(said.begin(), said.end(), [&](const std::string& text) {
            return text.find(part) != std::string::npos;
        });
    }
    [[nodiscard]] std::filesystem::path database_file(std::uint64_t id) const {
        for (const auto& entry :
             std::filesystem::directory_iterator(options_of(id).data_directory / "db")) {
            if (!entry.path().string().ends_with("-lock")) {
                return entry.path();
            }
        }
        return {};
    }

    std::uint64_t snapshot_entries = 100'000;
    std::vector<std::string> said;
};

using database_group = database_group_of<database_policies>;
using gated_group = database_group_of<gated_policies>;

/// Effects: submits, and waits for the outcome. Returns: that.
template <class Group>
error_code asked(Group& g, std::uint64_t id, const quorate::request& what) {
    bool done = false;
    error_code failed;
    g.nodes.at(id)->submit(what, [&](error_code outcome, const reply& answer) {
        failed = outcome ? outcome : answer.error();
        done = true;
    });
    BOOST_REQUIRE(g.run_until([&] { return done; }));
    return failed;
}

template <class Group>
const auto& backend_of(const Group& g, std::uint64_t id) {
    return g.nodes.at(id)->machine().store().backend();
}

template <class Group>
error_code defragmented(Group& g, std::uint64_t id) {
    bool done = false;
    error_code failed;
    g.nodes.at(id)->defragment([&](error_code outcome) {
        failed = outcome;
        done = true;
    });
    BOOST_REQUIRE(g.run_until([&] { return done; }));
    return failed;
}

} // namespace database_test

#endif
