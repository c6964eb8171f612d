#include "daemon/statsd_report.h"

#include "support/catch.h"

using namespace nsq::daemon;
using nsq::broker::ChannelStats;
using nsq::broker::TopicStats;
using Packets = std::vector<std::string>;

namespace {

TopicStats topic(std::string name, std::uint64_t messages = 0) {
  TopicStats stats;
  stats.name = std::move(name);
  stats.message_count = messages;
  stats.message_bytes = 10 * messages;
  return stats;
}
ChannelStats channel(std::string name) {
  ChannelStats stats;
  stats.name = std::move(name);
  return stats;
}
StatsdReport report(std::size_t packet_bytes = 10'000, bool exclude_ephemeral = false) {
  return {"nsq.host.", packet_bytes, exclude_ephemeral};
}
std::string only(const Packets& packets) {
  REQUIRE(packets.size() == 1);
  return packets[0];
}

}  // namespace

TEST_CASE("statsd is told every number under its key, in order", "[statsd]") {
  TopicStats t = topic("t", 5);
  t.depth = 1;
  t.backend_depth = 2;
  t.e2e_processing_latency = {10, true, {{0.999, 1500.4}, {0.5, 700}}};
  ChannelStats c = channel("c#ephemeral");
  c.message_count = 3;
  c.depth = 4;
  c.backend_depth = 6;
  c.in_flight_count = 7;
  c.deferred_count = 8;
  c.requeue_count = 9;
  c.timeout_count = 10;
  c.client_count = 11;
  c.e2e_processing_latency = {10, true, {{0.99, 1500.9}}};
  t.channels.push_back(c);
  CHECK(only(report().next({t}, std::nullopt)) ==
        "nsq.host.topic.t.message_count:5|c\n"
        "nsq.host.topic.t.message_bytes:50|c\n"
        "nsq.host.topic.t.depth:1|g\n"
        "nsq.host.topic.t.backend_depth:2|g\n"
        "nsq.host.topic.t.e2e_processing_latency_100:1500|g\n"
        "nsq.host.topic.t.e2e_processing_latency_50:700|g\n"
        "nsq.host.topic.t.channel.c#ephemeral.message_count:3|c\n"
        "nsq.host.topic.t.channel.c#ephemeral.depth:4|g\n"
        "nsq.host.topic.t.channel.c#ephemeral.backend_depth:6|g\n"
        "nsq.host.topic.t.channel.c#ephemeral.in_flight_count:7|g\n"
        "nsq.host.topic.t.channel.c#ephemeral.deferred_count:8|g\n"
        "nsq.host.topic.t.channel.c#ephemeral.requeue_count:9|c\n"
        "nsq.host.topic.t.channel.c#ephemeral.timeout_count:10|c\n"
        "nsq.host.topic.t.channel.c#ephemeral.clients:11|g\n"
        "nsq.host.topic.t.channel.c#ephemeral.e2e_processing_latency_99:1500|g\n");
}

TEST_CASE("statsd is told of memory last, with 0 for what there is none of", "[statsd]") {
  MemoryStats memory;
  memory.heap_idle_bytes = 100;
  memory.heap_in_use_bytes = 200;
  CHECK(only(report().next({}, memory)) ==
        "nsq.host.mem.heap_objects:0|g\n"
        "nsq.host.mem.heap_idle_bytes:100|g\n"
        "nsq.host.mem.heap_in_use_bytes:200|g\n"
        "nsq.host.mem.heap_released_bytes:0|g\n"
        "nsq.host.mem.gc_pause_usec_100:0|g\n"
        "nsq.host.mem.gc_pause_usec_99:0|g\n"
        "nsq.host.mem.gc_pause_usec_95:0|g\n"
        "nsq.host.mem.next_gc_bytes:0|g\n"
        "nsq.host.mem.gc_runs:0|c\n");
  CHECK(report().next({}, std::nullopt).empty());
}

TEST_CASE("counters are told as what they grew by", "[statsd]") {
  StatsdReport statsd = report();
  const auto told = [&](const TopicStats& stats) {
    const std::string text = only(statsd.next({stats}, std::nullopt));
    return text.substr(0, text.find("\nnsq.host.topic.t.depth"));
  };
  CHECK(told(topic("t", 5)) ==
        "nsq.host.topic.t.message_count:5|c\nnsq.host.topic.t.message_bytes:50|c");
  CHECK(told(topic("t", 8)) ==
        "nsq.host.topic.t.message_count:3|c\nnsq.host.topic.t.message_bytes:30|c");
  CHECK(told(topic("t", 8)) ==
        "nsq.host.topic.t.message_count:0|c\nnsq.host.topic.t.message_bytes:0|c");
  // Deleted and made again.
  CHECK(told(topic("t", 2)) ==
        "nsq.host.topic.t.message_count:2|c\nnsq.host.topic.t.message_bytes:20|c");
  // Forgotten meanwhile.
  CHECK(statsd.next({}, std::nullopt).empty());
  CHECK(told(topic("t", 8)) ==
        "nsq.host.topic.t.message_count:8|c\nnsq.host.topic.t.message_bytes:80|c");
}

TEST_CASE("ephemeral topics and channels can be left out", "[statsd]") {
  TopicStats kept = topic("t");
  kept.channels = {channel("c#ephemeral"), channel("kept")};
  TopicStats ephemeral = topic("t#ephemeral");
  ephemeral.channels = {channel("c")};
  const std::string text = only(report(10'000, true).next({kept, ephemeral}, std::nullopt));
  CHECK(text.find("#ephemeral") == std::string::npos);
  CHECK_THAT(text, Catch::Contains("topic.t.channel.kept.depth"));
}

TEST_CASE("datagrams hold whole lines and stay below their limit", "[statsd]") {
  TopicStats t = topic("t");
  for (int i = 0; i < 20; ++i) t.channels.push_back(channel("channel" + std::to_string(i)));
  const auto packets = report(200).next({t}, std::nullopt);
  CHECK(packets.size() > 10);
  std::string all;
  for (const auto& packet : packets) {
    CHECK(packet.size() <= 200);
    CHECK(packet.back() == '\n');
    all += packet;
  }
  CHECK(all == only(report(100'000).next({t}, std::nullopt)));
  // A line that is longer by itself goes alone.
  const auto alone = report(1).next({topic("t")}, std::nullopt);
  CHECK(alone.size() == 4);
  CHECK(alone[0] == "nsq.host.topic.t.message_count:0|c\n");
}
