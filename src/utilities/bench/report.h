#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/instant.h"
#include "utilities/bench.h"
#include "utilities/bench/latency_histogram.h"

namespace nsq::utilities {

// What came of a run. Numbers of messages are of the whole run; rates, times of the processor and
// latencies leave the warming up out.
struct BenchReport {
  struct Flow {
    std::uint64_t messages = 0;           // in all
    std::uint64_t measured_messages = 0;  // of them, since the warming up
    Duration measured{0};                 // how long these took
    std::uint64_t bytes = 0;              // of bodies, in all

    double rate() const;        // messages per second
    double bytes_rate() const;  // per second
  };

  std::optional<Flow> published;
  std::optional<Flow> consumed;
  std::uint64_t expected = 0;  // to be consumed; 0: unknown
  std::uint64_t redelivered = 0;
  std::uint64_t foreign = 0;
  std::optional<std::uint64_t> idle_connections;
  Duration connecting{0};  // opening and subscribing all connections

  LatencyHistogram answers;
  LatencyHistogram deliveries;
  LatencyHistogram lateness;

  Duration tool_cpu{0};
  struct Broker {
    Duration cpu{0};
    std::uint64_t peak_resident_bytes = 0;    // during the run
    std::uint64_t resident_before_bytes = 0;  // before the first connection
    std::uint64_t resident_after_bytes = 0;
  };
  std::optional<Broker> broker;

  bool is_complete = true;
  std::string failure;  // why it is not

  // Of the direction the run is about: what was consumed, or else published.
  std::uint64_t measured_messages() const;
};

std::string report_text(const BenchReport& report, const BenchOptions& options);
// One object on one line.
std::string report_json(const BenchReport& report, const BenchOptions& options);

// "1,234,567".
std::string grouped(std::uint64_t number);

}  // namespace nsq::utilities
