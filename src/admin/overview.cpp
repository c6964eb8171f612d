#include "admin/overview.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "base/json_writer.h"
#include "cluster/merge.h"

namespace nsq::admin {
namespace {

using cluster::add_count;
using cluster::ChannelStats;
using cluster::NodeStats;
using cluster::TopicStats;

struct Totals {
  std::int64_t depth = 0, memory_depth = 0, in_flight = 0, deferred = 0, messages = 0, clients = 0;
  bool paused = false;
};

struct ChannelRow : Totals {};
struct TopicRow : Totals {
  std::int64_t own_depth = 0;  // waiting at the topic itself
  std::size_t nodes = 0;
  std::map<std::string, ChannelRow> channels{};
};
using TopicRows = std::map<std::string, TopicRow>;

void add(Totals& totals, const ChannelStats& channel) {
  add_count(totals.depth, channel.depth);
  add_count(totals.memory_depth, channel.depth - channel.backend_depth);
  add_count(totals.in_flight, channel.in_flight_count);
  add_count(totals.deferred, channel.deferred_count);
  add_count(totals.clients, channel.client_count);
}

TopicRows sum_up(const Snapshot& snapshot) {
  TopicRows rows;
  for (const std::string& topic : snapshot.idle_topics) rows[topic];
  for (const NodeStats& node : snapshot.stats) {
    for (const TopicStats& topic : node.stats.topics) {
      TopicRow& row = rows[topic.name];
      ++row.nodes;
      add_count(row.own_depth, topic.depth);
      add_count(row.depth, topic.depth);
      add_count(row.memory_depth, topic.depth - topic.backend_depth);
      add_count(row.messages, topic.message_count);
      row.paused = row.paused || topic.paused;
      for (const ChannelStats& channel : topic.channels) {
        add(row, channel);
        ChannelRow& of_channel = row.channels[channel.name];
        add(of_channel, channel);
        of_channel.paused = of_channel.paused || channel.paused;
      }
    }
  }
  return rows;
}

void find_in_nodes(const Snapshot& snapshot, std::size_t lookupd_count,
                   std::vector<Attention>& found) {
  std::set<std::string> answered;
  std::set<std::string> versions;
  for (const NodeStats& node : snapshot.stats) {
    const std::string address = node.node.http_address();
    answered.insert(address);
    if (!node.stats.health.empty() && node.stats.health != "OK") {
      found.push_back(
          {.trouble = Trouble::NodeUnhealthy, .node = address, .text = node.stats.health});
    }
  }
  for (const cluster::Node& node : snapshot.nodes) {
    const std::string address = node.http_address();
    if (!answered.contains(address)) {
      found.push_back(
          {.trouble = Trouble::NodeUnreachable, .node = address, .text = node.hostname});
    }
    if (!node.version.empty()) versions.insert(node.version);
    if (node.remote_addresses.size() < lookupd_count) {
      found.push_back({.trouble = Trouble::Registration,
                       .node = address,
                       .value = static_cast<std::int64_t>(node.remote_addresses.size())});
    }
  }
  if (versions.size() > 1) {
    std::string list;
    for (const std::string& version : versions) list += (list.empty() ? "" : ", ") + version;
    found.push_back({.trouble = Trouble::Versions,
                     .value = static_cast<std::int64_t>(versions.size()),
                     .text = list});
  }
}

void find_in_topic(const std::string& name, const TopicRow& topic, std::int64_t deep,
                   std::vector<Attention>& found) {
  if (topic.paused) {
    found.push_back({.trouble = Trouble::TopicPaused, .topic = name, .value = topic.own_depth});
  }
  if (topic.channels.empty() && topic.own_depth > 0) {
    found.push_back({.trouble = Trouble::NoChannels, .topic = name, .value = topic.own_depth});
  }
  for (const auto& [channel_name, channel] : topic.channels) {
    const auto add_trouble = [&, &channel_name = channel_name](Trouble trouble,
                                                               std::int64_t value) {
      found.push_back({.trouble = trouble, .topic = name, .channel = channel_name, .value = value});
    };
    if (channel.clients == 0 && channel.depth > 0) {
      add_trouble(Trouble::NoConsumers, channel.depth);
    } else if (channel.depth >= deep) {
      add_trouble(Trouble::Deep, channel.depth);
    }
    if (channel.paused) add_trouble(Trouble::ChannelPaused, channel.depth);
  }
}

std::vector<Attention> find_attention(const Snapshot& snapshot, const TopicRows& rows,
                                      std::int64_t deep, std::size_t lookupd_count) {
  std::vector<Attention> found;
  find_in_nodes(snapshot, lookupd_count, found);
  for (const auto& [name, topic] : rows) find_in_topic(name, topic, deep, found);
  std::stable_sort(found.begin(), found.end(), [](const Attention& a, const Attention& b) {
    return a.trouble != b.trouble ? a.trouble < b.trouble : a.value > b.value;
  });
  return found;
}

std::string_view word_for(Trouble trouble) {
  switch (trouble) {
    case Trouble::NodeUnreachable:
      return "node_unreachable";
    case Trouble::NodeUnhealthy:
      return "node_unhealthy";
    case Trouble::NoConsumers:
      return "no_consumers";
    case Trouble::Deep:
      return "deep";
    case Trouble::NoChannels:
      return "no_channels";
    case Trouble::ChannelPaused:
      return "channel_paused";
    case Trouble::TopicPaused:
      return "topic_paused";
    case Trouble::Registration:
      return "registration";
    case Trouble::Versions:
      return "versions";
  }
  return "";
}

void write_rate(JsonWriter& json, float rate) {
  json.key("message_rate");
  if (std::isnan(rate)) {
    json.null();
  } else {
    json.value(std::round(static_cast<double>(rate) * 100) / 100);
  }
}

void write_totals(JsonWriter& json, const Totals& totals) {
  json.member("depth", totals.depth)
      .member("memory_depth", totals.memory_depth)
      .member("backend_depth", totals.depth - totals.memory_depth)
      .member("in_flight_count", totals.in_flight)
      .member("deferred_count", totals.deferred)
      .member("message_count", totals.messages)
      .member("client_count", totals.clients);
}

void write_attention(JsonWriter& json, const std::vector<Attention>& found, std::size_t limit) {
  json.member("attention_count", found.size()).key("attention").begin_array();
  for (std::size_t i = 0; i < std::min(found.size(), limit); ++i) {
    json.begin_object()
        .member("kind", word_for(found[i].trouble))
        .member("topic", found[i].topic)
        .member("channel", found[i].channel)
        .member("node", found[i].node)
        .member("value", found[i].value)
        .member("text", found[i].text)
        .end_object();
  }
  json.end_array();
}

void write_topics(JsonWriter& json, const TopicRows& rows, const History& history) {
  json.key("topics").begin_array();
  for (const auto& [name, topic] : rows) {
    json.begin_object().member("topic_name", name);
    write_totals(json, topic);
    write_rate(json, history.message_rate({.topic = name}));
    std::size_t paused = 0;
    for (const auto& [_, channel] : topic.channels) paused += channel.paused ? 1 : 0;
    json.member("channel_count", topic.channels.size())
        .member("node_count", topic.nodes)
        .member("paused", topic.paused)
        .member("paused_channels", paused)
        .end_object();
  }
  json.end_array();
}

void write_nodes(JsonWriter& json, const Snapshot& snapshot, const History& history) {
  std::map<std::string, const NodeStats*> answered;
  for (const NodeStats& node : snapshot.stats) answered[node.node.http_address()] = &node;
  json.key("nodes").begin_array();
  for (const cluster::Node& node : snapshot.nodes) {
    const std::string address = node.http_address();
    const auto found = answered.find(address);
    Totals totals;
    std::size_t channels = 0, topics = 0;
    if (found != answered.end()) {
      for (const TopicStats& topic : found->second->stats.topics) {
        ++topics;
        add_count(totals.depth, topic.depth);
        add_count(totals.memory_depth, topic.depth - topic.backend_depth);
        add_count(totals.messages, topic.message_count);
        channels += topic.channels.size();
        for (const ChannelStats& channel : topic.channels) add(totals, channel);
      }
    }
    json.begin_object()
        .member("node", address)
        .member("hostname", node.hostname)
        .member("version", node.version)
        .member("out_of_date", node.out_of_date)
        .member("reachable", found != answered.end())
        .member("health", found != answered.end() ? found->second->stats.health : "")
        .member("start_time", found != answered.end() ? found->second->stats.start_time : 0)
        .member("topic_count", topics)
        .member("channel_count", channels);
    write_totals(json, totals);
    write_rate(json, history.message_rate({.node = address}));
    json.end_object();
  }
  json.end_array();
}

}  // namespace

std::vector<Attention> find_attention(const Snapshot& snapshot, std::int64_t deep,
                                      std::size_t lookupd_count) {
  return find_attention(snapshot, sum_up(snapshot), deep, lookupd_count);
}

std::string overview_json(const Snapshot& snapshot, const History& history,
                          const OverviewOptions& options, std::string_view message) {
  const TopicRows rows = sum_up(snapshot);
  Totals totals;
  std::size_t channels = 0;
  for (const auto& [name, topic] : rows) {
    add_count(totals.depth, topic.depth);
    add_count(totals.memory_depth, topic.memory_depth);
    add_count(totals.in_flight, topic.in_flight);
    add_count(totals.deferred, topic.deferred);
    add_count(totals.messages, topic.messages);
    add_count(totals.clients, topic.clients);
    channels += topic.channels.size();
  }
  JsonWriter json;
  json.begin_object().member("time", snapshot.time.seconds()).key("totals").begin_object();
  write_totals(json, totals);
  write_rate(json, history.message_rate({}));
  json.member("topic_count", rows.size())
      .member("channel_count", channels)
      .member("node_count", snapshot.nodes.size())
      .end_object();
  write_attention(json, find_attention(snapshot, rows, options.deep, options.lookupd_count),
                  options.attention_rows);
  write_topics(json, rows, history);
  write_nodes(json, snapshot, history);
  json.member("message", message).end_object();
  return json.take_text();
}

}  // namespace nsq::admin
