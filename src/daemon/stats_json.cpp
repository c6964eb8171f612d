// The JSON form of /stats. The order of members is part of the contract, and so is which lists are
// null where others are empty.

#include "base/json_writer.h"
#include "daemon/stats_report.h"
#include "daemon/version.h"

namespace nsq::daemon {
namespace {

void write_latency(JsonWriter& json, const broker::LatencyStats& latency) {
  json.key("e2e_processing_latency").begin_object().member("count", latency.count);
  json.key("percentiles");
  if (!latency.measured) {
    json.null().end_object();
    return;
  }
  json.begin_array();
  for (const auto& percentile : latency.percentiles) {
    json.begin_object()
        .member("quantile", percentile.quantile)
        .member("value", percentile.nanoseconds)
        .end_object();
  }
  json.end_array().end_object();
}

void write_client(JsonWriter& json, const ClientReport& client) {
  const ClientInfo& info = client.info;
  const broker::SubscriptionStats& subscription = client.subscription;
  json.begin_object()
      .member("client_id", info.client_id)
      .member("hostname", info.hostname)
      .member("version", "V2")
      .member("remote_address", info.remote_address)
      .member("state", static_cast<int>(info.state))
      .member("ready_count", subscription.ready_count)
      .member("in_flight_count", subscription.in_flight_count)
      .member("message_count", subscription.message_count)
      .member("finish_count", subscription.finish_count)
      .member("requeue_count", subscription.requeue_count)
      .member("connect_ts", info.connected.seconds())
      .member("sample_rate", info.sample_rate)
      .member("deflate", info.deflate)
      .member("snappy", info.snappy)
      .member("user_agent", info.user_agent);
  if (info.authed) json.member("authed", true);
  if (!info.auth_identity.empty()) json.member("auth_identity", info.auth_identity);
  if (!info.auth_identity_url.empty()) json.member("auth_identity_url", info.auth_identity_url);
  json.member("topology_zone", info.topology_zone).member("topology_region", info.topology_region);
  if (!info.pub_counts.empty()) {
    json.key("pub_counts").begin_array();
    for (const auto& [topic, count] : info.pub_counts) {
      json.begin_object().member("topic", topic).member("count", count).end_object();
    }
    json.end_array();
  }
  json.member("tls", info.tls)
      .member("tls_cipher_suite", info.tls_cipher_suite)
      .member("tls_version", info.tls_version)
      .member("tls_negotiated_protocol", info.tls_negotiated_protocol)
      .member("tls_negotiated_protocol_is_mutual", info.tls)
      .end_object();
}

void write_clients(JsonWriter& json, const std::vector<ClientReport>& clients) {
  json.begin_array();
  for (const ClientReport& client : clients) write_client(json, client);
  json.end_array();
}

void write_channel(JsonWriter& json, const ChannelReport& channel, bool with_clients) {
  const broker::ChannelStats& stats = channel.stats;
  json.begin_object()
      .member("channel_name", stats.name)
      .member("depth", stats.depth)
      .member("backend_depth", stats.backend_depth)
      .member("in_flight_count", stats.in_flight_count)
      .member("deferred_count", stats.deferred_count)
      .member("message_count", stats.message_count);
  if (stats.zone_local_count > 0) json.member("zone_local_msg_count", stats.zone_local_count);
  if (stats.region_local_count > 0) json.member("region_local_msg_count", stats.region_local_count);
  const std::uint64_t near_count = stats.zone_local_count + stats.region_local_count;
  if (stats.delivery_count > near_count)
    json.member("global_msg_count", stats.delivery_count - near_count);
  json.member("requeue_count", stats.requeue_count)
      .member("timeout_count", stats.timeout_count)
      .member("client_count", stats.client_count)
      .key("clients");
  if (with_clients) {
    write_clients(json, channel.clients);
  } else {
    json.null();
  }
  json.member("paused", stats.paused);
  if (stats.lost_count > 0) json.member("lost_count", stats.lost_count);
  write_latency(json, stats.e2e_processing_latency);
  json.end_object();
}

void write_topic(JsonWriter& json, const TopicReport& topic, bool with_clients) {
  const broker::TopicStats& stats = topic.stats;
  json.begin_object().member("topic_name", stats.name).key("channels").begin_array();
  for (const ChannelReport& channel : topic.channels) write_channel(json, channel, with_clients);
  json.end_array()
      .member("depth", stats.depth)
      .member("backend_depth", stats.backend_depth)
      .member("message_count", stats.message_count)
      .member("message_bytes", stats.message_bytes)
      .member("paused", stats.paused);
  if (stats.damaged_count > 0) json.member("damaged_count", stats.damaged_count);
  write_latency(json, stats.e2e_processing_latency);
  json.end_object();
}

void write_memory(JsonWriter& json, const MemoryStats& memory) {
  json.key("memory")
      .begin_object()
      .member("heap_objects", memory.heap_objects)
      .member("heap_idle_bytes", memory.heap_idle_bytes)
      .member("heap_in_use_bytes", memory.heap_in_use_bytes)
      .member("heap_released_bytes", memory.heap_released_bytes)
      .member("gc_pause_usec_100", 0)
      .member("gc_pause_usec_99", 0)
      .member("gc_pause_usec_95", 0)
      .member("next_gc_bytes", 0)
      .member("gc_total_runs", 0)
      .end_object();
}

}  // namespace

std::string write_stats_json(const StatsReport& report) {
  JsonWriter json;
  json.begin_object()
      .member("version", version())
      .member("health", report.health)
      .member("start_time", report.start_time.seconds())
      .key("topics");
  if (report.is_topic_unknown) {
    json.null();
  } else {
    json.begin_array();
    for (const TopicReport& topic : report.topics) write_topic(json, topic, report.with_clients);
    json.end_array();
  }
  if (report.memory) write_memory(json, *report.memory);
  json.key("producers");
  if (report.producers.empty()) {
    json.null();
  } else {
    write_clients(json, report.producers);
  }
  json.end_object();
  return json.take_text();
}

}  // namespace nsq::daemon
