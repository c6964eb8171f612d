#include "broker/broker.h"
#include "engine_fixture.h"
#include "support/quiet_log.h"

using namespace nsq::test;

TEST_CASE("nothing acknowledged is lost when the process is killed", "[broker]") {
  EngineFixture engine;
  engine.subscribe("t", "a", {});
  engine.subscribe("t", "b", {});
  engine.publish("t", {"1", "2", "3"});
  engine.kill_and_restart();
  for (const char* channel : {"a", "b"}) {
    auto client = engine.subscribe("t", channel, {.ready_count = 10});
    CHECK(client->received() == std::vector<Got>{{"1", 1}, {"2", 1}, {"3", 1}});
  }
}

TEST_CASE("a channel made a moment before the process is killed has its messages afterwards",
          "[broker]") {
  EngineFixture engine;
  engine.subscribe("t", "old", {});
  engine.publish("t", {"before"});
  engine.subscribe("t", "new", {});
  engine.publish("t", {"after"});
  engine.kill_and_restart();  // no storage work was done: nsqd.dat knows neither topic nor channels
  auto client = engine.subscribe("t", "new", {.ready_count = 10});
  CHECK(client->received() == std::vector<Got>{{"after", 1}});
}

TEST_CASE("what was finished before the journal's interval does not come back", "[broker]") {
  EngineFixture engine;
  auto client = engine.subscribe("t", "c", {.ready_count = 10});
  engine.publish("t", {"done", "open"});
  client->received();
  client->finish("done");
  engine.advance(nsq::broker::Options{}.journal_interval);
  engine.kill_and_restart();
  auto again = engine.subscribe("t", "c", {.ready_count = 10});
  CHECK(again->received() == std::vector<Got>{{"open", 1}});
}

TEST_CASE("what is finished is noted while nsqd.dat and a sync wait for the disk", "[broker]") {
  using Lane = nsq::storage::WorkQueue::Lane;
  EngineFixture engine;
  auto client = engine.subscribe("t", "c", {.ready_count = 10});
  engine.publish("t", {"done", "open"});
  client->received();
  // Both take as long as they like: neither is ever come to.
  engine.broker->create_channel("t", "other", engine.now, [](const auto&) {});
  client->finish("done");
  engine.now = {engine.now.steady + 10ms, engine.now.wall + 10ms};
  engine.broker->advance(engine.now);
  while (engine.work().run_one(static_cast<std::size_t>(Lane::Journal))) continue;
  engine.kill_and_restart();
  auto again = engine.subscribe("t", "c", {.ready_count = 10});
  CHECK(again->received() == std::vector<Got>{{"open", 1}});
}

TEST_CASE("what is finished is noted while the disk is at a sync of the journal", "[broker]") {
  using Call = MemoryFileSystem::Call;
  using Lane = nsq::storage::WorkQueue::Lane;
  EngineFixture engine;
  auto client = engine.subscribe("t", "c", {.ready_count = 10});
  engine.publish("t", {"before", "done", "open"});
  client->received();
  client->finish("before");
  engine.advance(10ms);
  bool syncing = false;
  engine.files().set_observer([&](Call call, const std::string& path) {
    if (call != Call::Sync || !path.ends_with("journal") || std::exchange(syncing, true)) return;
    client->finish("done");
    engine.now = {engine.now.steady + 10ms, engine.now.wall + 10ms};
    engine.broker->advance(engine.now);
    while (engine.work().run_one(static_cast<std::size_t>(Lane::Journal))) continue;
  });
  engine.advance(3s);
  engine.files().set_observer(nullptr);
  REQUIRE(syncing);
  engine.kill_and_restart();
  auto again = engine.subscribe("t", "c", {.ready_count = 10});
  CHECK(again->received() == std::vector<Got>{{"open", 1}});
}

TEST_CASE("attempts and delays survive being killed", "[broker]") {
  EngineFixture engine;
  auto client = engine.subscribe("t", "c", {.ready_count = 10});
  engine.publish("t", {"tried", "deferred"});
  engine.publish("t", {"published for later"}, 60s);
  for (int i = 0; i < 3; ++i) {
    client->received();
    client->requeue("tried");
  }
  client->received();
  client->requeue("deferred", 60s);
  client->requeue("tried");
  client->set_ready_count(0);
  engine.advance(10ms);
  engine.kill_and_restart();
  auto again = engine.subscribe("t", "c", {.ready_count = 10});
  CHECK(again->received() == std::vector<Got>{{"tried", 5}});
  again->finish("tried");
  CHECK(engine.channel_stats("t", "c").deferred_count == 2);
  engine.advance(60s);
  CHECK(again->received() == std::vector<Got>{{"deferred", 2}, {"published for later", 1}});
}

