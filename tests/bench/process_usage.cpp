#include "bench/process_usage.h"

#include <unistd.h>

#include <fstream>
#include <sstream>
#include <string>

namespace nsq::bench {
namespace {

// User and system time are fields 14 and 15; field 2, the name, may hold spaces and ends in ')'.
std::optional<double> cpu_seconds_in(const std::string& stat) {
  const std::size_t name_end = stat.rfind(')');
  if (name_end == std::string::npos) return std::nullopt;
  std::istringstream fields(stat.substr(name_end + 1));
  std::string skipped;
  for (int field = 3; field < 14; ++field) fields >> skipped;
  double user_ticks = 0;
  double system_ticks = 0;
  if (!(fields >> user_ticks >> system_ticks)) return std::nullopt;
  return (user_ticks + system_ticks) / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

}  // namespace

std::optional<ProcessUsage> usage_of(int pid) {
  const std::string directory = "/proc/" + std::to_string(pid);
  std::ifstream stat_file(directory + "/stat");
  std::string stat;
  std::getline(stat_file, stat);
  const auto cpu_seconds = cpu_seconds_in(stat);
  if (!cpu_seconds) return std::nullopt;

  ProcessUsage usage{*cpu_seconds, 0};
  std::ifstream status(directory + "/status");
  std::string word;
  while (status >> word) {
    if (word != "VmHWM:") continue;
    std::uint64_t kilobytes = 0;
    status >> kilobytes;
    usage.peak_memory_bytes = kilobytes * 1024;
    break;
  }
  return usage;
}

}  // namespace nsq::bench
