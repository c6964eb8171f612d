#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "nsq/result.h"

// What daemons say of their topics, as values. Times and latencies are in nanoseconds unless their
// name ends in another unit.
namespace nsq::cluster {

// Stops at the largest number.
inline std::int64_t sum_of_counts(std::int64_t a, std::int64_t b, std::int64_t c) {
  std::int64_t sum = 0;
  if (__builtin_add_overflow(a, b, &sum) || __builtin_add_overflow(sum, c, &sum)) {
    return std::numeric_limits<std::int64_t>::max();
  }
  return sum;
}

struct Percentile {
  double quantile = 0;  // 0.99
  double average = 0;
  double min = 0;
  double max = 0;
  std::int64_t count = 0;
  std::optional<double> value{};  // what one daemon says; nothing for several
};

// How long messages took from being published to being finished.
struct Latency {
  std::int64_t count = 0;
  std::vector<Percentile> percentiles{};
};

struct ClientStats {
  std::string node{};  // the daemon it is connected to
  std::string remote_address{};
  std::string version{};
  std::string client_id{};
  std::string hostname{};
  std::string user_agent{};
  std::int64_t connect_ts = 0;  // seconds since 1970
  std::int64_t in_flight_count = 0;
  std::int64_t ready_count = 0;
  std::int64_t finish_count = 0;
  std::int64_t requeue_count = 0;
  std::int64_t message_count = 0;
  std::int64_t sample_rate = 0;  // percent; 0 for all
  bool deflate = false;
  bool snappy = false;
  bool authed = false;
  std::string auth_identity{};
  std::string auth_identity_url{};
  std::string node_region{};
  std::string node_zone{};
  std::string region{};
  std::string zone{};
  bool tls = false;
  std::string tls_cipher_suite{};
  std::string tls_version{};
  std::string tls_negotiated_protocol{};
  bool tls_negotiated_protocol_is_mutual = false;
};

// A channel on one node, or, with `nodes`, summed up over several.
struct ChannelStats {
  std::string node{};  // "host:port", or "*" for a sum
  std::string hostname{};
  std::string topic{};
  std::string name{};
  std::int64_t depth = 0;
  std::int64_t backend_depth = 0;  // the part of `depth` that is on disk
  std::int64_t in_flight_count = 0;
  std::int64_t deferred_count = 0;
  std::int64_t requeue_count = 0;
  std::int64_t timeout_count = 0;
  std::int64_t message_count = 0;
  std::int64_t zone_local_count = 0;
  std::int64_t region_local_count = 0;
  std::int64_t global_count = 0;
  std::int64_t client_count = 0;
  bool paused = false;
  Latency latency{};
  std::optional<std::vector<ClientStats>> clients{};  // nothing if they were not asked for
  std::vector<ChannelStats> nodes{};                  // of a sum

  std::int64_t delivery_count() const {
    return sum_of_counts(zone_local_count, region_local_count, global_count);
  }
};

// A topic on one node, or, with `nodes`, summed up over several.
struct TopicStats {
  std::string node{};
  std::string hostname{};
  std::string name{};
  std::int64_t depth = 0;
  std::int64_t backend_depth = 0;
  std::int64_t message_count = 0;
  std::int64_t zone_local_count = 0;
  std::int64_t region_local_count = 0;
  std::int64_t global_count = 0;
  bool paused = false;
  Latency latency{};
  std::vector<ChannelStats> channels{};
  std::vector<TopicStats> nodes{};

  std::int64_t delivery_count() const {
    return sum_of_counts(zone_local_count, region_local_count, global_count);
  }
};

// What a daemon answers to GET /stats?format=json.
struct DaemonStats {
  std::string version{};
  std::string health{};         // "OK", or what is wrong
  std::int64_t start_time = 0;  // seconds since 1970
  std::vector<TopicStats> topics{};
};

// Errors: ClusterErrc::BadAnswer for what is no JSON object.
Result<DaemonStats> parse_stats(std::string_view json);

}  // namespace nsq::cluster
