#include "cluster/merge.h"

#include "support/catch.h"

using namespace nsq::cluster;

namespace {

Latency latency_of(double value, std::int64_t count) {
  return {.count = count,
          .percentiles = {{.quantile = 0.99,
                           .average = value,
                           .min = value,
                           .max = value,
                           .count = count,
                           .value = value}}};
}

}  // namespace

TEST_CASE("latencies are averaged by their counts, between the least and the greatest",
          "[cluster]") {
  Latency sum;
  add_latency(sum, latency_of(300, 1));
  add_latency(sum, latency_of(100, 3));
  CHECK(sum.count == 4);
  REQUIRE(sum.percentiles.size() == 1);
  CHECK(sum.percentiles[0].average == 150);
  CHECK(sum.percentiles[0].min == 100);
  CHECK(sum.percentiles[0].max == 300);
  CHECK_FALSE(sum.percentiles[0].value);
}

TEST_CASE("latencies of nothing are zero", "[cluster]") {
  Latency sum;
  add_latency(sum, latency_of(0, 0));
  add_latency(sum, latency_of(0, 0));
  CHECK(sum.percentiles[0].average == 0);
}

TEST_CASE("a topic's sum leaves what each node says as it was", "[cluster]") {
  const auto node = [](std::string host, std::int64_t depth, bool paused) {
    return TopicStats{.node = host + ":4151",
                      .hostname = host,
                      .name = "t",
                      .depth = depth,
                      .paused = paused,
                      .channels = {{.node = host + ":4151",
                                    .hostname = host,
                                    .topic = "t",
                                    .name = "c",
                                    .depth = depth * 10,
                                    .client_count = 1}}};
  };
  const auto topic = merge_topic("t", {node("b", 2, false), node("a", 1, true)});
  CHECK(topic.node == "*");
  CHECK(topic.depth == 3);
  CHECK(topic.paused);
  REQUIRE(topic.nodes.size() == 2);
  CHECK(topic.nodes[0].hostname == "a");
  CHECK(topic.nodes[0].channels[0].depth == 10);
  REQUIRE(topic.channels.size() == 1);
  CHECK(topic.channels[0].depth == 30);
  CHECK(topic.channels[0].client_count == 2);
  CHECK(topic.channels[0].nodes.size() == 2);
  CHECK_FALSE(topic.channels[0].clients);
}

TEST_CASE("a channel's clients stand by node, and there the nearest first", "[cluster]") {
  const auto client = [](std::string id, std::string region, std::string zone) {
    return ClientStats{.node = "n:1",
                       .client_id = id,
                       .node_region = "here",
                       .node_zone = "z1",
                       .region = region,
                       .zone = zone};
  };
  ChannelStats far{.node = "n:1", .hostname = "n", .topic = "t", .name = "c"};
  far.clients = {client("far", "there", "z1"), client("region", "here", "z2"),
                 client("zone", "here", "z1")};
  ChannelStats other{.node = "a:1", .hostname = "x", .topic = "t", .name = "c"};
  other.clients = {ClientStats{.node = "a:1", .client_id = "other"}};
  const auto channel = merge_channel("t", "c", {far, other});
  std::vector<std::string> order;
  for (const ClientStats& each : *channel.clients) order.push_back(each.client_id);
  CHECK(order == std::vector<std::string>{"other", "zone", "region", "far"});
}
