#include "daemon/client_connection.h"

#include <atomic>
#include <chrono>
#include <latch>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "support/catch.h"
#include "support/wire_client.h"
#include "unit/daemon/connection_fixture.h"
#include "unit/daemon/session_fixture.h"

using namespace nsq;
using namespace nsq::daemon;
using namespace nsq::daemon::test;
using namespace std::chrono_literals;

namespace {

std::string body_of(const std::string& message) {
  return message.substr(protocol::kMessageHeaderBytes);
}
std::string id_of(const std::string& message) {
  return message.substr(10, protocol::kMessageIdBytes);
}

}  // namespace

TEST_CASE("magic, SUB and RDY may come in one packet, or byte by byte", "[daemon]") {
  ConnectionFixture daemon;
  const std::string text = "  V2SUB t c\nRDY 1\n" + pub("t", "hello");
  RawClient whole(daemon, text);
  CHECK(whole.next() == "OK");
  CHECK(whole.next() == "OK");
  const std::string message = whole.next();
  CHECK(body_of(message) == "hello");
  whole.send("FIN " + id_of(message) + "\n");
  RawClient pieces(daemon, "");
  for (const char byte : text) {
    pieces.send(std::string(1, byte));
    std::this_thread::sleep_for(1ms);
  }
  CHECK(pieces.next() == "OK");
  CHECK(pieces.next() == "OK");
}

TEST_CASE("a command shorter than the magic is not waited for any longer", "[daemon]") {
  ConnectionFixture daemon;
  RawClient client(daemon, "  V2");
  client.send("\n");
  CHECK(client.next() == "E_INVALID invalid command ");
}

TEST_CASE("who does not speak V2 is told so and left", "[daemon]") {
  ConnectionFixture daemon;
  for (const std::string magic : {"  V1", "GET / HTTP/1.1\r\n\r\n"}) {
    RawClient client(daemon, magic);
    CHECK(client.next() == "E_BAD_PROTOCOL");
    CHECK(client.next() == "<closed>");
  }
  RawClient silent(daemon, "  V");
  silent.finish_sending();
  CHECK(silent.next() == "<closed>");
  CHECK(
      daemon.eventually([&] { return daemon.service->closed_count(CloseReason::BadMagic) == 2; }));
}

TEST_CASE("a client sees its fatal error even while it goes on sending", "[daemon]") {
  ConnectionFixture daemon;
  RawClient client(daemon);
  client.send("PUB t\n" + be32(3'000'000) + std::string(3'000'000, 'x'));
  CHECK(client.next() == "E_BAD_MESSAGE PUB message too big 3000000 > 1048576");
  CHECK(client.next() == "<closed>");
}

