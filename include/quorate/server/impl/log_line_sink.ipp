// Opening outputs, and writing whole lines.
#ifndef QUORATE_SERVER_IMPL_LOG_LINE_SINK_IPP
#define QUORATE_SERVER_IMPL_LOG_LINE_SINK_IPP

#include <quorate/server/log_line_sink.hpp>

#include <boost/system/error_category.hpp>

#include <fcntl.h>
#include <sys/types.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>

namespace quorate {

QUORATE_DECL log_line_sink::~log_line_sink() {
    close(outputs_);
}

QUORATE_DECL void log_line_sink::close(std::vector<output>& outputs) noexcept {
    for (const output& one : outputs) {
        if (one.owned) {
            ::close(one.descriptor);
        }
    }
    outputs.clear();
}

QUORATE_DECL error_code log_line_sink::open(std::string* failed) {
    std::vector<output> opened;
    for (const std::string& name : settings_.outputs) {
        if (name == "stderr" || name == "stdout") {
            opened.push_back({name == "stderr" ? STDERR_FILENO : STDOUT_FILENO, false});
            continue;
        }
        // Another user who may write the folder could lead the lines into a file of this one. The
        // system's own names of open files are links by design.
        const bool system = name == "/dev/stdout" || name == "/dev/stderr";
        const int follows = system ? 0 : O_NOFOLLOW;
        const int descriptor = ::open(
            name.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | follows, S_IRUSR | S_IWUSR);
        if (descriptor < 0) {
            const error_code reason(errno, boost::system::system_category());
            close(opened);
            if (failed != nullptr) {
                *failed = name + ": " + reason.message();
            }
            return reason;
        }
        opened.push_back({descriptor, true});
    }
    outputs_.swap(opened);
    close(opened);
    return {};
}

QUORATE_DECL void log_line_sink::write(log_level level, const log_line& line) {
    if (!wants(level)) {
        return;
    }
    const std::string text = line.str();
    bool everywhere = true;
    for (const output& one : outputs_) {
        ssize_t taken = -1;
        do {
            taken = ::write(one.descriptor, text.data(), text.size());
        } while (taken < 0 && errno == EINTR);
        everywhere = everywhere && taken == static_cast<ssize_t>(text.size());
    }
    lost_ += everywhere ? 0 : 1;
}

} // namespace quorate

#endif
