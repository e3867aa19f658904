// Compiler requirements, and how non-template bodies are linked.
// Flow:    none
// Source:  the two build modes are Boost.Beast's: header-only, or one translation unit with src.hpp
#ifndef QUORATE_BASE_CONFIG_HPP
#define QUORATE_BASE_CONFIG_HPP

#if __cplusplus < 202002L
#error "quorate needs C++20 (g++ 12 or clang 14 with -std=c++20)"
#endif

/// Marks the bodies in `.ipp` files. Header-only by default; a program that defines
/// QUORATE_SEPARATE_COMPILATION everywhere includes `quorate/src.hpp` in exactly one source file.
#if defined(QUORATE_SEPARATE_COMPILATION)
#define QUORATE_DECL
#else
#define QUORATE_DECL inline
#define QUORATE_HEADER_ONLY
#endif

#endif
