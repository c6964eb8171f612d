# Warnings, sanitizers and ccache, as usage requirements of the target nsq_compiler.
add_library(nsq_compiler INTERFACE)
target_compile_options(nsq_compiler INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion
  $<$<CXX_COMPILER_ID:Clang>:-Wthread-safety>
  # GCC 12 takes the operators new and delete of Asio's coroutine frames for a mismatched pair.
  $<$<AND:$<CXX_COMPILER_ID:GNU>,$<VERSION_LESS:$<CXX_COMPILER_VERSION>,13>>:-Wno-mismatched-new-delete>
  $<$<BOOL:${NSQ_WERROR}>:-Werror>)
target_compile_definitions(nsq_compiler INTERFACE ASIO_STANDALONE ASIO_NO_DEPRECATED)
# Asio detects std::aligned_alloc by a macro that exists only after a standard header: without this,
# a source that includes Asio first frees with another allocator than the one its neighbours use.
target_compile_definitions(nsq_compiler INTERFACE ASIO_DISABLE_STD_ALIGNED_ALLOC)

# Clang 14 has C++20 coroutines but does not yet announce them to the standard library and Asio.
if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 17)
  target_compile_options(nsq_compiler INTERFACE -Wno-builtin-macro-redefined)
  target_compile_definitions(nsq_compiler INTERFACE
    ASIO_HAS_CO_AWAIT=1 ASIO_HAS_STD_COROUTINE=1 __cpp_impl_coroutine=201902L)
endif()

# NSQ_SANITIZE: "address,undefined" or "thread"; empty for none.
set(NSQ_SANITIZE "" CACHE STRING "sanitizers to build with")
if(NSQ_SANITIZE)
  target_compile_options(nsq_compiler INTERFACE -fsanitize=${NSQ_SANITIZE} -fno-omit-frame-pointer
    -fno-sanitize-recover=all)
  target_link_options(nsq_compiler INTERFACE -fsanitize=${NSQ_SANITIZE})
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND NSQ_SANITIZE MATCHES "thread")
    # GCC warns that its thread sanitizer does not model fences, which only Asio's headers use.
    target_compile_options(nsq_compiler INTERFACE -Wno-tsan)
  endif()
endif()

find_program(NSQ_CCACHE ccache)
if(NSQ_CCACHE)
  set(CMAKE_C_COMPILER_LAUNCHER ${NSQ_CCACHE})
  set(CMAKE_CXX_COMPILER_LAUNCHER ${NSQ_CCACHE})
  if(NSQ_PRECOMPILED_HEADERS)
    # Without these ccache leaves sources with a precompiled header to the compiler.
    set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env CCACHE_SLOPPINESS=pch_defines,time_macros
      ${NSQ_CCACHE})
  endif()
endif()
