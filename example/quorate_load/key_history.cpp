#include "key_history.hpp"

#include <algorithm>

namespace quorate_load {

key_history::write key_history::begin_write() {
    if ((possible_ >> (window - 1)) != 0 && newest_ >= window - 1) {
        possible_from_ = std::min(possible_from_, newest_ - (window - 1));
    }
    const std::uint64_t over = over_ << 1;
    possible_ = possible_ << 1 | 1;
    over_ = over;
    ++newest_;
    return {newest_, over, under_way_++ == 0};
}

void key_history::acknowledge(const write& done) {
    --under_way_;
    const std::uint64_t newer = newest_ - done.number;
    if (newer < window) {
        // What was over when this one began is replaced for good.
        possible_ &= ~(done.over << newer);
        over_ |= std::uint64_t{1} << newer;
    }
    if (done.alone && newer < window) {
        possible_from_ = none;
    }
}

bool key_history::possible(const read& began, std::uint64_t number) const {
    if (number > began.newest) {
        return written(number);
    }
    const std::uint64_t older = began.newest - number;
    return older < window ? (began.possible >> older & 1) != 0 : number >= began.possible_from;
}

} // namespace quorate_load
