#include "broker/topic_observer.h"

#include "engine_fixture.h"

using namespace nsq::test;
using Told = std::vector<std::string>;

namespace {

// Holds new topics back, if it is to, and notes what it is told.
class Watcher final : public nsq::broker::TopicObserver {
 public:
  bool holds_new_topics() const override { return holds; }
  void on_topic_created(const std::shared_ptr<nsq::broker::Topic>& topic) override {
    told.push_back("created " + topic->name());
  }
  void on_topic_changed(const std::string& topic) override { told.push_back("changed " + topic); }

  Told take() { return std::exchange(told, {}); }

  bool holds = false;
  Told told;
};

}  // namespace

TEST_CASE("an observer is told of every topic and channel that comes or goes", "[broker]") {
  EngineFixture engine;
  Watcher watcher;
  engine.broker->set_observer(&watcher);
  engine.publish("t", {"x"});
  CHECK(watcher.take() == Told{"created t"});
  engine.administrate(
      [&](auto done) { engine.broker->create_channel("t", "c", engine.now, done); });
  CHECK(watcher.take() == Told{"changed t"});
  auto client = engine.subscribe("e#ephemeral", "c#ephemeral", {});
  CHECK(watcher.take() == Told{"created e#ephemeral", "changed e#ephemeral"});
  auto other = engine.subscribe("t", "c", {});
  CHECK(watcher.take().empty());
  client->leave();
  CHECK(watcher.take() == Told{"changed e#ephemeral", "changed e#ephemeral"});
  engine.administrate(
      [&](auto done) { engine.broker->delete_channel("t", "c", engine.now, done); });
  CHECK(watcher.take() == Told{"changed t"});
  engine.administrate([&](auto done) { engine.broker->delete_topic("t", engine.now, done); });
  CHECK(watcher.take() == Told{"changed t"});
  engine.broker->set_observer(nullptr);
}

TEST_CASE("a held topic takes messages and hands them out once it is started", "[broker]") {
  EngineFixture engine;
  Watcher watcher;
  watcher.holds = true;
  engine.broker->set_observer(&watcher);
  auto early = engine.subscribe("t", "early", {.ready_count = 5});
  engine.publish("t", {"one"});
  CHECK(early->received().empty());
  CHECK(engine.topic_stats("t").depth == 1);
  CHECK_FALSE(engine.topic_stats("t").paused);
  engine.administrate(
      [&](auto done) { engine.broker->create_channel("t", "found", engine.now, done); });
  engine.broker->find_topic("t")->start(engine.now);
  CHECK(early->received() == std::vector<Got>{{"one", 1}});
  CHECK(engine.channel_stats("t", "found").depth == 1);
  engine.publish("t", {"two"});
  engine.broker->find_topic("t")->start(engine.now);
  CHECK(early->received() == std::vector<Got>{{"two", 1}});
}

TEST_CASE("a held topic that is paused as well waits for both to end", "[broker]") {
  EngineFixture engine;
  Watcher watcher;
  watcher.holds = true;
  engine.broker->set_observer(&watcher);
  auto client = engine.subscribe("t", "c", {.ready_count = 5});
  engine.publish("t", {"x"});
  engine.administrate([&](auto done) { engine.broker->pause_topic("t", true, engine.now, done); });
  engine.broker->find_topic("t")->start(engine.now);
  CHECK(client->received().empty());
  engine.administrate([&](auto done) { engine.broker->pause_topic("t", false, engine.now, done); });
  CHECK(client->received().size() == 1);
}

TEST_CASE("what a held topic took goes to its channels after a crash", "[broker]") {
  EngineFixture engine;
  Watcher watcher;
  watcher.holds = true;
  engine.broker->set_observer(&watcher);
  engine.publish("t", {"one"});
  engine.administrate(
      [&](auto done) { engine.broker->create_channel("t", "c", engine.now, done); });
  engine.publish("t", {"two"});
  engine.kill_and_restart();
  auto client = engine.subscribe("t", "c", {.ready_count = 5});
  CHECK(client->received() == std::vector<Got>{{"one", 1}, {"two", 1}});
}
