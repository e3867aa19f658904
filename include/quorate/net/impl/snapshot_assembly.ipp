// From chunks to tasks, from outcomes to answers.
#ifndef QUORATE_NET_IMPL_SNAPSHOT_ASSEMBLY_IPP
#define QUORATE_NET_IMPL_SNAPSHOT_ASSEMBLY_IPP

#include <quorate/net/snapshot_assembly.hpp>

#include <algorithm>
#include <utility>

namespace quorate {

QUORATE_DECL intake_outcome carry_out(snapshot_intake& intake, const intake_task& task) {
    intake_outcome done;
    done.kind = task.kind;
    done.transfer = task.transfer;
    switch (task.kind) {
    case intake_task::what::begin: {
        const result<intake_ticket> ticket = intake.begin(task.head);
        done.failed = ticket.error();
        done.ticket = ticket ? *ticket : intake_ticket();
        break;
    }
    case intake_task::what::add:
        done.failed = intake.add(task.ticket, task.block);
        done.bytes = task.block.size();
        break;
    case intake_task::what::finish: {
        result<snapshot_ptr> snap = intake.finish(task.ticket);
        done.failed = snap.error();
        done.snap = snap ? std::move(*snap) : nullptr;
        break;
    }
    }
    return done;
}

QUORATE_DECL error_code snapshot_assembly::start(snapshot_start begin) {
    if (begin.snap.size > limit_) {
        return errc::too_large;
    }
    start_ = std::move(begin);
    state_ = state::begins;
    waiting_.clear();
    held_ = 0;
    refused_.reset();
    return {};
}

QUORATE_DECL error_code snapshot_assembly::add(snapshot_chunk chunk) {
    if (refused_ && chunk.number == *refused_) {
        return {}; // it was sent before the sender heard of it
    }
    const bool expected = start_ && chunk.number == start_->number && state_ == state::receives &&
                          chunk.offset == expected_;
    if (!expected) {
        return errc::corrupt;
    }
    const std::uint64_t left = start_->snap.size - expected_;
    const bool sized =
        left > 0 && chunk.data.size() == std::min<std::uint64_t>(left, chunk_data_bytes);
    if (!sized || expected_ + chunk.data.size() - taken_ > snapshot_window_bytes) {
        return errc::corrupt;
    }
    expected_ += chunk.data.size();
    held_ += chunk.data.size();
    waiting_.push_back(std::move(chunk.data));
    return {};
}

QUORATE_DECL std::optional<intake_task> snapshot_assembly::next() {
    if (busy_ || !start_) {
        return std::nullopt;
    }
    intake_task task;
    task.transfer = start_->number;
    task.ticket = ticket_;
    if (state_ == state::begins) {
        task.head = start_->snap;
    } else if (!waiting_.empty()) {
        task.kind = intake_task::what::add;
        task.block = std::move(waiting_.front());
        waiting_.pop_front();
    } else if (taken_ == start_->snap.size) {
        task.kind = intake_task::what::finish;
        state_ = state::finishes;
    } else {
        return std::nullopt;
    }
    busy_ = true;
    return task;
}

QUORATE_DECL snapshot_assembly::news snapshot_assembly::refuse() {
    const snapshot_progress said{start_->number, taken_, true};
    refused_ = start_->number;
    start_.reset();
    state_ = state::idle;
    waiting_.clear();
    held_ = 0;
    return {said, std::nullopt};
}

QUORATE_DECL snapshot_assembly::news snapshot_assembly::on_done(const intake_outcome& done) {
    QUORATE_ASSERT(busy_);
    busy_ = false;
    if (!start_ || done.transfer != start_->number) {
        return {}; // replaced meanwhile
    }
    if (done.kind == intake_task::what::begin) {
        taken_ = expected_ = done.ticket.received;
        ticket_ = done.ticket.number;
        state_ = state::receives;
    } else if (done.kind == intake_task::what::add) {
        taken_ += done.bytes;
        held_ -= std::min(held_, done.bytes);
    }
    if (done.failed) {
        return refuse();
    }
    const std::uint64_t size = start_->snap.size;
    if (done.kind != intake_task::what::finish) {
        // That it has all of it is said once it is verified.
        return taken_ < size ? news{snapshot_progress{start_->number, taken_, false}, std::nullopt}
                             : news{};
    }
    message m = start_->head;
    m.snap = done.snap;
    const snapshot_progress said{start_->number, size, false};
    start_.reset();
    state_ = state::idle;
    return {said, owned_message(m, {})};
}

} // namespace quorate

#endif
