#include "broker/topic.h"

#include "engine_fixture.h"

using namespace nsq::test;

TEST_CASE("the first channel of a topic gets all that waited, later ones what comes after",
          "[broker]") {
  EngineFixture engine;
  engine.publish("t", {"early"});
  CHECK(engine.topic_stats("t").depth == 1);
  auto first = engine.subscribe("t", "first", {.ready_count = 5});
  auto second = engine.subscribe("t", "second", {.ready_count = 5});
  engine.publish("t", {"late"});
  CHECK(first->received() == std::vector<Got>{{"early", 1}, {"late", 1}});
  CHECK(second->received() == std::vector<Got>{{"late", 1}});
  CHECK(engine.topic_stats("t").depth == 0);
}

TEST_CASE("a paused topic keeps its messages for all channels it has when it goes on", "[broker]") {
  EngineFixture engine;
  auto old = engine.subscribe("t", "old", {.ready_count = 5});
  engine.administrate([&](auto done) { engine.broker->pause_topic("t", true, engine.now, done); });
  engine.publish("t", {"x"});
  auto fresh = engine.subscribe("t", "new", {.ready_count = 5});
  CHECK(old->received().empty());
  CHECK(engine.topic_stats("t").depth == 1);
  engine.administrate([&](auto done) { engine.broker->pause_topic("t", false, engine.now, done); });
  CHECK(old->received().size() == 1);
  CHECK(fresh->received().size() == 1);
}

TEST_CASE("emptying a topic drops what waits there, not what its channels have", "[broker]") {
  EngineFixture engine;
  auto client = engine.subscribe("t", "c", {});
  engine.publish("t", {"kept"});
  engine.administrate([&](auto done) { engine.broker->pause_topic("t", true, engine.now, done); });
  engine.publish("t", {"dropped"});
  engine.administrate([&](auto done) { engine.broker->empty_topic("t", engine.now, done); });
  engine.administrate([&](auto done) { engine.broker->pause_topic("t", false, engine.now, done); });
  client->set_ready_count(5);
  CHECK(client->received() == std::vector<Got>{{"kept", 1}});
}

TEST_CASE("a topic whose last channel is deleted keeps what comes for the next one", "[broker]") {
  EngineFixture engine;
  auto client = engine.subscribe("t", "c", {.ready_count = 5});
  engine.administrate(
      [&](auto done) { engine.broker->delete_channel("t", "c", engine.now, done); });
  CHECK(client->closed);
  engine.publish("t", {"x"});
  CHECK(engine.topic_stats("t").depth == 1);
  auto next = engine.subscribe("t", "next", {.ready_count = 5});
  CHECK(next->received() == std::vector<Got>{{"x", 1}});
}

TEST_CASE("a deleted topic is gone with its files, and its name starts afresh", "[broker]") {
  EngineFixture engine;
  auto client = engine.subscribe("t", "c", {});
  engine.publish("t", {"old"});
  const auto dying = engine.broker->find_topic("t");
  engine.administrate([&](auto done) { engine.broker->delete_topic("t", engine.now, done); });
  CHECK(client->closed);
  CHECK_FALSE(engine.files().exists(dying->directory()));
  const std::vector<std::string_view> body{"x"};
  const nsq::broker::Publication publication{body};
  const auto refused = dying->publish({&publication, 1}, engine.now, nullptr);
  REQUIRE(refused.has_value());
  CHECK(refused->error() == make_error_code(nsq::broker::BrokerErrc::Exiting));
  engine.advance(1s);
  engine.publish("t", {"new"});
  auto next = engine.subscribe("t", "c", {.ready_count = 5});
  CHECK(next->received() == std::vector<Got>{{"new", 1}});
}

TEST_CASE("a deferred message counts as deferred and comes when it is due, on each channel",
          "[broker]") {
  EngineFixture engine;
  auto a = engine.subscribe("t", "a", {.ready_count = 5});
  auto b = engine.subscribe("t", "b", {.ready_count = 5});
  engine.publish("t", {"later"}, 2s);
  engine.publish("t", {"now"});
  CHECK(engine.channel_stats("t", "a").deferred_count == 1);
  CHECK(a->received() == std::vector<Got>{{"now", 1}});
  engine.advance(2s - 1ns);
  CHECK(a->received().empty());
  engine.advance(1ns);
  CHECK(a->received() == std::vector<Got>{{"later", 1}});
  CHECK(b->received().size() == 2);
}

