# With NSQ_PRECOMPILED_HEADERS: what is precompiled, and for whom.
set(nsq_standard_headers
  <algorithm> <array> <atomic> <chrono> <condition_variable> <cstddef> <cstdint> <cstdlib> <cstring>
  <deque> <exception> <functional> <limits> <map> <memory> <mutex> <optional> <set> <span> <string>
  <string_view> <system_error> <thread> <unordered_map> <utility> <vector> <fmt/format.h>)
set(nsq_asio_headers
  <asio/awaitable.hpp> <asio/basic_stream_socket.hpp> <asio/basic_waitable_timer.hpp>
  <asio/buffer.hpp> <asio/co_spawn.hpp> <asio/detached.hpp> <asio/error.hpp>
  <asio/experimental/as_tuple.hpp> <asio/generic/stream_protocol.hpp> <asio/io_context.hpp>
  <asio/ip/tcp.hpp> <asio/post.hpp> <asio/steady_timer.hpp> <asio/use_awaitable.hpp>)

# Options are part of a precompiled header, so the tests, which are not optimised, have their own.
if(NSQ_PRECOMPILED_HEADERS)
  file(WRITE ${PROJECT_BINARY_DIR}/precompiled.cpp "")
  foreach(kind sources tests)
    add_library(nsq_precompiled_${kind} OBJECT ${PROJECT_BINARY_DIR}/precompiled.cpp)
    target_link_libraries(nsq_precompiled_${kind} PRIVATE nsq_compiler nsq_asio fmt::fmt)
  endforeach()
  target_precompile_headers(nsq_precompiled_sources PRIVATE ${nsq_standard_headers} ${nsq_asio_headers})
  target_include_directories(nsq_precompiled_tests PRIVATE ${PROJECT_SOURCE_DIR}/tests)
  target_compile_options(nsq_precompiled_tests PRIVATE -O0)
  target_precompile_headers(nsq_precompiled_tests PRIVATE
    ${nsq_standard_headers} ${nsq_asio_headers} ${PROJECT_SOURCE_DIR}/tests/support/catch.h)
endif()

# nsq_precompile(KIND TARGET): TARGET uses the headers of KIND, `sources` or `tests`, where they are
# precompiled.
function(nsq_precompile kind target)
  if(NSQ_PRECOMPILED_HEADERS)
    target_precompile_headers(${target} REUSE_FROM nsq_precompiled_${kind})
  endif()
endfunction()
