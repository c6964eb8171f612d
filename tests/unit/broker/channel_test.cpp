#include "broker/channel.h"

#include "engine_fixture.h"

using namespace nsq::test;
using nsq::broker::AnswerOutcome;

namespace {
std::vector<std::string> numbered(int count) {
  std::vector<std::string> bodies;
  for (int i = 0; i < count; ++i) bodies.push_back(std::to_string(i));
  return bodies;
}
}  // namespace

TEST_CASE("a message left unanswered is offered again when its timeout passes", "[broker]") {
  EngineFixture engine;
  auto silent = engine.subscribe("t", "c", {.ready_count = 1, .msg_timeout = 60s});
  engine.publish("t", {"hello"});
  CHECK(silent->received() == std::vector<Got>{{"hello", 1}});
  auto willing = engine.subscribe("t", "c", {.ready_count = 1});
  silent->set_ready_count(0);
  engine.advance(60s - 1ns);
  CHECK(willing->received().empty());
  engine.advance(1ns);
  CHECK(willing->received() == std::vector<Got>{{"hello", 2}});
  CHECK(silent->finish("hello") == AnswerOutcome::NotHolder);
  CHECK(engine.channel_stats("t", "c").timeout_count == 1);
}

TEST_CASE("a touch moves the deadline, but never beyond the longest allowed", "[broker]") {
  nsq::broker::Options options;
  options.max_msg_timeout = 25s;
  EngineFixture engine(options);
  auto holder = engine.subscribe("t", "c", {.ready_count = 1, .msg_timeout = 10s});
  engine.publish("t", {"long work"});
  CHECK(holder->received().size() == 1);
  engine.advance(9s);
  CHECK(holder->touch("long work") == AnswerOutcome::Done);
  engine.advance(9s);  // 18 s: alive thanks to the touch
  CHECK(engine.channel_stats("t", "c").in_flight_count == 1);
  CHECK(holder->touch("long work") == AnswerOutcome::Done);
  engine.advance(7s - 1ns);
  CHECK(engine.channel_stats("t", "c").in_flight_count == 1);
  holder->set_ready_count(0);
  engine.advance(1ns);  // 25 s
  CHECK(engine.channel_stats("t", "c").in_flight_count == 0);
  CHECK(engine.channel_stats("t", "c").depth == 1);
}

TEST_CASE("a requeued message waits for its delay, and no longer", "[broker]") {
  EngineFixture engine;
  auto client = engine.subscribe("t", "c", {.ready_count = 5});
  engine.publish("t", {"later"});
  client->received();
  CHECK(client->requeue("later", 3s) == AnswerOutcome::Done);
  CHECK(engine.channel_stats("t", "c").deferred_count == 1);
  engine.advance(3s - 1ns);
  CHECK(client->received().empty());
  engine.advance(1ns);
  CHECK(client->received() == std::vector<Got>{{"later", 2}});
  CHECK(engine.channel_stats("t", "c").requeue_count == 1);
}

TEST_CASE("a message that keeps being requeued does not hold up the others", "[broker]") {
  EngineFixture engine;
  auto client = engine.subscribe("t", "c", {.ready_count = 0});
  engine.publish("t", numbered(20));
  client->set_ready_count(1);
  std::set<std::string> seen;
  for (int i = 0; i < 60 && seen.size() < 20; ++i) {
    const auto got = client->received();
    REQUIRE(got.size() == 1);
    seen.insert(got[0].body);
    got[0].body == "0" ? client->requeue("0") : client->finish(got[0].body);
  }
  CHECK(seen.size() == 20);
}

TEST_CASE("what a consumer holds is waiting again the moment it goes", "[broker]") {
  EngineFixture engine;
  auto first = engine.subscribe("t", "c", {.ready_count = 2});
  engine.publish("t", {"a", "b"});
  CHECK(first->received().size() == 2);
  auto second = engine.subscribe("t", "c", {.ready_count = 2});
  first->leave();
  CHECK(second->received() == std::vector<Got>{{"a", 2}, {"b", 2}});
  CHECK(engine.channel_stats("t", "c").timeout_count == 0);
}

