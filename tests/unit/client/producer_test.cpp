#include "nsq/producer.h"

#include <chrono>
#include <latch>
#include <string>
#include <thread>

#include "nsq/client_error.h"
#include "unit/client/client_fixture.h"

using namespace nsq;
using namespace nsq::test;
using namespace std::chrono_literals;

namespace {

struct ProducerFixture {
  ProducerOptions options;
  Notes log;
  Notes results;  // of the asynchronous publishes: "ok" or the error's text
  std::optional<Producer> producer;

  explicit ProducerFixture(Lines addresses) {
    options.addresses = std::move(addresses);
    options.config = quick_config();
    options.config.reconnect_delay = 5min;  // who cannot be reached stays out
    options.logging = {.level = LogLevel::Info, .sink = [this](LogLevel, std::string_view line) {
                         log.add(std::string(line));
                       }};
  }
  Producer& make() {
    auto made = Producer::create(options);
    REQUIRE(made);
    producer.emplace(std::move(*made));
    return *producer;
  }
  PublishCallback note() {
    return [this](const PublishResult& result) {
      results.add(result ? "ok" : result.error().code().message());
    };
  }
};

// Takes publishes until the client ends, and answers each.
Lines answer_all(FakeSession& session) {
  session.identify();
  Lines seen;
  for (std::string publish; (publish = session.publish()) != "end";) {
    seen.push_back(publish);
    session.respond("OK");
  }
  return seen;
}

const std::string kUnknown = make_error_code(ClientErrc::OutcomeUnknown).message();
const std::string kNotSent = make_error_code(ClientErrc::NotSent).message();
const std::string kRefused = make_error_code(ClientErrc::Refused).message();

}  // namespace

TEST_CASE("publishing waits for the daemon's answer", "[client]") {
  FakeDaemon daemon({answer_all});
  ProducerFixture fixture({daemon.address()});
  Producer& producer = fixture.make();
  CHECK(producer.publish("t", "one"));
  const Lines bodies{"a", "b"};
  CHECK(producer.multi_publish("t", bodies));
  CHECK(producer.deferred_publish("t", 1500ms, "later"));
  CHECK(producer.stats().commands == 3);
  producer.stop();
  CHECK(daemon.transcript() == Lines{"PUB t one",
                                     std::string("MPUB t \0\0\0\2\0\0\0\1a\0\0\0\1b", 21),
                                     "DPUB t 1500 later"});
  CHECK(producer.publish("t", "x").error() == ClientErrc::Stopped);
}

TEST_CASE("publishes go out ahead of their answers", "[client]") {
  FakeDaemon daemon({[](FakeSession& session) {
    session.identify();
    Lines seen{session.publish(), session.publish(), session.publish()};
    for (int i = 0; i < 3; ++i) session.respond("OK");
    seen.push_back(session.line());
    return seen;
  }});
  ProducerFixture fixture({daemon.address()});
  Producer& producer = fixture.make();
  for (const char* body : {"one", "two", "three"})
    producer.publish_async("t", body, fixture.note());
  REQUIRE(fixture.results.wait_for(3));
  producer.stop();
  CHECK(fixture.results.all() == Lines{"ok", "ok", "ok"});
  CHECK(daemon.transcript() == Lines{"PUB t one", "PUB t two", "PUB t three", "end"});
}

TEST_CASE("what makes no message is refused before it is sent", "[client]") {
  ProducerFixture fixture({"127.0.0.1:1"});
  Producer& producer = fixture.make();
  const Lines none;
  const Lines with_empty{"a", ""};
  CHECK(producer.publish("bad topic", "x").error() == ClientErrc::InvalidArgument);
  CHECK(producer.publish("t", "").error() == ClientErrc::InvalidArgument);
  CHECK(producer.multi_publish("t", none).error() == ClientErrc::InvalidArgument);
  CHECK(producer.multi_publish("t", with_empty).error() == ClientErrc::InvalidArgument);
  CHECK(producer.deferred_publish("t", -1s, "x").error() == ClientErrc::InvalidArgument);
  CHECK(!Producer::create(ProducerOptions{}));
}

