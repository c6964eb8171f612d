#pragma once

#include <cstdint>
#include <vector>

#include "bench/options.h"

// The load itself: one thread and one connection per publisher and per consumer.
namespace nsq::bench {

struct Throughput {
  std::uint64_t published = 0;
  double publish_seconds = 0;  // from the common start to the last answer
  std::uint64_t consumed = 0;
  double consume_seconds = 0;  // from the common start to the last message
  bool complete = false;       // everything that was to come came
};

struct Latency {
  std::uint64_t sent = 0;
  double seconds = 0;
  std::vector<std::int64_t> nanoseconds;  // sorted; one per message received
};

// Modes Pub, Sub and PubSub. Throws ConnectionLost.
Throughput run_throughput(const Options& options);

// Messages are sent at fixed times whether or not earlier ones were answered, and their latency
// counts from the time they were due: a daemon that stalls is charged for all that had to wait.
Latency run_latency(const Options& options);

}  // namespace nsq::bench
