#include "utilities/bench/process_usage.h"

#include <sys/types.h>

#include <ctime>
#include <fstream>
#include <string>

namespace nsq::utilities {
namespace {

Duration time_on(clockid_t clock) {
  timespec time{};
  ::clock_gettime(clock, &time);
  return std::chrono::seconds(time.tv_sec) + Duration(time.tv_nsec);
}

}  // namespace

std::optional<ProcessUsage> usage_of(std::int64_t pid) {
  std::ifstream status("/proc/" + std::to_string(pid) + "/status");
  if (!status) return std::nullopt;
  ProcessUsage usage;
  std::string word;
  while (status >> word) {
    std::uint64_t kilobytes = 0;
    if (word == "VmHWM:" && status >> kilobytes) usage.peak_resident_bytes = kilobytes * 1024;
    if (word == "VmRSS:" && status >> kilobytes) usage.resident_bytes = kilobytes * 1024;
  }
  // Exact to the nanosecond, where /proc counts ticks of ten milliseconds.
  clockid_t clock{};
  if (::clock_getcpuclockid(static_cast<pid_t>(pid), &clock) != 0) return std::nullopt;
  usage.cpu_time = time_on(clock);
  return usage;
}

Duration own_cpu_time() {
  return time_on(CLOCK_PROCESS_CPUTIME_ID);
}

}  // namespace nsq::utilities
