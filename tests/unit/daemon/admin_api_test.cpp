#include "daemon/admin_api.h"

#include "api_fixture.h"
#include "support/catch.h"

using namespace nsq::daemon::test;

TEST_CASE("a topic is made once, and remains as it is", "[daemon]") {
  ApiFixture api;
  CHECK(api.post("/topic/create?topic=t") == ok());
  api.post("/pub?topic=t", "x");
  CHECK(api.post("/topic/create?topic=t") == ok());
  CHECK(api.topic("t").depth == 1);
  CHECK(api.post("/topic/create?topic=e%23ephemeral") == ok());
}

TEST_CASE("topic endpoints check their argument", "[daemon]") {
  ApiFixture api;
  for (const std::string action : {"create", "delete", "empty", "pause", "unpause"}) {
    const std::string target = "/topic/" + action;
    INFO(target);
    CHECK(api.post(target) == refused(400, "MISSING_ARG_TOPIC"));
    CHECK(api.post(target + "?topic=%zz") == refused(400, "INVALID_REQUEST"));
    const bool checks_name = action == "create" || action == "empty";
    CHECK(api.post(target + "?topic=bad!") ==
          (checks_name ? refused(400, "INVALID_TOPIC") : refused(404, "TOPIC_NOT_FOUND")));
    if (action != "create") {
      CHECK(api.post(target + "?topic=nope") == refused(404, "TOPIC_NOT_FOUND"));
    }
  }
}

TEST_CASE("channel endpoints check their arguments in order", "[daemon]") {
  ApiFixture api;
  api.post("/topic/create?topic=t");
  for (const std::string action : {"create", "delete", "empty", "pause", "unpause"}) {
    const std::string target = "/channel/" + action;
    INFO(target);
    CHECK(api.post(target + "?topic=t;") == refused(400, "INVALID_REQUEST"));
    CHECK(api.post(target) == refused(400, "MISSING_ARG_TOPIC"));
    CHECK(api.post(target + "?topic=") == refused(400, "INVALID_ARG_TOPIC"));
    CHECK(api.post(target + "?topic=nope") == refused(400, "MISSING_ARG_CHANNEL"));
    CHECK(api.post(target + "?topic=nope&channel=c!") == refused(400, "INVALID_ARG_CHANNEL"));
    CHECK(api.post(target + "?topic=nope&channel=c") == refused(404, "TOPIC_NOT_FOUND"));
    if (action != "create") {
      CHECK(api.post(target + "?topic=t&channel=nope") == refused(404, "CHANNEL_NOT_FOUND"));
    }
  }
}

TEST_CASE("topics and channels are paused, emptied and deleted", "[daemon]") {
  ApiFixture api;
  api.post("/topic/create?topic=t");
  CHECK(api.post("/channel/create?topic=t&channel=c") == ok());
  CHECK(api.post("/channel/create?topic=t&channel=c") == ok());
  CHECK(api.post("/channel/pause?topic=t&channel=c") == ok());
  CHECK(api.topic("t").channels[0].paused);
  CHECK(api.post("/channel/unpause?topic=t&channel=c") == ok());
  CHECK_FALSE(api.topic("t").channels[0].paused);

  CHECK(api.post("/topic/pause?topic=t") == ok());
  api.post("/pub?topic=t", "x");
  CHECK(api.topic("t").depth == 1);
  CHECK(api.post("/topic/empty?topic=t") == ok());
  CHECK(api.topic("t").depth == 0);
  CHECK(api.post("/topic/unpause?topic=t") == ok());

  api.post("/pub?topic=t", "x");
  CHECK(api.topic("t").channels[0].depth == 1);
  CHECK(api.post("/channel/empty?topic=t&channel=c") == ok());
  CHECK(api.topic("t").channels[0].depth == 0);
  CHECK(api.post("/channel/delete?topic=t&channel=c") == ok());
  CHECK(api.topic("t").channels.empty());
  CHECK(api.post("/topic/delete?topic=t") == ok());
  CHECK_FALSE(api.has_topic("t"));
}

TEST_CASE("what is answered is on disk", "[daemon]") {
  ApiFixture api;
  api.post("/topic/create?topic=t");
  api.post("/channel/create?topic=t&channel=c");
  api.post("/channel/pause?topic=t&channel=c");
  const auto later = api.files.after_kill();
  nsq::broker::Broker restarted(
      {}, "data", "1.4.0", *later, api.work, [](nsq::Instant) {}, 2);
  REQUIRE(restarted.load(nsq::Moment::now()));
  const auto topics = restarted.stats({}, nsq::Moment::now());
  REQUIRE(topics.size() == 1);
  REQUIRE(topics[0].channels.size() == 1);
  CHECK(topics[0].channels[0].paused);
}

TEST_CASE("names from before version 1 are not found", "[daemon]") {
  ApiFixture api;
  for (const char* path : {"/put", "/mput", "/create_topic", "/delete_channel", "/", "/stats/x"}) {
    CHECK(api.post(path, "x") == refused(404, "NOT_FOUND"));
  }
}
