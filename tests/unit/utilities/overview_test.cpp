#include "utilities/overview.h"

#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "support/catch.h"

using namespace nsq;
using namespace std::chrono_literals;
using nsq::cluster::ChannelStats;
using nsq::cluster::NodeStats;
using nsq::cluster::TopicStats;
using nsq::utilities::Overview;

namespace {

// What one daemon says of a topic `t` with a channel `c`, each with as many messages.
NodeStats node(const std::string& name, std::int64_t messages, std::int64_t depth) {
  ChannelStats channel{
      .node = name, .topic = "t", .name = "c", .depth = depth, .message_count = messages};
  TopicStats topic{.node = name, .name = "t", .message_count = messages};
  topic.channels.push_back(std::move(channel));
  NodeStats stats;
  stats.stats.topics.push_back(std::move(topic));
  return stats;
}

constexpr Instant kStart(1000s);

}  // namespace

TEST_CASE("the first sample has no rates, the next those since then", "[utilities]") {
  Overview overview;
  const auto first = overview.add({node("a", 100, 10)}, kStart);
  REQUIRE(first.size() == 1);
  CHECK_FALSE(first[0].ingress);
  CHECK_FALSE(first[0].channels.at(0).egress);
  const auto second = overview.add({node("a", 130, 20)}, kStart + 2s);
  CHECK(second[0].ingress == 15.0);
  CHECK(second[0].channels.at(0).ingress == 15.0);
  CHECK(second[0].channels.at(0).egress == 10.0);
  const auto third = overview.add({node("a", 130, 0)}, kStart + 3s);
  CHECK(third[0].ingress == 0.0);
  CHECK(third[0].channels.at(0).egress == 20.0);
}

TEST_CASE("daemons add up", "[utilities]") {
  Overview overview;
  (void)overview.add({node("a", 100, 1), node("b", 10, 2)}, kStart);
  const auto topics = overview.add({node("a", 105, 3), node("b", 12, 4)}, kStart + 1s);
  REQUIRE(topics.size() == 1);
  CHECK(topics[0].ingress == 7.0);
  CHECK(topics[0].sum.message_count == 117);
  CHECK(topics[0].channels.at(0).sum.depth == 7);
  CHECK(topics[0].channels.at(0).egress == 3.0);
}

TEST_CASE("a daemon that comes, goes or starts anew has no part in the rates", "[utilities]") {
  Overview overview;
  (void)overview.add({node("a", 100, 0), node("b", 1000, 0)}, kStart);
  const auto without_b = overview.add({node("a", 101, 0)}, kStart + 1s);
  CHECK(without_b[0].ingress == 1.0);
  const auto with_b = overview.add({node("a", 102, 0), node("b", 1000, 0)}, kStart + 2s);
  CHECK(with_b[0].ingress == 1.0);
  const auto anew = overview.add({node("a", 5, 0), node("b", 1004, 0)}, kStart + 3s);
  CHECK(anew[0].ingress == 4.0);
  const auto alone = overview.add({node("a", 1, 0)}, kStart + 4s);
  CHECK_FALSE(alone[0].ingress);
}

TEST_CASE("topics and channels come by name", "[utilities]") {
  NodeStats sample;
  for (const char* topic : {"b", "a"}) {
    TopicStats stats{.node = "n", .name = topic};
    for (const char* channel : {"y", "x"}) {
      stats.channels.push_back({.node = "n", .topic = topic, .name = channel});
    }
    sample.stats.topics.push_back(std::move(stats));
  }
  Overview overview;
  const auto topics = overview.add({sample}, kStart);
  REQUIRE(topics.size() == 2);
  CHECK(topics[0].sum.name == "a");
  CHECK(topics[1].sum.name == "b");
  CHECK(topics[0].channels.at(0).sum.name == "x");
  CHECK(topics[0].channels.at(1).sum.name == "y");
}

TEST_CASE("the busiest topics come first where there is no room for all", "[utilities]") {
  const auto topic = [](const std::string& name, nsq::utilities::Rate ingress,
                        nsq::utilities::Rate egress) {
    nsq::utilities::TopicOverview made{.sum = {.name = name}, .ingress = ingress};
    made.channels.push_back({.egress = egress});
    return made;
  };
  std::vector<nsq::utilities::TopicOverview> topics{topic("idle", 0, 0), topic("fresh", {}, {}),
                                                    topic("in", 5, 0), topic("drained", 0, 7)};
  sort_by_traffic(topics);
  std::vector<std::string> names;
  for (const auto& each : topics) names.push_back(each.sum.name);
  CHECK(names == std::vector<std::string>{"drained", "in", "fresh", "idle"});
}

TEST_CASE("two samples at the same time have no rates, and no count is too large", "[utilities]") {
  constexpr auto kMost = std::numeric_limits<std::int64_t>::max();
  Overview overview;
  (void)overview.add({node("a", 0, kMost)}, kStart);
  const auto topics = overview.add({node("a", kMost, 0)}, kStart + 1s);
  CHECK(topics[0].channels.at(0).egress.value_or(0) > 1.8e19);
  CHECK_FALSE(overview.add({node("a", kMost, 0)}, kStart + 1s)[0].ingress);
}
