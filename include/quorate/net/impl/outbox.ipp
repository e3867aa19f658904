// Admission, parking and chunking.
#ifndef QUORATE_NET_IMPL_OUTBOX_IPP
#define QUORATE_NET_IMPL_OUTBOX_IPP

#include <quorate/net/outbox.hpp>

#include <algorithm>
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

QUORATE_DECL std::string outbox_limits::size_problem(const message& m) const {
    const auto sentence = [](const char* what, std::uint64_t size, const char* name,
                             std::uint64_t limit) {
        return std::string(what) + " of " + std::to_string(size) + " bytes is over " + name + ", " +
               std::to_string(limit);
    };
    if (frame_size(m) > frame_bytes_max) {
        return sentence("a message", frame_size(m), "frame_bytes_max", frame_bytes_max);
    }
    if (m.snap != nullptr && m.snap->data.size() > snapshot_bytes_max) {
        return sentence("a snapshot", m.snap->data.size(), "snapshot_bytes_max",
                        snapshot_bytes_max);
    }
    return {};
}

QUORATE_DECL bool outbox::push_snapshot(const message& m) {
    QUORATE_ASSERT(m.snap != nullptr);
    if (m.snap->data.size() > limits_.snapshot_bytes_max) {
        return false;
    }
    // The same snapshot on its way already answers this one; any other one replaces it.
    const bool same = transfer_ && transfer_->start().term == m.term &&
                      transfer_->start().snap->last == m.snap->last;
    if (!same) {
        transfer_.emplace(m, ++transfers_);
    }
    return true;
}

QUORATE_DECL bool outbox::push_frame(const message& m) {
    const std::uint64_t reserve = m.entries.empty() ? control_bytes_max : 0;
    const std::uint64_t size = frame_size(m);
    // A queue that holds little takes any frame; else a limit below a frame's size would stop all,
    // and a heartbeat in front of the frame would too.
    const std::uint64_t little = std::min(control_bytes_max, limits_.queue_bytes_max) / 16;
    if (frames_.size() > little && frames_.size() + size > limits_.queue_bytes_max + reserve) {
        return false;
    }
    encode_frame(m, frames_);
    return true;
}

QUORATE_DECL bool outbox::push(const member_call& call) {
    const std::uint64_t size = frame_size(call);
    if (!open_ || size > limits_.frame_bytes_max ||
        frames_.size() + size > limits_.queue_bytes_max) {
        return false;
    }
    encode_frame(call, frames_);
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

QUORATE_DECL void outbox::announce() {
    QUORATE_ASSERT(wants_start());
    encode_snapshot_start(transfer_->start(), transfer_->number(), frames_);
    transfer_->announce();
}

QUORATE_DECL std::optional<chunk_request> outbox::next_chunk() {
    const bool room = open_ && transfer_ && frames_.size() < chunk_data_bytes;
    return room ? transfer_->next() : std::nullopt;
}

QUORATE_DECL void outbox::add_chunk(const chunk_request& wanted, const rope& block) {
    if (!transfer_ || transfer_->number() != wanted.number) {
        return;
    }
    QUORATE_ASSERT(rope_size(block) == wanted.size());
    encode_chunk(wanted.number, wanted.offset, block, frames_);
    transfer_->on_cut(wanted);
}

QUORATE_DECL upload_news outbox::on_progress(const snapshot_progress& said) {
    if (said.number > transfers_) {
        return upload_news::invalid;
    }
    if (!transfer_) {
        return upload_news::none; // given up before the peer could know
    }
    const upload_news news = transfer_->on_progress(said);
    if (news == upload_news::delivered || news == upload_news::refused) {
        transfer_.reset();
    }
    return news;
}

QUORATE_DECL bool outbox::give_up(std::uint64_t number) noexcept {
    const bool mine = transfer_ && transfer_->number() == number;
    if (mine) {
        transfer_.reset();
    }
    return mine;
}

} // namespace quorate

#endif
