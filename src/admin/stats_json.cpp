#include "admin/stats_json.h"

#include <fmt/format.h>

#include <map>
#include <string>

#include "cluster/merge.h"

namespace nsq::admin {
namespace {

using cluster::ChannelStats;
using cluster::ClientStats;
using cluster::Latency;
using cluster::TopicStats;

void member_unless_zero(JsonWriter& json, std::string_view name, std::int64_t number) {
  if (number != 0) json.member(name, number);
}
void member_unless_empty(JsonWriter& json, std::string_view name, std::string_view text) {
  if (!text.empty()) json.member(name, text);
}

// The original names what it has summed up, and nothing of a single daemon.
struct LatencyOf {
  std::string_view topic, channel, host;
};

void write_latency(JsonWriter& json, const Latency& latency, const LatencyOf& of) {
  json.key("e2e_processing_latency").begin_object().member("count", latency.count);
  json.key("percentiles");
  if (latency.percentiles.empty()) {
    json.null();
  } else {
    json.begin_array();
    for (const auto& each : latency.percentiles) {
      json.begin_object()
          .member("average", each.average)
          .member("count", each.count)
          .member("max", each.max)
          .member("min", each.min)
          .member("quantile", each.quantile);
      if (each.value) json.member("value", *each.value);
      json.end_object();
    }
    json.end_array();
  }
  json.member("topic", of.topic).member("channel", of.channel).member("host", of.host);
  json.end_object();
}

void write_client(JsonWriter& json, const ClientStats& client, Timestamp now) {
  const std::int64_t connected_s = now.seconds() - client.connect_ts;
  json.begin_object()
      .member("node", client.node)
      .member("remote_address", client.remote_address)
      .member("version", client.version)
      .member("client_id", client.client_id)
      .member("hostname", client.hostname)
      .member("user_agent", client.user_agent)
      .member("connect_ts", client.connect_ts)
      .member("connected", connected_s > 0 ? connected_s * 1'000'000'000 : 0)
      .member("in_flight_count", client.in_flight_count)
      .member("ready_count", client.ready_count)
      .member("finish_count", client.finish_count)
      .member("requeue_count", client.requeue_count)
      .member("message_count", client.message_count)
      .member("sample_rate", client.sample_rate)
      .member("deflate", client.deflate)
      .member("snappy", client.snappy)
      .member("authed", client.authed)
      .member("auth_identity", client.auth_identity)
      .member("auth_identity_url", client.auth_identity_url);
  member_unless_empty(json, "node_topology_region", client.node_region);
  member_unless_empty(json, "node_topology_zone", client.node_zone);
  member_unless_empty(json, "topology_region", client.region);
  member_unless_empty(json, "topology_zone", client.zone);
  json.member("tls", client.tls)
      .member("tls_cipher_suite", client.tls_cipher_suite)
      .member("tls_version", client.tls_version)
      .member("tls_negotiated_protocol", client.tls_negotiated_protocol)
      .member("tls_negotiated_protocol_is_mutual", client.tls_negotiated_protocol_is_mutual)
      .end_object();
}

void write_clients(JsonWriter& json, const ChannelStats& channel, Timestamp now) {
  json.key("clients");
  if (!channel.clients) {
    json.null();
    return;
  }
  json.begin_array();
  for (const ClientStats& client : *channel.clients) write_client(json, client, now);
  json.end_array();
}

void write_channel(JsonWriter& json, const ChannelStats& channel, std::string_view message,
                   bool has_message, Timestamp now) {
  const bool is_sum = channel.node == "*";
  json.begin_object()
      .member("node", channel.node)
      .member("hostname", channel.hostname)
      .member("topic_name", channel.topic)
      .member("channel_name", channel.name)
      .member("depth", channel.depth)
      .member("memory_depth", channel.depth - channel.backend_depth)
      .member("backend_depth", channel.backend_depth)
      .member("in_flight_count", channel.in_flight_count)
      .member("deferred_count", channel.deferred_count)
      .member("requeue_count", channel.requeue_count)
      .member("timeout_count", channel.timeout_count)
      .member("message_count", channel.message_count);
  member_unless_zero(json, "delivery_msg_count", channel.delivery_count());
  member_unless_zero(json, "zone_local_msg_count", channel.zone_local_count);
  member_unless_zero(json, "region_local_msg_count", channel.region_local_count);
  member_unless_zero(json, "global_msg_count", channel.global_count);
  json.member("client_count", channel.client_count).key("nodes");
  if (is_sum) {
    json.begin_array();
    for (const ChannelStats& node : channel.nodes) write_channel(json, node, "", false, now);
    json.end_array();
  } else {
    json.null();
  }
  write_clients(json, channel, now);
  json.member("paused", channel.paused);
  write_latency(json, channel.latency,
                is_sum ? LatencyOf{channel.topic, channel.name, "*"} : LatencyOf{});
  if (has_message) json.member("message", message);
  json.end_object();
}

void write_topic(JsonWriter& json, const TopicStats& topic, std::string_view message,
                 bool has_message, Timestamp now) {
  const bool is_sum = topic.node == "*";
  json.begin_object()
      .member("node", topic.node)
      .member("hostname", topic.hostname)
      .member("topic_name", topic.name)
      .member("depth", topic.depth)
      .member("memory_depth", topic.depth - topic.backend_depth)
      .member("backend_depth", topic.backend_depth)
      .member("message_count", topic.message_count)
      .member("delivery_msg_count", topic.delivery_count());
  member_unless_zero(json, "zone_local_msg_count", topic.zone_local_count);
  member_unless_zero(json, "region_local_msg_count", topic.region_local_count);
  member_unless_zero(json, "global_msg_count", topic.global_count);
  json.key("nodes");
  if (is_sum) {
    json.begin_array();
    for (const TopicStats& node : topic.nodes) write_topic(json, node, "", false, now);
    json.end_array();
  } else {
    json.null();
  }
  json.key("channels").begin_array();
  for (const ChannelStats& channel : topic.channels) write_channel(json, channel, "", false, now);
  json.end_array().member("paused", topic.paused);
  write_latency(json, topic.latency, is_sum ? LatencyOf{topic.name, "", "*"} : LatencyOf{});
  if (has_message) json.member("message", message);
  json.end_object();
}

void write_node(JsonWriter& json, const cluster::Node& node, bool is_direct) {
  json.begin_object().key("remote_addresses");
  if (is_direct) {
    json.null();
  } else {
    json.begin_array();
    for (const std::string& address : node.remote_addresses) json.value(address);
    json.end_array();
  }
  json.member("remote_address", is_direct ? "" : node.remote_address)
      .member("hostname", node.hostname)
      .member("broadcast_address", node.broadcast_address)
      .member("tcp_port", node.tcp_port)
      .member("http_port", node.http_port)
      .member("version", node.version);
  member_unless_empty(json, "topology_zone", node.zone);
  member_unless_empty(json, "topology_region", node.region);
  json.key("topics").begin_array();
  for (const auto& topic : node.topics) {
    json.begin_object()
        .member("topic", topic.topic)
        .member("tombstoned", topic.tombstoned)
        .end_object();
  }
  json.end_array().member("out_of_date", node.out_of_date).end_object();
}

}  // namespace

std::string topic_json(const TopicStats& topic, std::string_view message, Timestamp now) {
  JsonWriter json;
  write_topic(json, topic, message, true, now);
  return json.take_text();
}

std::string channel_json(const ChannelStats& channel, std::string_view message, Timestamp now) {
  JsonWriter json;
  write_channel(json, channel, message, true, now);
  return json.take_text();
}

std::string nodes_json(const std::vector<cluster::Node>& nodes, bool is_direct,
                       std::string_view message) {
  JsonWriter json;
  json.begin_object().key("nodes").begin_array();
  for (const cluster::Node& node : nodes) write_node(json, node, is_direct);
  json.end_array().member("message", message).end_object();
  return json.take_text();
}

std::string node_json(std::string_view address, const std::vector<TopicStats>& topics,
                      std::string_view message, Timestamp now) {
  std::int64_t messages = 0;
  std::size_t clients = 0;
  JsonWriter json;
  json.begin_object().member("node", address).key("topics").begin_array();
  for (const TopicStats& topic : topics) {
    write_topic(json, topic, "", false, now);
    cluster::add_count(messages, topic.message_count);
    for (const ChannelStats& channel : topic.channels) {
      if (channel.clients) clients += channel.clients->size();
    }
  }
  json.end_array()
      .member("total_messages", messages)
      .member("total_clients", clients)
      .member("message", message)
      .end_object();
  return json.take_text();
}

std::string counter_json(const std::vector<cluster::NodeStats>& nodes, std::string_view message) {
  std::map<std::string, const ChannelStats*> counters;
  for (const cluster::NodeStats& node : nodes) {
    for (const TopicStats& topic : node.stats.topics) {
      for (const ChannelStats& channel : topic.channels) {
        counters[fmt::format("{}:{}:{}", channel.topic, channel.name, channel.node)] = &channel;
      }
    }
  }
  JsonWriter json;
  json.begin_object().key("stats").begin_object();
  for (const auto& [key, channel] : counters) {
    json.key(key)
        .begin_object()
        .member("node", channel->node)
        .member("topic_name", channel->topic)
        .member("channel_name", channel->name)
        .member("message_count", channel->message_count)
        .end_object();
  }
  json.end_object().member("message", message).end_object();
  return json.take_text();
}

std::string names_json(std::string_view name, const std::vector<std::string>& names,
                       std::string_view message) {
  JsonWriter json;
  json.begin_object().key(name).begin_array();
  for (const std::string& each : names) json.value(each);
  json.end_array().member("message", message).end_object();
  return json.take_text();
}

}  // namespace nsq::admin
