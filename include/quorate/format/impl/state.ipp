// Encoding and decoding of the store's state.
#ifndef QUORATE_FORMAT_IMPL_STATE_IPP
#define QUORATE_FORMAT_IMPL_STATE_IPP

#include <quorate/format/primitives.hpp>
#include <quorate/format/state.hpp>

#include <utility>

namespace quorate {
namespace detail {

/// Headers and keys gather up to here before they become a block.
inline constexpr std::size_t state_chunk_bytes = 64 * 1024;
/// A shared piece costs its entry in the rope and cuts the chunk, which costs another; a value
/// that is not longer than both is cheaper to copy.
inline constexpr std::size_t state_inline_value_bytes = 2 * sizeof(shared_bytes);

} // namespace detail

QUORATE_DECL state_writer::state_writer(const state_header& header) {
    chunk_.reserve(detail::state_chunk_bytes);
    byte_writer out(chunk_);
    out.u32(state_magic).u16(state_version).u16(0);
    out.u64(header.current).u64(header.compact_floor).u64(header.rows);
}

QUORATE_DECL void state_writer::add(const state_row& row) {
    char fixed[state_row_bytes];
    byte_writer out(fixed, sizeof(fixed));
    out.u64(row.main).u32(row.sub).u32(0);
    out.u64(row.create_revision).u64(row.version).u64(row.lease.value());
    out.u32(static_cast<std::uint32_t>(row.key.size()));
    out.u32(static_cast<std::uint32_t>(row.value.size()));
    chunk_.append(fixed, sizeof(fixed)).append(row.key.view());
    if (row.value.size() <= detail::state_inline_value_bytes) {
        chunk_.append(row.value.view());
    } else {
        end_stretch();
        pieces_.push_back(row.value);
    }
    if (chunk_.size() >= detail::state_chunk_bytes) {
        end_chunk();
    }
}

QUORATE_DECL rope state_writer::finish() && {
    end_chunk();
    return std::move(pieces_);
}

/// The block does not exist yet, so the piece stays empty until the chunk is full.
QUORATE_DECL void state_writer::end_stretch() {
    if (chunk_.size() != stretch_begin_) {
        stretches_.push_back({pieces_.size(), stretch_begin_, chunk_.size() - stretch_begin_});
        pieces_.emplace_back();
        stretch_begin_ = chunk_.size();
    }
}

QUORATE_DECL void state_writer::end_chunk() {
    end_stretch();
    const shared_bytes block = shared_bytes::copy_of(chunk_);
    for (const stretch& part : stretches_) {
        pieces_[part.piece] = block.slice(part.offset, part.size);
    }
    stretches_.clear();
    chunk_.clear();
    stretch_begin_ = 0;
}

QUORATE_DECL result<state_header> state_reader::header() {
    char fixed[state_header_bytes];
    if (const error_code failed = bytes_.read(fixed, sizeof(fixed))) {
        return failed;
    }
    byte_reader in({fixed, sizeof(fixed)});
    if (in.u32() != state_magic) {
        return errc::corrupt;
    }
    if (in.u16() != state_version) {
        return errc::unsupported_version;
    }
    if (in.u16() != 0) {
        return errc::corrupt;
    }
    state_header header;
    header.current = in.u64();
    header.compact_floor = in.u64();
    header.rows = in.u64();
    return header;
}

QUORATE_DECL result<state_row> state_reader::next() {
    char fixed[state_row_bytes];
    if (const error_code failed = bytes_.read(fixed, sizeof(fixed))) {
        return failed;
    }
    byte_reader in({fixed, sizeof(fixed)});
    state_row row;
    row.main = in.u64();
    row.sub = in.u32();
    const std::uint32_t reserved = in.u32();
    row.create_revision = in.u64();
    row.version = in.u64();
    row.lease = lease_id(in.u64());
    const std::uint32_t key_size = in.u32();
    const std::uint32_t value_size = in.u32();
    if (reserved != 0) {
        return errc::corrupt;
    }
    // Before anything of that size is allocated.
    if (std::uint64_t{key_size} + value_size > bytes_.remaining()) {
        return errc::truncated;
    }
    result<shared_bytes> key = bytes_.take(key_size);
    if (!key) {
        return key.error();
    }
    result<shared_bytes> value = bytes_.take(value_size);
    if (!value) {
        return value.error();
    }
    row.key = std::move(*key);
    row.value = std::move(*value);
    return row;
}

} // namespace quorate

#endif
