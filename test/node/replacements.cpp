// Members that are replaced, one at a time, while another one is away.
#include <quorate/node.hpp>

#include <boost/test/unit_test.hpp>

#include <string>
#include <utility>
#include <vector>

#include "support.hpp"

BOOST_AUTO_TEST_SUITE(replacements)

using namespace node_test;

namespace {

/// Five members. Member 5 is away while members 6, 7 and 8 replace others; member 4 stays.
template <class Policies>
struct replaced_group : group<Policies> {
    using base = group<Policies>;

    explicit replaced_group(bool snapshots) : base(5), snapshots_(snapshots) {
        for (const member_info& m : this->initial) {
            this->start(options(m.id.value()));
        }
        BOOST_REQUIRE(this->run_until([this] { return this->leader() != 0; }));
        write(10);
        BOOST_REQUIRE(this->agree(written.size()));
    }
    [[nodiscard]] node_options options(std::uint64_t id) const {
        node_options made = this->options_of(id);
        if (snapshots_) {
            made.snapshot_entries = 10;
            made.catch_up_entries = 0;
        }
        return made;
    }
    /// Effects: writes words through member 4; each is acknowledged.
    void write(int count) {
        for (int i = 0; i < count; ++i) {
            written.push_back("word " + std::to_string(written.size()));
            BOOST_REQUIRE(this->wrote(4, written.back()));
        }
    }
    void change(const std::function<void(const std::shared_ptr<outcome>&)>& ask) {
        // A change may meet an election, or a leader that was just removed.
        BOOST_REQUIRE(this->run_until([&] {
            const auto asked = std::make_shared<outcome>();
            ask(asked);
            return this->finished(asked) && !asked->failed;
        }));
    }
    void replace(std::uint64_t gone, std::uint64_t fresh) {
        change([&](const auto& asked) {
            this->nodes.at(4)->remove_member(node_id(gone), this->into(asked));
        });
        if (gone != 5) {
            this->stop(gone);
        }
        write(10);
        change([&](const auto& asked) {
            this->nodes.at(4)->add_member({node_id(fresh), this->url(fresh)},
                                          change_kind::add_voter, this->into(asked));
        });
        node_options made = options(fresh);
        made.join = true;
        this->start(std::move(made));
        write(10);
        BOOST_REQUIRE(
            this->run_until([&] { return this->words(fresh).words().size() == written.size(); }));
    }
    [[nodiscard]] bool has_all(std::uint64_t id) const {
        return this->words(id).words() == written;
    }

    std::vector<std::string> written;

private:
    bool snapshots_;
};

template <class Policies>
void check_return(bool snapshots, bool restarts) {
    BOOST_TEST_CONTEXT("snapshots " << snapshots << ", restarts " << restarts) {
        replaced_group<Policies> g(snapshots);
        restarts ? g.stop(5) : g.isolate(5);
        g.replace(1, 6);
        g.replace(2, 7);
        g.replace(3, 8);
        g.network.heal();
        if (restarts) {
            g.start(g.options(5));
        }
        BOOST_REQUIRE(g.run_until([&] { return g.has_all(5); }));
        BOOST_TEST(g.nodes.at(5)->members().size() == 5U);
        BOOST_TEST(g.nodes.at(5)->members().find(node_id(8)) != nullptr);
        // It takes part: two of five are down, so that its vote and its disk are needed.
        g.stop(4);
        g.stop(6);
        BOOST_REQUIRE(g.run_until([&] { return g.leader() != 0; }));
        BOOST_TEST(g.wrote(5, "last"));
        g.written.push_back("last");
        BOOST_TEST(g.run_until([&] { return g.has_all(5) && g.has_all(7) && g.has_all(8); }));
    }
}

template <class Policies>
void check_removal(bool snapshots, bool restarts) {
    BOOST_TEST_CONTEXT("snapshots " << snapshots << ", restarts " << restarts) {
        replaced_group<Policies> g(snapshots);
        restarts ? g.stop(5) : g.isolate(5);
        g.replace(1, 6);
        g.replace(5, 7);
        g.replace(3, 8);
        g.network.heal();
        if (restarts) {
            g.start(g.options(5));
        }
        BOOST_TEST(g.run_until([&] { return g.ended.contains(5); }));
        BOOST_TEST(g.ended[5] == errc::member_removed);
        g.stop(5);
        g.write(1);
        BOOST_TEST(g.run_until([&] {
            return g.has_all(2) && g.has_all(4) && g.has_all(6) && g.has_all(7) && g.has_all(8);
        }));
    }
}

} // namespace

BOOST_AUTO_TEST_CASE(member_cut_off_while_three_of_five_are_replaced_takes_part_again) {
    for (const bool snapshots : {false, true}) {
        check_return<memory_policies>(snapshots, false);
    }
}

BOOST_AUTO_TEST_CASE(member_down_while_three_of_five_are_replaced_takes_part_again) {
    for (const bool snapshots : {false, true}) {
        check_return<file_policies>(snapshots, true);
    }
}

BOOST_AUTO_TEST_CASE(member_replaced_while_it_was_away_learns_of_its_removal) {
    check_removal<memory_policies>(false, false);
    check_removal<file_policies>(true, true);
}

BOOST_AUTO_TEST_SUITE_END()
