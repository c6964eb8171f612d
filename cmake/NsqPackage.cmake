# What `cmake --install` puts in place: the binary, and the client library as one archive with a
# CMake package, so that another project says
#
#   find_package(nsq REQUIRED)
#   target_link_libraries(app PRIVATE nsq::client)
#
# The archive holds the objects of the rooms the client is made of; what those need from elsewhere
# is looked for by the package.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set(objects)
foreach(room client http net protocol base)
  list(APPEND objects $<TARGET_OBJECTS:nsq_${room}>)
endforeach()
add_library(nsq_package STATIC ${objects} $<TARGET_OBJECTS:nsq_llhttp>)
set_target_properties(nsq_package PROPERTIES
  OUTPUT_NAME nsq
  EXPORT_NAME client
  LINKER_LANGUAGE CXX
  ARCHIVE_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/package)
target_compile_features(nsq_package INTERFACE cxx_std_20)
target_include_directories(nsq_package INTERFACE
  $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
target_link_libraries(nsq_package PRIVATE
  fmt::fmt spdlog::spdlog simdjson::simdjson OpenSSL::SSL OpenSSL::Crypto ZLIB::ZLIB
  Threads::Threads $<BUILD_INTERFACE:nsq_snappy> $<INSTALL_INTERFACE:nsq::snappy>)
# Within this project the same name, so that examples are built in place as others build them.
add_library(nsq::client ALIAS nsq_package)

install(TARGETS nsq_package EXPORT nsqTargets
  ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT client)
install(TARGETS nsq RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT server)
install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/nsq DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
  COMPONENT client)

set(package ${CMAKE_INSTALL_LIBDIR}/cmake/nsq)
install(EXPORT nsqTargets NAMESPACE nsq:: DESTINATION ${package} COMPONENT client)
configure_package_config_file(${PROJECT_SOURCE_DIR}/cmake/nsqConfig.cmake.in
  ${PROJECT_BINARY_DIR}/package/nsqConfig.cmake INSTALL_DESTINATION ${package})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/package/nsqConfigVersion.cmake
  COMPATIBILITY SameMajorVersion)
install(FILES ${PROJECT_BINARY_DIR}/package/nsqConfig.cmake
  ${PROJECT_BINARY_DIR}/package/nsqConfigVersion.cmake DESTINATION ${package} COMPONENT client)
include(NsqInstall)
