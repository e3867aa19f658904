// Names, labels and numbers as Prometheus reads them.
#ifndef QUORATE_SERVER_IMPL_METRICS_WRITER_IPP
#define QUORATE_SERVER_IMPL_METRICS_WRITER_IPP

#include <quorate/server/metrics_writer.hpp>

#include <array>
#include <charconv>
#include <cmath>
#include <cstddef>

namespace quorate {

QUORATE_DECL void metrics_writer::family(std::string_view name, std::string_view type,
                                         std::string_view help) {
    name_ = name;
    out_.append("# HELP ").append(name).append(" ").append(help);
    out_.append("\n# TYPE ").append(name).append(" ").append(type).append("\n");
}

QUORATE_DECL void metrics_writer::sample(labels with, std::uint64_t value) {
    name_and_labels("", with, nullptr, false);
    put_number(value);
    out_ += '\n';
}

QUORATE_DECL void metrics_writer::sample(labels with, double value) {
    name_and_labels("", with, nullptr, false);
    put_number(value);
    out_ += '\n';
}

QUORATE_DECL void metrics_writer::sample(labels with, const histogram& value) {
    std::uint64_t below = 0;
    for (std::size_t at = 0; at < value.counts().size(); ++at) {
        const bool infinite = at == value.bounds().size();
        below += value.counts()[at];
        name_and_labels("_bucket", with, infinite ? nullptr : &value.bounds()[at], infinite);
        put_number(below);
        out_ += '\n';
    }
    name_and_labels("_sum", with, nullptr, false);
    put_number(value.sum());
    out_ += '\n';
    name_and_labels("_count", with, nullptr, false);
    put_number(value.count());
    out_ += '\n';
}

QUORATE_DECL void metrics_writer::name_and_labels(std::string_view suffix, labels with,
                                                  const double* bound, bool infinite) {
    out_.append(name_).append(suffix);
    bool first = true;
    for (const label& one : with) {
        put_label(one.name, one.value, first);
    }
    if (bound != nullptr) {
        out_ += first ? "{le=\"" : ",le=\"";
        put_number(*bound);
        out_ += '"';
        first = false;
    } else if (infinite) {
        put_label("le", "+Inf", first);
    }
    out_ += first ? " " : "} ";
}

QUORATE_DECL void metrics_writer::put_label(std::string_view name, std::string_view value,
                                            bool& first) {
    out_.append(first ? "{" : ",").append(name).append("=\"");
    first = false;
    for (const char c : value) {
        if (c == '\n') {
            out_ += "\\n";
            continue;
        }
        if (c == '"' || c == '\\') {
            out_ += '\\';
        }
        out_ += c;
    }
    out_ += '"';
}

// As Go writes them, since labels of buckets are compared as text.
QUORATE_DECL void metrics_writer::put_number(double value) {
    if (!std::isfinite(value)) {
        out_ += std::isnan(value) ? "NaN" : value > 0 ? "+Inf" : "-Inf";
        return;
    }
    const double size = std::fabs(value);
    const bool plain = value == 0 || (size >= 1e-4 && size < 1e6);
    std::array<char, 64> digits{};
    const auto end =
        std::to_chars(digits.data(), digits.data() + digits.size(), value,
                      plain ? std::chars_format::fixed : std::chars_format::scientific);
    out_.append(digits.data(), end.ptr);
}

QUORATE_DECL void metrics_writer::put_number(std::uint64_t value) {
    std::array<char, 24> digits{};
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value);
    out_.append(digits.data(), end.ptr);
}

} // namespace quorate

#endif