TEST_CASE("a break leaves the answered stored and the others unknown", "[client]") {
  FakeDaemon daemon({[](FakeSession& session) {
    session.identify();
    for (int i = 0; i < 5; ++i) session.publish();
    session.respond("OK");
    session.respond("OK");
    return Lines{};
  }});
  ProducerFixture fixture({daemon.address()});
  Producer& producer = fixture.make();
  for (int i = 0; i < 5; ++i) producer.publish_async("t", "x", fixture.note());
  REQUIRE(fixture.results.wait_for(5));
  CHECK(fixture.results.all() == Lines{"ok", "ok", kUnknown, kUnknown, kUnknown});
}

TEST_CASE("an error frame refuses one publish, and its end leaves the rest unknown", "[client]") {
  FakeDaemon daemon({[](FakeSession& session) {
                       session.identify();
                       for (int i = 0; i < 3; ++i) session.publish();
                       session.refuse("E_BAD_TOPIC PUB topic name \"t\" is not valid");
                       return Lines{};
                     },
                     answer_all});
  ProducerFixture fixture({daemon.address()});
  Producer& producer = fixture.make();
  for (int i = 0; i < 3; ++i) producer.publish_async("t", "x", fixture.note());
  REQUIRE(fixture.results.wait_for(3));
  CHECK(fixture.results.all() == Lines{kRefused, kUnknown, kUnknown});
  CHECK(producer.publish("t", "the next one connects anew"));
  producer.stop();
  CHECK(daemon.transcript() == Lines{"PUB t the next one connects anew"});
}

TEST_CASE("a daemon that cannot be reached is remembered for a while", "[client]") {
  ProducerFixture fixture({"127.0.0.1:1"});
  Producer& producer = fixture.make();
  for (int i = 0; i < 2; ++i) {
    const auto result = producer.publish("t", "x");
    REQUIRE(!result);
    CHECK(result.error() == ClientErrc::NotSent);
    CHECK(result.error().context().find("connection refused") != std::string::npos);
  }
  CHECK(producer.ping().error() == ClientErrc::NotSent);
}

TEST_CASE("what was not sent goes to another daemon", "[client]") {
  const auto distribution = GENERATE(Distribution::RoundRobin, Distribution::PrimaryStandby);
  FakeDaemon daemon({answer_all});
  ProducerFixture fixture({"127.0.0.1:1", daemon.address()});
  fixture.options.distribution = distribution;
  Producer& producer = fixture.make();
  for (int i = 0; i < 4; ++i) CHECK(producer.publish("t", "x"));
  CHECK(producer.stats().failovers >= 1);
  producer.stop();
  CHECK(daemon.transcript().size() == 4);
}

TEST_CASE("a daemon that cannot store now is passed over", "[client]") {
  FakeDaemon full({[](FakeSession& session) {
    session.identify();
    Lines seen{session.publish()};
    session.refuse("E_PUB_FAILED PUB failed disk full");
    return seen;
  }});
  FakeDaemon other({answer_all});
  ProducerFixture fixture({full.address(), other.address()});
  fixture.options.distribution = Distribution::PrimaryStandby;
  Producer& producer = fixture.make();
  CHECK(producer.publish("t", "x"));
  CHECK(producer.publish("t", "y"));
  producer.stop();
  CHECK(full.transcript() == Lines{"PUB t x"});
  CHECK(other.transcript() == Lines{"PUB t x", "PUB t y"});
}

TEST_CASE("publishes take turns between daemons, or keep to the first", "[client]") {
  const bool in_turn = GENERATE(true, false);
  FakeDaemon first({answer_all});
  // A standby that is not needed is not even connected to.
  FakeDaemon second(in_turn ? std::vector<FakeDaemon::Script>{answer_all}
                            : std::vector<FakeDaemon::Script>{});
  ProducerFixture fixture({first.address(), second.address()});
  fixture.options.distribution = in_turn ? Distribution::RoundRobin : Distribution::PrimaryStandby;
  Producer& producer = fixture.make();
  for (int i = 0; i < 4; ++i) CHECK(producer.publish("t", "x"));
  CHECK(producer.stats().connections == (in_turn ? 2 : 1));
  producer.stop();
  CHECK(first.transcript().size() == (in_turn ? 2 : 4));
}

