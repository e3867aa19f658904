#include <quorate/consensus/membership_change.hpp>
#include <quorate/fwd.hpp>
#include <quorate/version.hpp>

#include <cstdio>

#include "consumer.hpp"

namespace {

int failures = 0;

void expect(bool held, const char* what) {
    if (!held) {
        std::printf("FAIL: %s\n", what);
        ++failures;
    }
}

} // namespace

int main() {
    std::size_t voters = 0;
    expect(!add_voter(quorate::node_id(2), voters) && voters == 2, "a voter is added");
    // Two categories would mean two copies of the library in one program.
    expect(category_elsewhere() == &quorate::quorate_category(), "one category");
    expect(quorate::leave_joint({}).error() == quorate::errc::not_joint, "the error compares");
    std::printf("quorate %s: %d failed\n", QUORATE_VERSION_STRING, failures);
    return failures == 0 ? 0 : 1;
}
