// CRC32C by table and by the SSE4.2 instruction.
#ifndef QUORATE_BASE_IMPL_CHECKSUM_IPP
#define QUORATE_BASE_IMPL_CHECKSUM_IPP

#include <quorate/base/checksum.hpp>

#include <boost/crc.hpp>

#include <cstring>

#if defined(__x86_64__)
#include <nmmintrin.h>
#endif

namespace quorate {

namespace detail {

#if defined(__x86_64__)
/// Only this function is compiled for SSE4.2: the rest of the program runs on any x86-64.
/// Takes and returns the register, that is, the complement of a checksum.
__attribute__((target("sse4.2"))) inline std::uint32_t crc32c_register_sse42(
    const char* data, std::size_t size, std::uint32_t value) noexcept {
    std::uint64_t wide = value;
    for (; size >= 8; data += 8, size -= 8) {
        std::uint64_t word = 0;
        std::memcpy(&word, data, sizeof(word));
        wide = _mm_crc32_u64(wide, word);
    }
    auto narrow = static_cast<std::uint32_t>(wide);
    for (; size != 0; ++data, --size) {
        narrow = _mm_crc32_u8(narrow, static_cast<unsigned char>(*data));
    }
    return narrow;
}

inline bool has_sse42() noexcept {
    static const bool has = __builtin_cpu_supports("sse4.2") != 0;
    return has;
}
#endif

} // namespace detail

QUORATE_DECL std::uint32_t crc32c_portable(byte_view bytes, std::uint32_t seed) noexcept {
    using engine = boost::crc_optimal<32, 0x1EDC6F41, 0xFFFFFFFF, 0xFFFFFFFF, true, true>;
    // Boost counts the starting remainder unreflected and before the final complement.
    std::uint32_t start = ~seed;
    std::uint32_t reflected = 0;
    for (int i = 0; i < 32; ++i, start >>= 1) {
        reflected = (reflected << 1) | (start & 1U);
    }
    engine crc(reflected);
    crc.process_bytes(bytes.data(), bytes.size());
    return crc.checksum();
}

QUORATE_DECL std::uint32_t crc32c(byte_view bytes, std::uint32_t seed) noexcept {
#if defined(__x86_64__)
    if (detail::has_sse42()) {
        return ~detail::crc32c_register_sse42(bytes.data(), bytes.size(), ~seed);
    }
#endif
    return crc32c_portable(bytes, seed);
}

} // namespace quorate

#endif
