#include "daemon/memory_stats.h"

#include <malloc.h>

namespace nsq::daemon {

MemoryStats read_memory_stats() {
  const auto info = mallinfo2();
  return {.heap_idle_bytes = info.fordblks, .heap_in_use_bytes = info.uordblks + info.hblkhd};
}

}  // namespace nsq::daemon
