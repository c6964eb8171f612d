#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/instant.h"
#include "cluster/cluster.h"

namespace nsq::admin {

struct HistoryOptions {
  std::size_t samples = 360;  // kept per series
  std::size_t series = 4096;  // kept at all: cluster, nodes, topics and then channels
};

// What a series is about; fields that do not matter are empty. All empty: the whole cluster.
struct Subject {
  std::string topic{};
  std::string channel{};
  std::string node{};

  friend auto operator<=>(const Subject&, const Subject&) = default;
};

// The recent past of the cluster, its nodes, topics and channels, for charts.
//
// Rates come from each daemon's counters by themselves: one that restarts, leaves, or comes back
// makes no spike. In memory and bounded: a sample is 40 bytes, so that 360 of them make 14.4 kB per
// series. When there are more subjects than series, topics go before channels, and those that
// have a series keep it. A series that nothing was recorded for in all its length is dropped.
//
// Threading: confined.
class History {
 public:
  static constexpr std::size_t kQuantiles = 3;

  // NaN for what is not known.
  struct Sample {
    static constexpr float kUnknown = std::numeric_limits<float>::quiet_NaN();
    float depth = kUnknown;
    float in_flight = kUnknown;
    float deferred = kUnknown;
    float clients = kUnknown;
    float message_rate = kUnknown;  // per second
    float requeue_rate = kUnknown;
    float timeout_rate = kUnknown;
    std::array<float, kQuantiles> latency{kUnknown, kUnknown, kUnknown};  // in ms
  };
  static_assert(sizeof(Sample) == 40);

  explicit History(HistoryOptions options) : options_(options) {}

  // Adds one sample to each series. `now` rises from call to call.
  void record(Timestamp now, const std::vector<cluster::NodeStats>& nodes);

  // The latest rate of messages; NaN if it is not known.
  float message_rate(const Subject& subject) const;
  // {"times":[s...],"depth":[...],...,"latency":[{"quantile":0.99,"values":[...]}]}, oldest first;
  // null where nothing is known.
  std::string to_json(const Subject& subject) const;

  std::size_t series_count() const { return series_.size(); }
  std::size_t bytes() const;

 private:
  struct Series {
    std::vector<Sample> ring;         // of tick `t` at t % samples, once it is that long
    std::uint64_t first_tick = 0;     // of the first sample ever
    std::uint64_t last_tick = 0;      // of the last one
    std::vector<double> quantiles{};  // those of `latency`
  };
  // Counters of one channel or topic on one node.
  struct Counters {
    std::int64_t messages = 0, requeues = 0, timeouts = 0;
    std::uint64_t tick = 0;
  };
  struct Sums;
  using Place = std::string;  // node, topic and channel

  void add_node(const cluster::NodeStats& node, double seconds, std::map<Subject, Sums>& sums);
  // How much the counters rose since the last tick.
  Counters take_rise(Place place, const Counters& now, bool node_was_there);
  void store(const Subject& subject, const Sums& sums);
  Sample sample_at(const Series& series, std::uint64_t tick) const;
  std::uint64_t oldest_tick() const;

  const HistoryOptions options_;
  std::uint64_t tick_ = 0;           // of the last record; ticks begin at 1
  std::vector<std::int64_t> times_;  // of the last ticks, as in a ring
  Timestamp last_time_{};
  std::map<Subject, Series> series_;
  std::unordered_map<Place, Counters> counters_;
  std::map<std::string, std::uint64_t, std::less<>> nodes_;  // the tick at which each last answered
};

}  // namespace nsq::admin
