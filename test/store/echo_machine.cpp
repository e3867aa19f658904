#include <quorate/store/echo_machine.hpp>
#include <quorate/testing/conformance/state_machine.hpp>

#include <boost/test/unit_test.hpp>

#include <vector>

BOOST_AUTO_TEST_SUITE(echo_machine)

using quorate::byte_view;
using quorate::echo_machine;
using quorate::log_index;
using quorate::shared_bytes;

// [conformance
BOOST_AUTO_TEST_CASE(it_keeps_the_contract) {
    const std::vector<byte_view> samples{"one", "", "three"};
    const auto report = quorate::testing::check_state_machine<echo_machine>(samples);
    BOOST_TEST(report.passed(), report);
}
// conformance]

BOOST_AUTO_TEST_CASE(it_counts_and_echoes) {
    echo_machine machine;
    BOOST_TEST(machine.last().count == 0u);
    machine.apply(log_index(1),
                  echo_machine::encode("one").freeze().slice(quorate::command_header_bytes));
    const auto answer = machine.apply(log_index(2), shared_bytes::copy_of("two"));
    BOOST_TEST(answer.count == 2u);
    BOOST_TEST(answer.bytes.view() == "two");
    echo_machine other;
    BOOST_TEST(!other.restore(machine.snapshot()));
    BOOST_TEST((other.last() == answer));
    BOOST_TEST(other.restore(quorate::rope{shared_bytes::copy_of("short")}) ==
               make_error_code(quorate::errc::truncated));
    BOOST_TEST((other.last() == answer));
}

BOOST_AUTO_TEST_SUITE_END()
