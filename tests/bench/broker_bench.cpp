// Loads a daemon over TCP and says how fast it went. `broker_bench --help` lists modes and flags.
//
// It has to cost less than any daemon it measures: commands are encoded once, answers and messages
// are read in large blocks, and the report includes the CPU time of the bench itself, so that a
// figure limited by the bench can be recognised.

#include <sys/resource.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <exception>
#include <string>
#include <utility>

#include "bench/load.h"
#include "bench/options.h"
#include "bench/process_usage.h"

namespace nsq::bench {
namespace {

// Named figures in the order they were measured, printed as text or as one JSON object.
class Report {
 public:
  void add(std::string name, double value, std::string unit, int decimals = 0) {
    lines_.push_back({std::move(name), value, std::move(unit), decimals});
  }

  void print_text(const Options& options) const {
    std::printf("%s: %zu bytes, batch %d, window %d, %d publishers, %d consumers, %d channels\n",
                mode_name(options.mode), options.body_bytes, options.batch, options.window,
                options.publishers, options.consumers, options.channels);
    for (const Line& line : lines_) {
      std::printf("  %-28s %14.*f %s\n", line.name.c_str(), line.decimals, line.value,
                  line.unit.c_str());
    }
  }

  void print_json(const Options& options) const {
    std::printf("{\"mode\":\"%s\",\"body_bytes\":%zu,\"batch\":%d,\"window\":%d,\"publishers\":%d",
                mode_name(options.mode), options.body_bytes, options.batch, options.window,
                options.publishers);
    std::printf(",\"consumers\":%d,\"channels\":%d", options.consumers, options.channels);
    for (const Line& line : lines_) {
      std::string key = line.name + (line.unit.empty() ? "" : " " + line.unit);
      std::replace_if(
          key.begin(), key.end(), [](char c) { return c == ' ' || c == '/'; }, '_');
      std::printf(",\"%s\":%.*f", key.c_str(), line.decimals, line.value);
    }
    std::printf("}\n");
  }

 private:
  struct Line {
    std::string name;
    double value;
    std::string unit;
    int decimals;
  };
  std::vector<Line> lines_;
};

double own_cpu_seconds() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

// The smallest value that `share` of the sorted samples do not exceed.
std::int64_t percentile(const std::vector<std::int64_t>& sorted, double share) {
  const auto rank = static_cast<std::size_t>(std::ceil(share * static_cast<double>(sorted.size())));
  return sorted[std::min(sorted.size() - 1, rank == 0 ? 0 : rank - 1)];
}

bool measure_throughput(const Options& options, Report& report) {
  const Throughput result = run_throughput(options);
  const auto add_rate = [&](const std::string& what, std::uint64_t messages, double seconds) {
    const double rate = seconds > 0 ? static_cast<double>(messages) / seconds : 0;
    report.add(what, static_cast<double>(messages), "messages");
    report.add(what + " in", seconds, "s", 3);
    report.add(what + " rate", rate, "msg/s");
    report.add(what + " volume", rate * static_cast<double>(options.body_bytes) / 1e6, "MB/s", 1);
  };
  if (options.mode != Mode::Sub) add_rate("published", result.published, result.publish_seconds);
  if (options.mode != Mode::Pub) add_rate("consumed", result.consumed, result.consume_seconds);
  return result.complete;
}

bool measure_latency(const Options& options, Report& report) {
  const Latency result = run_latency(options);
  report.add("sent", static_cast<double>(result.sent), "messages");
  report.add("received", static_cast<double>(result.nanoseconds.size()), "messages");
  report.add("sent rate", static_cast<double>(result.sent) / result.seconds, "msg/s", 1);
  if (result.nanoseconds.empty()) return false;
  const auto add = [&](const char* name, std::int64_t nanoseconds) {
    report.add(name, static_cast<double>(nanoseconds) / 1000, "us", 1);
  };
  add("p50", percentile(result.nanoseconds, 0.5));
  add("p99", percentile(result.nanoseconds, 0.99));
  add("p99.9", percentile(result.nanoseconds, 0.999));
  add("max", result.nanoseconds.back());
  return result.nanoseconds.size() >= result.sent;
}

int run(const Options& options) {
  Report report;
  const auto before = options.pid ? usage_of(options.pid) : std::nullopt;
  const bool complete = options.mode == Mode::Latency ? measure_latency(options, report)
                                                      : measure_throughput(options, report);
  report.add("bench cpu", own_cpu_seconds(), "s", 2);
  const auto after = options.pid ? usage_of(options.pid) : std::nullopt;
  if (before && after) {
    report.add("daemon cpu", after->cpu_seconds - before->cpu_seconds, "s", 2);
    report.add("daemon peak memory", static_cast<double>(after->peak_memory_bytes) / 1e6, "MB", 1);
  }
  if (options.json) {
    report.print_json(options);
  } else {
    report.print_text(options);
  }
  if (!complete) std::fprintf(stderr, "broker_bench: messages are missing\n");
  return complete ? 0 : 1;
}

}  // namespace
}  // namespace nsq::bench

int main(int argc, char** argv) {
  int exit_code = 0;
  const auto options = nsq::bench::parse_options(argc, argv, exit_code);
  if (!options) return exit_code;
  try {
    return nsq::bench::run(*options);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "broker_bench: %s\n", error.what());
    return 1;
  }
}
