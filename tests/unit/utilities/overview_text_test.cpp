#include "utilities/overview_text.h"

#include <string>
#include <vector>

#include "support/catch.h"

using namespace nsq;
using namespace nsq::utilities;

namespace {

using Lines = std::vector<std::string>;

std::vector<TopicOverview> orders() {
  TopicOverview topic{.sum = {.name = "orders", .depth = 3, .message_count = 2000}};
  topic.ingress = 1234.4;
  ChannelOverview billing{.sum = {.name = "billing",
                                  .depth = 12,
                                  .backend_depth = 2,
                                  .in_flight_count = 5,
                                  .deferred_count = 6,
                                  .requeue_count = 7,
                                  .timeout_count = 8,
                                  .message_count = 1999,
                                  .client_count = 4,
                                  .paused = true}};
  billing.ingress = 1.25;
  topic.channels.push_back(std::move(billing));
  return {topic};
}

}  // namespace

TEST_CASE("an overview has a line for each topic and channel", "[utilities]") {
  CHECK(overview_lines(orders()) ==
        Lines{"topic, channel               in/s    out/s     depth in flight deferred clients",
              "orders                       1234                  3",
              "  billing                     1.2        -        12         5        6       4 "
              "paused"});
}

TEST_CASE("names from elsewhere do nothing to a terminal", "[utilities]") {
  std::vector<TopicOverview> topics(1);
  topics[0].sum.name = "\x1b[2Jx\n\xc3\xa4" + std::string(100, 'y');
  const Lines lines = overview_lines(topics);
  REQUIRE(lines.size() == 2);
  CHECK(lines[1].starts_with("?[2Jx???yyy"));
  CHECK(lines[1].find(std::string(60, 'y')) == std::string::npos);
  CHECK(printable("a\tb\x7f") == "a?b?");
}

TEST_CASE("an overview in JSON has all there is", "[utilities]") {
  const Timestamp taken(1'000'000'000);
  CHECK(overview_json(orders(), taken, {"who \"x\""}) ==
        R"({"time":"1970-01-01T00:00:01Z","topics":[{"topic_name":"orders","ingress":1234.4,)"
        R"("depth":3,"backend_depth":0,"message_count":2000,"paused":false,"channels":[)"
        R"({"channel_name":"billing","ingress":1.25,"egress":null,"depth":12,"backend_depth":2,)"
        R"("in_flight_count":5,"deferred_count":6,"message_count":1999,"requeue_count":7,)"
        R"("timeout_count":8,"client_count":4,"paused":true}]}],"errors":["who \"x\""]})"
        "\n");
  CHECK(overview_json({}, taken, {}) ==
        "{\"time\":\"1970-01-01T00:00:01Z\",\"topics\":[],\"errors\":[]}\n");
}

TEST_CASE("a screen is drawn over the one before, whichever is longer", "[utilities]") {
  Screen screen;
  CHECK(screen.draw({"a", "b"}, 24, 80) == "a\x1b[K\nb\x1b[K\n\x1b[J");
  CHECK(screen.draw({"c"}, 24, 80) == "\x1b[2Fc\x1b[K\n\x1b[J");
  CHECK(screen.draw({"d", "e"}, 24, 80) == "\x1b[1Fd\x1b[K\ne\x1b[K\n\x1b[J");
}

TEST_CASE("a screen never scrolls and never breaks a line", "[utilities]") {
  Screen screen;
  const std::string wide(100, 'w');
  CHECK(screen.draw({wide}, 24, 80) == std::string(79, 'w') + "\x1b[K\n\x1b[J");
  Screen low;
  CHECK(low.draw({"1", "2", "3", "4", "5"}, 5, 80) ==
        "1\x1b[K\n2\x1b[K\n3\x1b[K\n(2 more lines; --once shows all)\x1b[K\n\x1b[J");
}
