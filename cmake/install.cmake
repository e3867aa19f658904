# What `cmake --install` lays down: headers, the CMake package, pkg-config. Boost is not bundled.

install(TARGETS quorate_consensus quorate EXPORT quorate_targets
    FILE_SET HEADERS DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}"
    FILE_SET bodies DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}")
install(EXPORT quorate_targets NAMESPACE quorate:: FILE quorate_targets.cmake
    DESTINATION "${CMAKE_INSTALL_LIBDIR}/cmake/quorate")

if(LMDB_FOUND)
    # A set of its own: who installed the package need not have LMDB.
    install(TARGETS quorate_lmdb EXPORT quorate_lmdb_targets
        FILE_SET HEADERS DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}")
    install(EXPORT quorate_lmdb_targets NAMESPACE quorate::
        DESTINATION "${CMAKE_INSTALL_LIBDIR}/cmake/quorate")
    install(FILES cmake/FindLMDB.cmake DESTINATION "${CMAKE_INSTALL_LIBDIR}/cmake/quorate")
endif()

if(QUORATE_TLS_FOUND)
    # The same for OpenSSL.
    install(TARGETS quorate_tls EXPORT quorate_tls_targets
        FILE_SET HEADERS DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}")
    install(EXPORT quorate_tls_targets NAMESPACE quorate::
        DESTINATION "${CMAKE_INSTALL_LIBDIR}/cmake/quorate")
endif()

configure_package_config_file(cmake/quorateConfig.cmake.in quorateConfig.cmake
    INSTALL_DESTINATION "${CMAKE_INSTALL_LIBDIR}/cmake/quorate")
write_basic_package_version_file(quorateConfigVersion.cmake
    COMPATIBILITY SameMinorVersion ARCH_INDEPENDENT)
install(FILES "${CMAKE_CURRENT_BINARY_DIR}/quorateConfig.cmake"
              "${CMAKE_CURRENT_BINARY_DIR}/quorateConfigVersion.cmake"
    DESTINATION "${CMAKE_INSTALL_LIBDIR}/cmake/quorate")

configure_file(cmake/quorate.pc.in quorate.pc @ONLY)
install(FILES "${CMAKE_CURRENT_BINARY_DIR}/quorate.pc"
    DESTINATION "${CMAKE_INSTALL_LIBDIR}/pkgconfig")
