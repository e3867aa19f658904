// The limit of descriptors.
#ifndef QUORATE_SERVER_IMPL_DESCRIPTORS_IPP
#define QUORATE_SERVER_IMPL_DESCRIPTORS_IPP

#include <quorate/server/descriptors.hpp>

#include <sys/resource.h>

#include <cstdint>

namespace quorate {

QUORATE_DECL std::size_t descriptor_limit() noexcept {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) {
        return SIZE_MAX;
    }
    return static_cast<std::size_t>(limit.rlim_cur);
}

QUORATE_DECL std::size_t raise_descriptor_limit() noexcept {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur != limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        static_cast<void>(::setrlimit(RLIMIT_NOFILE, &limit)); // without it, less is served
    }
    return descriptor_limit();
}

} // namespace quorate

#endif
