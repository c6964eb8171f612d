#include "daemon/publish_api.h"

#include "api_fixture.h"
#include "support/catch.h"

using namespace nsq::daemon::test;
using nsq::broker::Durability;
using nsq::daemon::Options;

namespace {

Options small() {
  Options options;
  options.max_msg_size = 1000;
  options.max_body_size = 5000;
  return options;
}

// A binary batch: the count, then each message with its size.
std::string integer(int value) {
  std::string bytes;
  for (int shift = 24; shift >= 0; shift -= 8) bytes += static_cast<char>(value >> shift);
  return bytes;
}
std::string sized(const std::string& body) {
  return integer(static_cast<int>(body.size())) + body;
}

}  // namespace

TEST_CASE("a body is published as it is, and the topic made for it", "[daemon]") {
  ApiFixture api;
  CHECK(api.post("/pub?topic=t", std::string("any \0 bytes\n", 12)) == ok("OK"));
  CHECK(api.topic("t").message_count == 1);
  CHECK(api.topic("t").message_bytes == 12);
}

TEST_CASE("/pub looks at the body before it looks at its arguments", "[daemon]") {
  ApiFixture api(small());
  CHECK(api.post("/pub") == refused(400, "MSG_EMPTY"));
  CHECK(api.post("/pub?topic=%zz") == refused(400, "MSG_EMPTY"));
  CHECK(api.post("/pub", std::string(1001, 'x')) == refused(413, "MSG_TOO_BIG"));
  CHECK(api.post("/pub?topic=t;x", "x") == refused(400, "INVALID_REQUEST"));
  CHECK(api.post("/pub", "x") == refused(400, "MISSING_ARG_TOPIC"));
  CHECK(api.post("/pub?topic=", "x") == refused(400, "INVALID_TOPIC"));
  CHECK(api.post("/pub?topic=bad!", "x") == refused(400, "INVALID_TOPIC"));
  CHECK(api.post("/pub?topic=t", std::string(1000, 'x')) == ok("OK"));
}

TEST_CASE("a delay is a decimal number of milliseconds up to the limit", "[daemon]") {
  ApiFixture api;
  for (const char* delay : {"abc", "-1", "1.5", "", "3600001", "1s", "+", "+-1", "--1", " 1",
                            "9223372036854775807", "9223372036854775808"}) {
    INFO(delay);
    CHECK(api.post("/pub?topic=t&defer=" + std::string(delay), "x") ==
          refused(400, "INVALID_DEFER"));
  }
  // The topic is made before the delay is looked at.
  CHECK(api.topic("t").message_count == 0);
  for (const char* delay : {"0", "3600000", "%2B5"}) {
    CHECK(api.post("/pub?topic=t&defer=" + std::string(delay), "x") == ok("OK"));
  }
}

TEST_CASE("deferring has a limit of its own", "[daemon]") {
  Options options;
  options.max_defer_timeout = std::chrono::hours(2);
  ApiFixture api(options);
  CHECK(api.post("/pub?topic=t&defer=7200000", "x") == ok("OK"));
  CHECK(api.post("/pub?topic=t&defer=7200001", "x") == refused(400, "INVALID_DEFER"));
  CHECK(api.post("/mpub?topic=t&defer=7200000", "x") == ok("OK"));
}

TEST_CASE("a message that is deferred waits at its channels", "[daemon]") {
  ApiFixture api;
  api.post("/topic/create?topic=t");
  api.post("/channel/create?topic=t&channel=c");
  api.post("/pub?topic=t&defer=60000", "later");
  api.post("/mpub?topic=t&defer=60000", "later\ntoo\n");
  CHECK(api.topic("t").channels[0].deferred_count == 3);
  CHECK(api.topic("t").channels[0].depth == 0);
}

