// Receiving into the buffer or into a frame's own block.
#ifndef QUORATE_NET_IMPL_FRAMER_IPP
#define QUORATE_NET_IMPL_FRAMER_IPP

#include <quorate/net/framer.hpp>

#include <algorithm>
#include <cstring>
#include <utility>

namespace quorate {

QUORATE_DECL void framer::set_limit(std::uint64_t frame_bytes_max) {
    limit_ = frame_bytes_max;
    const std::size_t needed = buffer_for(frame_bytes_max);
    if (needed <= buffer_bytes_) {
        return;
    }
    auto larger = std::make_unique_for_overwrite<char[]>(needed);
    end_ = buffered();
    std::memcpy(larger.get(), buffer_.get() + begin_, end_);
    begin_ = 0;
    buffer_ = std::move(larger);
    buffer_bytes_ = needed;
}

QUORATE_DECL std::span<char> framer::prepare() noexcept {
    if (large_.size() != 0) {
        QUORATE_ASSERT(large_received_ < large_.size());
        return {large_.data() + large_received_, large_.size() - large_received_};
    }
    if (begin_ != 0) {
        // Only the beginning of one frame is left, so this moves few bytes, once per read.
        std::memmove(buffer_.get(), buffer_.get() + begin_, buffered());
        end_ -= begin_;
        begin_ = 0;
    }
    QUORATE_ASSERT(end_ < buffer_bytes_);
    return {buffer_.get() + end_, buffer_bytes_ - end_};
}

QUORATE_DECL void framer::commit(std::size_t size) noexcept {
    if (large_.size() != 0) {
        QUORATE_ASSERT(size <= large_.size() - large_received_);
        large_received_ += size;
        return;
    }
    QUORATE_ASSERT(size <= buffer_bytes_ - end_);
    end_ += size;
}

QUORATE_DECL shared_bytes framer::take_large() noexcept {
    if (large_received_ < large_.size()) {
        return {};
    }
    large_received_ = 0;
    return std::move(large_).freeze();
}

QUORATE_DECL void framer::begin_large(std::size_t size) {
    large_ = draft(size);
    large_received_ = buffered();
    std::memcpy(large_.data(), buffer_.get() + begin_, large_received_);
    begin_ = end_ = 0;
}

QUORATE_DECL result<shared_bytes> framer::next() {
    if (large_.size() != 0) {
        return take_large();
    }
    const byte_view received{buffer_.get() + begin_, buffered()};
    if (!may_be_frame(received)) {
        return errc::corrupt; // another protocol may send less than a header, and wait
    }
    if (received.size() < frame_header_bytes) {
        return shared_bytes();
    }
    const auto header = decode_frame_header(received, std::min<std::uint64_t>(limit_, UINT32_MAX));
    if (!header) {
        return header.error();
    }
    const auto size = static_cast<std::size_t>(header->frame_size());
    if (size > copied_frame_bytes_max) {
        // The buffer is shorter than this frame, so that all it holds belongs to the frame.
        begin_large(size);
        return shared_bytes();
    }
    if (buffered() < size) {
        return shared_bytes();
    }
    begin_ += size;
    return shared_bytes::copy_of(received.substr(0, size));
}

} // namespace quorate

#endif