TEST_CASE("in flight at a clean stop means waiting, with the attempts it had", "[broker]") {
  EngineFixture engine;
  auto client = engine.subscribe("t", "c", {.ready_count = 10});
  engine.publish("t", {"x"});
  client->received();
  client->leave();
  engine.restart_cleanly();
  auto again = engine.subscribe("t", "c", {.ready_count = 10});
  CHECK(again->received() == std::vector<Got>{{"x", 2}});
}

TEST_CASE("paused topics and channels stay paused", "[broker]") {
  EngineFixture engine;
  engine.subscribe("t", "c", {});
  engine.administrate([&](auto done) { engine.broker->pause_topic("t", true, engine.now, done); });
  engine.administrate(
      [&](auto done) { engine.broker->pause_channel("t", "c", true, engine.now, done); });
  engine.kill_and_restart();
  CHECK(engine.topic_stats("t").paused);
  CHECK(engine.channel_stats("t", "c").paused);
}

TEST_CASE("ids are never used twice, also not after a crash", "[broker]") {
  EngineFixture engine;
  auto client = engine.subscribe("t", "c", {.ready_count = 10});
  engine.publish("t", {"1"});
  client->received();
  const auto first = client->ids["1"];
  engine.kill_and_restart();
  engine.publish("t", {"2"});
  auto again = engine.subscribe("t", "c", {.ready_count = 10});
  CHECK(again->received().size() == 2);
  CHECK(again->ids["1"] == first);
  CHECK(again->ids["2"] > first);
  CHECK(engine.channel_stats("t", "c").depth == 0);
}

TEST_CASE("ids are not used again though a power cut takes back all since a clean start",
          "[broker]") {
  EngineFixture engine;
  engine.subscribe("t", "c", {});
  engine.publish("t", {"before"});
  engine.restart_cleanly();
  auto client = engine.subscribe("t", "c", {.ready_count = 10});
  engine.publish("t", {"taken back"});
  REQUIRE(client->received().size() == 2);
  const auto id = client->ids["taken back"];
  engine.lose_power_and_restart();
  auto again = engine.subscribe("t", "c", {.ready_count = 10});
  engine.publish("t", {"after"});
  CHECK(again->received() == std::vector<Got>{{"before", 1}, {"after", 1}});
  CHECK(again->ids["after"] != id);
}

TEST_CASE("a topic left alone costs no write at a restart", "[broker]") {
  EngineFixture engine;
  engine.subscribe("t", "c", {});
  engine.publish("t", {"x"});
  engine.restart_cleanly();
  const auto path = engine.broker->find_topic("t")->directory() + "/journal";
  const auto before = engine.files().content(path);
  engine.restart_cleanly();
  CHECK(engine.files().content(path) == before);
  CHECK(engine.channel_stats("t", "c").depth == 1);
}

TEST_CASE("a metadata file written by hand, or by the original, is taken over", "[broker]") {
  EngineFixture engine;
  engine.files().put(
      "data/nsqd.dat",
      R"({"topics":[{"name":"p","paused":true,"channels":[{"name":"c","paused":true}]},)"
      R"({"name":"q","paused":false,"channels":null},{"name":"not valid!"}],"version":"1.3.0"})");
  engine.kill_and_restart();
  CHECK(engine.topic_stats("p").paused);
  CHECK(engine.channel_stats("p", "c").paused);
  CHECK(engine.topic_stats("q").channels.empty());
  CHECK(engine.broker->stats({}, engine.now).size() == 2);
}

TEST_CASE("a damaged metadata file is set aside; topics and messages are still there", "[broker]") {
  EngineFixture engine;
  engine.subscribe("t", "c", {});
  engine.publish("t", {"x"});
  engine.work().run_all();
  engine.files().put("data/nsqd.dat", "{\"topics\":[{");
  engine.kill_and_restart();
  CHECK(engine.channel_stats("t", "c").depth == 1);
  CHECK(engine.files().exists("data/nsqd.dat.bad"));
}

