// What was found in a data directory, as lines of text or of JSON, without the newline at the end.
#ifndef QUORATED_DESCRIBE_HPP
#define QUORATED_DESCRIBE_HPP

#include <quorate/log/inspect.hpp>

#include <string>

namespace quorated {

std::string identity_line(const std::string& file, const quorate::data_identity& identity,
                          bool json);
/// The segment and its valid slots.
std::string segment_lines(const quorate::inspected_segment& segment, bool json);
/// The frame and what its entry asks for.
std::string frame_line(const quorate::inspected_frame& frame, bool values, bool json);
std::string snapshot_line(const quorate::inspected_snapshot& snapshot, bool json);
std::string note_line(const std::string& file, const std::string& what, bool json);
std::string damage_line(const quorate::log_damage& damage, bool json);
std::string summary_line(const std::string& directory, const quorate::inspection& sum, bool json);

} // namespace quorated

#endif
