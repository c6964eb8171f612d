#include "admin/overview.h"

#include "support/catch.h"

using namespace nsq::admin;
using namespace nsq::cluster;

namespace {

// Two nodes that answer and one that does not.
Snapshot cluster_with(std::vector<ChannelStats> channels, std::int64_t topic_depth = 0) {
  Snapshot snapshot;
  for (std::int64_t port : {1, 2, 3}) {
    snapshot.nodes.push_back({.remote_addresses = {"l/x"},
                              .broadcast_address = "h",
                              .http_port = port,
                              .version = "1.4.0"});
  }
  snapshot.stats.push_back({snapshot.nodes[0], {.health = "OK"}});
  snapshot.stats.push_back({snapshot.nodes[1], {.health = "OK"}});
  snapshot.stats[0].stats.topics = {
      {.name = "t", .depth = topic_depth, .channels = std::move(channels)}};
  return snapshot;
}

std::vector<Trouble> kinds(const std::vector<Attention>& found) {
  std::vector<Trouble> all;
  for (const Attention& each : found) all.push_back(each.trouble);
  return all;
}

}  // namespace

TEST_CASE("nodes that do not answer come first, then what nobody reads, then what is deep",
          "[admin]") {
  const auto found = find_attention(
      cluster_with({{.name = "deep", .depth = 1000, .client_count = 1},
                    {.name = "less", .depth = 5},
                    {.name = "idle"},
                    {.name = "lonely", .depth = 7},
                    {.name = "held", .depth = 1, .client_count = 1, .paused = true}}),
      1000, 1);
  CHECK(kinds(found) == std::vector<Trouble>{Trouble::NodeUnreachable, Trouble::NoConsumers,
                                             Trouble::NoConsumers, Trouble::Deep,
                                             Trouble::ChannelPaused});
  CHECK(found[0].node == "h:3");
  CHECK(found[1].channel == "lonely");
  CHECK(found[1].value == 7);
  CHECK(found[2].channel == "less");
}

TEST_CASE("a channel's consumers on another node count", "[admin]") {
  Snapshot snapshot = cluster_with({{.name = "c", .depth = 5}});
  snapshot.nodes.pop_back();
  snapshot.stats[1].stats.topics = {{.name = "t", .channels = {{.name = "c", .client_count = 1}}}};
  CHECK(find_attention(snapshot, 1000, 1).empty());
}

TEST_CASE("messages that wait for a channel are told of", "[admin]") {
  Snapshot snapshot = cluster_with({}, 12);
  snapshot.nodes.pop_back();
  snapshot.stats[0].stats.topics[0].paused = true;
  const auto found = find_attention(snapshot, 1000, 1);
  CHECK(kinds(found) == std::vector<Trouble>{Trouble::NoChannels, Trouble::TopicPaused});
  CHECK(found[0].value == 12);
}

TEST_CASE("a node that is ill, behind, or not registered everywhere is told of", "[admin]") {
  Snapshot snapshot = cluster_with({});
  snapshot.nodes.pop_back();
  snapshot.nodes[0].version = "1.3.0";
  snapshot.stats[0].stats.health = "NOK - disk full";
  const auto found = find_attention(snapshot, 1000, 2);
  CHECK(kinds(found) == std::vector<Trouble>{Trouble::NodeUnhealthy, Trouble::Registration,
                                             Trouble::Registration, Trouble::Versions});
  CHECK(found[0].text == "NOK - disk full");
  CHECK(found[3].text == "1.3.0, 1.4.0");
}

TEST_CASE("the overview sums up and shows only the worst", "[admin]") {
  Snapshot snapshot = cluster_with({{.name = "a", .depth = 3}, {.name = "b", .depth = 4}}, 1);
  snapshot.idle_topics = {"idle"};
  const History history({});
  const std::string json = overview_json(
      snapshot, history, {.deep = 10, .lookupd_count = 1, .attention_rows = 1}, "WARNING: x");
  CHECK(json.find(R"("totals":{"depth":8,)") != std::string::npos);
  CHECK(json.find(R"("topic_count":2,"channel_count":2,"node_count":3)") != std::string::npos);
  CHECK(json.find(R"("attention_count":3,"attention":[{"kind":"node_unreachable",)") !=
        std::string::npos);
  CHECK(json.find("no_consumers") == std::string::npos);
  CHECK(json.find(R"({"topic_name":"idle",)") != std::string::npos);
  CHECK(json.ends_with(R"("message":"WARNING: x"})"));
}
