// Writes numbers in the text format that Prometheus reads.
// Flow:       beside 13. values → the body of /metrics
// In / Out:   names, labels and values → lines, appended to one text
// Invariants: a family's lines stand together, behind its HELP and TYPE; label values are escaped
// Source:     Prometheus text exposition format 0.0.4
// Threads:    none (the caller's)
#ifndef QUORATE_SERVER_METRICS_WRITER_HPP
#define QUORATE_SERVER_METRICS_WRITER_HPP

#include <quorate/base/config.hpp>
#include <quorate/server/metrics.hpp>

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

namespace quorate {

/// What /metrics is sent as.
inline constexpr std::string_view metrics_content_type = "text/plain; version=0.0.4; charset=utf-8";

/// Lifetime: the text outlives the writer. Names and help are the program's own and are not
/// checked; the values of labels may be anything.
class metrics_writer {
public:
    struct label {
        std::string_view name;
        std::string_view value;
    };
    using labels = std::initializer_list<label>;

    explicit metrics_writer(std::string& out) : out_(out) {}

    /// Begins a family; its samples follow. `type`: counter, gauge or histogram.
    QUORATE_DECL void family(std::string_view name, std::string_view type, std::string_view help);
    QUORATE_DECL void sample(labels with, std::uint64_t value);
    QUORATE_DECL void sample(labels with, double value);
    QUORATE_DECL void sample(labels with, const histogram& value);

    /// A family of one sample without labels.
    template <class Value>
    void one(std::string_view name, std::string_view type, std::string_view help,
             const Value& value) {
        family(name, type, help);
        sample({}, value);
    }

private:
    void name_and_labels(std::string_view suffix, labels with, const double* bound, bool infinite);
    void put_label(std::string_view name, std::string_view value, bool& first);
    void put_number(double value);
    void put_number(std::uint64_t value);

    std::string& out_;
    std::string name_;
};

} // namespace quorate

#if defined(QUORATE_HEADER_ONLY)
#include <quorate/server/impl/metrics_writer.ipp>
#endif

#endif
