#include "utilities/overview.h"

#include <algorithm>
#include <utility>

#include "cluster/merge.h"

namespace nsq::utilities {
namespace {

double traffic(const TopicOverview& topic) {
  double rate = topic.ingress.value_or(0);
  for (const ChannelOverview& channel : topic.channels) rate += channel.egress.value_or(0);
  return rate;
}

}  // namespace

void sort_by_traffic(std::vector<TopicOverview>& topics) {
  std::sort(topics.begin(), topics.end(), [](const TopicOverview& a, const TopicOverview& b) {
    const double difference = traffic(a) - traffic(b);
    return difference != 0 ? difference > 0 : a.sum.name < b.sum.name;
  });
}

std::vector<TopicOverview> Overview::add(std::vector<cluster::NodeStats> sample, Instant taken) {
  std::map<std::string, std::vector<cluster::TopicStats>> by_name;
  for (cluster::NodeStats& node : sample) {
    for (cluster::TopicStats& topic : node.stats.topics) {
      by_name[topic.name].push_back(std::move(topic));
    }
  }
  seconds_ = std::chrono::duration<double>(taken - last_taken_).count();
  Sample current;
  std::vector<TopicOverview> topics;
  for (auto& [name, nodes] : by_name) {
    TopicOverview topic{.sum = cluster::merge_topic(name, std::move(nodes))};
    topic.ingress = change(topic.sum.nodes, name, "", current).ingress;
    for (cluster::ChannelStats& channel : topic.sum.channels) {
      const Change rates = change(channel.nodes, name, channel.name, current);
      topic.channels.push_back({std::move(channel), rates.ingress, rates.egress});
    }
    topic.sum.channels.clear();
    std::sort(topic.channels.begin(), topic.channels.end(),
              [](const auto& a, const auto& b) { return a.sum.name < b.sum.name; });
    topics.push_back(std::move(topic));
  }
  last_ = std::move(current);
  last_taken_ = taken;
  return topics;
}

// Counts may be anything up to the largest number: their differences are not taken as integers.
template <typename Stats>
Overview::Change Overview::change(const std::vector<Stats>& nodes, const std::string& topic,
                                  const std::string& channel, Sample& into) {
  Change rates;
  for (const Stats& node : nodes) {
    const Place place{node.node, topic, channel};
    into[place] = {node.message_count, node.depth};
    const auto before = last_.find(place);
    if (before == last_.end() || node.message_count < before->second.messages) continue;
    if (seconds_ <= 0) continue;
    const double added =
        static_cast<double>(node.message_count) - static_cast<double>(before->second.messages);
    const double grown =
        static_cast<double>(node.depth) - static_cast<double>(before->second.depth);
    rates.ingress = rates.ingress.value_or(0) + added / seconds_;
    rates.egress = rates.egress.value_or(0) + (added - grown) / seconds_;
  }
  return rates;
}

}  // namespace nsq::utilities
