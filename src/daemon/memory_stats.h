#pragma once

#include <cstdint>

namespace nsq::daemon {

// What the allocator holds. The original tells this of a garbage-collected heap; the rest of what
// it tells has no meaning here and is shown as 0.
struct MemoryStats {
  std::uint64_t heap_objects = 0;  // not counted by the allocator: always 0
  std::uint64_t heap_idle_bytes = 0;
  std::uint64_t heap_in_use_bytes = 0;
  std::uint64_t heap_released_bytes = 0;  // likewise
};

MemoryStats read_memory_stats();

}  // namespace nsq::daemon