TEST_CASE("consumers of one channel share what comes evenly", "[broker]") {
  EngineFixture engine;
  std::vector<std::shared_ptr<EngineFixture::Client>> clients;
  for (int i = 0; i < 4; ++i) clients.push_back(engine.subscribe("t", "c", {.ready_count = 100}));
  engine.publish("t", numbered(40));
  for (const auto& client : clients) {
    client->pull();
    CHECK(client->inbox.size() >= 4);
  }
  std::size_t all = 0;
  for (const auto& client : clients) all += client->received().size();
  CHECK(all == 40);
}

TEST_CASE("nobody gets more than its ready count, whatever it asks for", "[broker]") {
  EngineFixture engine;
  auto client = engine.subscribe("t", "c", {.ready_count = 3});
  engine.publish("t", numbered(10));
  CHECK(client->received().size() == 3);
  client->set_ready_count(1);
  CHECK(client->finish("0") == AnswerOutcome::Done);
  CHECK(client->received().empty());  // still holds two
  CHECK(client->finish("1") == AnswerOutcome::Done);
  CHECK(client->finish("2") == AnswerOutcome::Done);
  CHECK(client->received().size() == 1);
}

TEST_CASE("a consumer turned away because its output is blocked leaves its turn to others",
          "[broker]") {
  EngineFixture engine;
  auto blocked = engine.subscribe("t", "c", {.ready_count = 10});
  auto free = engine.subscribe("t", "c", {.ready_count = 10});
  engine.publish("t", {"x"});
  const bool blocked_called = blocked->calls > 0;
  if (blocked_called) blocked->pull(0);
  CHECK((blocked_called ? free : blocked)->received() == std::vector<Got>{{"x", 1}});
}

TEST_CASE("answers are refused for what is unknown or held by another", "[broker]") {
  EngineFixture engine;
  auto holder = engine.subscribe("t", "c", {.ready_count = 1});
  auto other = engine.subscribe("t", "c", {.ready_count = 0});
  engine.publish("t", {"x"});
  CHECK(holder->received().size() == 1);
  other->ids = holder->ids;
  CHECK(other->finish("x") == AnswerOutcome::NotHolder);
  CHECK(other->requeue("x") == AnswerOutcome::NotHolder);
  CHECK(other->touch("x") == AnswerOutcome::NotHolder);
  CHECK(holder->finish("x") == AnswerOutcome::Done);
  CHECK(holder->finish("x") == AnswerOutcome::NotInFlight);
  CHECK(holder->answer({nsq::broker::Answer::Kind::Finish, {0x1234}}) ==
        AnswerOutcome::NotInFlight);
}

TEST_CASE("attempts stop at the largest number the wire can say", "[broker]") {
  EngineFixture engine;
  auto client = engine.subscribe("t", "c", {.ready_count = 1});
  engine.publish("t", {"poison"});
  int last = 0;
  for (int i = 0; i < 65540; ++i) {
    const auto got = client->received();
    REQUIRE(got.size() == 1);
    last = got[0].attempts;
    client->requeue("poison");
  }
  CHECK(last == 65535);
}

TEST_CASE("emptying a channel takes everything, and makes room at the ready count", "[broker]") {
  EngineFixture engine;
  auto client = engine.subscribe("t", "c", {.ready_count = 2});
  engine.publish("t", numbered(5));
  client->received();
  client->requeue("0", 60s);
  engine.administrate([&](auto done) { engine.broker->empty_channel("t", "c", engine.now, done); });
  const auto stats = engine.channel_stats("t", "c");
  CHECK(stats.depth == 0);
  CHECK(stats.in_flight_count == 0);
  CHECK(stats.deferred_count == 0);
  CHECK(client->finish("1") == AnswerOutcome::NotInFlight);
  client->received();
  engine.publish("t", {"fresh"});
  CHECK(client->received() == std::vector<Got>{{"fresh", 1}});
}

