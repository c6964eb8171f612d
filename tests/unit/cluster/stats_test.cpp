#include "cluster/stats.h"

#include <limits>

#include "cluster/found.h"
#include "support/catch.h"

using namespace nsq::cluster;

TEST_CASE("a daemon's statistics are read into values", "[cluster]") {
  const auto stats = parse_stats(
      R"({"version":"1.3.0","health":"OK","start_time":7,"topics":[{"topic_name":"t","depth":5,
      "backend_depth":2,"message_count":18446744073709551615,"paused":true,"channels":[{
      "channel_name":"c","in_flight_count":3,"client_count":1,"clients":[{"client_id":"x",
      "ready_count":4,"tls":true}],"e2e_processing_latency":{"count":2,"percentiles":[
      {"quantile":0.5,"value":1500.5}]}}]}]})");
  REQUIRE(stats);
  CHECK(stats->version == "1.3.0");
  CHECK(stats->start_time == 7);
  REQUIRE(stats->topics.size() == 1);
  const TopicStats& topic = stats->topics[0];
  CHECK(topic.name == "t");
  CHECK(topic.depth == 5);
  CHECK(topic.paused);
  CHECK(topic.message_count == std::numeric_limits<std::int64_t>::max());
  REQUIRE(topic.channels.size() == 1);
  const ChannelStats& channel = topic.channels[0];
  CHECK(channel.topic == "t");
  CHECK(channel.in_flight_count == 3);
  REQUIRE(channel.clients);
  CHECK(channel.clients->at(0).client_id == "x");
  CHECK(channel.clients->at(0).tls);
  REQUIRE(channel.latency.percentiles.size() == 1);
  CHECK(channel.latency.percentiles[0].max == 1500.5);
  CHECK(channel.latency.percentiles[0].count == 2);
}

TEST_CASE("what is missing or of another type in statistics is its default", "[cluster]") {
  const auto stats = parse_stats(
      R"({"version":3,"topics":[{"depth":"many","channels":null},7,{"topic_name":"t"}]})");
  REQUIRE(stats);
  CHECK(stats->version.empty());
  REQUIRE(stats->topics.size() == 2);
  CHECK(stats->topics[0].depth == 0);
  CHECK(stats->topics[1].name == "t");
  CHECK_FALSE(parse_stats(R"({"topics":[{"channels":[{"clients":null}]}]})")
                  ->topics[0]
                  .channels[0]
                  .clients);
}

TEST_CASE("statistics with broken characters are read all the same", "[cluster]") {
  const auto stats = parse_stats("{\"topics\":[{\"topic_name\":\"a\xff\"}]}");
  REQUIRE(stats);
  CHECK(stats->topics[0].name == "a\xef\xbf\xbd");
}

TEST_CASE("statistics that are no JSON object are refused", "[cluster]") {
  for (const char* text : {"", "null", "[]", "{", "nsqd v1.3.0"}) {
    const auto stats = parse_stats(text);
    REQUIRE_FALSE(stats);
    CHECK(stats.error() == ClusterErrc::BadAnswer);
  }
}
