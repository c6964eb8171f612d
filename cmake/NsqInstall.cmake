# What `cmake --install` adds to the binary where a distribution wants it: the original programs'
# names, manual pages and completions, units, the user they run as, example settings. Below a prefix
# of its own everything is there; with the prefix /usr, settings are in /etc.

install(FILES ${PROJECT_SOURCE_DIR}/LICENSE RENAME copyright
  DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/nsq COMPONENT server)
install(DIRECTORY ${PROJECT_SOURCE_DIR}/deploy/config/
  DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/nsq/examples COMPONENT server FILES_MATCHING PATTERN *.toml)
install(FILES ${PROJECT_SOURCE_DIR}/deploy/systemd/nsq.sysusers RENAME nsq.conf
  DESTINATION lib/sysusers.d COMPONENT server)

# The rest is for the time of installing to say: names, pages and completions are the binary's to
# know, units name the prefix, and settings must not be written over.
configure_file(${PROJECT_SOURCE_DIR}/cmake/NsqInstallFiles.cmake.in
  ${PROJECT_BINARY_DIR}/package/NsqInstallFiles.cmake @ONLY)
install(SCRIPT ${PROJECT_BINARY_DIR}/package/NsqInstallFiles.cmake COMPONENT server)

# The Debian packages: `cpack -G DEB` in the build directory makes nsq and libnsq-dev.
# Packing does not build everything there is, tests included: `nsq` and `nsq_package` will do.
set(CMAKE_SKIP_INSTALL_ALL_DEPENDENCY ON)
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_VENDOR nsq)
set(CPACK_PACKAGE_CONTACT "nsq packagers <root@localhost>")
set(CPACK_PACKAGE_HOMEPAGE_URL https://nsq.io)
set(CPACK_STRIP_FILES ON)
set(CPACK_SET_DESTDIR ON)
set(CPACK_INSTALL_PREFIX /usr)
set(CPACK_COMPONENTS_ALL server client)
set(CPACK_COMPONENTS_GROUPING IGNORE)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS
  OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)

set(CPACK_DEBIAN_SERVER_PACKAGE_NAME nsq)
set(CPACK_DEBIAN_SERVER_PACKAGE_SECTION net)
set(CPACK_DEBIAN_SERVER_PACKAGE_DEPENDS adduser)
set(CPACK_DEBIAN_SERVER_PACKAGE_RECOMMENDS ca-certificates)
set(CPACK_COMPONENT_SERVER_DESCRIPTION
  "realtime message queue, compatible with NSQ\n The daemon, lookupd, admin page and tools of NSQ in one binary, under their names. Every\n message is kept in a log on disk from the moment it is acknowledged.")
set(deb ${PROJECT_SOURCE_DIR}/deploy/debian)
set(CPACK_DEBIAN_SERVER_PACKAGE_CONTROL_EXTRA
  ${deb}/conffiles ${deb}/postinst ${deb}/prerm ${deb}/postrm)

set(CPACK_DEBIAN_CLIENT_PACKAGE_NAME libnsq-dev)
set(CPACK_DEBIAN_CLIENT_PACKAGE_SECTION libdevel)
set(CPACK_DEBIAN_CLIENT_PACKAGE_SHLIBDEPS OFF)
set(CPACK_DEBIAN_CLIENT_PACKAGE_DEPENDS
  "libfmt-dev, libspdlog-dev, libsimdjson-dev, libssl-dev, libsnappy-dev, zlib1g-dev")
set(CPACK_COMPONENT_CLIENT_DESCRIPTION
  "C++ client library for NSQ\n Producers and consumers of NSQ messages: headers, a static library and a CMake package.")
include(CPack)
