#include "admin/queries.h"

#include <iterator>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "admin/stats_json.h"
#include "base/json_writer.h"
#include "cluster/merge.h"

namespace nsq::admin {

using cluster::NodeStats;
using cluster::Wait;

asio::awaitable<Answer> Queries::topics() {
  const auto found = co_await cluster_.topics();
  if (!found) co_return upstream_error(found.error());
  const Warnings warnings(found->errors);
  co_return Answer{200, names_json("topics", found->value, warnings.message())};
}

namespace {

// What some daemon has for sure, so that nobody needs to be asked about it.
std::set<std::string> topics_of(const std::vector<cluster::Node>& nodes) {
  std::set<std::string> topics;
  for (const cluster::Node& node : nodes) {
    for (const auto& each : node.topics) {
      if (!each.tombstoned) topics.insert(each.topic);
    }
  }
  return topics;
}

}  // namespace

// Through lookupds, those that no daemon has, with their channels.
asio::awaitable<Answer> Queries::inactive_topics() {
  const auto found = co_await cluster_.topics();
  if (!found) co_return upstream_error(found.error());
  const Warnings warnings(found->errors);
  const auto all_nodes = co_await cluster_.nodes(Wait::ForMost);
  const std::set<std::string> active =
      all_nodes ? topics_of(all_nodes->value) : std::set<std::string>();
  JsonWriter json;
  json.begin_object().key("topics").begin_object();
  for (const std::string& topic : found->value) {
    if (!cluster_.has_lookupds()) break;
    if (active.contains(topic)) continue;
    const auto nodes = co_await cluster_.nodes_of(topic, Wait::ForMost);
    if (!nodes || !nodes->value.empty()) continue;
    const auto channels = co_await cluster_.channels_of(topic);
    json.key(topic).begin_array();
    if (channels) {
      for (const std::string& channel : channels->value) json.value(channel);
    }
    json.end_array();
  }
  json.end_object().member("message", warnings.message()).end_object();
  co_return Answer{200, json.take_text()};
}

asio::awaitable<Answer> Queries::topic(std::string name) {
  auto nodes = co_await cluster_.nodes_of(name, Wait::ForMost);
  if (!nodes) co_return upstream_error(nodes.error());
  const cluster::StatsFilter filter{.topic = name};
  auto stats = co_await cluster_.stats(std::move(nodes->value), filter, Wait::ForMost);
  if (!stats) co_return upstream_error(stats.error());
  const Warnings warnings(nodes->errors, stats->errors);
  std::vector<cluster::TopicStats> topics;
  for (NodeStats& node : stats->value) {
    for (auto& topic : node.stats.topics) {
      if (topic.name == name) topics.push_back(std::move(topic));
    }
  }
  const auto merged = cluster::merge_topic(std::move(name), std::move(topics));
  co_return Answer{200, topic_json(merged, warnings.message(), Timestamp::now())};
}

asio::awaitable<Answer> Queries::channel(std::string topic, std::string name) {
  auto nodes = co_await cluster_.nodes_of(topic, Wait::ForMost);
  if (!nodes) co_return upstream_error(nodes.error());
  const cluster::StatsFilter filter{.topic = topic, .channel = name, .with_clients = true};
  auto stats = co_await cluster_.stats(std::move(nodes->value), filter, Wait::ForMost);
  if (!stats) co_return upstream_error(stats.error());
  const Warnings warnings(nodes->errors, stats->errors);
  std::vector<cluster::ChannelStats> channels;
  for (NodeStats& node : stats->value) {
    for (auto& each : node.stats.topics) {
      for (auto& channel : each.channels) {
        if (each.name == topic && channel.name == name) channels.push_back(std::move(channel));
      }
    }
  }
  if (channels.empty()) co_return error_answer(404, "CHANNEL_NOT_FOUND");
  const auto merged =
      cluster::merge_channel(std::move(topic), std::move(name), std::move(channels));
  co_return Answer{200, channel_json(merged, warnings.message(), Timestamp::now())};
}

asio::awaitable<Answer> Queries::nodes() {
  const auto found = co_await cluster_.nodes(Wait::ForMost);
  if (!found) co_return upstream_error(found.error());
  const Warnings warnings(found->errors);
  co_return Answer{200, nodes_json(found->value, !cluster_.has_lookupds(), warnings.message())};
}

asio::awaitable<Answer> Queries::node(std::string address) {
  auto nodes = co_await cluster_.nodes(Wait::ForMost);
  if (!nodes) co_return upstream_error(nodes.error());
  std::erase_if(nodes->value,
                [&](const cluster::Node& node) { return node.http_address() != address; });
  if (nodes->value.empty()) co_return error_answer(404, "NODE_NOT_FOUND");
  const cluster::StatsFilter filter{.with_clients = true};
  auto stats = co_await cluster_.stats(std::move(nodes->value), filter, Wait::ForMost);
  if (!stats) co_return upstream_error(stats.error());
  const Warnings warnings(nodes->errors, stats->errors);
  std::vector<cluster::TopicStats> topics;
  for (NodeStats& node : stats->value) {
    std::move(node.stats.topics.begin(), node.stats.topics.end(), std::back_inserter(topics));
  }
  co_return Answer{200, node_json(address, topics, warnings.message(), Timestamp::now())};
}

asio::awaitable<Answer> Queries::counter() {
  auto nodes = co_await cluster_.nodes(Wait::ForMost);
  if (!nodes) co_return upstream_error(nodes.error());
  const cluster::StatsFilter everything;
  auto stats = co_await cluster_.stats(std::move(nodes->value), everything, Wait::ForMost);
  if (!stats) co_return upstream_error(stats.error());
  const Warnings warnings(nodes->errors, stats->errors);
  co_return Answer{200, counter_json(stats->value, warnings.message())};
}

asio::awaitable<Result<Snapshot>> Queries::snapshot(Wait wait, Warnings& warnings) {
  auto nodes = co_await cluster_.nodes(wait);
  if (!nodes) co_return nodes.error();
  warnings.add(nodes->errors);
  Snapshot snapshot{.time = Timestamp::now(), .nodes = nodes->value};
  if (cluster_.has_lookupds()) {
    const auto topics = co_await cluster_.topics();
    if (topics) snapshot.idle_topics = topics->value;
  }
  if (snapshot.nodes.empty()) co_return snapshot;
  const cluster::StatsFilter everything;
  auto stats = co_await cluster_.stats(std::move(nodes->value), everything, wait);
  if (stats) {
    warnings.add(stats->errors);
    snapshot.stats = std::move(stats->value);
  } else {
    warnings.add({stats.error().context()});
  }
  snapshot.time = Timestamp::now();
  co_return snapshot;
}

asio::awaitable<Answer> Queries::overview() {
  Warnings warnings;
  const auto found = co_await snapshot(Wait::ForMost, warnings);
  if (!found) co_return upstream_error(found.error());
  const OverviewOptions shown{.deep = options_.attention_depth,
                              .lookupd_count = cluster_.options().lookupds.size()};
  co_return Answer{200, overview_json(*found, history_, shown, warnings.message())};
}

}  // namespace nsq::admin