TEST_CASE("a paused channel delivers nothing, but takes answers", "[broker]") {
  EngineFixture engine;
  auto client = engine.subscribe("t", "c", {.ready_count = 5});
  engine.publish("t", {"before"});
  CHECK(client->received().size() == 1);
  engine.administrate(
      [&](auto done) { engine.broker->pause_channel("t", "c", true, engine.now, done); });
  engine.publish("t", {"during"});
  CHECK(client->received().empty());
  CHECK(client->requeue("before") == AnswerOutcome::Done);
  CHECK(client->received().empty());
  CHECK(engine.channel_stats("t", "c").depth == 2);
  engine.administrate(
      [&](auto done) { engine.broker->pause_channel("t", "c", false, engine.now, done); });
  CHECK(client->received().size() == 2);
}

TEST_CASE("sampling delivers about its share and drops the rest for good", "[broker]") {
  EngineFixture engine;
  auto client = engine.subscribe("t", "c", {.ready_count = 10'000, .sample_rate = 30});
  engine.publish("t", numbered(2000));
  const std::size_t got = client->received().size();
  CHECK(got > 500);
  CHECK(got < 700);
  CHECK(engine.channel_stats("t", "c").depth == 0);
  CHECK(engine.channel_stats("t", "c").in_flight_count == got);
}

TEST_CASE("a long backlog is read back from disk in order, whatever the window", "[broker]") {
  nsq::broker::Options options;
  options.mem_queue_size = 3;
  options.max_bytes_per_file = 20'000;
  EngineFixture engine(options);
  auto client = engine.subscribe("t", "c", {});
  for (int i = 0; i < 50; ++i) engine.publish("t", {std::to_string(i) + std::string(2000, 'x')});
  CHECK(engine.channel_stats("t", "c").depth == 50);
  CHECK(engine.channel_stats("t", "c").backend_depth >= 25);
  client->set_ready_count(100);
  const auto got = client->received();
  REQUIRE(got.size() == 50);
  for (int i = 0; i < 50; ++i)
    CHECK(got[static_cast<std::size_t>(i)].body.starts_with(std::to_string(i) + "x"));
}

TEST_CASE("a backlog is read in large pieces also right after the machine was started",
          "[broker]") {
  nsq::broker::Options options;
  options.mem_queue_size = 1;
  EngineFixture engine(options);
  engine.now.steady = nsq::Instant{1ms};
  auto client = engine.subscribe("t", "c", {});
  for (int i = 0; i < 50; ++i) engine.publish("t", {std::string(2000, 'x')});
  const auto before = engine.files().calls(MemoryFileSystem::Call::Read);
  client->set_ready_count(100);
  CHECK(client->received().size() == 50);
  CHECK(engine.files().calls(MemoryFileSystem::Call::Read) - before < 10);
}

namespace {

// A backlog of many reads, of which nothing is in memory, and a client that has taken so much that
// the channel reads ahead for it.
struct LongBacklog {
  LongBacklog() : engine(options()), client(engine.subscribe("t", "c", {})) {
    for (int i = 0; i < kMessages; ++i) {
      engine.publish("t", {std::to_string(i) + std::string(50'000, 'x')});
    }
    client->set_ready_count(kMessages);
    while (!is_reading_ahead()) REQUIRE(take_one());
  }
  static nsq::broker::Options options() {
    nsq::broker::Options options;
    options.mem_queue_size = 1;
    options.max_bytes_per_file = 2'000'000;
    return options;
  }
  // One message, and storage work only where nothing else is to be had.
  bool take_one() {
    if (taken == kMessages) return false;
    client->pull(1);
    while (client->inbox.empty()) {
      REQUIRE(engine.work().run_one(kReadLane));
      client->pull(1);
    }
    CHECK(client->inbox.front().body.starts_with(std::to_string(taken) + "x"));
    client->inbox.clear();
    ++taken;
    return true;
  }
  // There is work although there are messages still.
  bool is_reading_ahead() {
    const int before = taken;
    if (taken < kMessages && engine.work().waiting(kReadLane) > 0) {
      client->pull(1);
      if (client->inbox.empty()) return false;
      client->inbox.clear();
      ++taken;
    }
    return taken > before;
  }

  static constexpr int kMessages = 120;
  static constexpr std::size_t kReadLane = 0;
  EngineFixture engine;
  std::shared_ptr<EngineFixture::Client> client;
  int taken = 0;
};

}  // namespace

TEST_CASE("a quick consumer's next messages are read while it has some", "[broker]") {
  LongBacklog backlog;
  CHECK(backlog.taken < LongBacklog::kMessages);
  while (backlog.take_one()) {
  }
  CHECK(backlog.engine.channel_stats("t", "c").in_flight_count == LongBacklog::kMessages);
}

TEST_CASE("reading ahead that fails costs nothing but a second", "[broker]") {
  LongBacklog backlog;
  backlog.engine.files().fail(nsq::test::MemoryFileSystem::Call::Read, 1, std::errc::io_error, 1);
  REQUIRE(backlog.engine.work().run_one(LongBacklog::kReadLane));
  while (true) {
    backlog.client->pull(1);
    if (backlog.client->inbox.empty()) break;
    backlog.client->inbox.clear();
    ++backlog.taken;
  }
  CHECK(backlog.engine.work().waiting(LongBacklog::kReadLane) == 0);
  backlog.engine.advance(1s);
  while (backlog.take_one()) {
  }
  CHECK(backlog.engine.channel_stats("t", "c").in_flight_count == LongBacklog::kMessages);
}

TEST_CASE("what was read ahead of a channel that is emptied is not delivered", "[broker]") {
  LongBacklog backlog;
  const bool is_read = GENERATE(false, true);
  if (is_read) REQUIRE(backlog.engine.work().run_one(LongBacklog::kReadLane));
  backlog.engine.administrate(
      [&](auto done) { backlog.engine.broker->empty_channel("t", "c", backlog.engine.now, done); });
  CHECK(backlog.client->received().empty());
  backlog.engine.publish("t", {"new"});
  CHECK(backlog.client->received() == std::vector<Got>{{"new", 1}});
  // What was skipped is not read either.
  CHECK(backlog.engine.work().waiting(LongBacklog::kReadLane) == 0);
}

TEST_CASE("a read that comes too late is the last one", "[broker]") {
  LongBacklog backlog;
  backlog.engine.administrate_without_work(
      [&](auto done) { backlog.engine.broker->empty_channel("t", "c", backlog.engine.now, done); });
  REQUIRE(backlog.engine.work().run_one(LongBacklog::kReadLane));
  CHECK(backlog.engine.work().waiting(LongBacklog::kReadLane) == 0);
}

TEST_CASE("a consumer limit is kept", "[broker]") {
  nsq::broker::Options options;
  options.max_channel_consumers = 1;
  EngineFixture engine(options);
  auto only = engine.subscribe("t", "c", {});
  auto refused = engine.broker->subscribe("t", "c", std::make_shared<EngineFixture::Client>(engine),
                                          {}, engine.now);
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error() == make_error_code(nsq::broker::BrokerErrc::TooManyConsumers));
}

TEST_CASE("latency percentiles are of the times from publish to finish", "[broker]") {
  nsq::broker::Options options;
  options.e2e_processing_latency_percentiles = {0.99, 0.5};
  EngineFixture engine(options);
  auto client = engine.subscribe("t", "c", {.ready_count = 200});
  engine.publish("t", numbered(100));
  client->received();
  for (int i = 0; i < 100; ++i) {
    engine.advance(10ms);
    client->finish(std::to_string(i));
  }
  const auto latency = engine.channel_stats("t", "c").e2e_processing_latency;
  CHECK(latency.count == 100);
  REQUIRE(latency.percentiles.size() == 2);
  CHECK(latency.percentiles[0].nanoseconds == Approx(990e6).epsilon(0.02));
  CHECK(latency.percentiles[1].nanoseconds == Approx(500e6).epsilon(0.02));
  engine.advance(11min);
  CHECK(engine.channel_stats("t", "c").e2e_processing_latency.count == 0);
}