TEST_CASE("disk space is given back when messages are finished, a few stragglers notwithstanding",
          "[broker]") {
  nsq::broker::Options options;
  options.mem_queue_size = 10;
  options.max_bytes_per_file = 50'000;
  EngineFixture engine(options);
  auto client = engine.subscribe("t", "c", {.ready_count = 2000});
  const std::string padding(1000, 'x');
  for (int i = 0; i < 1000; ++i) engine.publish("t", {std::to_string(i) + padding});
  CHECK(engine.topic_stats("t").disk_bytes > 1'000'000);
  client->received();
  for (int i = 0; i < 1000; ++i) {
    if (i % 100 != 0) client->finish(std::to_string(i) + padding);
  }
  for (int i = 0; i < 5; ++i) engine.advance(1s);
  CHECK(engine.topic_stats("t").disk_bytes < 150'000);
  engine.kill_and_restart();
  auto again = engine.subscribe("t", "c", {.ready_count = 2000});
  CHECK(again->received().size() == 10);
  CHECK(engine.channel_stats("t", "c").lost_count == 0);
}

TEST_CASE("disk space is given back although the disk failed when it was first tried", "[broker]") {
  using Call = MemoryFileSystem::Call;
  const auto failing = GENERATE(Call::Sync, Call::Remove);
  nsq::broker::Options options;
  options.mem_queue_size = 10;
  options.max_bytes_per_file = 50'000;
  EngineFixture engine(options);
  auto client = engine.subscribe("t", "c", {.ready_count = 2000});
  const std::string padding(1000, 'x');
  for (int i = 0; i < 300; ++i) engine.publish("t", {std::to_string(i) + padding});
  engine.advance(3s);
  client->received();
  for (int i = 0; i < 300; ++i) client->finish(std::to_string(i) + padding);
  engine.files().fail(failing, 1, std::errc::io_error, 20);
  for (int i = 0; i < 5; ++i) engine.advance(1s);
  engine.files().stop_failing();
  for (int i = 0; i < 5; ++i) engine.advance(1s);
  CHECK(engine.files().used_bytes() < 100'000);
}

TEST_CASE("what was finished a sync ago survives a power cut, though nobody publishes",
          "[broker]") {
  EngineFixture engine;
  auto client = engine.subscribe("t", "c", {.ready_count = 10});
  engine.publish("t", {"done", "open"});
  engine.advance(10s);
  client->received();
  client->finish("done");
  engine.advance(nsq::broker::Options{}.journal_interval);
  engine.advance(nsq::broker::Options{}.sync_timeout);
  engine.lose_power_and_restart();
  auto again = engine.subscribe("t", "c", {.ready_count = 10});
  CHECK(again->received() == std::vector<Got>{{"open", 1}});
}

TEST_CASE("what was written while a sync ran is synced in its time, though nobody publishes more",
          "[broker]") {
  nsq::broker::Options options;
  options.sync_every = 1;
  EngineFixture engine(options);
  engine.subscribe("t", "c", {});
  engine.publish("t", {"starts a sync"});
  engine.files().set_observer([&](MemoryFileSystem::Call call, const std::string& path) {
    if (call != MemoryFileSystem::Call::SyncDirectory || path.find("t@") == std::string::npos) {
      return;
    }
    engine.files().set_observer(nullptr);
    engine.publish("t", {"comes behind the files' sync"});
  });
  engine.work().run_all();
  engine.advance(nsq::broker::Options{}.sync_timeout);
  engine.lose_power_and_restart();
  auto again = engine.subscribe("t", "c", {.ready_count = 10});
  CHECK(again->received().size() == 2);
}

TEST_CASE("an idle topic is left alone by the disk", "[broker]") {
  EngineFixture engine;
  auto client = engine.subscribe("t", "c", {.ready_count = 10});
  engine.publish("t", {"x"});
  client->received();
  client->finish("x");
  for (int i = 0; i < 5; ++i) engine.advance(10s);
  const auto writes = engine.files().calls(MemoryFileSystem::Call::Write);
  const auto syncs = engine.files().calls(MemoryFileSystem::Call::Sync);
  for (int i = 0; i < 5; ++i) engine.advance(10s);
  CHECK(engine.files().calls(MemoryFileSystem::Call::Write) == writes);
  CHECK(engine.files().calls(MemoryFileSystem::Call::Sync) == syncs);
}

TEST_CASE("a topic nobody publishes to holds no file open, and goes on where it left off",
          "[broker]") {
  EngineFixture engine;
  auto client = engine.subscribe("t", "c", {.ready_count = 10});
  engine.publish("t", {"1"});
  CHECK(engine.files().open_files() == 2);
  CHECK(client->received() == std::vector<Got>{{"1", 1}});
  client->finish("1");
  for (int i = 0; i < 5; ++i) engine.advance(10s);
  CHECK(engine.files().open_files() == 0);
  const auto topic = engine.files().list("data/topics");
  REQUIRE(topic);
  const auto before = engine.files().list("data/topics/" + topic->at(0));
  REQUIRE(before);
  engine.publish("t", {"2"});
  client->received();
  client->finish("2");
  engine.publish("t", {"3"});
  CHECK(engine.files().list("data/topics/" + topic->at(0))->size() == before->size());
  for (int i = 0; i < 5; ++i) engine.advance(10s);
  CHECK(engine.files().open_files() == 0);
  engine.lose_power_and_restart();
  auto again = engine.subscribe("t", "c", {.ready_count = 10});
  CHECK(again->received() == std::vector<Got>{{"3", 1}});
}

TEST_CASE("a file that cannot be opened again refuses publishes until it can", "[broker]") {
  const QuietLog quiet;
  EngineFixture engine;
  auto client = engine.subscribe("t", "c", {.ready_count = 10});
  engine.publish("t", {"1"});
  for (int i = 0; i < 5; ++i) engine.advance(10s);
  REQUIRE(engine.files().open_files() == 0);
  engine.files().fail(MemoryFileSystem::Call::Open, 1, std::errc::too_many_files_open);
  CHECK_FALSE(engine.try_publish("t", {"refused"}));
  engine.work().run_all();
  engine.publish("t", {"2"});
  engine.kill_and_restart();
  auto again = engine.subscribe("t", "c", {.ready_count = 10});
  const auto got = again->received();
  REQUIRE(got.size() == 2);
  CHECK(got[1].body == "2");
}

TEST_CASE("a channel that a damaged journal has lost gets all there is", "[broker]") {
  EngineFixture engine;
  engine.subscribe("t", "kept", {});
  engine.work().run_all();
  engine.subscribe("t", "struck", {});
  engine.work().run_all();
  engine.publish("t", {"1", "2"});
  engine.work().run_all();
  const auto topics = engine.files().list("data/topics");
  REQUIRE(topics.ok());
  const std::string path = "data/topics/" + topics->at(0) + "/journal";
  engine.files().flip_bit(path, engine.files().content(path).find("struck"), 0);
  engine.kill_and_restart();
  for (const char* channel : {"kept", "struck"}) {
    auto client = engine.subscribe("t", channel, {.ready_count = 10});
    CHECK(client->received() == std::vector<Got>{{"1", 1}, {"2", 1}});
  }
  engine.kill_and_restart();
  auto again = engine.subscribe("t", "struck", {.ready_count = 10});
  CHECK(again->received().size() == 2);  // it is in the journal again
}

TEST_CASE("nobody waits for a deferred message that is gone from the log", "[broker]") {
  EngineFixture engine;
  engine.publish("t", {"1"});
  engine.publish("t", {"for later"}, 60s);
  engine.kill_and_restart();
  engine.publish("t", {"2"});  // and with it, what the log said of deferred messages is noted
  const std::string directory = "data/topics/" + engine.files().list("data/topics")->at(0);
  const auto names = engine.files().list(directory);
  int damaged = 0;
  for (const std::string& name : *names) {
    const std::string path = directory + "/" + name;
    const auto found = engine.files().content(path).find("for later");
    if (!name.ends_with(".log") || found == std::string::npos) continue;
    engine.files().flip_bit(path, found, 0);
    ++damaged;
  }
  REQUIRE(damaged == 1);
  engine.kill_and_restart();
  auto client = engine.subscribe("t", "c", {.ready_count = 10});
  CHECK(client->received() == std::vector<Got>{{"1", 1}, {"2", 1}});
  client->finish("1");
  client->finish("2");
  CHECK(engine.channel_stats("t", "c").deferred_count == 0);
  engine.advance(60s);
  CHECK(client->received().empty());
  CHECK(engine.channel_stats("t", "c").lost_count == 0);
}

TEST_CASE("on a disk that its own messages have filled, consumers make room for more", "[broker]") {
  nsq::broker::Options options;
  options.reserve_bytes = 4000;
  options.max_bytes_per_file = 10'000;
  EngineFixture engine(options);
  auto client = engine.subscribe("t", "c", {});
  engine.advance(1s);
  engine.files().set_capacity(engine.files().used_bytes() + 50'000);
  int published = 0;
  while (engine.try_publish("t", {std::string(900, 'x') + std::to_string(published)})) ++published;
  CHECK(published > 40);
  CHECK(engine.broker->health().starts_with("NOK - "));
  for (int i = 0; i < 2000; ++i) CHECK_FALSE(engine.try_publish("t", {"refused"}));
  client->set_ready_count(1000);
  const auto got = client->received();
  CHECK(got.size() == static_cast<std::size_t>(published));
  for (const Got& each : got) client->finish(each.body);
  for (int i = 0; i < 10; ++i) engine.advance(1s);
  CHECK(engine.broker->health() == "OK");
  CHECK(engine.try_publish("t", {"taken"}));
  engine.kill_and_restart();
  auto again = engine.subscribe("t", "c", {.ready_count = 10});
  CHECK(again->received() == std::vector<Got>{{"taken", 1}});
}

TEST_CASE("after a clean stop the power may fail", "[broker]") {
  EngineFixture engine;
  engine.broker->topic("t", engine.now);
  engine.work().run_all();
  // The journal, which has to tell who the messages are for, is the first file of the topic.
  engine.subscribe("t", "passing#ephemeral", {})->leave();
  engine.publish("t", {"1"});
  engine.restart_cleanly();
  engine.publish("t", {"2"});
  for (int i = 0; i < 5; ++i) engine.advance(1s);
  engine.lose_power_and_restart();
  auto client = engine.subscribe("t", "c", {.ready_count = 10});
  CHECK(client->received() == std::vector<Got>{{"1", 1}, {"2", 1}});
}

TEST_CASE("hundreds of topics are left cleanly, by several threads", "[broker]") {
  EngineFixture engine;
  constexpr int kTopics = 300;
  for (int i = 0; i < kTopics; ++i) {
    const std::string topic = "t" + std::to_string(i);
    auto client = engine.subscribe(topic, "c", {.ready_count = 2});
    engine.publish(topic, {"a" + std::to_string(i), "b" + std::to_string(i)});
    CHECK(client->received().size() == 2);
    client->finish("a" + std::to_string(i));
  }
  engine.restart_cleanly();
  // All of it was synced.
  engine.lose_power_and_restart();
  for (int i = 0; i < kTopics; ++i) {
    auto client = engine.subscribe("t" + std::to_string(i), "c", {.ready_count = 2});
    CHECK(client->received() == std::vector<Got>{{"b" + std::to_string(i), 2}});
  }
}

TEST_CASE("one of many topics that cannot be left cleanly is told of", "[broker]") {
  EngineFixture engine;
  for (int i = 0; i < 100; ++i) engine.publish("t" + std::to_string(i), {"x"});
  engine.work().run_all();
  engine.files().fail(nsq::test::MemoryFileSystem::Call::Sync, 50, std::errc::io_error, 1000);
  CHECK_FALSE(engine.broker->shut_down(engine.now));
}

TEST_CASE("a topic may have any valid name", "[broker]") {
  for (const std::string name : {"trash.t", "a.b", "..", "journal", "-", "trash"}) {
    EngineFixture engine;
    engine.subscribe(name, "c", {});
    engine.publish(name, {"kept"});
    engine.restart_cleanly();
    engine.work().run_all();
    engine.restart_cleanly();
    auto client = engine.subscribe(name, "c", {.ready_count = 10});
    CHECK(client->received() == std::vector<Got>{{"kept", 1}});
  }
}

TEST_CASE("of a topic deleted and made again, what was deleted never comes back", "[broker]") {
  const auto by = GENERATE(1s, -3600s);  // the clock may be set back
  EngineFixture engine;
  engine.publish("t", {"old"});
  // Its files are still there when the process ends.
  engine.broker->delete_topic("t", engine.now, [](const auto&) {});
  engine.now.wall = engine.now.wall + by;
  engine.publish("t", {"new"});
  engine.work().forget_all();
  engine.kill_and_restart();
  CHECK(engine.topic_stats("t").depth == 1);
  SECTION("while the later one is there") {
    auto client = engine.subscribe("t", "c", {.ready_count = 10});
    CHECK(client->received() == std::vector<Got>{{"new", 1}});
  }
  SECTION("nor when that is deleted too") {
    engine.administrate([&](auto done) { engine.broker->delete_topic("t", engine.now, done); });
    engine.kill_and_restart();
    CHECK(engine.broker->find_topic("t") == nullptr);
  }
}
