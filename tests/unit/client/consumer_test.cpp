#include "client/consumer.h"

#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "client/client_error.h"
#include "support/catch.h"
#include "unit/client/fake_daemon.h"

using namespace nsq;
using namespace nsq::client;
using namespace nsq::test;
using namespace std::chrono_literals;

namespace {

using Lines = std::vector<std::string>;
constexpr const char* kId = "0123456789abcdef";

// A consumer of t/c on its own loop, which notes the bodies it gets and does what the test says
// with them.
struct Fixture {
  asio::io_context loop;
  Lines bodies;
  std::shared_ptr<Consumer> consumer;
  std::optional<Result<void>> started;
  std::function<void(std::span<const MessageHandle>)> on_messages = [](auto) {};
  bool stopped = false;

  explicit Fixture(Lines addresses, std::int64_t max_in_flight = 10) {
    ConsumerOptions options;
    options.topic = "t";
    options.channel = "c";
    options.addresses = std::move(addresses);
    options.max_in_flight = max_in_flight;
    options.first_reconnect_delay = 1ms;
    options.connection.client_id = "me";
    options.connection.user_agent = "test/1";
    consumer = std::make_shared<Consumer>(
        loop, options, [this](std::span<const Message> messages) { note(messages); },
        [](std::string_view) {});
  }

  void note(std::span<const Message> messages) {
    std::vector<MessageHandle> handles;
    for (const Message& message : messages) {
      bodies.emplace_back(message.body);
      handles.push_back(message.handle);
    }
    on_messages(handles);
  }

  static asio::awaitable<void> start(Fixture& self) {
    self.started = co_await self.consumer->start();
  }
  static asio::awaitable<void> stop(Fixture& self) {
    self.consumer->stop();
    co_await self.consumer->stopped(5s);
    self.stopped = true;
    self.loop.stop();
  }
  void stop_soon() { asio::co_spawn(loop, stop(*this), asio::detached); }
  // Runs until the consumer has stopped.
  void run() {
    asio::co_spawn(loop, start(*this), asio::detached);
    loop.run_for(5s);
  }
};

// Takes the opening of a consumer; returns SUB and RDY.
Lines take_subscription(FakeSession& session) {
  session.identify();
  Lines seen{session.line()};
  session.respond("OK");
  seen.push_back(session.line());
  return seen;
}

void append(Lines& to, const Lines& lines) {
  to.insert(to.end(), lines.begin(), lines.end());
}

}  // namespace

TEST_CASE("a consumer stops without leaving an answer unprocessed", "[client]") {
  FakeDaemon daemon({[](FakeSession& session) {
    Lines seen = take_subscription(session);
    session.deliver(kId, "hello");
    seen.push_back(session.line());
    session.respond("CLOSE_WAIT");
    seen.push_back(session.line());
    seen.push_back(session.line());
    return seen;
  }});
  Fixture fixture({daemon.address()});
  std::vector<MessageHandle> held;
  fixture.on_messages = [&](std::span<const MessageHandle> messages) {
    held.assign(messages.begin(), messages.end());
    fixture.stop_soon();
    asio::co_spawn(
        fixture.loop,
        [](Fixture& self, std::vector<MessageHandle>& answers) -> asio::awaitable<void> {
          asio::steady_timer timer(self.loop, 50ms);
          co_await timer.async_wait(asio::use_awaitable);
          self.consumer->finish(answers);
        }(fixture, held),
        asio::detached);
  };
  fixture.run();
  CHECK(fixture.stopped);
  CHECK(fixture.bodies == Lines{"hello"});
  CHECK(daemon.transcript() == Lines{"SUB t c", "RDY 10", "CLS", std::string("FIN ") + kId, "end"});
}