TEST_CASE("more publishes than allowed wait, or fail where that is asked for", "[client]") {
  const bool fails = GENERATE(true, false);
  std::latch go(1);
  FakeDaemon daemon({[&go](FakeSession& session) {
    session.identify();
    session.publish();
    session.publish();
    go.wait();
    session.respond("OK");
    session.respond("OK");
    if (session.publish() != "end") session.respond("OK");
    session.line();
    return Lines{};
  }});
  ProducerFixture fixture({daemon.address()});
  fixture.options.config.max_pending = 2;
  fixture.options.config.fail_when_full = fails;
  Producer& producer = fixture.make();
  producer.publish_async("t", "1", fixture.note());
  producer.publish_async("t", "2", fixture.note());
  std::thread later([&go] {
    std::this_thread::sleep_for(20ms);
    go.count_down();
  });
  const auto third = producer.publish("t", "3");
  later.join();
  CHECK(third.ok() == !fails);
  if (fails) CHECK(third.error() == ClientErrc::TooManyPending);
  REQUIRE(fixture.results.wait_for(2));
  producer.stop();
}

TEST_CASE("heartbeats without answers are as good as silence", "[client]") {
  FakeDaemon daemon({[](FakeSession& session) {
    session.identify();
    session.publish();
    try {
      for (int i = 0; i < 1'000'000; ++i) {
        session.heartbeat();
        std::this_thread::sleep_for(1ms);
      }
    } catch (const ConnectionLost&) {
      return Lines{"closed"};
    }
    return Lines{};
  }});
  ProducerFixture fixture({daemon.address()});
  fixture.options.config.publish_timeout = 200ms;
  const auto result = fixture.make().publish("t", "x");
  REQUIRE(!result);
  CHECK(result.error() == ClientErrc::OutcomeUnknown);
  CHECK(daemon.transcript() == Lines{"closed"});
}

TEST_CASE("an idle producer answers heartbeats", "[client]") {
  FakeDaemon daemon({[](FakeSession& session) {
    session.identify();
    session.heartbeat();
    return Lines{session.line()};
  }});
  ProducerFixture fixture({daemon.address()});
  Producer& producer = fixture.make();
  CHECK(producer.ping());
  CHECK(daemon.transcript() == Lines{"NOP"});
}

TEST_CASE("stopping waits for answers, and then for no more", "[client]") {
  std::latch received(1);
  FakeDaemon daemon({[&received](FakeSession& session) {
    session.identify();
    session.publish();
    received.count_down();
    session.is_closed_by_client();
    return Lines{};
  }});
  ProducerFixture fixture({daemon.address()});
  fixture.options.config.stop_timeout = 50ms;
  Producer& producer = fixture.make();
  producer.publish_async("t", "never answered", fixture.note());
  received.wait();
  producer.stop();
  CHECK(fixture.results.all() == Lines{kUnknown});
}

TEST_CASE("a callback may publish, but not wait", "[client]") {
  FakeDaemon daemon({answer_all});
  ProducerFixture fixture({daemon.address()});
  Producer& producer = fixture.make();
  producer.publish_async("t", "first", [&](const PublishResult&) {
    fixture.results.add(producer.publish("t", "x").error().context());
    producer.publish_async("t", "second", fixture.note());
  });
  REQUIRE(fixture.results.wait_for(2));
  CHECK(fixture.results.all() == Lines{"a publish that waits, within a callback", "ok"});
  producer.stop();
  CHECK(daemon.transcript() == Lines{"PUB t first", "PUB t second"});
}

TEST_CASE("many threads publish through one producer", "[client]") {
  FakeDaemon daemon({answer_all});
  ProducerFixture fixture({daemon.address()});
  Producer& producer = fixture.make();
  std::vector<std::thread> threads;
  std::atomic<int> stored{0};
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int k = 0; k < 50; ++k) stored += producer.publish("t", "x") ? 1 : 0;
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(stored == 200);
  producer.stop();
  CHECK(daemon.transcript().size() == 200);
}
