// The segments of a directory that count: names, headers, slots, and their order.
// Flow:    7, backwards: files → the chain of segments
#ifndef QUORATE_LOG_IMPL_LOG_READER_HPP
#define QUORATE_LOG_IMPL_LOG_READER_HPP

#include <quorate/log/log_reader.hpp>

#include <array>

namespace quorate {

template <volume V>
error_code log_reader<V>::read() {
    if (const error_code failed = list_segments()) {
        return failed;
    }
    if (named_.empty()) {
        return {};
    }
    if (const error_code failed = read_newest()) {
        if (is_damage(failed)) {
            damage_.what += "; " + std::string(promises_lost_text);
        }
        return failed;
    }
    if (const error_code failed = read_chain()) {
        return failed;
    }
    if (const error_code failed = replay()) {
        return failed;
    }
    found_.salvageable = damage_.code.failed();
    return damage_.code;
}

template <volume V>
error_code log_reader<V>::list_segments() {
    result<std::vector<std::string>> names = disk_.list();
    if (!names) {
        return refuse(names.error(), "", 0, "the directory cannot be listed");
    }
    for (std::string& name : *names) {
        if (const auto sequence = parse_segment_name(name)) {
            named_.push_back({*sequence, std::move(name)});
        } else if (is_temporary(name)) {
            found_.litter.push_back(std::move(name));
        } else if (name.ends_with(broken_suffix)) {
            found_.add_note("kept " + disk_.path(name) + ", which was set aside as damaged");
        } else {
            found_.add_note("ignored " + disk_.path(name) + ", which is no part of a log");
        }
    }
    std::sort(named_.begin(), named_.end());
    for (std::size_t i = 1; i < named_.size(); ++i) {
        if (named_[i].sequence == named_[i - 1].sequence) {
            return refuse(errc::corrupt, named_[i].name, 0,
                          "has the number of " + named_[i - 1].name);
        }
    }
    found_.newest = named_.empty() ? 0 : named_.back().sequence;
    return {};
}

/// The newest segment alone knows whom this member voted for.
template <volume V>
error_code log_reader<V>::read_newest() {
    const std::string& name = named_.back().name;
    if (const error_code failed = read_header(named_.back())) {
        return failed;
    }
    result<file_type> file = disk_.open_file(name);
    return file ? read_slots(*file, name)
                : refuse(file.error(), name, 0, "the file cannot be opened");
}

template <volume V>
error_code log_reader<V>::read_header(const named_segment& named) {
    result<file_type> file = disk_.open_file(named.name);
    if (!file) {
        return refuse(file.error(), named.name, 0, "the file cannot be opened");
    }
    std::array<char, segment_header_bytes> bytes;
    const result<std::size_t> got = file->read_at(0, bytes.data(), bytes.size());
    if (!got) {
        return refuse(got.error(), named.name, 0, "the header cannot be read");
    }
    const auto header = decode_segment_header({bytes.data(), *got});
    if (!header) {
        const bool truncated = header.error() == errc::truncated;
        return refuse(truncated ? errc::corrupt : header.error(), named.name, 0,
                      complaint_about_header(header.error()));
    }
    const segment_header& h = header->header;
    // Zero stands for a cluster that was not known yet, by a member that was about to join it.
    if (h.cluster && options_.cluster && h.cluster != options_.cluster) {
        return refuse(errc::wrong_cluster, named.name, 0,
                      "belongs to cluster " + std::to_string(h.cluster.value()) + ", not to " +
                          std::to_string(options_.cluster.value()));
    }
    if (h.member != options_.member) {
        return refuse(errc::wrong_member, named.name, 0,
                      "belongs to member " + std::to_string(h.member.value()) + ", not to " +
                          std::to_string(options_.member.value()));
    }
    if (segment_name(h) != named.name) {
        return refuse(errc::corrupt, named.name, 0, "is the file " + segment_name(h));
    }
    witness(h.base);
    found_.segments.push_back(h);
    checksums_.push_back(header->checksum);
    return {};
}

template <volume V>
error_code log_reader<V>::read_slots(file_type& file, const std::string& name) {
    found_slots slots;
    for (std::size_t place = 0; place < slots.size(); ++place) {
        std::array<char, slot_copies * segment_slot_bytes> bytes;
        const result<std::size_t> got =
            file.read_at(slot_offset(place), bytes.data(), bytes.size());
        if (!got) {
            return refuse(got.error(), name, slot_offset(place), "a slot cannot be read");
        }
        for (std::size_t copy = 0; copy < slot_copies; ++copy) {
            const byte_view read(bytes.data(), *got);
            const std::size_t start = std::min(copy * segment_slot_bytes, read.size());
            const auto slot = decode_segment_slot(read.substr(start), checksums_.back());
            if (slot && slot->generation % 2 == place) {
                slots[place][copy] = slot;
            }
        }
    }
    const slot_findings findings = compare_slots(slots, disk_.boot());
    if (judge(findings) == slot_verdict::damaged) {
        return refuse(errc::corrupt, name, slot_offset(0), "the slots are damaged");
    }
    if (findings.invalid_copies != 0) {
        found_.add_note("of the four copies of slots in " + disk_.path(name) + ", " +
                        std::to_string(findings.invalid_copies) + " cannot be used");
    }
    if (findings.newest->closed) {
        return refuse(errc::corrupt, name, slot_offset(findings.newest->generation),
                      "the segment after this one is missing");
    }
    found_.slot = *findings.newest;
    found_.hard = found_.slot.hard;
    found_.hard.commit = {}; // until the log is known to be the one that it was meant for
    witness(found_.slot.acknowledged.last);
    witness(found_.slot.written.last);
    witness({{}, found_.slot.hard.commit});
    return {};
}

template <volume V>
void log_reader<V>::give_up_from(std::size_t which) {
    for (std::size_t i = which; i < found_.segments.size(); ++i) {
        found_.broken.push_back(segment_name(found_.segments[i]));
    }
    found_.segments.resize(which);
    checksums_.resize(which);
}

/// Goes back from the newest segment to the last one that voids what is before it. Void segments
/// are not looked into: a crash may have removed any of them. What is behind a segment that is
/// damaged or missing does not count any more.
template <volume V>
error_code log_reader<V>::read_chain() {
    std::size_t older = named_.size() - 1; // those not looked at yet
    while (older > 0) {
        if (!found_.segments.empty()) {
            const segment_header& next = found_.segments.back();
            while (older > 0 && named_[older - 1].sequence > next.previous()) {
                found_.broken.push_back(named_[--older].name);
            }
            if (older == 0 || next.fresh) {
                break;
            }
            if (named_[older - 1].sequence != next.previous()) {
                static_cast<void>(refuse(errc::corrupt, segment_name(next), 0,
                                         "the segment before this one is missing"));
                give_up_from(0);
            }
        }
        const error_code failed = read_header(named_[--older]);
        if (failed && !is_damage(failed)) {
            return failed;
        }
        if (failed) {
            give_up_from(0);
            found_.broken.push_back(named_[older].name);
        }
    }
    while (older > 0) {
        found_.litter.push_back(named_[--older].name);
    }
    std::reverse(found_.segments.begin(), found_.segments.end());
    std::reverse(checksums_.begin(), checksums_.end());
    return {};
}

} // namespace quorate

#endif