TEST_CASE("a consumer tells who it is and keeps to the daemon's RDY limit", "[client]") {
  FakeDaemon daemon({[](FakeSession& session) {
    Lines seen{session.identify(R"({"max_rdy_count":7})")};
    session.line();
    session.respond("OK");
    seen.push_back(session.line());
    session.deliver(kId, "stop");
    session.line();
    session.respond("CLOSE_WAIT");
    return seen;
  }});
  Fixture fixture({daemon.address()}, 100);
  fixture.on_messages = [&](std::span<const MessageHandle> messages) {
    fixture.consumer->requeue(messages, 0ms);
    fixture.stop_soon();
  };
  fixture.run();
  const Lines& seen = daemon.transcript();
  REQUIRE(seen.size() == 2);
  CHECK(seen[0].find(R"("client_id":"me")") != std::string::npos);
  CHECK(seen[0].find(R"("user_agent":"test/1")") != std::string::npos);
  CHECK(seen[0].find(R"("feature_negotiation":true)") != std::string::npos);
  CHECK(seen[1] == "RDY 7");
}

TEST_CASE("a lost connection is opened again", "[client]") {
  const auto lose = [](FakeSession& session) { return take_subscription(session); };
  FakeDaemon daemon({lose, lose, [](FakeSession& session) {
                       Lines seen = take_subscription(session);
                       session.deliver(kId, "at last");
                       append(seen, {session.line(), session.line()});
                       session.respond("CLOSE_WAIT");
                       return seen;
                     }});
  Fixture fixture({daemon.address()});
  fixture.on_messages = [&](std::span<const MessageHandle> messages) {
    fixture.consumer->finish(messages);
    fixture.stop_soon();
  };
  fixture.run();
  CHECK(fixture.stopped);
  CHECK(fixture.bodies == Lines{"at last"});
  CHECK(daemon.transcript() == Lines{"SUB t c", "RDY 10", "SUB t c", "RDY 10", "SUB t c", "RDY 10",
                                     std::string("FIN ") + kId, "CLS"});
}

TEST_CASE("daemons share max_in_flight, anew when one of them comes", "[client]") {
  const auto serve = [](FakeSession& session) {
    Lines seen = take_subscription(session);
    for (std::string line; (line = session.line()) != "CLS";) seen.push_back(line);
    session.respond("CLOSE_WAIT");
    return seen;
  };
  FakeDaemon first({serve});
  FakeDaemon second({[](FakeSession& session) {
    Lines seen = take_subscription(session);
    session.deliver(kId, "stop");
    append(seen, {session.line(), session.line()});
    session.respond("CLOSE_WAIT");
    return seen;
  }});
  Fixture fixture({first.address(), second.address()});
  fixture.on_messages = [&](std::span<const MessageHandle> messages) {
    fixture.consumer->finish(messages);
    fixture.stop_soon();
  };
  fixture.run();
  CHECK(fixture.stopped);
  CHECK(first.transcript() == Lines{"SUB t c", "RDY 10", "RDY 5"});
  CHECK(second.transcript()[1] == "RDY 5");
}

TEST_CASE("a daemon that cannot be reached at first is an error", "[client]") {
  Fixture fixture({"127.0.0.1:1"});
  fixture.run();
  REQUIRE(fixture.started);
  CHECK(!*fixture.started);
}

TEST_CASE("a message larger than any read arrives whole", "[client]") {
  const std::string large(1'000'000, 'x');
  FakeDaemon daemon({[&large](FakeSession& session) {
    take_subscription(session);
    session.deliver(kId, large);
    session.deliver(kId, "small");
    session.line();
    session.line();
    session.line();
    session.respond("CLOSE_WAIT");
    return Lines{session.line()};
  }});
  Fixture fixture({daemon.address()});
  fixture.on_messages = [&](std::span<const MessageHandle> messages) {
    fixture.consumer->finish(messages);
    if (fixture.bodies.size() == 2) fixture.stop_soon();
  };
  fixture.run();
  CHECK(fixture.stopped);
  CHECK(fixture.bodies == Lines{large, "small"});
  CHECK(daemon.transcript() == Lines{"end"});
}
