#include <string>
#include <vector>

#include "api_fixture.h"
#include "session_fixture.h"
#include "support/catch.h"
#include "support/quiet_log.h"

using namespace nsq::daemon::test;
using nsq::daemon::Options;
using namespace std::chrono_literals;

namespace {

using Frames = std::vector<std::string>;

}  // namespace

TEST_CASE("a daemon that drains refuses publishes", "[daemon]") {
  const nsq::test::QuietLog quiet;
  SessionFixture fixture;
  fixture.connect()->say(pub("known", "before"));
  fixture.broker.drain();
  CHECK(fixture.connect()->say(pub("known", "x")) == Frames{"E_PUB_FAILED PUB failed draining"});
  CHECK(fixture.connect()->say(mpub("new", {"x"})) == Frames{"E_MPUB_FAILED MPUB failed draining"});
  CHECK(fixture.connect()->say("DPUB known 1000\n" + sized("x")) ==
        Frames{"E_DPUB_FAILED DPUB failed draining"});
  CHECK(fixture.broker.find_topic("new") == nullptr);
}

TEST_CASE("a daemon that drains lets consumers finish", "[daemon]") {
  const nsq::test::QuietLog quiet;
  SessionFixture fixture;
  fixture.connect()->say(pub("t", "one") + pub("t", "two"));
  fixture.broker.create_channel("t", "c", fixture.now, nullptr);
  fixture.broker.drain();
  auto consumer = fixture.consumer("t", "c", 1);
  CHECK(fixture.broker.holds_messages());
  consumer->listen();
  consumer->say("FIN " + consumer->id() + "\n");
  consumer->say("REQ " + consumer->id() + " 60000\n");
  CHECK(fixture.broker.holds_messages());  // deferred
  fixture.advance(60s);
  consumer->listen();
  CHECK(fixture.broker.holds_messages());  // in flight
  consumer->say("FIN " + consumer->id() + "\n");
  CHECK_FALSE(fixture.broker.holds_messages());
}

TEST_CASE("a daemon that drains makes no topics and channels", "[daemon]") {
  const nsq::test::QuietLog quiet;
  SessionFixture fixture;
  fixture.consumer("t", "c", 0);
  fixture.broker.drain();
  CHECK(fixture.connect()->say("SUB t c\n") == Frames{"OK"});
  CHECK(fixture.connect()->say("SUB t other\n") == Frames{"E_SUB_FAILED SUB failed draining"});
  CHECK(fixture.connect()->say("SUB other c\n") == Frames{"E_SUB_FAILED SUB failed draining"});
  CHECK(fixture.broker.find_topic("other") == nullptr);
}

TEST_CASE("messages at a topic that nobody reads keep it from being drained", "[daemon]") {
  const nsq::test::QuietLog quiet;
  SessionFixture fixture;
  fixture.connect()->say(pub("t", "x"));
  fixture.broker.drain();
  CHECK(fixture.broker.holds_messages());
}

TEST_CASE("draining is asked for over HTTP, and seen there", "[daemon]") {
  ApiFixture api;
  int asked = 0;
  api.context.drain = [&] {
    ++asked;
    api.broker.drain();
  };
  CHECK(api.post("/topic/create?topic=known") == ok());
  CHECK(api.get("/config/drain") == ok("false"));
  CHECK_THAT(api.get("/info").body, Catch::Contains("\"draining\":false"));
  CHECK(api.ask("PUT", "/config/drain", "false") == refused(400, "INVALID_VALUE"));
  CHECK(asked == 0);
  CHECK(api.ask("PUT", "/config/drain") == ok("true"));
  CHECK(api.ask("PUT", "/config/drain", "true") == ok("true"));
  CHECK(asked == 2);
  CHECK_THAT(api.get("/info").body, Catch::Contains("\"draining\":true"));

  CHECK(api.post("/pub?topic=known", "x") == refused(503, "DRAINING"));
  CHECK(api.post("/mpub?topic=known", "x\ny") == refused(503, "DRAINING"));
  CHECK(api.post("/topic/create?topic=known") == ok());
  CHECK(api.post("/topic/create?topic=new") == refused(503, "DRAINING"));
  CHECK(api.post("/channel/create?topic=known&channel=c") == refused(503, "DRAINING"));
  CHECK(api.get("/ping") == ok("OK"));
}
