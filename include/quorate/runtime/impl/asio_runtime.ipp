// Threads of the process for blocking work, and the end of a job.
#ifndef QUORATE_RUNTIME_IMPL_ASIO_RUNTIME_IPP
#define QUORATE_RUNTIME_IMPL_ASIO_RUNTIME_IPP

#include <quorate/runtime/asio_runtime.hpp>

#include <algorithm>
#include <thread>

namespace quorate {

QUORATE_DECL std::shared_ptr<boost::asio::thread_pool> shared_workers() {
    static std::mutex mutex;
    static std::weak_ptr<boost::asio::thread_pool> kept;
    const std::lock_guard lock(mutex);
    std::shared_ptr<boost::asio::thread_pool> threads = kept.lock();
    if (threads == nullptr) {
        constexpr std::size_t least = 8; // a node has up to four jobs under way
        const std::size_t count =
            std::max<std::size_t>(least, 2U * std::thread::hardware_concurrency());
        threads = std::make_shared<boost::asio::thread_pool>(count);
        kept = threads;
    }
    return threads;
}

QUORATE_DECL void asio_runtime::worker::join() {
    std::unique_lock lock(mutex_);
    ended_.wait(lock, [this] { return open_ == 0; });
}

QUORATE_DECL void asio_runtime::worker::end_job() {
    // The worker may be destroyed as soon as the lock is free.
    const std::lock_guard lock(mutex_);
    --open_;
    ended_.notify_all();
}

} // namespace quorate

#endif
