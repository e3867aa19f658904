// The two batches of an outbox.
#ifndef QUORATE_HTTP_IMPL_OUTBOX_IPP
#define QUORATE_HTTP_IMPL_OUTBOX_IPP

#include <quorate/http/outbox.hpp>

#include <utility>

namespace quorate::http::detail {

inline constexpr std::size_t copied_body_bytes_max = 1024;
/// A batch whose text grew beyond this gives the memory back.
inline constexpr std::size_t kept_text_bytes_max = 64 << 10;

QUORATE_DECL void outbox::batch::clear() noexcept {
    if (text.capacity() > kept_text_bytes_max) {
        std::string().swap(text);
    }
    text.clear();
    pieces.clear();
    body_bytes = 0;
}

QUORATE_DECL void outbox::trim() noexcept {
    QUORATE_ASSERT(is_empty());
    waiting_ = {};
    flying_ = {};
    std::vector<boost::asio::const_buffer>().swap(buffers_);
    next_ = 0;
}

QUORATE_DECL void outbox::append(const shared_bytes& body) {
    if (body.size() <= copied_body_bytes_max) {
        waiting_.text.append(body.view());
        return;
    }
    waiting_.pieces.push_back({waiting_.text.size(), body});
    waiting_.body_bytes += body.size();
}

QUORATE_DECL void outbox::launch() {
    QUORATE_ASSERT(!in_flight());
    flying_.clear();
    std::swap(flying_, waiting_);
    buffers_.clear();
    next_ = 0;
    flying_bytes_ = flying_.text.size() + flying_.body_bytes;
    const char* text = flying_.text.data();
    std::size_t begin = 0;
    const auto add_text = [&](std::size_t end) {
        if (end > begin) {
            buffers_.emplace_back(text + begin, end - begin);
            begin = end;
        }
    };
    for (const piece& each : flying_.pieces) {
        add_text(each.text_end);
        buffers_.emplace_back(each.body.data(), each.body.size());
    }
    add_text(flying_.text.size());
}

QUORATE_DECL void outbox::consume(std::size_t bytes) {
    QUORATE_ASSERT(bytes <= flying_bytes_);
    flying_bytes_ -= bytes;
    while (bytes > 0) {
        boost::asio::const_buffer& first = buffers_[next_];
        if (bytes < first.size()) {
            first += bytes;
            return;
        }
        bytes -= first.size();
        ++next_;
    }
    if (!in_flight()) {
        flying_.clear(); // Shared bodies are let go at once.
    }
}

} // namespace quorate::http::detail

#endif
