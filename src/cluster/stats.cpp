#include "cluster/stats.h"

#include "cluster/document.h"
#include "cluster/found.h"

namespace nsq::cluster {
namespace {

using Object = simdjson::dom::object;

Latency read_latency(const Object& parent) {
  Latency latency;
  Object object;
  if (parent["e2e_processing_latency"].get(object) != simdjson::SUCCESS) return latency;
  latency.count = integer_of(object, "count");
  for_each_object(object, "percentiles", [&](const Object& entry) {
    const double value = number_of(entry, "value");
    latency.percentiles.push_back({.quantile = number_of(entry, "quantile"),
                                   .average = value,
                                   .min = value,
                                   .max = value,
                                   .count = latency.count,
                                   .value = value});
  });
  return latency;
}

std::string copy_of(const Object& object, std::string_view name) {
  return std::string(text_of(object, name));
}

ClientStats read_client(const Object& object) {
  return {
      .remote_address = copy_of(object, "remote_address"),
      .version = copy_of(object, "version"),
      .client_id = copy_of(object, "client_id"),
      .hostname = copy_of(object, "hostname"),
      .user_agent = copy_of(object, "user_agent"),
      .connect_ts = integer_of(object, "connect_ts"),
      .in_flight_count = integer_of(object, "in_flight_count"),
      .ready_count = integer_of(object, "ready_count"),
      .finish_count = integer_of(object, "finish_count"),
      .requeue_count = integer_of(object, "requeue_count"),
      .message_count = integer_of(object, "message_count"),
      .sample_rate = integer_of(object, "sample_rate"),
      .deflate = flag_of(object, "deflate"),
      .snappy = flag_of(object, "snappy"),
      .authed = flag_of(object, "authed"),
      .auth_identity = copy_of(object, "auth_identity"),
      .auth_identity_url = copy_of(object, "auth_identity_url"),
      .region = copy_of(object, "topology_region"),
      .zone = copy_of(object, "topology_zone"),
      .tls = flag_of(object, "tls"),
      .tls_cipher_suite = copy_of(object, "tls_cipher_suite"),
      .tls_version = copy_of(object, "tls_version"),
      .tls_negotiated_protocol = copy_of(object, "tls_negotiated_protocol"),
      .tls_negotiated_protocol_is_mutual = flag_of(object, "tls_negotiated_protocol_is_mutual")};
}

ChannelStats read_channel(const Object& object) {
  ChannelStats channel{.name = copy_of(object, "channel_name"),
                       .depth = integer_of(object, "depth"),
                       .backend_depth = integer_of(object, "backend_depth"),
                       .in_flight_count = integer_of(object, "in_flight_count"),
                       .deferred_count = integer_of(object, "deferred_count"),
                       .requeue_count = integer_of(object, "requeue_count"),
                       .timeout_count = integer_of(object, "timeout_count"),
                       .message_count = integer_of(object, "message_count"),
                       .zone_local_count = integer_of(object, "zone_local_msg_count"),
                       .region_local_count = integer_of(object, "region_local_msg_count"),
                       .global_count = integer_of(object, "global_msg_count"),
                       .client_count = integer_of(object, "client_count"),
                       .paused = flag_of(object, "paused"),
                       .latency = read_latency(object)};
  simdjson::dom::array clients;
  if (object["clients"].get(clients) == simdjson::SUCCESS) {
    channel.clients.emplace();
    for_each_object(object, "clients",
                    [&](const Object& client) { channel.clients->push_back(read_client(client)); });
  }
  return channel;
}

TopicStats read_topic(const Object& object) {
  TopicStats topic{.name = copy_of(object, "topic_name"),
                   .depth = integer_of(object, "depth"),
                   .backend_depth = integer_of(object, "backend_depth"),
                   .message_count = integer_of(object, "message_count"),
                   .zone_local_count = integer_of(object, "zone_local_msg_count"),
                   .region_local_count = integer_of(object, "region_local_msg_count"),
                   .global_count = integer_of(object, "global_msg_count"),
                   .paused = flag_of(object, "paused"),
                   .latency = read_latency(object)};
  for_each_object(object, "channels", [&](const Object& channel) {
    topic.channels.push_back(read_channel(channel));
    topic.channels.back().topic = topic.name;
  });
  return topic;
}

}  // namespace

Result<DaemonStats> parse_stats(std::string_view json) {
  Document document;
  if (!document.parse(json)) return Error(ClusterErrc::BadAnswer, "not JSON");
  const Object& root = document.root();
  DaemonStats stats{.version = copy_of(root, "version"),
                    .health = copy_of(root, "health"),
                    .start_time = integer_of(root, "start_time")};
  for_each_object(root, "topics",
                  [&](const Object& topic) { stats.topics.push_back(read_topic(topic)); });
  return stats;
}

}  // namespace nsq::cluster
