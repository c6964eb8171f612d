#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "admin/history.h"
#include "base/instant.h"
#include "cluster/cluster.h"

namespace nsq::admin {

// The cluster at one moment: what the nodes said, and which were silent.
struct Snapshot {
  Timestamp time{};
  std::vector<cluster::Node> nodes{};       // all that are known
  std::vector<cluster::NodeStats> stats{};  // of those that answered
  std::vector<std::string> idle_topics{};   // lookupds know them, no node has them
};

// Something that a person should look at, worst kinds first.
enum class Trouble {
  NodeUnreachable,
  NodeUnhealthy,
  NoConsumers,  // messages wait at a channel nobody reads
  Deep,         // many messages wait at a channel
  NoChannels,   // messages wait at a topic without a channel
  ChannelPaused,
  TopicPaused,
  Registration,  // not all lookupds know the node
  Versions,      // nodes run different ones
};

struct Attention {
  Trouble trouble;
  std::string topic{};
  std::string channel{};
  std::string node{};
  std::int64_t value = 0;  // messages; lookupds that know the node; versions
  std::string text{};      // what the node says
};

// Everything that needs attention: by kind, and in a kind the greatest first.
std::vector<Attention> find_attention(const Snapshot& snapshot, std::int64_t deep,
                                      std::size_t lookupd_count);

// What the overview and the list of topics show: totals, attention (the first so many, and how many
// there are), a row per topic and per node.
struct OverviewOptions {
  std::int64_t deep = 0;
  std::size_t lookupd_count = 0;
  std::size_t attention_rows = 200;
};
std::string overview_json(const Snapshot& snapshot, const History& history,
                          const OverviewOptions& options, std::string_view message);

}  // namespace nsq::admin
