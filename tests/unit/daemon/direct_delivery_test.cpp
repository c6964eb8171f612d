#include "daemon/direct_delivery.h"

#include <asio/post.hpp>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "support/catch.h"
#include "unit/daemon/connection_fixture.h"
#include "unit/daemon/session_fixture.h"

using namespace nsq;
using namespace nsq::daemon;
using namespace nsq::daemon::test;

namespace {

std::string body_of(const std::string& message) {
  return message.substr(protocol::kMessageHeaderBytes);
}

// Keeps an event loop busy with nothing.
class BusyLoop {
 public:
  explicit BusyLoop(asio::io_context& loop) {
    asio::post(loop, [state = state_] {
      state->begun.set_value();
      state->over.get_future().wait();
    });
    state_->begun.get_future().wait();
  }
  ~BusyLoop() { state_->over.set_value(); }
  BusyLoop(const BusyLoop&) = delete;
  BusyLoop& operator=(const BusyLoop&) = delete;

 private:
  struct State {
    std::promise<void> begun, over;
  };
  const std::shared_ptr<State> state_ = std::make_shared<State>();
};

// A consumer and a publisher that live on different loops.
struct TwoLoops {
  ConnectionFixture daemon{{}, {}, 2};
  RawClient consumer{daemon, "  V2SUB t c\nRDY 100\n"};
  RawClient publisher{daemon};
  // Connections go to the loops in turn; the listener lives on the first.
  asio::io_context& consumers_loop = daemon.loops.loop(1);

  TwoLoops() {
    CHECK(consumer.next() == "OK");
    CHECK(publish("first") == "OK");
    CHECK(body_of(consumer.next()) == "first");
  }
  std::string publish(const std::string& body) {
    publisher.send(pub("t", body));
    return publisher.next();
  }
};

}  // namespace

TEST_CASE("a message goes to its consumer while the consumer's loop is busy", "[daemon]") {
  TwoLoops two;
  const BusyLoop busy(two.consumers_loop);
  for (const std::string body : {"second", "third"}) {
    std::this_thread::sleep_for(DirectDelivery::kRest);  // since the one before
    CHECK(two.publish(body) == "OK");
    CHECK(body_of(two.consumer.next()) == body);
  }
}

TEST_CASE("what is published in bulk is left to the consumer's own loop", "[daemon]") {
  TwoLoops two;
  {
    const BusyLoop busy(two.consumers_loop);
    std::string commands;
    for (std::size_t i = 0; i <= DirectDelivery::kMostMessages; ++i) commands += pub("t", "bulk");
    two.publisher.send(commands);
    for (std::size_t i = 0; i <= DirectDelivery::kMostMessages; ++i)
      CHECK(two.publisher.next() == "OK");
    CHECK(two.consumer.next(std::chrono::milliseconds(50)) == "<nothing>");
  }
  for (std::size_t i = 0; i <= DirectDelivery::kMostMessages; ++i)
    CHECK(body_of(two.consumer.next()) == "bulk");
}

TEST_CASE("what a consumer's socket does not take follows in order", "[daemon]") {
  TwoLoops two;
  constexpr int kMessages = 20;
  const auto body = [](int i) { return std::string(900'000, static_cast<char>('a' + i)); };
  for (int i = 0; i < kMessages; ++i) CHECK(two.publish(body(i)) == "OK");
  for (int i = 0; i < kMessages; ++i) CHECK(body_of(two.consumer.next()) == body(i));
}

TEST_CASE("a client may be its own consumer", "[daemon]") {
  ConnectionFixture daemon({}, {}, 2);
  RawClient client(daemon, "  V2SUB t c\nRDY 100\n");
  CHECK(client.next() == "OK");
  for (const std::string body : {"first", "second"}) {
    client.send(pub("t", body));
    CHECK(client.next() == "OK");
    CHECK(body_of(client.next()) == body);
  }
}

TEST_CASE("a message to many channels reaches the consumers of all of them", "[daemon]") {
  ConnectionFixture daemon({}, {}, 2);
  std::vector<std::unique_ptr<RawClient>> consumers;
  for (int i = 0; i < 12; ++i) {
    consumers.push_back(std::make_unique<RawClient>(
        daemon, "  V2SUB t channel" + std::to_string(i) + "\nRDY 100\n"));
    CHECK(consumers.back()->next() == "OK");
  }
  RawClient publisher(daemon);
  for (const std::string body : {"first", "second", "third"}) {
    publisher.send(pub("t", body));
    CHECK(publisher.next() == "OK");
    for (const auto& consumer : consumers) CHECK(body_of(consumer->next()) == body);
  }
}
