#include "daemon/client_session.h"

#include <chrono>
#include <string>
#include <vector>

#include "support/catch.h"
#include "unit/daemon/session_fixture.h"

using namespace nsq;
using namespace nsq::daemon;
using namespace nsq::daemon::test;
using namespace std::chrono_literals;
using Frames = std::vector<std::string>;
using Progress = ClientSession::Progress;

namespace {

const std::string kAbsent(16, '0');

broker::Options with_durability(broker::Durability durability) {
  broker::Options options;
  options.durability = durability;
  return options;
}

std::string body_of(const std::string& message) {
  return message.substr(0, message.rfind('/'));
}

}  // namespace

TEST_CASE("a publish is answered and delivered", "[daemon]") {
  SessionFixture daemon;
  auto consumer = daemon.consumer("t", "c", 10);
  auto producer = daemon.connect();
  CHECK(producer->say(pub("t", "hello")) == Frames{"OK"});
  CHECK(consumer->listen() == Frames{"hello/1"});
  CHECK(consumer->listen().empty());
}

TEST_CASE("publishes of one read are answered in order, whatever their topics", "[daemon]") {
  SessionFixture daemon;
  auto one = daemon.consumer("one", "c", 10);
  auto two = daemon.consumer("two", "c", 10);
  auto producer = daemon.connect();
  CHECK(producer->say(pub("one", "a") + pub("one", "b") + mpub("one", {"c", "d"}) +
                      pub("two", "e") + "NOP\n" + pub("two", "f") + "DPUB one 0\n" + sized("g")) ==
        Frames(6, "OK"));
  CHECK(one->listen() == Frames{"a/1", "b/1", "c/1", "d/1", "g/1"});
  CHECK(two->listen() == Frames{"e/1", "f/1"});
  const auto counts = producer->session().info().pub_counts;
  REQUIRE(counts.size() == 2);
  CHECK(counts[0].topic == "one");
  CHECK(counts[0].count == 5);
  CHECK(counts[1].count == 2);
}

TEST_CASE("what was published before a bad command is kept and answered", "[daemon]") {
  SessionFixture daemon;
  auto consumer = daemon.consumer("t", "c", 10);
  auto producer = daemon.connect();
  CHECK(producer->say(pub("t", "good") + "FOO\n" + pub("t", "never")) ==
        Frames{"OK", "E_INVALID invalid command FOO"});
  CHECK(producer->progress() == Progress::Ended);
  CHECK(consumer->listen() == Frames{"good/1"});
}

