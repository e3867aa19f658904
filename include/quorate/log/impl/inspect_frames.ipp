// Inspecting one segment of a log, frame by frame.
#ifndef QUORATE_LOG_IMPL_INSPECT_FRAMES_IPP
#define QUORATE_LOG_IMPL_INSPECT_FRAMES_IPP

#include <quorate/base/checksum.hpp>
#include <quorate/log/inspect.hpp>
#include <quorate/log/posix_file.hpp>

#include <boost/system/errc.hpp>

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstdint>
#include <deque>
#include <filesystem>
#include <iterator>
#include <optional>
#include <string>
#include <utility>

namespace quorate::detail {

/// Tells the visitor, and counts.
class inspection_report {
public:
    inspection_report(inspection_visitor& visitor, inspection& sum) noexcept
        : visitor_(visitor), sum_(sum) {}

    [[nodiscard]] inspection_visitor& visitor() noexcept { return visitor_; }
    [[nodiscard]] inspection& sum() noexcept { return sum_; }

    void note(const std::filesystem::path& file, const std::string& what) {
        ++sum_.notes;
        visitor_.on_note(file.string(), what);
    }
    void damage(const std::filesystem::path& file, std::uint64_t offset, error_code code,
                std::string what) {
        ++sum_.damages;
        visitor_.on_damage({code, file.string(), offset, std::move(what)});
    }

private:
    inspection_visitor& visitor_;
    inspection& sum_;
};

/// Parts of a file, through one buffer.
class read_window {
public:
    static constexpr std::size_t block_bytes = 1 << 20;

    /// Errors: those of the operating system; what is no plain file is invalid_argument.
    [[nodiscard]] static result<read_window> open(const std::filesystem::path& path) {
        // Not blocking, for what is named like a segment may be a pipe.
        posix_file file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
        struct stat facts {};
        if (!file.is_open() || ::fstat(file.descriptor(), &facts) != 0) {
            return last_system_error();
        }
        if (!S_ISREG(facts.st_mode)) {
            return make_error_code(boost::system::errc::invalid_argument);
        }
        read_window window;
        window.file_ = std::move(file);
        window.size_ = static_cast<std::uint64_t>(facts.st_size);
        return window;
    }

    /// Returns: the size of the file when it was opened.
    [[nodiscard]] std::uint64_t size() const noexcept { return size_; }

    /// Returns: the bytes at an offset; fewer where the file ends.
    /// Requires: a size that is bounded by the caller. Lifetime: until the next call.
    [[nodiscard]] result<byte_view> view(std::uint64_t offset, std::size_t size) {
        const std::uint64_t left = offset < size_ ? size_ - offset : 0;
        const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(size, left));
        if (offset < start_ || offset - start_ > bytes_.size() ||
            bytes_.size() - (offset - start_) < wanted) {
            bytes_.resize(static_cast<std::size_t>(
                std::min<std::uint64_t>(std::max(wanted, block_bytes), left)));
            start_ = offset;
            const result<std::size_t> got = file_.read_at(offset, bytes_.data(), bytes_.size());
            bytes_.resize(got ? *got : 0);
            if (!got) {
                return got.error();
            }
        }
        return byte_view(bytes_).substr(static_cast<std::size_t>(offset - start_), wanted);
    }

    /// Returns: the checksum of a part, continued from `checksum`.
    /// Errors: truncated where the file ends before, and those of the operating system.
    [[nodiscard]] result<std::uint32_t> checksum(std::uint64_t offset, std::uint64_t size,
                                                 std::uint32_t checksum = 0) {
        while (size > 0) {
            const auto step = static_cast<std::size_t>(std::min<std::uint64_t>(size, block_bytes));
            const result<byte_view> part = view(offset, step);
            if (!part) {
                return part.error();
            }
            if (part->size() != step) {
                return error_code(errc::truncated);
            }
            checksum = crc32c(*part, checksum);
            offset += step;
            size -= step;
        }
        return checksum;
    }

private:
    read_window() = default;

    posix_file file_;
    std::uint64_t size_ = 0;
    std::uint64_t start_ = 0;
    std::string bytes_;
};

/// The log as replaying makes it (see replayed_log), without the entries.
class log_outline {
public:
    [[nodiscard]] log_id base() const noexcept { return base_; }
    [[nodiscard]] log_id last() const noexcept { return last_; }

    void start(const segment_header& first) {
        base_ = last_ = first.base;
        base_is_firm_ = first.fresh;
    }
    /// Effects: the next entry is taken as it comes, for what is before it is not known.
    void lose_track() noexcept { blind_ = true; }

