// Admission, parking and chunking.
#ifndef QUORATE_NET_IMPL_OUTBOX_IPP
#define QUORATE_NET_IMPL_OUTBOX_IPP

#include <quorate/net/outbox.hpp>

#include <utility>

namespace quorate {

QUORATE_DECL bool outbox::push(const message& m) {
    if (frame_size(m) > limits_.frame_bytes_max) {
        return false;
    }
    if (m.kind == message_kind::install_snapshot) {
        return push_snapshot(m);
    }
    return open_ ? push_frame(m) : park(m);
}

QUORATE_DECL bool outbox::push_snapshot(const message& m) {
    QUORATE_ASSERT(m.snap != nullptr);
    if (rope_size(m.snap->data) > limits_.snapshot_bytes_max) {
        return false;
    }
    // The same snapshot on its way already answers this one; any other one replaces it.
    const bool same =
        transfer_ && transfer_->start.term == m.term && transfer_->start.snap->last == m.snap->last;
    if (!same) {
        transfer_.emplace(transfer{m, ++transfers_, std::nullopt, 0});
        transfer_->start.entries = {};
    }
    return true;
}

QUORATE_DECL bool outbox::push_frame(const message& m) {
    const std::uint64_t reserve = m.entries.empty() ? control_bytes_max : 0;
    const std::uint64_t size = frame_size(m);
    // A queue that is empty takes any frame; else a limit below a frame's size would stop all.
    if (!frames_.empty() && frames_.size() + size > limits_.queue_bytes_max + reserve) {
        return false;
    }
    encode_frame(m, frames_);
    return true;
}

QUORATE_DECL bool outbox::park(const message& m) {
    const std::uint64_t size = frame_size(m);
    if (size > parked_bytes_max) {
        return false;
    }
    bool kept_all = true;
    while (parked_.size() >= parked_messages_max || parked_bytes_ + size > parked_bytes_max) {
        parked_bytes_ -= frame_size(parked_.front().get());
        parked_.pop_front();
        kept_all = false;
    }
    parked_.emplace_back(m);
    parked_bytes_ += size;
    return kept_all;
}

QUORATE_DECL void outbox::open() {
    QUORATE_ASSERT(!open_);
    open_ = true;
    sent_ = 0;
    for (const owned_message& m : parked_) {
        encode_frame(m.get(), frames_);
    }
    parked_.clear();
    parked_bytes_ = 0;
}

QUORATE_DECL bool outbox::close() noexcept {
    open_ = false;
    frames_.clear();
    const bool lost_snapshot = transfer_.has_value();
    transfer_.reset();
    return lost_snapshot;
}

QUORATE_DECL void outbox::refill() {
    if (!open_ || !transfer_ || transfer_->end != 0) {
        return;
    }
    if (!transfer_->chunks) {
        encode_snapshot_start(transfer_->start, transfer_->number, frames_);
        transfer_->chunks.emplace(transfer_->start.snap->data, transfer_->number);
    }
    while (frames_.size() < chunk_data_bytes && !transfer_->chunks->done()) {
        transfer_->chunks->encode_next(frames_);
    }
    if (transfer_->chunks->done()) {
        transfer_->end = sent_ + frames_.size();
    }
}

QUORATE_DECL bool outbox::consume(std::uint64_t size) {
    frames_.consume(size);
    sent_ += size;
    const bool ended = transfer_ && transfer_->end != 0 && sent_ >= transfer_->end;
    if (ended) {
        transfer_.reset();
    }
    return ended;
}

} // namespace quorate

#endif
