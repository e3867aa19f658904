// The version of the library, for the preprocessor and for people.
// Flow:    none
// Source:  semantic versioning; meson.build repeats the number, tools/check_docs.py compares them
#ifndef QUORATE_VERSION_HPP
#define QUORATE_VERSION_HPP

#define QUORATE_VERSION_MAJOR 0
#define QUORATE_VERSION_MINOR 1
#define QUORATE_VERSION_PATCH 0

/// Major, minor and patch as text, such as "0.1.0".
#define QUORATE_VERSION_STRING "0.1.0"

#endif
