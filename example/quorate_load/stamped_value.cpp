#include "stamped_value.hpp"

#include <quorate/base/checksum.hpp>

#include <boost/endian/conversion.hpp>

#include <cstring>
#include <random>

namespace quorate_load {
namespace {

namespace endian = boost::endian;

constexpr std::size_t checksum_size = 4;

std::uint32_t checksum_of(std::string_view text, std::uint32_t before = 0) {
    return quorate::crc32c(quorate::byte_view(text), before);
}

unsigned char* bytes_of(char* text) {
    return reinterpret_cast<unsigned char*>(text);
}

const unsigned char* bytes_of(const char* text) {
    return reinterpret_cast<const unsigned char*>(text);
}

} // namespace

value_maker::value_maker(std::size_t size, std::uint64_t seed) {
    std::mt19937_64 random(seed);
    filler_.resize(size - stamp_size);
    for (char& one : filler_) {
        one = static_cast<char>(random() & 0xff);
    }
    filler_checksum_ = checksum_of(filler_);
}

std::array<char, value_maker::stamp_size> value_maker::ending(const stamp& its) const {
    std::array<char, stamp_size> out{};
    endian::store_little_u64(bytes_of(out.data()), its.run);
    endian::store_little_u64(bytes_of(out.data() + 8), its.key);
    endian::store_little_u64(bytes_of(out.data() + 16), its.number);
    const std::string_view stamped(out.data(), stamp_size - checksum_size);
    endian::store_little_u32(bytes_of(out.data() + stamped.size()),
                             checksum_of(stamped, filler_checksum_));
    return out;
}

std::optional<stamp> read_stamp(std::string_view value) {
    if (value.size() < value_maker::stamp_size) {
        return std::nullopt;
    }
    const std::size_t checked = value.size() - checksum_size;
    if (endian::load_little_u32(bytes_of(value.data() + checked)) !=
        checksum_of(value.substr(0, checked))) {
        return std::nullopt;
    }
    const char* const at = value.data() + value.size() - value_maker::stamp_size;
    return stamp{endian::load_little_u64(bytes_of(at)), endian::load_little_u64(bytes_of(at + 8)),
                 endian::load_little_u64(bytes_of(at + 16))};
}

} // namespace quorate_load