TEST_CASE(
    "an ephemeral channel goes with its last consumer, an ephemeral topic with its last channel",
    "[broker]") {
  EngineFixture engine;
  auto client = engine.subscribe("t#ephemeral", "c#ephemeral", {});
  auto other = engine.subscribe("t#ephemeral", "c#ephemeral", {});
  client->leave();
  CHECK(engine.topic_stats("t#ephemeral").channels.size() == 1);
  other->leave();
  CHECK(engine.broker->find_topic("t#ephemeral") == nullptr);
}

TEST_CASE("ephemeral things drop and count what does not fit, and never touch the disk",
          "[broker]") {
  nsq::broker::Options options;
  options.mem_queue_size = 10;
  EngineFixture engine(options);
  const auto writes = engine.files().calls(MemoryFileSystem::Call::Write);
  for (int i = 0; i < 50; ++i) engine.publish("t#ephemeral", {"x"});
  CHECK(engine.topic_stats("t#ephemeral").depth == 10);
  CHECK(engine.topic_stats("t#ephemeral").dropped_count == 40);
  auto client = engine.subscribe("t#ephemeral", "c", {.ready_count = 100});
  CHECK(client->received().size() == 10);
  CHECK(engine.files().calls(MemoryFileSystem::Call::Write) == writes);
  auto tail = engine.subscribe("u", "tail#ephemeral", {});
  for (int i = 0; i < 50; ++i) engine.publish("u", {"x"});
  CHECK(engine.channel_stats("u", "tail#ephemeral").depth == 10);
  CHECK(engine.channel_stats("u", "tail#ephemeral").dropped_count == 40);
}

