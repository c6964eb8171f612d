#include "admin/history.h"

#include <cmath>

#include "support/catch.h"

using namespace nsq::admin;
using nsq::Timestamp;
using nsq::cluster::NodeStats;

namespace {

constexpr std::int64_t kSecond = 1'000'000'000;

// One node with topic "t" and channel "c".
NodeStats node(std::int64_t port, std::int64_t messages, std::int64_t depth = 0) {
  NodeStats stats;
  stats.node = {.broadcast_address = "h", .http_port = port};
  stats.stats.topics = {{.name = "t",
                         .message_count = messages,
                         .channels = {{.topic = "t",
                                       .name = "c",
                                       .depth = depth,
                                       .in_flight_count = 2,
                                       .requeue_count = messages * 2,
                                       .message_count = messages,
                                       .client_count = 1}}}};
  return stats;
}

// A history with a sample every ten seconds.
struct HistoryFixture {
  explicit HistoryFixture(HistoryOptions options = {}) : history(options) {}
  void record(std::vector<NodeStats> nodes) {
    now = now + std::chrono::seconds(10);
    history.record(now, nodes);
  }
  Timestamp now{1000 * kSecond};
  History history;
};

const Subject kCluster{};
const Subject kTopic{.topic = "t"};
const Subject kChannel{.topic = "t", .channel = "c"};

}  // namespace

TEST_CASE("rates are what the counters of all nodes rose by", "[admin]") {
  HistoryFixture fixture;
  fixture.record({node(1, 100), node(2, 50)});
  CHECK(std::isnan(fixture.history.message_rate(kTopic)));
  fixture.record({node(1, 200), node(2, 60)});
  CHECK(fixture.history.message_rate(kTopic) == 11);
  CHECK(fixture.history.message_rate(kChannel) == 11);
  CHECK(fixture.history.message_rate(kCluster) == 11);
  CHECK(fixture.history.message_rate({.node = "h:2"}) == 1);
  CHECK(fixture.history.to_json(kChannel).find(R"("requeue_rate":[null,22])") != std::string::npos);
}

TEST_CASE("a node that restarts, goes or comes back makes no spike", "[admin]") {
  HistoryFixture fixture;
  fixture.record({node(1, 1'000'000), node(2, 500)});
  fixture.record({node(1, 1'000'000), node(2, 30)});  // the second has restarted
  CHECK(fixture.history.message_rate(kTopic) == 3);
  fixture.record({node(2, 30)});
  CHECK(fixture.history.message_rate(kTopic) == 0);
  fixture.record({node(1, 1'000'100), node(2, 30)});
  CHECK(fixture.history.message_rate(kTopic) == 0);
  fixture.record({node(1, 1'000'200), node(2, 30)});
  CHECK(fixture.history.message_rate(kTopic) == 10);
}

TEST_CASE("a topic that appears on a known node has counted from nothing", "[admin]") {
  HistoryFixture fixture;
  NodeStats empty = node(1, 0);
  empty.stats.topics.clear();
  fixture.record({empty});
  fixture.record({node(1, 70)});
  CHECK(fixture.history.message_rate(kTopic) == 7);
}

TEST_CASE("what was not heard of for a while has a gap", "[admin]") {
  HistoryFixture fixture;
  fixture.record({node(1, 0, 5)});
  fixture.record({});
  fixture.record({node(1, 0, 6)});
  const std::string json = fixture.history.to_json(kTopic);
  CHECK(json.find(R"("times":[1010,1020,1030])") != std::string::npos);
  CHECK(json.find(R"("depth":[5,null,6])") != std::string::npos);
}

TEST_CASE("only the latest samples are kept, and what is gone for all of them is forgotten",
          "[admin]") {
  HistoryFixture fixture({.samples = 3});
  for (int i = 1; i <= 5; ++i) fixture.record({node(1, 0, i)});
  CHECK(fixture.history.to_json(kTopic).find(R"("depth":[3,4,5])") != std::string::npos);
  CHECK(fixture.history.to_json(kTopic).find(R"("times":[1030,1040,1050])") != std::string::npos);
  CHECK(fixture.history.series_count() == 4);
  for (int i = 0; i < 4; ++i) fixture.record({});
  CHECK(fixture.history.series_count() == 0);
  CHECK(fixture.history.to_json(kTopic).find(R"("times":[])") != std::string::npos);
}

TEST_CASE("when there are too many series topics go before channels", "[admin]") {
  HistoryFixture fixture({.series = 3});
  fixture.record({node(1, 0)});
  CHECK(fixture.history.series_count() == 3);
  CHECK(fixture.history.to_json(kTopic).find(R"("times":[1010])") != std::string::npos);
  CHECK(fixture.history.to_json(kChannel).find(R"("times":[])") != std::string::npos);
}

TEST_CASE("an hour of a series takes 14.4 kB", "[admin]") {
  HistoryFixture fixture({.samples = 360, .series = 1});
  for (int i = 0; i < 1000; ++i) fixture.record({node(1, i)});
  CHECK(fixture.history.series_count() == 1);
  CHECK(360 * sizeof(History::Sample) == 14'400);
  CHECK(fixture.history.bytes() <= 2 * 14'400);  // a vector may have grown ahead
}

TEST_CASE("latencies are kept in milliseconds, by their quantile", "[admin]") {
  HistoryFixture fixture;
  NodeStats stats = node(1, 0);
  stats.stats.topics[0].channels[0].latency = {
      .count = 1, .percentiles = {{.quantile = 0.99, .average = 2.5e6, .count = 1}}};
  fixture.record({stats});
  CHECK(fixture.history.to_json(kChannel).find(R"("latency":[{"quantile":0.99,"values":[2.5]}])") !=
        std::string::npos);
}
