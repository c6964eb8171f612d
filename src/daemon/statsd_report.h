#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "broker/stats.h"
#include "daemon/memory_stats.h"

namespace nsq::daemon {

// Writes what statsd is told: one line per number, packed into datagrams.
//
// Counters are told as what they grew by since the report before, the first time in full; those of
// a topic or channel that was deleted and made again begin anew.
//
// Threading: confined.
class StatsdReport {
 public:
  // `prefix` stands before every key as it is. `packet_bytes`: the longest datagram; a line that is
  // longer by itself is one of its own.
  StatsdReport(std::string prefix, std::size_t packet_bytes, bool exclude_ephemeral)
      : prefix_(std::move(prefix)),
        packet_bytes_(packet_bytes),
        exclude_ephemeral_(exclude_ephemeral) {}

  // The next report, as datagrams. `topics` in order of name; memory is left out where empty.
  std::vector<std::string> next(const std::vector<broker::TopicStats>& topics,
                                const std::optional<MemoryStats>& memory);

 private:
  struct Counts {
    std::uint64_t messages = 0;
    std::uint64_t bytes = 0;     // of a topic
    std::uint64_t requeues = 0;  // the others of a channel
    std::uint64_t timeouts = 0;
  };
  using Key = std::pair<std::string, std::string>;  // topic and channel, or an empty one

  void add_topic(const broker::TopicStats& topic);
  void add_channel(const std::string& topic, const broker::ChannelStats& channel);
  void add_latency(const broker::LatencyStats& latency);
  void add_memory(const MemoryStats& memory);
  Counts remember(Key key, Counts now);
  void gauge(std::string_view name, std::uint64_t value) { line(name, value, 'g'); }
  void counter(std::string_view name, std::uint64_t value) { line(name, value, 'c'); }
  void line(std::string_view name, std::uint64_t value, char type);

  const std::string prefix_;
  const std::size_t packet_bytes_;
  const bool exclude_ephemeral_;

  std::map<Key, Counts> before_;  // as of the last report
  std::map<Key, Counts> after_;   // as of the one being written
  std::string path_;              // of the keys being written: "topic.T.channel.C."
  std::vector<std::string> packets_;
};

}  // namespace nsq::daemon
