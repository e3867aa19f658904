// The findings of a conformance suite, in a form that any test framework can show.
// Flow:       none
// In / Out:   expectations → the ones that did not hold
// Invariants: none
// Threads:    none
#ifndef QUORATE_TESTING_CONFORMANCE_REPORT_HPP
#define QUORATE_TESTING_CONFORMANCE_REPORT_HPP

#include <boost/assert/source_location.hpp>

#include <cstddef>
#include <cstdint>
#include <ostream>
#include <string>
#include <vector>

namespace quorate::testing {

/// Collects the expectations that did not hold. Streams as one of them a line.
class conformance_report {
public:
    /// Returns: `held`. Effects: remembers `what` and its place when it did not.
    bool expect(bool held, const char* what,
                boost::source_location where = BOOST_CURRENT_LOCATION) {
        ++checks_;
        if (!held && failures_.size() < failures_max) {
            failures_.push_back(std::string(where.file_name()) + ':' +
                                std::to_string(where.line()) + ": " + what);
        }
        failed_ = failed_ || !held;
        return held;
    }

    /// Returns: whether everything held and something was looked at.
    [[nodiscard]] bool passed() const noexcept { return !failed_ && checks_ > 0; }
    [[nodiscard]] std::uint64_t checks() const noexcept { return checks_; }
    /// Returns: the first few failures.
    [[nodiscard]] const std::vector<std::string>& failures() const noexcept { return failures_; }

    friend std::ostream& operator<<(std::ostream& out, const conformance_report& report) {
        for (const std::string& failure : report.failures_) {
            out << failure << '\n';
        }
        return out << report.checks_ << " checks";
    }

private:
    /// A broken model fails thousands of checks; the first ones tell what is wrong.
    static constexpr std::size_t failures_max = 20;

    std::vector<std::string> failures_;
    std::uint64_t checks_ = 0;
    bool failed_ = false;
};

} // namespace quorate::testing

#endif
