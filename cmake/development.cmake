# What only our own executables get: warnings, sanitizers, ccache. Never part of what is installed.

add_library(quorate_dev INTERFACE)
target_link_libraries(quorate_dev INTERFACE quorate::quorate)
target_compile_options(quorate_dev INTERFACE
    -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wold-style-cast
    $<$<BOOL:${QUORATE_WARNINGS_AS_ERRORS}>:-Werror>)
if(CMAKE_CXX_COMPILER_ID STREQUAL GNU AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
    # GCC 12 wrongly warns of "text" + std::string, inside Boost.Test too (bugs 105651, 105329).
    target_compile_options(quorate_dev INTERFACE
        -Wno-restrict -Wno-stringop-overflow -Wno-array-bounds)
endif()
if(QUORATE_SANITIZE)
    # The standard library's own checks come along: what they find is what sanitizers look for.
    target_compile_definitions(quorate_dev INTERFACE _GLIBCXX_ASSERTIONS)
    target_compile_options(quorate_dev INTERFACE
        -fsanitize=${QUORATE_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
    target_link_options(quorate_dev INTERFACE -fsanitize=${QUORATE_SANITIZE})
    # Under GCC's sanitizers a full optional looks uninitialised, and each fence of Asio is told of.
    if(CMAKE_CXX_COMPILER_ID STREQUAL GNU)
        target_compile_options(quorate_dev INTERFACE -Wno-maybe-uninitialized -Wno-tsan)
    endif()
endif()

if(PROJECT_IS_TOP_LEVEL AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
    find_program(CCACHE_PROGRAM ccache)
    if(CCACHE_PROGRAM)
        # The base directory lets another checkout of the same sources share the cache; the
        # sloppiness is what ccache needs to work with precompiled headers.
        set(CMAKE_CXX_COMPILER_LAUNCHER
            "${CMAKE_COMMAND};-E;env;CCACHE_BASEDIR=${PROJECT_SOURCE_DIR};CCACHE_NOHASHDIR=1"
            "CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime"
            "${CCACHE_PROGRAM}")
    endif()
endif()

# quorate_add_program(<name> SOURCES <file>... [BODIES <target>]): one executable in bin/. Where the
# bodies are compiled once, it takes them from that target, else from quorate::compiled.
function(quorate_add_program name)
    cmake_parse_arguments(PARSE_ARGV 1 program "" "BODIES" "SOURCES")
    add_executable(${name} ${program_SOURCES})
    target_link_libraries(${name} PRIVATE quorate_dev)
    if(program_BODIES)
        target_link_libraries(${name} PRIVATE ${program_BODIES})
    elseif(QUORATE_SEPARATE_COMPILATION)
        target_link_libraries(${name} PRIVATE quorate::compiled)
    endif()
endfunction()