    /// Returns: false, and changes nothing, when the entry contradicts the log.
    [[nodiscard]] bool accept(log_id id) {
        if (!id.index || !id.term || (!blind_ && id.index > last_.index.next())) {
            return false;
        }
        if (blind_ || (id.index <= base_.index && !base_is_firm_)) {
            base_ = blind_ ? base_ : id;
            blind_ = false;
            terms_.clear();
        } else if (id.index <= base_.index || id.term < term_before(id.index)) {
            return false;
        }
        while (!terms_.empty() && terms_.back().index >= id.index) {
            terms_.pop_back();
        }
        if (terms_.empty() || terms_.back().term != id.term) {
            terms_.push_back(id);
        }
        if (terms_.size() > terms_max) {
            terms_.pop_front();
        }
        last_ = id;
        return true;
    }

private:
    /// Terms of older entries are forgotten, so that no file can fill the memory.
    static constexpr std::size_t terms_max = 1 << 16;

    [[nodiscard]] term_id term_before(log_index index) const noexcept {
        const auto after = std::partition_point(terms_.begin(), terms_.end(),
                                                [=](const log_id& t) { return t.index < index; });
        return after == terms_.begin() ? term_id() : std::prev(after)->term;
    }

    log_id base_;
    log_id last_;
    bool base_is_firm_ = true;
    bool blind_ = false;
    std::deque<log_id> terms_; // the first entry of each stretch of one term
};

/// A file of the log, and what the later ones say about it.
struct segment_file {
    std::filesystem::path path;
    std::uint64_t sequence = 0;
    std::optional<checked_segment_header> header; // none: damaged
    segment_use use = segment_use::void_;
    std::optional<log_position> mark; // where the next one says that it ends
};

/// Goes through the frames of one segment.
class frame_inspector {
public:
    frame_inspector(inspection_report& report, log_outline& outline, const segment_file& segment,
                    read_window& window)
        : report_(report),
          outline_(outline),
          segment_(segment),
          window_(window),
          at_(first_position(segment.header->header, segment.header->checksum)) {}

    /// Effects: everything up to the mark has to be there.
    /// Returns: false when nothing behind can be followed.
    [[nodiscard]] bool require(const log_position& mark);
    /// Effects: what is there up to the mark counts if it is complete.
    /// Returns: whether it is.
    [[nodiscard]] bool allow(const log_position& mark);
    /// Effects: looks at whatever is sound from here on.
    void rest(bool newest);

private:
    enum class step : std::uint8_t { frame, limit, zeros, damaged };

    /// Effects: moves behind the next frame that ends at `limit` or before.
    step next(std::uint64_t limit);
    step take(const frame_prefix& prefix);
    [[nodiscard]] error_code check_payload(const frame_prefix& prefix);
    step stop(const char* what, error_code code = errc::corrupt) {
        what_ = what;
        code_ = code;
        return step::damaged;
    }
    step follow(std::uint64_t limit) {
        step reached = step::frame;
        while (reached == step::frame) {
            reached = next(limit);
        }
        return reached;
    }
    /// Effects: moves behind the damage, to the next frame that another one is chained to.
    [[nodiscard]] bool skip_damage(std::uint64_t limit);
    [[nodiscard]] std::optional<frame_prefix> unchained_prefix(std::uint64_t offset,
                                                               std::uint64_t limit);
    void report(step reached);

    inspection_report& report_;
    log_outline& outline_;
    const segment_file& segment_;
    read_window& window_;
    log_position at_;
    std::optional<log_position> behind_; // the damage, where that is known
    const char* what_ = "";
    error_code code_;
    bool acknowledged_ = true;
    bool skipped_ = false; // so that chain and truncations are not those of the writer
};

inline error_code frame_inspector::check_payload(const frame_prefix& prefix) {
    const result<std::uint32_t> checksum =
        window_.checksum(at_.offset + frame_prefix_bytes, prefix.record.payload_size);
    if (!checksum) {
        return checksum.error();
    }
    return *checksum == prefix.record.payload_checksum ? error_code() : errc::corrupt;
}

inline auto frame_inspector::take(const frame_prefix& prefix) -> step {
    log_position after = at_;
    const log_id id{prefix.record.term, prefix.record.index};
    after.pass(prefix.frame_size(), prefix.chain, id);
    const error_code failed = check_payload(prefix);
    behind_ = after;
    const bool fits = outline_.accept(id);
    if (failed) {
        return stop(failed == errc::corrupt ? "the payload of an entry is damaged"
                                            : "the payload of an entry cannot be read",
                    failed);
    }
    if (!fits) {
        return stop("an entry contradicts the log");
    }
    inspected_frame frame{at_.offset, prefix.chain, prefix.record, acknowledged_, {}};
    if (prefix.record.payload_size <= inspected_payload_bytes_max) {
        const auto payload =
            window_.view(at_.offset + frame_prefix_bytes, prefix.record.payload_size);
        frame.payload = payload ? *payload : byte_view();
    }
    ++report_.sum().frames;
    report_.sum().payload_bytes += prefix.record.payload_size;
    report_.visitor().on_frame(frame);
    at_ = after;
    return step::frame;
}

