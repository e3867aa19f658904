// The contract of a place that keeps one small value across a crash.
// Flow:    before 1; such as whose a data directory is
// Source:  doc/concept/meta_store.md
#ifndef QUORATE_LOG_META_STORE_HPP
#define QUORATE_LOG_META_STORE_HPP

#include <quorate/base/bytes.hpp>
#include <quorate/base/result.hpp>

#include <concepts>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

namespace quorate {

struct meta_options {
    std::filesystem::path directory;  ///< Ignored by models without files.
    std::string name = "meta";        ///< Of the value; without path separators.
    std::uint64_t max_bytes = 65'536; ///< A greater value is neither saved nor believed.
};

/// `save` replaces the value. Once it returns without an error the new one survives a crash;
/// interrupted at any point it leaves the old one or the new one, never anything else. `load`
/// returns nothing where there never was one. Both may block.
template <class M>
concept meta_store = requires(M store, byte_view value, const meta_options& options) {
    { M::open(options) } -> std::same_as<result<std::unique_ptr<M>>>;
    { store.load() } -> std::same_as<result<std::optional<std::string>>>;
    { store.save(value) } -> std::same_as<error_code>;
};

} // namespace quorate

#endif
