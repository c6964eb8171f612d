#include "daemon/lookup_peers.h"

#include "support/catch.h"
#include "support/cutting_proxy.h"
#include "support/fake_lookupd.h"
#include "unit/daemon/lookup_fixture.h"

using namespace std::chrono_literals;
using namespace nsq::daemon::test;
using nsq::test::CuttingProxy;
using nsq::test::FakeLookupd;

namespace {

std::size_t times(const FakeLookupd& lookupd, std::string_view line) {
  std::size_t count = 0;
  for (const auto& said : lookupd.said()) count += said == line ? 1 : 0;
  return count;
}

}  // namespace

TEST_CASE("a daemon introduces itself and registers what it has", "[daemon]") {
  FakeLookupd first;
  FakeLookupd second;
  LookupFixture fixture;
  fixture.create_channel("t", "c");
  fixture.report_to({first.address(), second.address(), ""});
  for (FakeLookupd* lookupd : {&first, &second}) {
    REQUIRE(eventually([&] { return lookupd->heard("REGISTER t c"); }));
    CHECK_THAT(lookupd->said().front(),
               Catch::StartsWith("IDENTIFY {") &&
                   Catch::Contains(R"("broadcast_address":"node.example")") &&
                   Catch::Contains(R"("tcp_port":4150)"));
  }
  fixture.create_topic("u");
  CHECK(eventually([&] { return first.heard("REGISTER u") && second.heard("REGISTER u"); }));
  fixture.delete_topic("t");
  CHECK(eventually([&] { return first.heard("UNREGISTER t") && second.heard("UNREGISTER t"); }));
}

TEST_CASE("a silent daemon pings", "[daemon]") {
  FakeLookupd lookupd;
  LookupFixture fixture;
  fixture.timings.ping_interval = 5ms;
  fixture.report_to({lookupd.address()});
  CHECK(eventually([&] { return times(lookupd, "PING") >= 3; }));
  CHECK(lookupd.connection_count() == 1);
}

TEST_CASE("after a lost connection everything is registered again", "[daemon]") {
  FakeLookupd lookupd;
  LookupFixture fixture;
  fixture.create_channel("t", "c");
  fixture.report_to({lookupd.address()});
  for (std::size_t connection = 1; connection <= 3; ++connection) {
    REQUIRE(eventually([&] { return times(lookupd, "REGISTER t c") == connection; }));
    lookupd.drop();
  }
  CHECK(eventually([&] { return lookupd.connection_count() >= 4; }));
}

TEST_CASE("a lookupd that does not answer is left, and tried again", "[daemon]") {
  FakeLookupd lookupd;
  lookupd.hang(true);
  LookupFixture fixture;
  fixture.timings.answer_limit = 20ms;
  fixture.create_channel("t", "c");
  fixture.report_to({lookupd.address()});
  REQUIRE(eventually([&] { return lookupd.connection_count() >= 3; }));
  CHECK_FALSE(lookupd.heard("REGISTER t c"));
  lookupd.hang(false);
  CHECK(eventually([&] { return lookupd.heard("REGISTER t c"); }));
}

TEST_CASE("a lookupd that talks nonsense is left, and tried again", "[daemon]") {
  const std::string nonsense =
      GENERATE(as<std::string>(), "HTTP/1.1 400 Bad Request\r\n\r\n", "\xff\xff\xff\xff",
               std::string("\0\0\0\2OK", 6), std::string("\0\0\0\2{}\0\0\0\2OK", 12),
               std::string("\0\0\0\x0f"
                           "E_INVALID nope!",
                           19));
  FakeLookupd lookupd;
  lookupd.answer_with(nonsense);
  LookupFixture fixture;
  fixture.create_channel("t", "c");
  fixture.report_to({lookupd.address()});
  REQUIRE(eventually([&] { return lookupd.connection_count() >= 3; }));
  lookupd.answer_with("");
  CHECK(eventually([&] { return lookupd.heard("REGISTER t c"); }));
}

TEST_CASE("lookupds come and go while the daemon runs", "[daemon]") {
  FakeLookupd first;
  FakeLookupd second;
  LookupFixture fixture;
  fixture.create_channel("t", "c");
  fixture.report_to({});
  fixture.peers->set_addresses({first.address()});
  REQUIRE(eventually([&] { return first.heard("REGISTER t c"); }));
  fixture.peers->set_addresses({first.address(), second.address()});
  REQUIRE(eventually([&] { return second.heard("REGISTER t c"); }));
  fixture.peers->set_addresses({second.address()});
  fixture.create_topic("u");
  REQUIRE(eventually([&] { return second.heard("REGISTER u"); }));
  CHECK_FALSE(first.heard("REGISTER u"));
  CHECK(first.connection_count() == 1);
  CHECK(second.connection_count() == 1);
}

