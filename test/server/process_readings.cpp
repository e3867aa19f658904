#include <quorate/server/process_readings.hpp>

#include <boost/test/unit_test.hpp>

#include <fcntl.h>
#include <unistd.h>

#include <chrono>

BOOST_AUTO_TEST_SUITE(process_readings_suite)

using namespace quorate;

BOOST_AUTO_TEST_CASE(this_process_is_what_it_is) {
    const process_readings now = read_process();
    BOOST_TEST(now.cpu_seconds > 0);
    BOOST_TEST(now.cpu_seconds < 1e6);
    BOOST_TEST(now.resident > (1u << 20));
    BOOST_TEST(now.virtual_size >= now.resident);
    BOOST_TEST(now.fds_limit >= now.fds_used);
    const std::chrono::duration<double> clock = std::chrono::system_clock::now().time_since_epoch();
    BOOST_TEST(now.started_at <= clock.count() + 2);
    BOOST_TEST(now.started_at > clock.count() - 86'400);
}

BOOST_AUTO_TEST_CASE(an_open_file_is_counted) {
    const std::uint64_t before = read_process().fds_used;
    const int file = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
    BOOST_TEST_REQUIRE(file >= 0);
    BOOST_TEST(read_process().fds_used == before + 1);
    ::close(file);
    BOOST_TEST(read_process().fds_used == before);
}

BOOST_AUTO_TEST_SUITE_END()
