#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "cluster/stats.h"

// What several daemons say of the same thing, added up.
namespace nsq::cluster {

// Adds to a sum of counts, which stops at the largest number: a daemon may say anything.
inline void add_count(std::int64_t& sum, std::int64_t count) {
  if (__builtin_add_overflow(sum, count, &sum)) sum = std::numeric_limits<std::int64_t>::max();
}

// Adds `other` to a sum: counts add up, percentiles of the same quantile are averaged by their
// counts, with the least and the greatest of all.
void add_latency(Latency& sum, const Latency& other);

// The sum of one topic over its nodes, which are sorted by host name; its channels are sums as
// well, in the order in which they first appear.
TopicStats merge_topic(std::string name, std::vector<TopicStats> nodes);

// The sum of one channel. Clients are those of all nodes: by node, and there those in the node's
// own region and zone first, then those in its region.
ChannelStats merge_channel(std::string topic, std::string name, std::vector<ChannelStats> nodes);

}  // namespace nsq::cluster
