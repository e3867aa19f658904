// A concept that asks for less than the node uses is found here: the node is made of the least
// model of each, every member function of it.
#include <quorate/node.hpp>

#include <boost/test/unit_test.hpp>

#include <unistd.h>

#include <filesystem>
#include <memory>
#include <string>
#include <type_traits>

#include "archetypes.hpp"

namespace {

struct least_policies : quorate::default_policies {
    using consensus = archetype::engine;
    using log = archetype::log;
    using snapshots = archetype::snapshots;
    using transport = archetype::wire;
    using machine = archetype::machine;
};

struct least_blocking : least_policies {
    using log = archetype::blocking_log;
};

struct least_runtime : least_policies {
    using runtime = archetype::runtime;
};

struct least_store : quorate::default_policies {
    using index = archetype::index;
    using backend = archetype::backend;
};

/// A bundle need not come from the defaults.
struct from_nothing {
    using consensus = archetype::engine;
    using log = archetype::log;
    using snapshots = archetype::snapshots;
    using transport = archetype::wire;
    using machine = archetype::machine;
};

struct without_log : least_policies {
    using log = int;
};

static_assert(quorate::policy_bundle<quorate::default_policies>);
static_assert(quorate::policy_bundle<least_policies>);
static_assert(quorate::policy_bundle<least_blocking>);
static_assert(quorate::policy_bundle<least_runtime>);
static_assert(quorate::policy_bundle<least_store>);
static_assert(quorate::policy_bundle<from_nothing>);
static_assert(!quorate::policy_bundle<without_log>);
static_assert(!quorate::policy_bundle<int>);

static_assert(std::is_same_v<quorate::machine_of<least_policies>, archetype::machine>);
static_assert(std::is_same_v<quorate::runtime_of<least_runtime>, archetype::runtime>);
static_assert(std::is_same_v<quorate::runtime_of<from_nothing>, quorate::asio_runtime>);
static_assert(std::is_same_v<quorate::machine_of<least_store>,
                             quorate::kv_machine<archetype::index, archetype::backend>>);

} // namespace

// Clang before 16 instantiates members here whose constraints do not hold.
#if !defined(__clang__) || __clang_major__ >= 16
template class quorate::kv_machine<archetype::index, archetype::backend>;
#endif

BOOST_AUTO_TEST_SUITE(bundle)

namespace {

template <class Policies>
void start_and_stop() {
    using node_type = quorate::basic_node<Policies>;
    boost::asio::io_context io(1);
    quorate::node_options options;
    options.id = quorate::node_id(1);
    options.initial_members = {{options.id, "http://127.0.0.1:1"}};
    options.data_directory =
        std::filesystem::temp_directory_path() / ("quorate_concept_" + std::to_string(::getpid()));
    options.leader_wait = std::chrono::milliseconds(0);
    options.tick_interval = std::chrono::milliseconds(1);
    node_type node(io, options, std::make_unique<typename Policies::transport>());
    BOOST_REQUIRE(!node.start());
    // Nobody leads: each ends as certainly not done, after which everything stops.
    quorate::error_code written;
    quorate::error_code read;
    quorate::error_code added;
    node.read([&](quorate::error_code failed) { read = failed; });
    node.add_member({quorate::node_id(2), "http://127.0.0.1:2"}, quorate::change_kind::add_learner,
                    [&](quorate::error_code failed) { added = failed; });
    const typename node_type::request_type request{};
    node.submit(request, [&](quorate::error_code failed, typename node_type::reply_type) {
        written = failed;
        node.transfer_leadership();
        node.remove_member(quorate::node_id(1), [&](quorate::error_code) {});
        node.stop([](quorate::error_code) {});
    });
    io.run();
    BOOST_TEST((written == quorate::errc::no_leader));
    BOOST_TEST((read == quorate::condition::stopped));
    BOOST_TEST((added == quorate::errc::no_leader));
    std::error_code ignored;
    std::filesystem::remove_all(options.data_directory, ignored);
}

} // namespace

BOOST_AUTO_TEST_CASE(a_node_of_the_least_models_starts_and_stops) {
    start_and_stop<least_policies>();
}

BOOST_AUTO_TEST_CASE(so_does_one_with_threads) {
    start_and_stop<least_blocking>();
}

BOOST_AUTO_TEST_CASE(a_store_of_the_least_parts_answers) {
    quorate::kv_machine<archetype::index, archetype::backend> machine;
    BOOST_TEST(!machine.get("key").has_value());
}

BOOST_AUTO_TEST_SUITE_END()
