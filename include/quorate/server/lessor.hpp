// The leader's clock for leases: which are over, which to note, how long each has left.
// Flow:       beside 3 to 13. time, renewals and applied replies → requests to propose
// In / Out:   see the functions; times come in as parameters
// Invariants: a lease that is over here stays so until the log says otherwise; what is proposed
//             names the epoch, so that it counts only until another leader has taken over, and the
//             lease's serial, so that it does not hit a later lease of the same id
// Source:     etcd's lessor, the primary's part; differs: epochs instead of a look at leadership
//             before each revoke, and a renewal waits for a checkpoint that it undoes
// Threads:    none (the owner's)
#ifndef QUORATE_SERVER_LESSOR_HPP
#define QUORATE_SERVER_LESSOR_HPP

#include <quorate/base/config.hpp>
#include <quorate/base/result.hpp>
#include <quorate/command/reply.hpp>
#include <quorate/command/request.hpp>
#include <quorate/store/lease_table.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

namespace quorate {

struct lessor_options {
    /// Most leases that one call of `due` finds to be over, so that many that end together do not
    /// crowd out other requests.
    std::size_t revokes_max = 500;
    /// What is proposed and not applied by then is proposed again.
    std::chrono::milliseconds retry{3000};
    /// How often what is left of a lease is noted that is granted for longer than this.
    std::chrono::milliseconds checkpoint_interval{300'000};
};

/// One on each member. Of a member that does not lead it is empty.
/// Complexity: logarithmic in the leases but where it says otherwise.
class lessor {
public:
    using time_point = std::chrono::steady_clock::time_point;

    explicit lessor(lessor_options options = {}) : options_(options) {}

    /// Effects: this member leads in the term `epoch`. Every lease lives for what was noted of it,
    /// from now on, and for `extend` more, since nobody could renew it during the election.
    /// Renewals are refused until the takeover is applied; see `due`.
    /// Requires: `leases` is what is applied here; the owner tells of everything after that.
    /// Complexity: n log n, or linear where all leases have as long.
    QUORATE_DECL void promote(time_point now, std::chrono::milliseconds extend, std::uint64_t epoch,
                              const lease_table& leases);
    /// Effects: this member leads no more.
    QUORATE_DECL void demote() noexcept;

    /// Effects: takes note of what was applied, in the order of the log; what concerns no lease is
    /// ignored. To be called for every reply of the machine, whoever proposed.
    QUORATE_DECL void applied(const reply& done, time_point now);

    /// What to propose, in this order, through this member only.
    struct work {
        std::optional<lease_takeover> takeover;
        std::vector<lease_revoke> revokes;
        std::optional<lease_checkpoint> checkpoint;
    };
    /// Effects: takes it that the work will be proposed. Takeovers and revokes that are not applied
    /// come again later; of a checkpoint that is lost the owner calls `lost`.
    /// Complexity: a search for each lease that is looked at; no more of them than are over, to be
    /// noted, or renewed since they were looked at last.
    [[nodiscard]] QUORATE_DECL work due(time_point now);
    /// Returns: when `due` should be called next; nothing while there is nothing to wait for.
    [[nodiscard]] QUORATE_DECL std::optional<time_point> next_due() const;
    /// Effects: a checkpoint of `due` was not applied and never will be; it comes again later.
    /// Complexity: a search for each of its leases.
    QUORATE_DECL void lost(const lease_checkpoint& asked, time_point now);

    struct renewal {
        std::uint64_t ttl = 0; ///< Units: seconds.
        /// To be proposed, and applied, before the renewal is answered: else the next leader would
        /// end the lease early.
        std::optional<lease_checkpoint> reset;
    };
    /// Effects: the lease has its whole time from now on. The owner answers the client only once a
    /// round of reads that began after this confirmed that it leads.
    /// Errors: not_leader; no_leader until the takeover is applied; lease_not_found, also for one
    /// that is over and not revoked yet.
    [[nodiscard]] QUORATE_DECL result<renewal> renew(lease_id id, time_point now);

    struct life {
        std::uint64_t remaining = 0; ///< Units: seconds; at most `ttl`; zero when it is over.
        std::uint64_t ttl = 0;
    };
    /// Errors: not_leader, lease_not_found.
    [[nodiscard]] QUORATE_DECL result<life> time_to_live(lease_id id, time_point now) const;
    /// Returns: all leases, those that end first in front. Complexity: n log n.
    [[nodiscard]] QUORATE_DECL std::vector<lease_id> leases() const;

    /// Returns: whether this member leads and its takeover is applied.
    [[nodiscard]] bool active() const noexcept { return active_; }
    [[nodiscard]] std::size_t size() const noexcept { return leases_.size(); }

    /// Returns: a client's grant as it is to be proposed: with a time that outlives an election,
    /// and, when the client chose no id, the one that was drawn. Grants of a drawn id that is taken
    /// (lease_exists) are to be drawn again.
    [[nodiscard]] QUORATE_DECL static lease_grant settle(lease_id asked, std::int64_t ttl,
                                                         std::chrono::milliseconds election_timeout,
                                                         std::uint64_t drawn) noexcept;

private:
    struct lease {
        std::uint64_t ttl = 0;
        std::uint64_t serial = 0;
        time_point expiry{};
        time_point checkpoint{}; ///< When to note what is left; the last time there is: never.
        time_point scheduled{};  ///< Its place in the schedule: not after either of those.
        bool noted_less = false; ///< The log says that not all of it is left.
        /// A checkpoint that says so is on its way. Of each lease there is no more than one, so
        /// that a reset which is applied behind it is known to be the later one.
        bool lowering = false;
        bool ending = false; ///< A revoke is on its way: nothing keeps the lease alive any more.
    };
    using lease_map = std::map<lease_id, lease>;

    QUORATE_DECL static time_point later(time_point from, std::uint64_t seconds) noexcept;
    QUORATE_DECL static time_point later(time_point from, std::chrono::milliseconds by) noexcept;
    [[nodiscard]] QUORATE_DECL time_point checkpoint_after(time_point now,
                                                           std::uint64_t ttl) const noexcept;
    QUORATE_DECL void granted(const lease_grant_reply& done, time_point now);
    QUORATE_DECL void revoked(lease_id id);
    QUORATE_DECL void noted_in_log(const lease_remaining& done, time_point now);
    QUORATE_DECL void look_at(lease_id id, lease& one, time_point now, work& made,
                              std::vector<lease_remaining>& left);
    QUORATE_DECL void schedule(lease_id id, lease& one, time_point at);

    lessor_options options_;
    lease_map leases_;
    std::set<std::pair<time_point, lease_id>> schedule_;
    std::uint64_t epoch_ = 0; ///< Zero: this member does not lead.
    bool active_ = false;
    time_point takeover_at_{};
};

} // namespace quorate

#if defined(QUORATE_HEADER_ONLY)
#include <quorate/server/impl/lessor.ipp>
#endif

#endif
