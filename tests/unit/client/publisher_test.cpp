#include "client/publisher.h"

#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <memory>
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
using Bodies = std::vector<std::string_view>;

// Publishes each of the batches to topic "t" and waits for the answers.
asio::awaitable<void> publish_all(std::shared_ptr<Publisher> publisher, std::vector<Bodies> batches,
                                  Result<void>& result) {
  for (const Bodies& bodies : batches) {
    result = co_await publisher->publish("t", bodies);
    if (!result) co_return;
  }
  result = co_await publisher->drain();
  publisher->close();
}

Result<void> publish_to(const std::string& address, std::vector<Bodies> batches,
                        ConnectionOptions options = {}) {
  asio::io_context loop;
  auto publisher = std::make_shared<Publisher>(loop, address, options);
  Result<void> result = Error(ClientErrc::Silent, "the test took too long");
  asio::co_spawn(loop, publish_all(publisher, std::move(batches), result), asio::detached);
  loop.run_for(5s);
  return result;
}

std::string read_publish(FakeSession& session) {
  std::string command = session.line();
  return command + " " + session.body();
}

}  // namespace

TEST_CASE("publishes go out ahead of their answers", "[client]") {
  FakeDaemon daemon({[](FakeSession& session) {
    session.identify();
    Lines seen{read_publish(session), read_publish(session), read_publish(session)};
    for (int i = 0; i < 3; ++i) session.respond("OK");
    seen.push_back(session.line());
    return seen;
  }});
  CHECK(publish_to(daemon.address(), {{"one"}, {"two"}, {"a", "b"}}));
  CHECK(daemon.transcript() == Lines{"PUB t one", "PUB t two",
                                     std::string("MPUB t \0\0\0\2\0\0\0\1a\0\0\0\1b", 21), "end"});
}

TEST_CASE("a publish that is refused fails with the daemon's words", "[client]") {
  FakeDaemon daemon({[](FakeSession& session) {
    session.identify();
    read_publish(session);
    session.refuse("E_BAD_MESSAGE PUB message too big");
    return Lines();
  }});
  const auto result = publish_to(daemon.address(), {{"one"}});
  REQUIRE(!result);
  CHECK(result.error() == ClientErrc::Refused);
  CHECK(result.error().context() == "E_BAD_MESSAGE PUB message too big");
}

TEST_CASE("a connection lost with answers outstanding is a failure", "[client]") {
  FakeDaemon daemon({[](FakeSession& session) {
    session.identify();
    read_publish(session);
    return Lines();
  }});
  CHECK(!publish_to(daemon.address(), {{"one"}}));
}

TEST_CASE("heartbeats are answered between publishes and their answers", "[client]") {
  FakeDaemon daemon({[](FakeSession& session) {
    session.identify();
    Lines seen{read_publish(session)};
    session.respond("_heartbeat_");
    seen.push_back(session.line());
    session.respond("OK");
    return seen;
  }});
  CHECK(publish_to(daemon.address(), {{"one"}}));
  CHECK(daemon.transcript() == Lines{"PUB t one", "NOP"});
}

TEST_CASE("a daemon that refuses IDENTIFY or is not there is an error", "[client]") {
  FakeDaemon daemon({[](FakeSession& session) {
    session.line();
    session.body();
    session.refuse("E_BAD_BODY IDENTIFY no");
    return Lines();
  }});
  const auto refused = publish_to(daemon.address(), {{"one"}});
  REQUIRE(!refused);
  CHECK(refused.error().context() == "failed to IDENTIFY - E_BAD_BODY IDENTIFY no");
  const auto absent = publish_to("127.0.0.1:1", {{"one"}});
  REQUIRE(!absent);
  CHECK(absent.error().to_string() == "dial tcp 127.0.0.1:1: connect: connection refused");
}

TEST_CASE("a daemon that has gone silent is given up", "[client]") {
  FakeDaemon daemon({[](FakeSession& session) {
    session.identify();
    read_publish(session);
    return Lines{session.line()};
  }});
  ConnectionOptions options;
  options.read_timeout = 50ms;
  const auto result = publish_to(daemon.address(), {{"one"}}, options);
  REQUIRE(!result);
  CHECK(result.error() == ClientErrc::Silent);
  CHECK(daemon.transcript() == Lines{"end"});
}
