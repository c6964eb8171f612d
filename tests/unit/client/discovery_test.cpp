#include <atomic>
#include <chrono>
#include <string>

#include "http/router.h"
#include "http/server.h"
#include "net/event_loops.h"
#include "net/listener.h"
#include "support/quiet_log.h"
#include "unit/client/client_fixture.h"

using namespace nsq;
using namespace nsq::test;
using namespace std::chrono_literals;

namespace {

// A lookupd that answers /lookup with whatever the test says.
class FakeLookupd {
 public:
  FakeLookupd() {
    router_.add(http::Method::Get, "/lookup", [this](http::Exchange& exchange) {
      const std::lock_guard lock(mutex_);
      ++questions_;
      if (const auto secret = exchange.request.header("Authorization")) secret_ = *secret;
      if (status_ == 200) {
        exchange.response.text(answer_);
      } else {
        exchange.response.plain(status_, answer_);
      }
    });
    loops_.start();
    auto listener = net::Listener::open(loops_, net::Address::parse("127.0.0.1:0"));
    REQUIRE(listener);
    listener_ = std::move(*listener);
    listener_->start([this](net::Socket socket) { server_.serve(std::move(socket)); });
  }
  ~FakeLookupd() {
    listener_->close();
    server_.close();
    loops_.stop();
    loops_.join();
  }

  std::string address() const { return listener_->local_text(); }
  void answer(std::string text, int status = 200) {
    const std::lock_guard lock(mutex_);
    answer_ = std::move(text);
    status_ = status;
  }
  void name(const Lines& addresses) {
    std::string text = R"({"channels":[],"producers":[)";
    for (const std::string& daemon : addresses) {
      const std::size_t colon = daemon.rfind(':');
      if (!text.ends_with('[')) text += ",";
      text += R"({"broadcast_address":")" + daemon.substr(0, colon) + R"(","tcp_port":)" +
              daemon.substr(colon + 1) + "}";
    }
    answer(text + "]}");
  }
  int questions() {
    const std::lock_guard lock(mutex_);
    return questions_;
  }
  std::string secret() {
    const std::lock_guard lock(mutex_);
    return secret_;
  }

 private:
  QuietLog quiet_;
  std::mutex mutex_;
  std::string answer_ = "{}";
  int status_ = 200;
  int questions_ = 0;
  std::string secret_;
  http::Router router_;
  http::Server server_{router_};
  net::EventLoops loops_{1};
  std::unique_ptr<net::Listener> listener_;
};

// Delivers one message of this body, then waits to be let go.
FakeDaemon::Script deliver_one(const char* body) {
  return [body](FakeSession& session) {
    session.subscribe();
    session.deliver(kId, body);
    Lines seen;
    for (std::string line; (line = session.line()) != "end";) {
      if (line.starts_with("FIN")) seen.push_back(line);
      if (line == "CLS") session.respond("CLOSE_WAIT");
    }
    return seen;
  };
}

}  // namespace

TEST_CASE("the daemons of all lookupds are found", "[client]") {
  FakeDaemon first({deliver_one("from the first")});
  FakeDaemon second({deliver_one("from the second")});
  FakeLookupd one;
  FakeLookupd other;
  one.name({first.address()});
  other.name({second.address(), first.address()});
  ConsumerFixture fixture;
  fixture.options.config.auth_secret = "sesame";
  Consumer& consumer = fixture.make();
  REQUIRE(consumer.connect_to_lookupds({one.address(), "http://" + other.address() + "/lookup"}));
  CHECK(consumer.stats().connections == 2);
  REQUIRE(fixture.bodies.wait_for(2));
  fixture.stop();
  CHECK(first.transcript() == Lines{fin()});
  CHECK(second.transcript() == Lines{fin()});
  CHECK(one.secret() == "Bearer sesame");
}

TEST_CASE("daemons can be looked for without waiting for them", "[client]") {
  FakeDaemon daemon({deliver_one("hello")});
  FakeLookupd lookupd;
  lookupd.name({daemon.address()});
  ConsumerFixture fixture;
  Consumer& consumer = fixture.make();
  const auto refused = consumer.start_lookups({lookupd.address(), "noport"});
  REQUIRE_FALSE(refused);
  CHECK(refused.error() == ClientErrc::InvalidArgument);
  REQUIRE(consumer.start_lookups({lookupd.address()}));
  REQUIRE(fixture.bodies.wait_for(1));
  fixture.stop();
  CHECK(daemon.transcript() == Lines{fin()});
}

