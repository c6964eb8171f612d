# Everything here is a Debian bookworm package; scripts/install-deps installs them.
find_package(Threads REQUIRED)
find_package(fmt REQUIRED)
find_package(spdlog REQUIRED)
find_package(simdjson REQUIRED)
find_package(OpenSSL REQUIRED)
find_package(ZLIB REQUIRED)

find_path(ASIO_INCLUDE_DIR asio.hpp REQUIRED)
add_library(nsq_asio INTERFACE)
target_include_directories(nsq_asio SYSTEM INTERFACE ${ASIO_INCLUDE_DIR})
target_link_libraries(nsq_asio INTERFACE Threads::Threads)

find_path(CXXOPTS_INCLUDE_DIR cxxopts.hpp REQUIRED)
find_path(TOMLPLUSPLUS_INCLUDE_DIR toml++/toml.h REQUIRED)

# Debian ships llhttp as generated C sources, in the package node-llhttp.
find_path(LLHTTP_INCLUDE_DIR llhttp.h PATHS /usr/share/include/llhttp REQUIRED)
find_path(LLHTTP_SOURCE_DIR llhttp.c PATHS /usr/share/llhttp REQUIRED)
add_library(nsq_llhttp STATIC
  ${LLHTTP_SOURCE_DIR}/api.c ${LLHTTP_SOURCE_DIR}/http.c ${LLHTTP_SOURCE_DIR}/llhttp.c)
target_include_directories(nsq_llhttp SYSTEM PUBLIC ${LLHTTP_INCLUDE_DIR})

# Regular expressions in time linear in the text, whoever wrote them.
find_path(RE2_INCLUDE_DIR re2/re2.h REQUIRED)
find_library(RE2_LIBRARY NAMES libre2.a re2 REQUIRED)
add_library(nsq_re2 INTERFACE)
target_include_directories(nsq_re2 SYSTEM INTERFACE ${RE2_INCLUDE_DIR})
target_link_libraries(nsq_re2 INTERFACE ${RE2_LIBRARY} Threads::Threads)

find_path(XXHASH_INCLUDE_DIR xxhash.h REQUIRED)
find_library(XXHASH_LIBRARY NAMES libxxhash.a xxhash REQUIRED)
add_library(nsq_xxhash INTERFACE)
target_include_directories(nsq_xxhash SYSTEM INTERFACE ${XXHASH_INCLUDE_DIR})
target_link_libraries(nsq_xxhash INTERFACE ${XXHASH_LIBRARY})

find_path(SNAPPY_INCLUDE_DIR snappy.h REQUIRED)
find_library(SNAPPY_LIBRARY NAMES libsnappy.a snappy REQUIRED)
add_library(nsq_snappy INTERFACE)
target_include_directories(nsq_snappy SYSTEM INTERFACE ${SNAPPY_INCLUDE_DIR})
target_link_libraries(nsq_snappy INTERFACE ${SNAPPY_LIBRARY})