TEST_CASE("an over-long line ends the connection without a word", "[daemon]") {
  ConnectionFixture daemon;
  RawClient client(daemon);
  client.send(std::string(40'000, 'A'));
  CHECK(client.next() == "<closed>");
}

TEST_CASE("a client that closes its half still gets every answer", "[daemon]") {
  ConnectionFixture daemon;
  RawClient client(daemon);
  std::string text;
  for (int i = 0; i < 2000; ++i) text += pub("t", std::string(100, 'x'));
  client.send(text);
  client.finish_sending();
  for (int i = 0; i < 2000; ++i) REQUIRE(client.next() == "OK");
  CHECK(client.next() == "<closed>");
}

TEST_CASE("the end of the stream within a body is an error, within a line it is not", "[daemon]") {
  ConnectionFixture daemon;
  RawClient client(daemon);
  client.send("PUB t\n" + be32(10) + "abc");
  client.finish_sending();
  CHECK(client.next() == "E_BAD_MESSAGE PUB failed to read message body");
  CHECK(client.next() == "<closed>");
  RawClient other(daemon);
  other.send("PUB t");
  other.finish_sending();
  CHECK(other.next() == "<closed>");
}

TEST_CASE("a connection is known from its start to its end", "[daemon]") {
  ConnectionFixture daemon;
  {
    RawClient client(daemon);
    client.send("IDENTIFY\n" + sized(R"({"client_id":"me"})"));
    CHECK(client.next() == "OK");
    const auto connections = daemon.service->connections();
    REQUIRE(connections.size() == 1);
    CHECK(connections[0]->info().client_id == "me");
    CHECK(connections[0]->info().remote_address.starts_with("127.0.0.1:"));
  }
  CHECK(daemon.eventually([&] { return daemon.service->connections().empty(); }));
  CHECK(daemon.eventually(
      [&] { return daemon.service->closed_count(CloseReason::ClientLeft) == 1; }));
}

TEST_CASE("closing all closes each without a word, also those that come later", "[daemon]") {
  ConnectionFixture daemon;
  RawClient idle(daemon);
  RawClient consumer(daemon);
  consumer.send("SUB t c\nRDY 1\n");
  CHECK(consumer.next() == "OK");
  daemon.service->close_all();
  CHECK(idle.next() == "<closed>");
  CHECK(consumer.next() == "<closed>");
  RawClient late(daemon);
  CHECK(late.next().starts_with("<"));
  CHECK(daemon.eventually([&] { return daemon.service->connections().empty(); }));
}

TEST_CASE("the consumers of a deleted channel are cut off", "[daemon]") {
  ConnectionFixture daemon;
  RawClient consumer(daemon);
  consumer.send("SUB t c\n");
  CHECK(consumer.next() == "OK");
  daemon.broker.delete_channel("t", "c", Moment::now(), [](const Result<void>&) {});
  CHECK(consumer.next() == "<closed>");
  CHECK(daemon.eventually(
      [&] { return daemon.service->closed_count(CloseReason::ChannelDeleted) == 1; }));
}

TEST_CASE("the largest batch goes through, and the buffer for it is given back", "[daemon]") {
  ConnectionFixture daemon;
  RawClient client(daemon);
  client.send("SUB t c\n" + mpub("t", std::vector<std::string>(4, std::string(1'000'000, 'm'))));
  CHECK(client.next() == "OK");
  CHECK(client.next() == "OK");
  client.send("RDY 10\n");
  for (int i = 0; i < 4; ++i) CHECK(body_of(client.next()) == std::string(1'000'000, 'm'));
}

TEST_CASE("a client that does not read its answers is not read from either", "[daemon]") {
  ConnectionFixture daemon;
  RawClient client(daemon);
  // With so few heartbeats that none comes in between on a slow machine.
  client.send("IDENTIFY\n" + sized(R"({"heartbeat_interval":60000})") + "SUB t c\n");
  CHECK(client.next() == "OK");
  CHECK(client.next() == "OK");
  // Each of these is answered with an error of about 60 bytes, which nobody reads.
  const std::string line = "FIN 0000000000000000\n";
  constexpr int kLines = 400'000;
  std::thread sender([&] {
    std::string text;
    for (int i = 0; i < 1000; ++i) text += line;
    for (int i = 0; i < kLines / 1000; ++i) client.send(text);
  });
  std::this_thread::sleep_for(300ms);
  int answers = 0;
  while (answers < kLines && client.next().starts_with("E_FIN_FAILED")) ++answers;
  sender.join();
  CHECK(answers == kLines);
}

TEST_CASE("a consumer that reads late gets everything, and others are not held up", "[daemon]") {
  ConnectionFixture daemon;
  RawClient late(daemon);
  late.send("SUB t late\nRDY 2500\n");
  CHECK(late.next() == "OK");
  RawClient prompt(daemon);
  prompt.send("SUB t prompt\nRDY 2500\n");
  CHECK(prompt.next() == "OK");
  RawClient producer(daemon);
  for (int i = 0; i < 20; ++i) {
    producer.send(mpub("t", std::vector<std::string>(100, std::string(10'000, 'x'))));
    REQUIRE(producer.next() == "OK");
  }
  for (int i = 0; i < 2000; ++i) REQUIRE(body_of(prompt.next()).size() == 10'000);
  for (int i = 0; i < 2000; ++i) REQUIRE(body_of(late.next()).size() == 10'000);
}

TEST_CASE("every message reaches exactly one consumer of each channel, on several loops",
          "[daemon]") {
  constexpr int kProducers = 4;
  constexpr int kConsumers = 6;
  constexpr int kMessages = 5000;
  ConnectionFixture daemon({}, {}, 3);
  std::atomic<int> finished{0};
  std::array<std::set<std::string>, kConsumers> seen;
  // Nothing is published before both channels are there: a channel starts when it is made.
  std::latch subscribed{kConsumers};
  const auto deadline = std::chrono::steady_clock::now() + 60s;
  std::vector<std::thread> threads;
  for (int c = 0; c < kConsumers; ++c) {
    threads.emplace_back([&, c] {
      nsq::test::WireClient client("127.0.0.1", daemon.port());
      client.expect_ok("SUB t " + std::string(c % 2 == 0 ? "even" : "odd") + "\n");
      client.send("RDY 50\n");
      subscribed.count_down();
      while (finished < 2 * kProducers * kMessages && std::chrono::steady_clock::now() < deadline) {
        const auto frame = client.next_frame(20ms);
        if (!frame || frame->type != nsq::test::Frame::kMessage) continue;
        seen[static_cast<std::size_t>(c)].emplace(frame->body());
        client.send("FIN " + std::string(frame->id()) + "\n");
        ++finished;
      }
    });
  }
  for (int p = 0; p < kProducers; ++p) {
    threads.emplace_back([&, p] {
      nsq::test::WireClient client("127.0.0.1", daemon.port());
      subscribed.wait();
      for (int i = 0; i < kMessages; ++i)
        client.expect_ok(pub("t", std::to_string(p) + "-" + std::to_string(i)));
    });
  }
  for (auto& thread : threads) thread.join();
  for (const std::size_t channel : {0U, 1U}) {
    std::set<std::string> all;
    std::size_t total = 0;
    for (std::size_t c = channel; c < kConsumers; c += 2) {
      total += seen[c].size();
      all.insert(seen[c].begin(), seen[c].end());
    }
    CHECK(all.size() == total);
    CHECK(total == kProducers * kMessages);
  }
  CHECK(finished == 2 * kProducers * kMessages);
}

TEST_CASE("heartbeats come at the interval asked for, and silence ends the connection",
          "[daemon][slow]") {
  ConnectionFixture daemon;
  RawClient client(daemon);
  const auto begin = std::chrono::steady_clock::now();
  client.send("IDENTIFY\n" + sized(R"({"heartbeat_interval":1000})"));
  CHECK(client.next() == "OK");
  CHECK(client.next() == "_heartbeat_");
  client.send("NOP\n");
  CHECK(client.next() == "_heartbeat_");
  // The third one falls together with the end.
  std::string last = client.next();
  if (last == "_heartbeat_") last = client.next();
  CHECK(last == "<closed>");
  const auto took = std::chrono::steady_clock::now() - begin;
  CHECK(took > 2900ms);
  CHECK(took < 4000ms);
  CHECK(daemon.eventually(
      [&] { return daemon.service->closed_count(CloseReason::ClientSilent) == 1; }));
}

TEST_CASE("a message of a silent client does not come back to it", "[daemon][slow]") {
  ConnectionFixture daemon;
  RawClient silent(daemon);
  // Both times are over at once.
  silent.send("IDENTIFY\n" + sized(R"({"heartbeat_interval":1000,"msg_timeout":2000})") +
              pub("t", "x") + "SUB t c\nRDY 1\n");
  while (silent.next() != "<closed>") {
  }
  RawClient other(daemon);
  other.send("SUB t c\nRDY 1\n");
  CHECK(other.next() == "OK");
  const std::string message = other.next();  // time, attempts, id, body
  REQUIRE(message.size() == 27);
  CHECK(load_big<std::uint16_t>(message.data() + 8) == 2);
}

TEST_CASE("a client too slow with a body is told which", "[daemon][slow]") {
  ConnectionFixture daemon;
  RawClient client(daemon);
  client.send("IDENTIFY\n" + sized(R"({"heartbeat_interval":1000})"));
  CHECK(client.next() == "OK");
  client.send("PUB t\n" + be32(10) + "abc");
  CHECK(client.next() == "_heartbeat_");
  std::string last = client.next();
  if (last == "_heartbeat_") last = client.next();
  CHECK(last == "E_BAD_MESSAGE PUB failed to read message body");
  CHECK(client.next() == "<closed>");
}

TEST_CASE("a consumer that stops reading is cut off after one interval", "[daemon][slow]") {
  ConnectionFixture daemon;
  RawClient stuck(daemon);
  stuck.send("IDENTIFY\n" + sized(R"({"heartbeat_interval":1000})") + "SUB t c\nRDY 2500\n");
  CHECK(stuck.next() == "OK");
  CHECK(stuck.next() == "OK");
  RawClient producer(daemon);
  for (int i = 0; i < 20; ++i) {
    producer.send(mpub("t", std::vector<std::string>(100, std::string(10'000, 'x'))));
    REQUIRE(producer.next() == "OK");
  }
  CHECK(daemon.eventually([&] {
    stuck.send("NOP\n");
    return daemon.service->closed_count(CloseReason::ClientStuck) == 1;
  }));
}
