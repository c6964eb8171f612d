#pragma once

#include <cstdint>
#include <optional>

namespace nsq::bench {

// What a process has used since it started, as /proc tells it.
struct ProcessUsage {
  double cpu_seconds = 0;
  std::uint64_t peak_memory_bytes = 0;  // largest resident set
};

// Empty when there is no such process.
std::optional<ProcessUsage> usage_of(int pid);

}  // namespace nsq::bench
