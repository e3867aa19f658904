// Both models of runtime, by the suite that users have for theirs.
#include <quorate/runtime/asio_runtime.hpp>
#include <quorate/testing/conformance/runtime.hpp>
#include <quorate/testing/manual_runtime.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/test/unit_test.hpp>

using namespace quorate;

BOOST_AUTO_TEST_SUITE(runtime_conformance)

BOOST_AUTO_TEST_CASE(asio_runtime_keeps_the_contract) {
    boost::asio::io_context io(1);
    testing::runtime_suite<asio_runtime> suite(io, [&io](const std::function<bool()>& done) {
        const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(30);
        const auto guard = boost::asio::make_work_guard(io);
        while (!done() && std::chrono::steady_clock::now() < end) {
            io.restart();
            io.run_one_for(std::chrono::seconds(1));
        }
    });
    const testing::conformance_report report = suite.run();
    BOOST_TEST(report.passed(), report);
}

BOOST_AUTO_TEST_CASE(manual_runtime_keeps_the_contract) {
    testing::manual_world world;
    testing::runtime_suite<testing::manual_runtime> suite(
        world, [&world](const std::function<bool()>& done) { world.run_until(done); });
    const testing::conformance_report report = suite.run();
    BOOST_TEST(report.passed(), report);
}

BOOST_AUTO_TEST_SUITE_END()
