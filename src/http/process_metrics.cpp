#include "http/process_metrics.h"

#include <sys/resource.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

namespace nsq::http {
namespace {

using Type = MetricsWriter::Type;

std::string read_file(const char* path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

// The fields of /proc/self/stat behind the program's name, which may hold anything; the first is
// the state, field 3 of proc(5).
std::vector<std::string> stat_fields() {
  const std::string text = read_file("/proc/self/stat");
  const std::size_t name_end = text.rfind(')');
  if (name_end == std::string::npos) return {};
  std::istringstream rest(text.substr(name_end + 1));
  return {std::istream_iterator<std::string>(rest), std::istream_iterator<std::string>()};
}

// When the machine started, in seconds since the epoch.
std::optional<double> boot_time() {
  const std::string text = read_file("/proc/stat");
  const std::size_t at = text.find("\nbtime ");
  if (at == std::string::npos) return std::nullopt;
  return std::strtod(text.c_str() + at + 7, nullptr);
}

std::optional<std::int64_t> open_descriptors() {
  std::error_code error;
  std::filesystem::directory_iterator files("/proc/self/fd", error);
  if (error) return std::nullopt;
  // Without the one the count itself takes.
  return std::distance(files, std::filesystem::directory_iterator()) - 1;
}

void add_descriptors(MetricsWriter& metrics) {
  if (const auto open = open_descriptors()) {
    metrics.family("process_open_fds", Type::Gauge, "File descriptors the process has open.");
    metrics.sample(*open);
  }
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  metrics.family("process_max_fds", Type::Gauge, "File descriptors the process may have open.");
  metrics.sample(static_cast<std::uint64_t>(limit.rlim_cur));
}

}  // namespace

void add_process_metrics(MetricsWriter& metrics) {
  // Fields 14, 15, 20, 22, 23 and 24 of proc(5), the first here being its third.
  constexpr std::size_t kUserTime = 11, kSystemTime = 12, kThreads = 17, kStartTime = 19,
                        kVirtualBytes = 20, kResidentPages = 21;
  const auto fields = stat_fields();
  if (fields.size() > kResidentPages) {
    const auto number = [&](std::size_t i) { return std::strtod(fields[i].c_str(), nullptr); };
    const auto ticks = static_cast<double>(::sysconf(_SC_CLK_TCK));
    const auto page_bytes = static_cast<double>(::sysconf(_SC_PAGESIZE));
    metrics.family("process_cpu_seconds", Type::Counter, "CPU time spent, user and system.");
    metrics.sample((number(kUserTime) + number(kSystemTime)) / ticks);
    metrics.family("process_resident_memory_bytes", Type::Gauge, "Memory in use, in RAM.");
    metrics.sample(number(kResidentPages) * page_bytes);
    metrics.family("process_virtual_memory_bytes", Type::Gauge, "Address space in use.");
    metrics.sample(number(kVirtualBytes));
    metrics.family("process_threads", Type::Gauge, "Threads of the process.");
    metrics.sample(number(kThreads));
    if (const auto booted = boot_time()) {
      metrics.family("process_start_time_seconds", Type::Gauge,
                     "When the process started, since the Unix epoch.");
      metrics.sample(*booted + number(kStartTime) / ticks);
    }
  }
  add_descriptors(metrics);
}

}  // namespace nsq::http