TEST_CASE("a name is followed to every lookupd it stands for, and each is used once", "[daemon]") {
  // localhost is 127.0.0.1, and ::1 as well where there is IPv6; the lookupd listens on the former.
  FakeLookupd lookupd;
  LookupFixture fixture;
  fixture.create_channel("t", "c");
  fixture.report_to({"localhost:" + std::to_string(lookupd.tcp_port())});
  REQUIRE(eventually([&] { return lookupd.heard("REGISTER t c"); }));
  CHECK(lookupd.connection_count() == 1);
}

TEST_CASE("a new topic gets the channels it has elsewhere, and they get all of it", "[daemon]") {
  FakeLookupd first(R"({"channels":["a","b","tail#ephemeral","not valid!"]})");
  FakeLookupd second(R"({"channels":["b","c"]})");
  LookupFixture fixture;
  fixture.report_to({first.address(), second.address()});
  CHECK(fixture.publish("t", "one"));
  for (const char* channel : {"a", "b", "c"}) {
    CHECK(eventually([&] { return fixture.depth("t", channel) == 1; }));
  }
  CHECK(fixture.depth("t", "tail#ephemeral") == -1);
  CHECK(fixture.depth("t") == 0);
}

TEST_CASE("a lookupd that hangs delays a new topic's delivery only, and that within bounds",
          "[daemon]") {
  FakeLookupd hanging;
  FakeLookupd other(R"({"channels":["a"]})");
  hanging.hang_http(true);
  LookupFixture fixture;
  fixture.options.http_client_request_timeout = 200ms;
  fixture.report_to({hanging.address(), other.address()});
  CHECK(fixture.publish("t", "one"));
  CHECK(fixture.publish("t", "two"));
  CHECK(eventually([&] { return fixture.depth("t", "a") == 2; }));
}

TEST_CASE("a topic made before any lookupd has answered waits no longer than its time",
          "[daemon]") {
  FakeLookupd silent;
  silent.hang(true);
  LookupFixture fixture;
  fixture.options.http_client_request_timeout = 100ms;
  fixture.report_to({silent.address()});
  fixture.create_channel("t", "c");
  CHECK(fixture.publish("t", "one"));
  CHECK(eventually([&] { return fixture.depth("t", "c") == 1; }));
}

TEST_CASE("a topic is started at once where no lookupd can be reached", "[daemon]") {
  LookupFixture fixture;
  {
    FakeLookupd gone;
    fixture.report_to({gone.address()});
    REQUIRE(eventually([&] { return gone.connection_count() == 1; }));
  }
  fixture.create_channel("t", "c");
  CHECK(fixture.publish("t", "one"));
  CHECK(eventually([&] { return fixture.depth("t", "c") == 1; }));
}

TEST_CASE("answers that are no lists of channels are done without", "[daemon]") {
  const std::string nonsense = GENERATE(as<std::string>(), "", "[]", R"({"channels":[1]})");
  FakeLookupd lookupd(nonsense);
  LookupFixture fixture;
  fixture.report_to({lookupd.address()});
  fixture.create_channel("t", "c");
  CHECK(fixture.publish("t", "one"));
  CHECK(eventually([&] { return fixture.depth("t", "c") == 1; }));
}

TEST_CASE("a network that stalls, cuts or loses answers is got over", "[daemon]") {
  using State = CuttingProxy::State;
  FakeLookupd lookupd;
  CuttingProxy network(lookupd.tcp_port());
  LookupFixture fixture;
  fixture.timings.answer_limit = 50ms;
  fixture.timings.ping_interval = 20ms;
  fixture.create_channel("t", "c");
  fixture.report_to({network.address()});
  std::size_t registered = 0;
  for (const State state : {State::Stalled, State::Cut, State::SwallowsBack}) {
    REQUIRE(eventually([&] { return times(lookupd, "REGISTER t c") > registered; }));
    const int connections = network.connection_count();
    network.set(state);
    REQUIRE(eventually([&] { return network.connection_count() > connections; }));
    network.set(State::Open);
    registered = times(lookupd, "REGISTER t c");
    // What changes meanwhile is not lost.
    fixture.create_channel("t", "c" + std::to_string(registered));
  }
  CHECK(eventually([&] { return times(lookupd, "REGISTER t c") > registered; }));
  CHECK(eventually([&] { return lookupd.heard("REGISTER t c" + std::to_string(registered)); }));
}
