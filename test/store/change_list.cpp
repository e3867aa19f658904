#include <quorate/store/change_list.hpp>

#include <boost/test/unit_test.hpp>

#include <random>
#include <utility>
#include <vector>

BOOST_AUTO_TEST_SUITE(change_list)

using namespace quorate;

namespace {

bool same(const quorate::change_list& list, const std::vector<key_change>& wanted) {
    if (list.size() != wanted.size() || list.empty() != wanted.empty()) {
        return false;
    }
    for (std::size_t i = 0; i < wanted.size(); ++i) {
        const key_change one = list[i];
        if (one.at() != wanted[i].at() || one.tombstone != wanted[i].tombstone ||
            one.version != wanted[i].version) {
            return false;
        }
    }
    return true;
}

std::size_t upto(const std::vector<key_change>& changes, std::uint64_t main) {
    std::size_t count = 0;
    while (count < changes.size() && changes[count].main <= main) {
        ++count;
    }
    return count;
}

} // namespace

BOOST_AUTO_TEST_CASE(a_lone_change_takes_no_block) {
    static_assert(sizeof(quorate::change_list) == 16);
    const quorate::change_list put({7, 2, false, 1}, {7, 2});
    BOOST_TEST(same(put, {{7, 2, false, 1}}));
    BOOST_TEST((put.created() == revision{7, 2}));
    const quorate::change_list later({7, 2, false, 3}, {5, 0});
    BOOST_TEST(same(later, {{7, 2, false, 3}}));
    BOOST_TEST((later.created() == revision{5, 0}));
    const quorate::change_list deleted({7, 0, true, 1}, {});
    BOOST_TEST(same(deleted, {{7, 0, true, 1}}));
    BOOST_TEST((deleted.created() == revision{}));
}

BOOST_AUTO_TEST_CASE(it_is_an_ordinary_list_however_it_is_kept) {
    std::mt19937_64 random(5);
    for (int round = 0; round < 200; ++round) {
        quorate::change_list list;
        std::vector<key_change> wanted;
        std::uint64_t main = 0;
        for (int step = 0; step < 60; ++step) {
            if (random() % 4 != 0) {
                main += 1 + random() % 3;
                const std::uint64_t version =
                    wanted.empty() || wanted.back().tombstone ? 1 : wanted.back().version + 1;
                wanted.push_back({main, static_cast<std::uint32_t>(random() % 3),
                                  version > 1 && random() % 4 == 0, version});
                list.push_back(wanted.back());
            } else if (!wanted.empty()) {
                const std::size_t count = 1 + random() % wanted.size();
                wanted.erase(wanted.begin(), wanted.begin() + static_cast<std::ptrdiff_t>(count));
                const revision created =
                    wanted.empty() || wanted[0].version > 1 ? revision{1, 1} : wanted[0].at();
                list.forget(count, created);
                BOOST_REQUIRE(wanted.empty() || list.created() == created);
            }
            BOOST_REQUIRE(same(list, wanted));
            const std::uint64_t at = random() % (main + 2);
            BOOST_REQUIRE(list.upto(at) == upto(wanted, at));
            const quorate::change_list copy(list);
            BOOST_REQUIRE(same(copy, wanted));
            quorate::change_list moved(std::move(list));
            list = quorate::change_list(); // what was moved from may be assigned to
            list = std::move(moved);
            BOOST_REQUIRE(same(list, wanted));
        }
    }
}

BOOST_AUTO_TEST_SUITE_END()