TEST_CASE("one message kept for long does not keep an ephemeral topic's later ones in memory",
          "[broker]") {
  nsq::broker::Options options;
  options.mem_queue_bytes = 100'000;
  EngineFixture engine(options);
  auto client = engine.subscribe("t#ephemeral", "c", {.ready_count = 2});
  engine.publish("t#ephemeral", {"kept"});
  REQUIRE(client->received().size() == 1);
  std::weak_ptr<const nsq::storage::Chunk> early;
  const std::string body(1000, 'x');
  for (int i = 0; i < 1000; ++i) {
    engine.publish("t#ephemeral", {body});
    nsq::broker::Deliveries deliveries;
    client->channel().pull(*client->subscription, engine.now, {1, 10'000}, deliveries);
    REQUIRE(deliveries.messages.size() == 1);
    if (i == 100) early = deliveries.pins[0];
    client->ids[body] = deliveries.messages[0].id;
    client->calls = 0;
    client->finish(body);
  }
  CHECK(early.expired());
  client->requeue("kept");
  CHECK(client->received() == std::vector<Got>{{"kept", 2}});
}

TEST_CASE("a publish that cannot be written is refused and never seen, and the next one works",
          "[broker]") {
  EngineFixture engine;
  auto client = engine.subscribe("t", "c", {.ready_count = 100});
  engine.publish("t", {"before"});
  engine.files().set_capacity(engine.files().used_bytes() + 10);
  const auto refused = engine.try_publish("t", {"lost", std::string(100, 'x')});
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error() == std::make_error_code(std::errc::no_space_on_device));
  CHECK(engine.broker->health().starts_with("NOK - "));
  CHECK(client->received() == std::vector<Got>{{"before", 1}});
  CHECK(client->finish("before") == nsq::broker::AnswerOutcome::Done);
  engine.files().set_capacity(std::nullopt);
  engine.publish("t", {"after"});
  CHECK(engine.broker->health() == "OK");
  CHECK(client->received() == std::vector<Got>{{"after", 1}});
  CHECK(engine.topic_stats("t").message_count == 2);
}

TEST_CASE("the ids of refused publishes are left unused, and count for nothing", "[broker]") {
  EngineFixture engine;
  auto client = engine.subscribe("t", "c", {.ready_count = 100});
  engine.publish("t", {"before"});
  CHECK(client->received() == std::vector<Got>{{"before", 1}});
  engine.files().set_capacity(engine.files().used_bytes() + 10);
  for (int i = 0; i < 1000; ++i) {
    REQUIRE_FALSE(engine.try_publish("t", {"lost", std::string(100, 'x')}).ok());
  }
  engine.files().set_capacity(std::nullopt);
  const auto used = engine.files().used_bytes();
  client->set_ready_count(0);
  engine.publish("t", {"after"});
  CHECK(engine.files().used_bytes() - used < 500);  // one note of all that was refused
  CHECK(engine.channel_stats("t", "c").depth == 1);
  engine.kill_and_restart();
  CHECK(engine.channel_stats("t", "c").depth == 2);  // "before" was in flight
  client = engine.subscribe("t", "c", {.ready_count = 100});
  CHECK(client->received() == std::vector<Got>{{"before", 1}, {"after", 1}});
  CHECK(client->ids["after"].value - client->ids["before"].value == 2001);
}

TEST_CASE("a publish that comes while another is written is written with it, and told of it",
          "[broker]") {
  EngineFixture engine;
  engine.publish("t", {"first"});
  bool once = true;
  struct Waiter final : nsq::broker::PublishWaiter {
    void on_published(std::uint64_t, const nsq::Result<void>& result) override { outcome = result; }
    std::optional<nsq::Result<void>> outcome;
  };
  auto waiter = std::make_shared<Waiter>();
  std::optional<nsq::Result<void>> at_once;
  engine.files().set_observer([&](MemoryFileSystem::Call call, const std::string&) {
    if (call != MemoryFileSystem::Call::Write || !std::exchange(once, false)) return;
    const std::vector<std::string_view> body{"third"};
    const nsq::broker::Publication publication{body};
    at_once = engine.broker->find_topic("t")->publish({&publication, 1}, engine.now, waiter);
    CHECK_FALSE(at_once.has_value());
  });
  engine.publish("t", {"second"});
  engine.files().set_observer(nullptr);
  REQUIRE(waiter->outcome.has_value());
  CHECK(waiter->outcome->ok());
  auto client = engine.subscribe("t", "c", {.ready_count = 5});
  CHECK(client->received() == std::vector<Got>{{"first", 1}, {"second", 1}, {"third", 1}});
}

TEST_CASE("in fsync mode all who wait share one sync", "[broker]") {
  nsq::broker::Options options;
  options.durability = nsq::broker::Durability::Fsync;
  EngineFixture engine(options);
  engine.publish("t", {"first"});
  const auto before = engine.files().calls(MemoryFileSystem::Call::Sync);
  struct Waiter final : nsq::broker::PublishWaiter {
    void on_published(std::uint64_t, const nsq::Result<void>& result) override {
      told += result.ok() ? 1 : 0;
    }
    int told = 0;
  };
  auto waiter = std::make_shared<Waiter>();
  const std::vector<std::string_view> body{"x"};
  const nsq::broker::Publication publication{body};
  for (int i = 0; i < 20; ++i) {
    CHECK_FALSE(
        engine.broker->find_topic("t")->publish({&publication, 1}, engine.now, waiter).has_value());
  }
  CHECK(waiter->told == 0);
  engine.work().run_all();
  CHECK(waiter->told == 20);
  CHECK(engine.files().calls(MemoryFileSystem::Call::Sync) - before <= 2);
}

// --- a device that makes writers wait ------------------------------------------------------------

namespace {

// A topic whose writes are handed over; what is handed over waits for `write`.
struct SlowDisk {
  explicit SlowDisk(nsq::broker::Durability durability = nsq::broker::Durability::Log)
      : engine(options(durability)), client(engine.subscribe("t", "c", {.ready_count = 1000})) {
    engine.files().set_slow(true);
    publish("first");  // finds out that the disk is slow
    engine.work().run_all();
    REQUIRE(client->received().size() == 1);
  }
  static nsq::broker::Options options(nsq::broker::Durability durability) {
    nsq::broker::Options options;
    options.durability = durability;
    return options;
  }
  struct Waiter final : nsq::broker::PublishWaiter {
    void on_published(std::uint64_t, const nsq::Result<void>& result) override {
      outcomes.push_back(result);
    }
    std::vector<nsq::Result<void>> outcomes;
  };
  // Whether it was answered at once.
  bool publish(const std::string& body) {
    const std::string_view view = body;
    const nsq::broker::Publication publication{{&view, 1}, {}};
    return engine.broker->topic("t", engine.now)
        ->publish({&publication, 1}, engine.now, waiter)
        .has_value();
  }
  bool write() {
    return engine.work().run_one(static_cast<std::size_t>(nsq::storage::WorkQueue::Lane::Write));
  }

  EngineFixture engine;
  std::shared_ptr<EngineFixture::Client> client;
  std::shared_ptr<Waiter> waiter = std::make_shared<Waiter>();
};

// Publishes what nobody waits for, and what is written only when storage work is done.
void leave_to_the_disk(EngineFixture& engine, std::string_view body) {
  const nsq::broker::Publication publication{{&body, 1}, {}};
  REQUIRE_FALSE(engine.broker->topic("t", engine.now)
                    ->publish({&publication, 1}, engine.now, nullptr)
                    .has_value());
}

}  // namespace

TEST_CASE("nobody waits for a slow device but a thread that may", "[broker]") {
  SlowDisk disk;
  CHECK_FALSE(disk.publish("a"));
  CHECK_FALSE(disk.publish("b"));
  CHECK(disk.waiter->outcomes.empty());
  CHECK(disk.client->received_now().empty());
  REQUIRE(disk.write());
  CHECK_FALSE(disk.write());  // one piece of work for both
  REQUIRE(disk.waiter->outcomes.size() == 2);
  CHECK((disk.waiter->outcomes[0].ok() && disk.waiter->outcomes[1].ok()));
  CHECK(disk.client->received() == std::vector<Got>{{"a", 1}, {"b", 1}});
}

TEST_CASE("publishers write for themselves again once the device keeps up", "[broker]") {
  SlowDisk disk;
  disk.engine.files().set_slow(false);
  int handed_over = 0;
  while (!disk.publish("x")) {
    REQUIRE(disk.write());
    REQUIRE(++handed_over < 1000);
  }
  CHECK(handed_over == 100);
  CHECK(disk.client->received().size() == 101);
}

TEST_CASE("a topic deleted before its messages are written refuses them", "[broker]") {
  SlowDisk disk;
  CHECK_FALSE(disk.publish("a"));
  std::optional<nsq::Result<void>> deleted;
  disk.engine.broker->delete_topic("t", disk.engine.now,
                                   [&](nsq::Result<void> result) { deleted = std::move(result); });
  disk.engine.work().run_all();
  REQUIRE(deleted.has_value());
  REQUIRE(disk.waiter->outcomes.size() == 1);
  CHECK(disk.waiter->outcomes[0].error() == make_error_code(nsq::broker::BrokerErrc::Exiting));
  CHECK(disk.engine.broker->stats({}, disk.engine.now).empty());
}

TEST_CASE(
    "a deleted topic's files go when the last write to them has ended, and nobody turns round for "
    "it",
    "[broker]") {
  SlowDisk disk;
  CHECK_FALSE(disk.publish("a"));
  const std::string directory = disk.engine.broker->find_topic("t")->directory();
  disk.engine.broker->delete_topic("t", disk.engine.now, [](const nsq::Result<void>&) {});
  constexpr auto kBackground = static_cast<std::size_t>(nsq::storage::WorkQueue::Lane::Background);
  CHECK(disk.engine.work().waiting(kBackground) == 0);
  CHECK(disk.engine.files().exists(directory));
  REQUIRE(disk.write());
  CHECK(disk.engine.work().waiting(kBackground) == 1);
  disk.engine.work().run_all();
  CHECK_FALSE(disk.engine.files().exists(directory));
}

TEST_CASE("a channel made before messages are written gets them", "[broker]") {
  SlowDisk disk;
  CHECK_FALSE(disk.publish("a"));
  auto late = disk.engine.subscribe("t", "late", {.ready_count = 10});
  disk.engine.work().run_all();
  REQUIRE(disk.waiter->outcomes.size() == 1);
  CHECK(disk.waiter->outcomes[0].ok());
  CHECK(late->received() == std::vector<Got>{{"a", 1}});
  CHECK(disk.client->received() == std::vector<Got>{{"a", 1}});
}

TEST_CASE("a write that was handed over may fail, and its publishers are told", "[broker]") {
  SlowDisk disk;
  CHECK_FALSE(disk.publish("a"));
  CHECK_FALSE(disk.publish("b"));
  disk.engine.files().set_capacity(disk.engine.files().used_bytes());
  disk.engine.work().run_all();
  REQUIRE(disk.waiter->outcomes.size() == 2);
  CHECK_FALSE(disk.waiter->outcomes[0].ok());
  CHECK_FALSE(disk.waiter->outcomes[1].ok());
  disk.engine.files().set_capacity(std::nullopt);
  disk.engine.advance(10s);
  disk.publish("c");
  disk.engine.work().run_all();
  CHECK(disk.client->received() == std::vector<Got>{{"c", 1}});
}

TEST_CASE("with fsync too, a slow device's writes are a thread's", "[broker]") {
  SlowDisk disk(nsq::broker::Durability::Fsync);
  disk.waiter->outcomes.clear();
  CHECK_FALSE(disk.publish("a"));
  CHECK(disk.client->received_now().empty());
  disk.engine.work().run_all();
  REQUIRE(disk.waiter->outcomes.size() == 1);
  CHECK(disk.waiter->outcomes[0].ok());
  disk.engine.lose_power_and_restart();
  auto again = disk.engine.subscribe("t", "c", {.ready_count = 10});
  CHECK(again->received().size() == 2);
}

TEST_CASE("a topic deleted while its messages are written refuses them", "[broker]") {
  for (const auto durability : {nsq::broker::Durability::Log, nsq::broker::Durability::Fsync}) {
    SlowDisk disk(durability);
    disk.waiter->outcomes.clear();
    CHECK_FALSE(disk.publish("a"));
    std::optional<nsq::Result<void>> deleted;
    bool once = false;
    disk.engine.files().set_observer(
        [&](nsq::test::MemoryFileSystem::Call call, const std::string& path) {
          if (once || call != nsq::test::MemoryFileSystem::Call::Write || !path.ends_with(".log"))
            return;
          once = true;
          disk.engine.broker->delete_topic(
              "t", disk.engine.now, [&](nsq::Result<void> result) { deleted = std::move(result); });
        });
    disk.engine.work().run_all();
    disk.engine.files().set_observer(nullptr);
    REQUIRE(once);
    REQUIRE(deleted.has_value());
    REQUIRE(disk.waiter->outcomes.size() == 1);
    CHECK(disk.waiter->outcomes[0].error() == make_error_code(nsq::broker::BrokerErrc::Exiting));
  }
}

TEST_CASE("a publish is answered when the channels it is owed to are on record", "[broker]") {
  SlowDisk disk;
  CHECK_FALSE(disk.publish("a"));
  const auto early = disk.engine.subscribe("t", "early", {.ready_count = 10});
  // While that is noted, another channel is made, and the next message comes, which is then written
  // together with the first.
  std::shared_ptr<EngineFixture::Client> late;
  disk.engine.files().set_observer(
      [&](nsq::test::MemoryFileSystem::Call call, const std::string& path) {
        if (late || call != nsq::test::MemoryFileSystem::Call::Write || !path.ends_with("journal"))
          return;
        late = disk.engine.subscribe("t", "late", {.ready_count = 10});
        CHECK_FALSE(disk.publish("b"));
      });
  REQUIRE(disk.write());
  REQUIRE(late);
  CHECK(disk.waiter->outcomes.size() == 1);
  while (disk.waiter->outcomes.size() < 2) REQUIRE(disk.write());
  disk.engine.files().set_observer(nullptr);
  CHECK((disk.waiter->outcomes[0].ok() && disk.waiter->outcomes[1].ok()));
  // Whatever dies now, it has what was answered after it was made.
  disk.engine.kill_and_restart();
  CHECK(disk.engine.channel_stats("t", "late").depth >= 1);
}

TEST_CASE("what is finished is noted although the end of a pause is not noted yet", "[broker]") {
  using Lane = nsq::storage::WorkQueue::Lane;
  SlowDisk disk;
  EngineFixture& engine = disk.engine;
  disk.client->finish("first");
  const auto pause = [&](bool paused) {
    return [&, paused](auto done) {
      engine.broker->pause_topic("t", paused, engine.now, std::move(done));
    };
  };
  engine.administrate(pause(true));
  CHECK_FALSE(disk.publish("done"));
  CHECK_FALSE(disk.publish("open"));
  engine.work().run_all();
  CHECK(disk.client->received().empty());
  // That they go on to the channel waits for the disk, which is not come to any more.
  CHECK_FALSE(disk.publish("lost"));
  engine.administrate_without_work(pause(false));
  disk.client->pull();
  CHECK(disk.client->received_now() == std::vector<Got>{{"done", 1}, {"open", 1}});
  disk.client->finish("done");
  engine.now = {engine.now.steady + 10ms, engine.now.wall + 10ms};
  engine.broker->advance(engine.now);
  while (engine.work().run_one(static_cast<std::size_t>(Lane::Journal))) continue;
  engine.kill_and_restart();
  engine.administrate(pause(false));
  auto again = engine.subscribe("t", "c", {.ready_count = 10});
  CHECK(again->received() == std::vector<Got>{{"open", 1}});
}

TEST_CASE("what a channel finishes before its making is noted is finished", "[broker]") {
  using Lane = nsq::storage::WorkQueue::Lane;
  EngineFixture engine;
  engine.publish("t", {"done"});
  engine.files().set_slow(true);
  engine.publish("t", {"open"});  // finds out that the disk is slow
  leave_to_the_disk(engine, "unwritten");
  auto client = engine.subscribe("t", "c", {.ready_count = 10});
  CHECK(client->received_now() == std::vector<Got>{{"done", 1}, {"open", 1}});
  client->finish("done");
  engine.now = {engine.now.steady + 10ms, engine.now.wall + 10ms};
  engine.broker->advance(engine.now);
  while (engine.work().run_one(static_cast<std::size_t>(Lane::Journal))) continue;
  engine.work().run_all();
  SECTION("when the process is killed") {
    engine.kill_and_restart();
  }
  SECTION("after a clean stop") {
    engine.restart_cleanly();
  }
  auto again = engine.subscribe("t", "c", {.ready_count = 10});
  REQUIRE(again->received().size() == 2);
  CHECK((again->ids.contains("open") && again->ids.contains("unwritten")));
}

TEST_CASE("what a channel finishes whose making is never noted is no other channel's", "[broker]") {
  using Lane = nsq::storage::WorkQueue::Lane;
  EngineFixture engine;
  engine.publish("t", {"1"});
  engine.files().set_slow(true);
  engine.publish("t", {"2", "3"});  // finds out that the disk is slow
  leave_to_the_disk(engine, "unwritten");
  auto client = engine.subscribe("t", "c", {.ready_count = 10});
  REQUIRE(client->received_now().size() == 3);
  client->finish("1");
  client->finish("3");
  engine.now = {engine.now.steady + 10ms, engine.now.wall + 10ms};
  engine.broker->advance(engine.now);
  while (engine.work().run_one(static_cast<std::size_t>(Lane::Journal))) continue;
  engine.kill_and_restart();
  CHECK(engine.topic_stats("t").depth == 3);
  engine.subscribe("t", "other", {});
  engine.work().run_all();
  for (int i = 0; i < 2; ++i) {
    CHECK(engine.channel_stats("t", "other").depth == 3);
    engine.kill_and_restart();
  }
  auto other = engine.subscribe("t", "other", {.ready_count = 10});
  CHECK(other->received() == std::vector<Got>{{"1", 1}, {"2", 1}, {"3", 1}});
}

TEST_CASE("what a channel notes counts before it is noted where it came from", "[broker]") {
  namespace journal = nsq::broker::journal;
  nsq::storage::IntervalSet finished;
  finished.add({1000, 1010});
  std::string entries;
  journal::routed(entries, true, 1000);
  journal::finished(entries, 1, finished);
  journal::waiting(entries, 1, 1015, {.attempts = 2, .due = {}});
  nsq::broker::TopicRecord record;
  record.replay(entries);
  // Nobody knows whose it was; what waits, waits for whoever is made first, which is another one.
  CHECK(record.channels.empty());
  CHECK(record.routed == 1000);
  CHECK(record.next_channel_number() == 2);
  entries.clear();
  journal::channel_created(entries, 1, 1000, "c");
  record.replay(entries);
  CHECK(record.channels.at(1).finished.count() == 10);
  CHECK(record.channels.at(1).waiting.at(1015).attempts == 2);
  CHECK(record.routed == 1016);
}

TEST_CASE("a channel that was deleted stays so, whoever is at the disk", "[broker]") {
  SlowDisk disk;
  CHECK_FALSE(disk.publish("a"));
  std::optional<nsq::Result<void>> deleted;
  disk.engine.broker->delete_channel(
      "t", "c", disk.engine.now, [&](nsq::Result<void> result) { deleted = std::move(result); });
  const auto metadata = static_cast<std::size_t>(nsq::storage::WorkQueue::Lane::Metadata);
  while (disk.engine.work().run_one(metadata)) continue;
  REQUIRE(deleted.has_value());
  CHECK(deleted->ok());
  SECTION("when the process is killed") {
    disk.engine.kill_and_restart();
  }
  SECTION("when the power fails") {
    disk.engine.lose_power_and_restart();
  }
  CHECK(disk.engine.broker->find_topic("t")->find_channel("c") == nullptr);
}