TEST_CASE("/mpub publishes each line that is not empty", "[daemon]") {
  ApiFixture api(small());
  CHECK(api.post("/mpub?topic=t", "a\n\nb\n\nc\r\n") == ok("OK"));
  CHECK(api.topic("t").message_count == 3);
  CHECK(api.topic("t").message_bytes == 4);
  CHECK(api.post("/mpub?topic=t&binary=0", "a\nb") == ok("OK"));
  CHECK(api.post("/mpub?topic=t&binary=false", "a") == ok("OK"));
  CHECK(api.topic("t").message_count == 6);
}

TEST_CASE("/mpub of nothing succeeds, and makes the topic", "[daemon]") {
  ApiFixture api;
  CHECK(api.post("/mpub?topic=t", "") == ok("OK"));
  CHECK(api.post("/mpub?topic=t", "\n\n") == ok("OK"));
  CHECK(api.topic("t").message_count == 0);
}

TEST_CASE("/mpub looks at its arguments before it looks into the body", "[daemon]") {
  ApiFixture api(small());
  CHECK(api.post("/mpub", std::string(5001, 'x')) == refused(413, "BODY_TOO_BIG"));
  CHECK(api.post("/mpub") == refused(400, "MISSING_ARG_TOPIC"));
  CHECK(api.post("/mpub?topic=%") == refused(400, "INVALID_REQUEST"));
  CHECK(api.post("/mpub?topic=bad!") == refused(400, "INVALID_TOPIC"));
  CHECK(api.post("/mpub?topic=t", "small\n" + std::string(1001, 'x')) ==
        refused(413, "MSG_TOO_BIG"));
  CHECK(api.topic("t").message_count == 0);
}

TEST_CASE("/mpub reads the protocol's batches", "[daemon]") {
  ApiFixture api(small());
  const std::string batch = integer(2) + sized("one\ntwo") + sized("x");
  CHECK(api.post("/mpub?topic=t&binary=true", batch) == ok("OK"));
  CHECK(api.post("/mpub?topic=t&binary=1", batch + "surplus") == ok("OK"));
  CHECK(api.post("/mpub?topic=t&binary=", batch) == ok("OK"));
  CHECK(api.post("/mpub?topic=t&binary=whatever", batch) == ok("OK"));
  CHECK(api.topic("t").message_count == 8);
}

TEST_CASE("/mpub refuses a batch that is not whole, and publishes none of it", "[daemon]") {
  ApiFixture api(small());
  const std::string target = "/mpub?topic=t&binary=true";
  for (const std::string& body :
       {std::string(), std::string(3, '\0'), integer(0), integer(-1), integer(1000)}) {
    CHECK(api.post(target, body) == refused(413, "BAD_BODY"));
  }
  for (const std::string& messages :
       {std::string(), integer(0), integer(-1), sized(std::string(1001, 'x')),
        integer(10) + "short", std::string("\0\0", 2)}) {
    CHECK(api.post(target, integer(1) + messages) == refused(413, "BAD_MESSAGE"));
  }
  CHECK(api.post(target, integer(2) + sized("good")) == refused(413, "BAD_MESSAGE"));
  CHECK(api.topic("t").message_count == 0);
}

TEST_CASE("a publish is answered when it is as durable as asked for", "[daemon]") {
  nsq::broker::Options durable;
  durable.durability = Durability::Fsync;
  ApiFixture api({}, durable);
  // The fixture does the storage work while it waits: without it, there is no answer.
  CHECK(api.post("/pub?topic=t", "x") == ok("OK"));
  CHECK(api.post("/pub?topic=t", "y") == ok("OK"));
  CHECK(api.topic("t").message_count == 2);
}

TEST_CASE("a publish that cannot be written is refused, and works again when it can", "[daemon]") {
  ApiFixture api;
  api.post("/pub?topic=t", "x");
  api.files.fail(nsq::test::MemoryFileSystem::Call::Write, 1, std::errc::no_space_on_device);
  CHECK(api.post("/pub?topic=t", "y") == refused(503, "EXITING"));
  CHECK(api.get("/ping").status == 500);
  CHECK(api.get("/ping").body.starts_with("NOK - "));
  CHECK(api.post("/pub?topic=t", "z") == ok("OK"));
  CHECK(api.get("/ping") == ok("OK"));
}
