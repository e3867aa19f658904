// Ids that greeted this member and that its member table does not have.
// Flow:       9; before the first message of such an id
// In / Out:   greetings and answers of known members → whom to ask, and which ids are members
// Invariants: bounded memory; members are asked at most once per round, whatever greets
// Source:     doc/concept/transport.md, "Unknown ids"
// Threads:    none (the owner's)
#ifndef QUORATE_SERVER_UNKNOWN_MEMBERS_HPP
#define QUORATE_SERVER_UNKNOWN_MEMBERS_HPP

#include <quorate/base/ids.hpp>

#include <chrono>
#include <cstddef>
#include <iterator>
#include <map>
#include <optional>

namespace quorate {

class unknown_members {
public:
    using time_point = std::chrono::steady_clock::time_point;

    static constexpr std::size_t ids_max = 64;
    static constexpr std::chrono::milliseconds round_interval{500};
    static constexpr int rounds_per_greeting = 4; // as long as a transport holds a hello

    /// Effects: remembers the id for the next rounds. Another id makes room.
    void on_greeting(node_id id) {
        if (ids_.size() >= ids_max && !ids_.contains(id)) {
            ids_.erase(ids_.begin());
        }
        ids_[id] = rounds_per_greeting;
    }
    /// Returns: whether the known members are to be asked for their tables now.
    [[nodiscard]] bool begin_round(time_point now) {
        if (ids_.empty() || (asked_ && now - *asked_ < round_interval)) {
            return false;
        }
        asked_ = now;
        for (auto id = ids_.begin(); id != ids_.end();) {
            id = id->second-- == 0 ? ids_.erase(id) : std::next(id);
        }
        return !ids_.empty();
    }
    /// Effects: forgets the id. Returns: whether it greeted.
    [[nodiscard]] bool take(node_id id) { return ids_.erase(id) != 0; }

private:
    std::map<node_id, int> ids_; ///< With the rounds that are left.
    std::optional<time_point> asked_;
};

} // namespace quorate

#endif
