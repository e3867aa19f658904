#include <quorate/server/cluster_token.hpp>

#include <boost/test/unit_test.hpp>

BOOST_AUTO_TEST_SUITE(cluster_token)

using quorate::cluster_id;
using quorate::cluster_of_token;

// Numbers stand in data directories: they must not change from version to version. These two are
// known values of 64-bit FNV-1a.
static_assert(cluster_of_token("") == cluster_id(0xcbf29ce484222325U));
static_assert(cluster_of_token("a") == cluster_id(0xaf63dc4c8601ec8cU));

BOOST_AUTO_TEST_CASE(names_give_numbers) {
    BOOST_TEST(cluster_of_token("foobar").value() == 0x85944171f73967e8U);
    BOOST_TEST(cluster_of_token("etcd-cluster").value() !=
               cluster_of_token("etcd-cluster-1").value());
    BOOST_TEST(cluster_of_token("\xff").value() != 0u);
}

BOOST_AUTO_TEST_SUITE_END()
