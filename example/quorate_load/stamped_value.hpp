// Values that say which key, run and write they belong to, and that they are whole.
#ifndef QUORATE_LOAD_STAMPED_VALUE_HPP
#define QUORATE_LOAD_STAMPED_VALUE_HPP

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace quorate_load {

struct stamp {
    std::uint64_t run = 0;
    std::uint64_t key = 0;
    std::uint64_t number = 0; ///< which write of the key, from 1
};

/// Makes the values of one run: filler that compresses badly, then the stamp, then a CRC32C of
/// both.
class value_maker {
public:
    static constexpr std::size_t stamp_size = 28;

    /// Preconditions: size >= stamp_size.
    value_maker(std::size_t size, std::uint64_t seed);

    /// Returns: the bytes of each value but its last `stamp_size`.
    [[nodiscard]] std::string_view filler() const { return filler_; }
    [[nodiscard]] std::size_t size() const { return filler_.size() + stamp_size; }
    /// Returns: the last bytes of the value with that stamp.
    [[nodiscard]] std::array<char, stamp_size> ending(const stamp& its) const;

private:
    std::string filler_;
    std::uint32_t filler_checksum_;
};

/// Returns: the stamp of a value of any run and size; none when it is damaged or nobody's.
[[nodiscard]] std::optional<stamp> read_stamp(std::string_view value);

} // namespace quorate_load

#endif
