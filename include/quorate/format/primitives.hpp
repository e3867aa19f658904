// Little-endian numbers in byte strings: bounded reading that fails once and for all, and writing.
// Flow:       2, 6, 8 and 9; every encoding is made of these
// In / Out:   bytes ↔ numbers and slices
// Invariants: a reader never looks outside its view; after a failure it yields zeros and nothing
// Threads:    none
#ifndef QUORATE_FORMAT_PRIMITIVES_HPP
#define QUORATE_FORMAT_PRIMITIVES_HPP

#include <quorate/base/assert.hpp>
#include <quorate/base/bytes.hpp>
#include <quorate/base/ids.hpp>

#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>

namespace quorate {

/// Returns: the number stored little-endian at `place`. Requires: sizeof(Number) readable bytes.
template <std::unsigned_integral Number>
[[nodiscard]] inline Number load_little(const char* place) noexcept {
    Number number = 0;
    if constexpr (std::endian::native == std::endian::little) {
        std::memcpy(&number, place, sizeof(number));
    } else {
        for (std::size_t i = sizeof(number); i-- > 0;) {
            const auto byte = static_cast<unsigned char>(place[i]);
            number = static_cast<Number>((std::uint64_t{number} << 8) | byte);
        }
    }
    return number;
}

/// Effects: stores the number little-endian. Requires: sizeof(Number) writable bytes at `place`.
template <std::unsigned_integral Number>
inline void store_little(char* place, Number number) noexcept {
    if constexpr (std::endian::native == std::endian::little) {
        std::memcpy(place, &number, sizeof(number));
    } else {
        for (std::size_t i = 0; i < sizeof(number); ++i) {
            place[i] = static_cast<char>((std::uint64_t{number} >> (8 * i)) & 0xff);
        }
    }
}

/// Bytes of a request's id: its life, then its number.
inline constexpr std::size_t request_id_bytes = 16;

/// Returns: the id stored at `place`. Requires: request_id_bytes readable bytes.
[[nodiscard]] inline request_id load_request_id(const char* place) noexcept {
    return request_id(load_little<std::uint64_t>(place + 8), load_little<std::uint64_t>(place));
}

/// Effects: stores the id. Requires: request_id_bytes writable bytes at `place`.
inline void store_request_id(char* place, const request_id& id) noexcept {
    store_little(place, id.life());
    store_little(place + 8, id.number());
}

/// Reads from the front of a view. The first read that does not fit fails the reader; from then on
/// every read yields zero or an empty view, so that a decoder checks once, at its end.
/// Lifetime: views that it yields live as long as the bytes it was given.
class byte_reader {
public:
    explicit byte_reader(byte_view bytes) noexcept : bytes_(bytes) {}

    [[nodiscard]] std::uint8_t u8() noexcept { return number<std::uint8_t>(); }
    [[nodiscard]] std::uint16_t u16() noexcept { return number<std::uint16_t>(); }
    [[nodiscard]] std::uint32_t u32() noexcept { return number<std::uint32_t>(); }
    [[nodiscard]] std::uint64_t u64() noexcept { return number<std::uint64_t>(); }

    /// Returns: the next `size` bytes, or an empty view when there are fewer (and fails).
    [[nodiscard]] byte_view bytes(std::uint64_t size) noexcept {
        if (failed_ || size > remaining()) {
            failed_ = true;
            return {};
        }
        const byte_view taken = bytes_.substr(at_, static_cast<std::size_t>(size));
        at_ += taken.size();
        return taken;
    }
    void skip(std::uint64_t size) noexcept { static_cast<void>(bytes(size)); }

    /// Effects: fails the reader, for a decoder that finds a value out of its range.
    void fail() noexcept { failed_ = true; }

    /// Returns: bytes consumed so far.
    [[nodiscard]] std::size_t position() const noexcept { return at_; }
    [[nodiscard]] std::size_t remaining() const noexcept { return bytes_.size() - at_; }
    [[nodiscard]] bool failed() const noexcept { return failed_; }
    /// Returns: whether everything was read and nothing failed.
    [[nodiscard]] bool finished() const noexcept { return !failed_ && remaining() == 0; }

private:
    template <std::unsigned_integral Number>
    Number number() noexcept {
        const byte_view taken = bytes(sizeof(Number));
        return taken.size() == sizeof(Number) ? load_little<Number>(taken.data()) : Number{0};
    }

    byte_view bytes_;
    std::size_t at_ = 0;
    bool failed_ = false;
};

/// Writes into a region of fixed size, or to the end of a string that grows.
/// Lifetime: refers to the region or the string that it was given.
class byte_writer {
public:
    byte_writer(char* region, std::size_t size) noexcept : region_(region), size_(size) {}
    explicit byte_writer(std::string& grows) noexcept : grows_(&grows) {}

    byte_writer& u8(std::uint8_t value) { return number(value); }
    byte_writer& u16(std::uint16_t value) { return number(value); }
    byte_writer& u32(std::uint32_t value) { return number(value); }
    byte_writer& u64(std::uint64_t value) { return number(value); }

    /// Requires: a fixed region has room for them.
    byte_writer& bytes(byte_view value) {
        if (grows_ != nullptr) {
            grows_->append(value);
        } else if (!value.empty()) {
            QUORATE_ASSERT(value.size() <= size_ - at_);
            std::memcpy(region_ + at_, value.data(), value.size());
        }
        at_ += value.size();
        return *this;
    }
    /// Effects: writes `size` zero bytes. Requires: a fixed region has room for them.
    byte_writer& zeros(std::size_t size) {
        if (grows_ != nullptr) {
            grows_->append(size, '\0');
        } else if (size != 0) {
            QUORATE_ASSERT(size <= size_ - at_);
            std::memset(region_ + at_, 0, size);
        }
        at_ += size;
        return *this;
    }

    /// Returns: bytes written so far by this writer.
    [[nodiscard]] std::size_t position() const noexcept { return at_; }

private:
    template <std::unsigned_integral Number>
    byte_writer& number(Number value) {
        char place[sizeof(Number)];
        store_little(place, value);
        return bytes({place, sizeof(place)});
    }

    char* region_ = nullptr;
    std::size_t size_ = 0;
    std::string* grows_ = nullptr;
    std::size_t at_ = 0;
};

} // namespace quorate

#endif