inline auto frame_inspector::next(std::uint64_t limit) -> step {
    behind_.reset();
    if (at_.offset >= limit) {
        return step::limit;
    }
    const result<byte_view> bytes = window_.view(at_.offset, frame_prefix_bytes);
    if (!bytes) {
        return stop("an entry cannot be read", bytes.error());
    }
    const std::optional<frame_prefix> prefix =
        decode_frame_prefix(*bytes, limit - at_.offset, at_, segment_.header->header.sequence);
    if (prefix) {
        return take(*prefix);
    }
    const result<byte_view> more = window_.view(at_.offset, read_window::block_bytes);
    const bool zeros = more && more->find_first_not_of('\0') == byte_view::npos;
    return zeros ? step::zeros : stop("an entry is damaged");
}

inline void frame_inspector::report(step reached) {
    if (reached == step::damaged) {
        report_.damage(segment_.path, at_.offset, code_, what_);
    } else {
        report_.damage(segment_.path, at_.offset, errc::corrupt,
                       reached == step::zeros ? "zeros stand where entries were acknowledged"
                                              : "the file ends before what was acknowledged does");
    }
}

/// Whatever has a sound record header, and a frame behind it that is chained to its chain value,
/// is a frame of this file: the chain binds to file and offset.
inline std::optional<frame_prefix> frame_inspector::unchained_prefix(std::uint64_t offset,
                                                                     std::uint64_t limit) {
    const result<byte_view> bytes = window_.view(offset, frame_prefix_bytes);
    if (!bytes || bytes->size() < frame_prefix_bytes) {
        return {};
    }
    const result<record_header> record =
        decode_record_header(bytes->substr(frame_link_bytes), limit - offset - frame_prefix_bytes);
    if (!record) {
        return {};
    }
    const frame_prefix found{load_little<std::uint32_t>(bytes->data()), *record};
    const std::uint64_t after = offset + found.frame_size();
    if (after == limit) {
        return found;
    }
    const log_position next{after, found.chain, {}, 0};
    const result<byte_view> behind = window_.view(after, frame_prefix_bytes);
    const bool chained = behind && decode_frame_prefix(*behind, limit - after, next,
                                                       segment_.header->header.sequence);
    return chained ? std::optional(found) : std::nullopt;
}

inline bool frame_inspector::skip_damage(std::uint64_t limit) {
    if (behind_) {
        at_ = *behind_;
        return true;
    }
    for (std::uint64_t offset = at_.offset + 1; offset + frame_prefix_bytes <= limit; ++offset) {
        if (const std::optional<frame_prefix> prefix = unchained_prefix(offset, limit)) {
            at_.offset = offset;
            skipped_ = true;
            outline_.lose_track();
            if (take(*prefix) != step::frame) {
                report(step::damaged);
                at_ = *behind_;
            }
            return true;
        }
    }
    return false;
}

inline bool frame_inspector::require(const log_position& mark) {
    acknowledged_ = true;
    const std::uint64_t limit = std::min(mark.offset, window_.size());
    for (step reached = follow(limit); at_.offset != mark.offset; reached = follow(limit)) {
        report(reached);
        if (reached == step::limit || !skip_damage(limit)) {
            outline_.lose_track();
            return false;
        }
    }
    log_position wanted = mark;
    if (segment_.use == segment_use::closed) {
        wanted.truncations = at_.truncations; // the next header does not name them
    }
    if (!skipped_ && at_ != wanted) {
        report_.damage(segment_.path, at_.offset, errc::corrupt,
                       "the entries before this place are not those that were acknowledged");
    }
    return true;
}

inline bool frame_inspector::allow(const log_position& mark) {
    acknowledged_ = false;
    static_cast<void>(follow(std::min(mark.offset, window_.size())));
    if (skipped_ ? at_.offset == mark.offset : at_ == mark) {
        return true;
    }
    report_.note(segment_.path, "an incomplete write at offset " + std::to_string(at_.offset) +
                                    ", which was never acknowledged");
    return false;
}

inline void frame_inspector::rest(bool newest) {
    acknowledged_ = false;
    if (follow(window_.size()) == step::damaged && newest) {
        report_.note(segment_.path, "an incomplete write at offset " + std::to_string(at_.offset) +
                                        ", which was never acknowledged");
    }
}

} // namespace quorate::detail

#endif
