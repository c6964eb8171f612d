#include "cluster/merge.h"

#include <algorithm>
#include <map>
#include <tuple>
#include <utility>

namespace nsq::cluster {
namespace {

void add_percentile(Latency& sum, const Percentile& other) {
  const auto same =
      std::find_if(sum.percentiles.begin(), sum.percentiles.end(),
                   [&](const Percentile& each) { return each.quantile == other.quantile; });
  if (same == sum.percentiles.end()) {
    sum.percentiles.push_back(other);
    sum.percentiles.back().value.reset();
    return;
  }
  std::int64_t count = same->count;
  add_count(count, other.count);
  if (count == 0) {
    same->average = 0;
  } else {
    const double mine = static_cast<double>(same->count) / static_cast<double>(count);
    same->average = same->average * mine + other.average * (1 - mine);
  }
  same->count = count;
  same->max = std::max(same->max, other.max);
  same->min = std::min(same->min, other.min);
}

void add_channel(ChannelStats& sum, const ChannelStats& other) {
  add_count(sum.depth, other.depth);
  add_count(sum.backend_depth, other.backend_depth);
  add_count(sum.in_flight_count, other.in_flight_count);
  add_count(sum.deferred_count, other.deferred_count);
  add_count(sum.requeue_count, other.requeue_count);
  add_count(sum.timeout_count, other.timeout_count);
  add_count(sum.message_count, other.message_count);
  add_count(sum.zone_local_count, other.zone_local_count);
  add_count(sum.region_local_count, other.region_local_count);
  add_count(sum.global_count, other.global_count);
  add_count(sum.client_count, other.client_count);
  sum.paused = sum.paused || other.paused;
  add_latency(sum.latency, other.latency);
}

void add_topic(TopicStats& sum, const TopicStats& other) {
  add_count(sum.depth, other.depth);
  add_count(sum.backend_depth, other.backend_depth);
  add_count(sum.message_count, other.message_count);
  add_count(sum.zone_local_count, other.zone_local_count);
  add_count(sum.region_local_count, other.region_local_count);
  add_count(sum.global_count, other.global_count);
  sum.paused = sum.paused || other.paused;
  add_latency(sum.latency, other.latency);
}

template <typename Stats>
void sort_by_hostname(std::vector<Stats>& nodes) {
  std::stable_sort(nodes.begin(), nodes.end(), [](const Stats& a, const Stats& b) {
    return std::tie(a.hostname, a.node) < std::tie(b.hostname, b.node);
  });
}

// 0 for a client in its node's zone, 1 for one in its region, 2 for others.
int distance(const ClientStats& client) {
  if (client.region != client.node_region) return 2;
  return client.zone == client.node_zone ? 0 : 1;
}

bool comes_before(const ClientStats& a, const ClientStats& b) {
  const auto key = [](const ClientStats& client) {
    return std::make_tuple(std::string_view(client.node), distance(client),
                           std::string_view(client.region), std::string_view(client.zone));
  };
  return key(a) < key(b);
}

std::vector<ChannelStats> merge_channels(const TopicStats& topic) {
  std::vector<std::string> order;
  std::map<std::string, std::vector<ChannelStats>> by_name;
  for (const TopicStats& node : topic.nodes) {
    for (const ChannelStats& channel : node.channels) {
      auto& same = by_name[channel.name];
      if (same.empty()) order.push_back(channel.name);
      same.push_back(channel);
    }
  }
  std::vector<ChannelStats> merged;
  for (const std::string& name : order) {
    merged.push_back(merge_channel(topic.name, name, std::move(by_name[name])));
  }
  return merged;
}

}  // namespace

void add_latency(Latency& sum, const Latency& other) {
  add_count(sum.count, other.count);
  for (const Percentile& percentile : other.percentiles) add_percentile(sum, percentile);
}

ChannelStats merge_channel(std::string topic, std::string name, std::vector<ChannelStats> nodes) {
  ChannelStats sum{.node = "*", .topic = std::move(topic), .name = std::move(name)};
  std::vector<ClientStats> clients;
  bool have_clients = false;
  for (const ChannelStats& node : nodes) {
    add_channel(sum, node);
    if (!node.clients) continue;
    have_clients = true;
    clients.insert(clients.end(), node.clients->begin(), node.clients->end());
  }
  std::stable_sort(clients.begin(), clients.end(), comes_before);
  if (have_clients) sum.clients = std::move(clients);
  sum.nodes = std::move(nodes);
  sort_by_hostname(sum.nodes);
  return sum;
}

TopicStats merge_topic(std::string name, std::vector<TopicStats> nodes) {
  TopicStats sum{.node = "*", .name = std::move(name)};
  for (const TopicStats& node : nodes) add_topic(sum, node);
  sum.nodes = std::move(nodes);
  sort_by_hostname(sum.nodes);
  sum.channels = merge_channels(sum);
  return sum;
}

}  // namespace nsq::cluster