TEST_CASE("a line without end is answered by silence, after what came before it", "[daemon]") {
  SessionFixture daemon;
  auto client = daemon.connect();
  CHECK(client->say(pub("t", "x") + std::string(20'000, 'A')) == Frames{"OK"});
  CHECK(client->progress() == Progress::EndedQuietly);
}

TEST_CASE("a client that goes within a body is told so, within a line it is not", "[daemon]") {
  SessionFixture daemon;
  auto client = daemon.connect();
  client->say("PUB t\n" + be32(10) + "abc");
  CHECK(client->end() == Frames{"E_BAD_MESSAGE PUB failed to read message body"});
  auto other = daemon.connect();
  other->say("PUB t");
  CHECK(other->end().empty());
}

TEST_CASE("messages come as RDY allows and answers make room", "[daemon]") {
  SessionFixture daemon;
  auto consumer = daemon.consumer("t", "c", 2);
  daemon.connect()->say(mpub("t", {"a", "b", "c", "d"}));
  CHECK(consumer->listen() == Frames{"a/1", "b/1"});
  CHECK(consumer->say("FIN " + consumer->id(1) + "\n") == Frames{"c/1"});
  CHECK(consumer->say("RDY 1\n").empty());
  CHECK(consumer->say("FIN " + consumer->id(0) + "\nFIN " + consumer->id(1) + "\n") ==
        Frames{"d/1"});
  CHECK(consumer->say("RDY 5\n").empty());
}

TEST_CASE("a requeued message comes back with one attempt more", "[daemon]") {
  SessionFixture daemon;
  auto consumer = daemon.consumer("t", "c", 1);
  daemon.connect()->say(pub("t", "x"));
  CHECK(consumer->listen() == Frames{"x/1"});
  CHECK(consumer->say("REQ " + consumer->id() + " 0\n") == Frames{"x/2"});
  CHECK(consumer->say("REQ " + consumer->id() + " 1500\n").empty());
  daemon.advance(1499ms);
  CHECK(consumer->listen().empty());
  daemon.advance(1ms);
  CHECK(consumer->listen() == Frames{"x/3"});
}

TEST_CASE("answers for messages not held are refused one by one, in order", "[daemon]") {
  SessionFixture daemon;
  auto holder = daemon.consumer("t", "c", 2);
  daemon.connect()->say(mpub("t", {"a", "b"}));
  REQUIRE(holder->listen().size() == 2);
  const std::string a = holder->id(1);
  const std::string b = holder->id(0);
  CHECK(holder->say("FIN " + kAbsent + "\nFIN " + a + "\nFIN " + a + "\nREQ " + kAbsent +
                    " 10\nTOUCH ABCDEF0000000000\nTOUCH " + b + "\n") ==
        Frames{"E_FIN_FAILED FIN " + kAbsent + " failed ID not in flight",
               "E_FIN_FAILED FIN " + a + " failed ID not in flight",
               "E_REQ_FAILED REQ " + kAbsent + " failed ID not in flight",
               "E_TOUCH_FAILED TOUCH ABCDEF0000000000 failed ID not in flight"});
  CHECK(holder->progress() == Progress::Open);

  auto other = daemon.consumer("t", "c", 0);
  CHECK(other->say("FIN " + b + "\n") ==
        Frames{"E_FIN_FAILED FIN " + b + " failed client does not own message"});
}

TEST_CASE("errors of answers keep their place among other answers", "[daemon]") {
  SessionFixture daemon;
  auto client = daemon.consumer("t", "c", 0);
  CHECK(client->say(pub("x", "1") + "FIN " + kAbsent + "\n" + pub("x", "2") + "TOUCH " + kAbsent +
                    "\nCLS\n") ==
        Frames{"OK", "E_FIN_FAILED FIN " + kAbsent + " failed ID not in flight", "OK",
               "E_TOUCH_FAILED TOUCH " + kAbsent + " failed ID not in flight", "CLOSE_WAIT"});
}

TEST_CASE("an unanswered message times out after the client's own timeout", "[daemon]") {
  SessionFixture daemon;
  auto consumer = daemon.connect();
  CHECK(consumer->say("IDENTIFY\n" + sized(R"({"msg_timeout":2000})") + "SUB t c\nRDY 1\n") ==
        Frames{"OK", "OK"});
  daemon.connect()->say(pub("t", "x"));
  CHECK(consumer->listen() == Frames{"x/1"});
  daemon.advance(1500ms);
  CHECK(consumer->say("TOUCH " + consumer->id() + "\n").empty());
  daemon.advance(1999ms);
  CHECK(consumer->listen().empty());
  daemon.advance(1ms);
  CHECK(consumer->listen() == Frames{"x/2"});
}

TEST_CASE("what a client holds is free again once it leaves", "[daemon]") {
  SessionFixture daemon;
  auto leaving = daemon.consumer("t", "c", 1);
  daemon.connect()->say(pub("t", "x"));
  CHECK(leaving->listen() == Frames{"x/1"});
  auto staying = daemon.consumer("t", "c", 1);
  leaving->session().leave(daemon.now);
  leaving->session().leave(daemon.now);
  CHECK(staying->listen() == Frames{"x/2"});
}

TEST_CASE("after CLS nothing is delivered, but answers and publishes go on", "[daemon]") {
  SessionFixture daemon;
  auto consumer = daemon.consumer("t", "c", 5);
  daemon.connect()->say(mpub("t", {"a", "b"}));
  CHECK(consumer->listen().size() == 2);
  CHECK(consumer->say("CLS\n") == Frames{"CLOSE_WAIT"});
  daemon.connect()->say(pub("t", "late"));
  CHECK(consumer->listen().empty());
  CHECK(consumer->say("RDY 5\nRDY junk\nFIN " + consumer->id(0) + "\n" + pub("u", "x")) ==
        Frames{"OK"});
  CHECK(consumer->session().info().state == protocol::ConnectionState::Closing);
  CHECK(consumer->say("CLS\n") == Frames{"E_INVALID cannot CLS in current state"});
}

TEST_CASE("commands wait behind a publish that is not committed, deliveries do not", "[daemon]") {
  SessionFixture daemon({}, with_durability(broker::Durability::Fsync));
  auto client = daemon.connect();
  CHECK(client->say("SUB t#ephemeral c\nRDY 10\n") == Frames{"OK"});
  CHECK(client->say(pub("u", "one") + pub("u", "two") + "CLS\nFOO\n").empty());
  CHECK(client->progress() == Progress::Waiting);
  CHECK(client->unread_bytes() == 8);
  CHECK(client->say(pub("u", "three")).empty());
  CHECK(daemon.connect()->say(pub("t#ephemeral", "meanwhile")) == Frames{"OK"});
  CHECK(client->listen() == Frames{"meanwhile/1"});
  CHECK(client->progress() == Progress::Waiting);

  CHECK_FALSE(client->notified());
  daemon.work.run();
  REQUIRE(client->notified());
  CHECK(client->listen() == Frames{"OK", "OK", "CLOSE_WAIT", "E_INVALID invalid command FOO"});
  CHECK(client->progress() == Progress::Ended);
}

TEST_CASE("publishes to one topic need not wait for those before them, but are answered in order",
          "[daemon]") {
  SessionFixture daemon({}, with_durability(broker::Durability::Fsync));
  auto client = daemon.connect();
  CHECK(client->say(pub("t", "one")).empty());
  CHECK(client->progress() == Progress::Open);
  CHECK(client->say(mpub("t", {"two", "three"}) + "NOP\n").empty());
  CHECK(client->progress() == Progress::Open);
  CHECK(client->unread_bytes() == 0);
  CHECK(client->say(pub("u", "elsewhere")).empty());
  CHECK(client->progress() == Progress::Waiting);
  CHECK(client->unread_bytes() > 0);

  const auto syncs = daemon.files.calls(nsq::test::MemoryFileSystem::Call::Sync);
  daemon.work.run();
  CHECK(daemon.files.calls(nsq::test::MemoryFileSystem::Call::Sync) - syncs <= 2);
  CHECK(client->listen() == Frames{"OK", "OK"});
  daemon.work.run();
  CHECK(client->listen() == Frames{"OK"});
  CHECK(client->session().info().pub_counts.size() == 2);
}

TEST_CASE("commits a client may leave unanswered are limited", "[daemon]") {
  SessionFixture daemon({}, with_durability(broker::Durability::Fsync));
  auto client = daemon.connect();
  int sent = 0;
  for (; sent < 1000 && client->progress() == Progress::Open; ++sent) client->say(pub("t", "x"));
  CHECK(sent == 16);
  CHECK(client->say(pub("t", "later")).empty());
  CHECK(client->unread_bytes() > 0);
  daemon.work.run();
  CHECK(client->listen().size() == 16);
  daemon.work.run();
  CHECK(client->listen() == Frames{"OK"});
}

TEST_CASE("a publish that fails is answered behind those before it that do not", "[daemon]") {
  SessionFixture daemon({}, with_durability(broker::Durability::Fsync));
  auto client = daemon.connect();
  CHECK(client->say(pub("t", "fits")).empty());
  daemon.files.set_capacity(daemon.files.used_bytes());
  CHECK(client->say(pub("t", "too much")).empty());
  CHECK(client->listen().empty());  // the refusal is known, and waits for its turn
  daemon.work.run();
  const auto answers = client->listen();
  REQUIRE(answers.size() == 2);
  CHECK(answers[0] == "OK");
  CHECK(answers[1].starts_with("E_PUB_FAILED PUB failed "));
  CHECK(client->notice() == ClientSession::Notice::Ended);
}

TEST_CASE("a publish that cannot be written is refused and ends the connection", "[daemon]") {
  SessionFixture daemon;
  auto producer = daemon.connect();
  CHECK(producer->say(pub("t", "fits")) == Frames{"OK"});
  daemon.files.set_capacity(daemon.files.used_bytes());
  const auto answer = producer->say(pub("t", "too much") + pub("t", "and more"));
  REQUIRE(answer.size() == 1);
  CHECK(answer[0].starts_with("E_PUB_FAILED PUB failed "));
  CHECK(producer->progress() == Progress::Ended);
  CHECK(daemon.connect()->say(mpub("t", {"x"})).at(0).starts_with("E_MPUB_FAILED MPUB failed "));
  CHECK(daemon.connect()
            ->say("DPUB t 5\n" + sized("x"))
            .at(0)
            .starts_with("E_DPUB_FAILED DPUB failed "));
}

TEST_CASE("publishing to a topic that was deleted makes it anew", "[daemon]") {
  SessionFixture daemon;
  auto producer = daemon.connect();
  CHECK(producer->say(pub("t", "old")) == Frames{"OK"});
  daemon.broker.delete_topic("t", daemon.now, [](const Result<void>&) {});
  daemon.work.run();
  CHECK(producer->say(pub("t", "new")) == Frames{"OK"});
  auto consumer = daemon.consumer("t", "c", 0);
  CHECK(consumer->say("RDY 5\n") == Frames{"new/1"});
}

TEST_CASE("the consumers of a deleted channel are told to go", "[daemon]") {
  SessionFixture daemon;
  auto consumer = daemon.consumer("t", "c", 1);
  daemon.broker.delete_channel("t", "c", daemon.now, [](const Result<void>&) {});
  daemon.work.run();
  CHECK(consumer->listen().empty());
  CHECK(consumer->notice() == ClientSession::Notice::ChannelClosed);
}

TEST_CASE("SUB beyond the limit of consumers is refused", "[daemon]") {
  Options options;
  options.max_channel_consumers = 1;
  broker::Options broker_options;
  broker_options.max_channel_consumers = 1;
  SessionFixture daemon(options, broker_options);
  auto first = daemon.consumer("t", "c", 0);
  auto second = daemon.connect();
  CHECK(second->say("SUB t c\n") ==
        Frames{"E_SUB_FAILED SUB failed consumers for t:c exceeds limit of 1"});
}

TEST_CASE("a client that does not read is given no more than a bounded amount", "[daemon]") {
  SessionFixture daemon;
  auto consumer = daemon.consumer("t", "c", 2500);
  auto producer = daemon.connect();
  const std::vector<std::string> batch(100, std::string(10'000, 'x'));
  for (int i = 0; i < 10; ++i) producer->say(mpub("t", batch));
  consumer->stop_reading();
  for (int i = 0; i < 100; ++i) consumer->listen();
  CHECK(consumer->unwritten_bytes() > 200'000);
  CHECK(consumer->unwritten_bytes() < 600'000);

  std::size_t received = consumer->resume_reading().size();
  for (int i = 0; i < 1000 && consumer->notified(); ++i) received += consumer->listen().size();
  CHECK(received == 1000);
}

TEST_CASE("large bodies arrive as they were sent, between small ones", "[daemon]") {
  SessionFixture daemon;
  auto consumer = daemon.consumer("t", "c", 100);
  Frames expected;
  std::vector<std::string> bodies;
  for (std::size_t i = 0; i < 60; ++i) {
    bodies.push_back(std::string(1 + (i % 3 == 0 ? i * 1000 : i), static_cast<char>('a' + i % 26)));
    expected.push_back(bodies.back());
  }
  daemon.connect()->say(mpub("t", bodies));
  Frames received;
  while (consumer->notified()) {
    for (const auto& frame : consumer->listen()) received.push_back(body_of(frame));
  }
  CHECK(received == expected);
}

TEST_CASE("two consumers of a channel share its messages, on two channels both get all",
          "[daemon]") {
  SessionFixture daemon;
  auto one = daemon.consumer("t", "shared", 10);
  auto two = daemon.consumer("t", "shared", 10);
  auto other = daemon.consumer("t", "own", 10);
  daemon.connect()->say(mpub("t", {"a", "b", "c", "d"}));
  std::size_t shared = 0;
  for (int round = 0; round < 4; ++round) shared += one->listen().size() + two->listen().size();
  CHECK(shared == 4);
  CHECK(other->listen().size() == 4);
}

TEST_CASE("IDENTIFY without negotiation is answered OK, with it by what holds", "[daemon]") {
  Options options;
  options.topology_zone = "z";
  options.snappy = false;
  SessionFixture daemon(options);
  auto client = daemon.connect();
  CHECK(client->say("IDENTIFY\n" + sized(R"({"client_id":"a","heartbeat_interval":5000})")) ==
        Frames{"OK"});
  CHECK(client->session().settings().heartbeat_interval == 5s);
  const auto reply = client->say(
      "IDENTIFY\n" + sized(R"({"feature_negotiation":true,"user_agent":"x/1","snappy":true})"));
  REQUIRE(reply.size() == 1);
  CHECK(reply[0] ==
        R"({"max_rdy_count":2500,"version":"1.4.0","max_msg_timeout":900000,"msg_timeout":60000,)"
        R"("tls_v1":false,"deflate":false,"deflate_level":6,"max_deflate_level":6,"snappy":false,)"
        R"("sample_rate":0,"auth_required":false,"output_buffer_size":16384,)"
        R"("output_buffer_timeout":250,"topology_region":"","topology_zone":"z"})");
  const ClientInfo info = client->session().info();
  CHECK(info.client_id.empty());
  CHECK(info.user_agent == "x/1");
  CHECK(client->session().settings().heartbeat_interval == 5s);
}

TEST_CASE("after an agreed compression nothing is executed until it has begun", "[daemon]") {
  Options options;
  options.max_deflate_level = 4;
  SessionFixture daemon(options);
  auto client = daemon.connect();
  const auto reply = client->say(
      "IDENTIFY\n" + sized(R"({"feature_negotiation":true,"tls_v1":true,"deflate":true})") +
      "NOP\n" + pub("t", "early"));
  REQUIRE(reply.size() == 1);
  CHECK_THAT(reply[0], Catch::Contains(R"("tls_v1":false,"deflate":true,"deflate_level":4,)"));
  CHECK(client->progress() == ClientSession::Progress::Upgrading);
  CHECK_FALSE(client->session().upgrade().tls);
  CHECK(client->session().upgrade().deflate_level == 4);
  ClientOutput output;
  client->session().on_compression_started(output);
  client->session().on_upgraded();
  CHECK(client->session().info().deflate);
  CHECK(client->say("") == Frames{"OK"});
}

TEST_CASE("without IDENTIFY a client is known by its address", "[daemon]") {
  SessionFixture daemon;
  const ClientInfo info = daemon.connect()->session().info();
  CHECK(info.client_id == "127.0.0.1");
  CHECK(info.hostname == "127.0.0.1");
  CHECK(info.remote_address == "127.0.0.1:5000");
}

TEST_CASE("IDENTIFY that cannot be granted ends the connection", "[daemon]") {
  SessionFixture daemon;
  const auto answer = [&](const std::string& json) {
    return daemon.connect()->say("IDENTIFY\n" + sized(json));
  };
  CHECK(answer("not json") == Frames{"E_BAD_BODY IDENTIFY failed to decode JSON body"});
  CHECK(answer(R"({"heartbeat_interval":999})") ==
        Frames{"E_BAD_BODY IDENTIFY heartbeat interval (999) is invalid"});
  CHECK(answer(R"({"feature_negotiation":true,"snappy":true,"deflate":true})") ==
        Frames{"E_IDENTIFY_FAILED cannot enable both deflate and snappy compression"});
  CHECK(answer(R"({"snappy":true,"deflate":true})") == Frames{"OK"});
}

TEST_CASE("SUB needs heartbeats", "[daemon]") {
  SessionFixture daemon;
  auto client = daemon.connect();
  CHECK(client->say("IDENTIFY\n" + sized(R"({"heartbeat_interval":-1})") + "SUB t c\n") ==
        Frames{"OK", "E_INVALID cannot SUB with heartbeats disabled"});
}

TEST_CASE("nobody gets past authorization or TLS that are required", "[daemon]") {
  Options guarded;
  guarded.auth_http_addresses = {"127.0.0.1:1"};
  SessionFixture daemon(guarded);
  CHECK(daemon.connect()->say(pub("t", "x")) == Frames{"E_AUTH_FIRST AUTH required before PUB"});
  CHECK(daemon.connect()->say("SUB t c\n") == Frames{"E_AUTH_FIRST AUTH required before SUB"});
  CHECK(SessionFixture().connect()->say("AUTH\n" + sized("secret")) ==
        Frames{"E_AUTH_DISABLED AUTH disabled"});

  Options secret;
  secret.tls_required = "tcp-https";
  SessionFixture other(secret);
  CHECK(other.connect()->say("NOP\n") ==
        Frames{"E_INVALID cannot NOP in current state (TLS required)"});
}

TEST_CASE("sampling delivers about the share asked for and drops the rest", "[daemon]") {
  SessionFixture daemon;
  auto client = daemon.connect();
  client->say("IDENTIFY\n" + sized(R"({"sample_rate":20})") + "SUB t c\nRDY 2500\n");
  auto producer = daemon.connect();
  for (int i = 0; i < 20; ++i) producer->say(mpub("t", std::vector<std::string>(100, "x")));
  std::size_t received = 0;
  while (client->notified()) received += client->listen().size();
  CHECK(received > 300);
  CHECK(received < 500);
  CHECK(daemon.broker.find_topic("t")->find_channel("c")->depth() == 0);
}

TEST_CASE("a session's text gives the same answers in whatever pieces it arrives", "[daemon]") {
  const std::string text = "IDENTIFY\n" + sized(R"({"client_id":"a"})") + "SUB t c\n" +
                           pub("x", "body") + "FIN " + kAbsent + "\n" + mpub("x", {"a", "b"}) +
                           "RDY 1\nNOP\r\nCLS\nTOUCH " + kAbsent + "\nSUB t c\n";
  SessionFixture daemon;
  const Frames whole = daemon.connect()->say(text);
  CHECK(whole.size() == 8);
  auto client = daemon.connect();
  Frames pieces;
  for (const char byte : text) {
    for (auto& frame : client->say(std::string(1, byte))) pieces.push_back(std::move(frame));
  }
  CHECK(pieces == whole);
}
