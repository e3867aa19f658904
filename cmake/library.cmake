# The library itself: header-only targets, and quorate::compiled for those who want the bodies once.

# base/ and consensus/ need neither Asio nor threads, so another shell can take them alone.
add_library(quorate_consensus INTERFACE)
add_library(quorate::consensus ALIAS quorate_consensus)
add_library(quorate INTERFACE)
add_library(quorate::quorate ALIAS quorate)
set_target_properties(quorate_consensus PROPERTIES EXPORT_NAME consensus)

set(header_root "${PROJECT_SOURCE_DIR}/include")
set(consensus_root "${header_root}/quorate")
file(GLOB_RECURSE all_headers CONFIGURE_DEPENDS "${header_root}/*.hpp")
file(GLOB_RECURSE all_bodies CONFIGURE_DEPENDS "${header_root}/*.ipp")
set(consensus_headers ${all_headers})
set(consensus_bodies ${all_bodies})
list(FILTER consensus_headers INCLUDE REGEX "/quorate/(base|consensus)/")
list(FILTER consensus_bodies INCLUDE REGEX "/quorate/(base|consensus)/")
set(other_headers ${all_headers})
set(other_bodies ${all_bodies})
# Headers that need LMDB or OpenSSL compile alone only where it is.
set(lmdb_headers ${all_headers})
list(FILTER lmdb_headers INCLUDE REGEX "/quorate/lmdb/")
list(REMOVE_ITEM other_headers ${lmdb_headers})
set(tls_headers ${all_headers})
list(FILTER tls_headers INCLUDE REGEX "/quorate/tls/")
list(REMOVE_ITEM other_headers ${tls_headers})
list(FILTER other_headers EXCLUDE REGEX "/quorate/(base|consensus)/")
list(FILTER other_bodies EXCLUDE REGEX "/quorate/(base|consensus)/")
# src.hpp is included with QUORATE_SEPARATE_COMPILATION only, so it has no place in the check below.
set(source_header "${header_root}/quorate/src.hpp")
list(REMOVE_ITEM other_headers "${source_header}")
list(APPEND other_bodies "${source_header}")
if(NOT LMDB_FOUND)
    list(APPEND other_bodies ${lmdb_headers})
endif()
if(NOT QUORATE_TLS_FOUND)
    list(APPEND other_bodies ${tls_headers})
endif()

# The bodies are a file set of their own: they are installed, but not compiled alone.
target_sources(quorate_consensus INTERFACE
    FILE_SET HEADERS BASE_DIRS "${header_root}" FILES ${consensus_headers}
    FILE_SET bodies TYPE HEADERS BASE_DIRS "${header_root}" FILES ${consensus_bodies})
target_sources(quorate INTERFACE
    FILE_SET HEADERS BASE_DIRS "${header_root}" FILES ${other_headers}
    FILE_SET bodies TYPE HEADERS BASE_DIRS "${header_root}" FILES ${other_bodies})

if(LMDB_FOUND)
    add_library(quorate_lmdb INTERFACE)
    add_library(quorate::lmdb ALIAS quorate_lmdb)
    set_target_properties(quorate_lmdb PROPERTIES EXPORT_NAME lmdb)
    target_sources(quorate_lmdb INTERFACE
        FILE_SET HEADERS BASE_DIRS "${header_root}" FILES ${lmdb_headers})
    target_link_libraries(quorate_lmdb INTERFACE quorate LMDB::lmdb)
endif()

if(QUORATE_TLS_FOUND)
    add_library(quorate_tls INTERFACE)
    add_library(quorate::tls ALIAS quorate_tls)
    set_target_properties(quorate_tls PROPERTIES EXPORT_NAME tls)
    target_sources(quorate_tls INTERFACE
        FILE_SET HEADERS BASE_DIRS "${header_root}" FILES ${tls_headers})
    target_link_libraries(quorate_tls INTERFACE quorate OpenSSL::SSL OpenSSL::Crypto)
endif()

target_compile_features(quorate_consensus INTERFACE cxx_std_20)
target_link_libraries(quorate_consensus INTERFACE Boost::headers)
target_link_libraries(quorate INTERFACE quorate_consensus Threads::Threads)

# Target all_verify_interface_header_sets compiles every header alone.
set(library_targets quorate_consensus quorate)
if(LMDB_FOUND)
    list(APPEND library_targets quorate_lmdb)
endif()
if(QUORATE_TLS_FOUND)
    list(APPEND library_targets quorate_tls)
endif()
set_target_properties(${library_targets} PROPERTIES
    VERIFY_INTERFACE_HEADER_SETS ${PROJECT_IS_TOP_LEVEL}
    INTERFACE_HEADER_SETS_TO_VERIFY HEADERS)

if(QUORATE_SEPARATE_COMPILATION)
    target_compile_definitions(quorate_consensus INTERFACE QUORATE_SEPARATE_COMPILATION)
    file(CONFIGURE OUTPUT quorate_src.cpp CONTENT "#include <quorate/src.hpp>\n")
    add_library(quorate_compiled STATIC EXCLUDE_FROM_ALL
        "${CMAKE_CURRENT_BINARY_DIR}/quorate_src.cpp")
    add_library(quorate::compiled ALIAS quorate_compiled)
    target_link_libraries(quorate_compiled PUBLIC quorate::quorate)
    if(LMDB_FOUND)
        target_compile_definitions(quorate_compiled PRIVATE QUORATE_WITH_LMDB)
        target_link_libraries(quorate_compiled PRIVATE quorate_lmdb)
    endif()
    if(QUORATE_TLS_FOUND)
        target_compile_definitions(quorate_compiled PRIVATE QUORATE_WITH_TLS)
        target_link_libraries(quorate_compiled PRIVATE quorate_tls)
    endif()
endif()
