#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "broker/consumer.h"

// A picture of the engine at one moment, for /stats and its like. Plain values; depths are
// messages.
namespace nsq::broker {

struct LatencyStats {
  struct Percentile {
    double quantile;
    double nanoseconds;
  };
  std::uint64_t count = 0;
  bool measured = false;  // false: no percentiles were asked for
  std::vector<Percentile> percentiles;
};

struct SubscriptionStats {
  std::shared_ptr<Consumer> consumer;
  std::int64_t ready_count = 0;
  std::int64_t in_flight_count = 0;
  std::uint64_t message_count = 0;
  std::uint64_t finish_count = 0;
  std::uint64_t requeue_count = 0;
};

struct ChannelStats {
  std::string name;
  std::uint64_t depth = 0;
  std::uint64_t backend_depth = 0;  // the part of depth that is not in memory
  std::uint64_t in_flight_count = 0;
  std::uint64_t deferred_count = 0;
  std::uint64_t message_count = 0;
  // Messages handed to consumers, redeliveries included; all of them, and those to near ones.
  std::uint64_t delivery_count = 0;
  std::uint64_t zone_local_count = 0;
  std::uint64_t region_local_count = 0;
  std::uint64_t requeue_count = 0;
  std::uint64_t timeout_count = 0;
  std::uint64_t dropped_count = 0;  // an ephemeral channel's overflow
  std::uint64_t lost_count = 0;     // records that could not be read back
  std::uint64_t client_count = 0;
  bool paused = false;
  std::vector<SubscriptionStats> clients;  // empty unless asked for
  LatencyStats e2e_processing_latency;
};

struct TopicStats {
  std::string name;
  std::uint64_t depth = 0;
  std::uint64_t backend_depth = 0;
  std::uint64_t message_count = 0;
  std::uint64_t message_bytes = 0;
  std::uint64_t dropped_count = 0;
  std::uint64_t disk_bytes = 0;
  std::uint64_t damaged_count = 0;  // places on disk that made no sense and were passed over
  bool paused = false;
  std::vector<ChannelStats> channels;   // by name
  LatencyStats e2e_processing_latency;  // over all channels
};

struct StatsFilter {
  std::string topic;    // empty: all
  std::string channel;  // empty: all; else topics without it are left out
  bool clients = true;
};

}  // namespace nsq::broker