TEST_CASE("a daemon that comes later is found by the next poll", "[client]") {
  FakeDaemon daemon({deliver_one("hello")});
  FakeLookupd lookupd;
  lookupd.answer(R"({"message":"TOPIC_NOT_FOUND"})", 404);
  ConsumerFixture fixture;
  fixture.options.config.lookupd_poll_interval = 20ms;
  REQUIRE(fixture.make().connect_to_lookupd(lookupd.address()));
  CHECK(fixture.log.wait_for_text(
      R"(got response 404 Not Found "{\"message\":\"TOPIC_NOT_FOUND\"}")"));
  lookupd.name({daemon.address()});
  REQUIRE(fixture.bodies.wait_for(1));
  fixture.stop();
}

TEST_CASE("a lookupd that fails does not keep the others from being heard", "[client]") {
  FakeDaemon daemon({deliver_one("hello")});
  FakeLookupd good;
  FakeLookupd broken;
  good.name({daemon.address()});
  broken.answer("garbage");
  ConsumerFixture fixture;
  REQUIRE(fixture.make().connect_to_lookupds({broken.address(), "127.0.0.1:1", good.address()}));
  REQUIRE(fixture.bodies.wait_for(1));
  CHECK(fixture.log.wait_for_text("the answer is no JSON object"));
  CHECK(fixture.log.wait_for_text("connection refused"));
  fixture.stop();
}

TEST_CASE("a daemon that was lost is asked for soon, and not without end", "[client]") {
  const auto lose = [](FakeSession& session) {
    session.subscribe();
    return Lines{};
  };
  FakeDaemon daemon({lose, lose, deliver_one("back again")});
  FakeLookupd lookupd;
  lookupd.name({daemon.address()});
  ConsumerFixture fixture;
  fixture.options.config.lookupd_poll_interval = 5min;  // so that only losses lead to questions
  fixture.options.config.lookupd_poll_jitter = 0;
  REQUIRE(fixture.make().connect_to_lookupd(lookupd.address()));
  REQUIRE(fixture.bodies.wait_for(1));
  fixture.stop();
  CHECK(lookupd.questions() < 30);
}

TEST_CASE("a daemon that is found and cannot be reached is dialled again without a question",
          "[client]") {
  const auto refuse = [](FakeSession&) { return Lines{}; };
  FakeDaemon daemon({refuse, refuse, refuse, deliver_one("at last")});
  FakeLookupd lookupd;
  lookupd.name({daemon.address()});
  ConsumerFixture fixture;
  fixture.options.config.lookupd_poll_interval = 5min;  // there is no second question
  fixture.options.config.lookupd_poll_jitter = 1;
  REQUIRE(fixture.make().connect_to_lookupd(lookupd.address()));
  REQUIRE(fixture.bodies.wait_for(1));
  fixture.stop();
  CHECK(lookupd.questions() <= 2);
}

TEST_CASE("the discovery filter chooses among the daemons found", "[client]") {
  FakeDaemon daemon({deliver_one("hello")});
  FakeLookupd lookupd;
  lookupd.name({"127.0.0.1:1", daemon.address()});
  ConsumerFixture fixture;
  fixture.options.discovery_filter = [](std::vector<std::string> addresses) {
    std::erase(addresses, "127.0.0.1:1");
    return addresses;
  };
  REQUIRE(fixture.make().connect_to_lookupd(lookupd.address()));
  REQUIRE(fixture.bodies.wait_for(1));
  fixture.stop();
  CHECK(!fixture.log.all().empty());
  for (const std::string& line : fixture.log.all()) {
    CHECK(line.find("127.0.0.1:1)") == std::string::npos);
  }
}

TEST_CASE("lookupds can be removed, but for the last", "[client]") {
  FakeLookupd one;
  FakeLookupd other;
  ConsumerFixture fixture;
  Consumer& consumer = fixture.make();
  REQUIRE(consumer.connect_to_lookupds({one.address(), other.address()}));
  CHECK(!consumer.disconnect_from_lookupd("elsewhere:1"));
  CHECK(consumer.disconnect_from_lookupd(one.address()));
  CHECK(!consumer.disconnect_from_lookupd(other.address()));
  CHECK(!consumer.connect_to_lookupd("no port"));
}
