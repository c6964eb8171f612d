#pragma once

#include <cstdint>
#include <optional>

#include "base/instant.h"

namespace nsq::utilities {

// What a process has used since it started, and what it uses now.
struct ProcessUsage {
  Duration cpu_time{0};                   // user and system, of all its threads
  std::uint64_t resident_bytes = 0;       // now
  std::uint64_t peak_resident_bytes = 0;  // at most, ever
};

// Of any process on this machine; empty when there is none with this id.
std::optional<ProcessUsage> usage_of(std::int64_t pid);

Duration own_cpu_time();

}  // namespace nsq::utilities
