#include "broker/import.h"

#include <algorithm>
#include <string>
#include <vector>

#include "diskqueue_files.h"
#include "engine_fixture.h"
#include "support/quiet_log.h"

using namespace nsq::test;
using nsq::broker::import_diskqueues;
using nsq::broker::ImportOptions;
using nsq::broker::ImportSummary;

namespace {

const nsq::Timestamp kNow{1'789'999'999'000'000'000};

const ImportOptions kOptions{
    .data_path = "data", .node_id = 0, .max_bytes_per_file = 4000, .seed = 9};

ImportSummary import(MemoryFileSystem& files) {
  const auto imported = import_diskqueues(kOptions, files, kNow, nullptr);
  REQUIRE(imported);
  return *imported;
}

void note(MemoryFileSystem& files, const std::string& topics) {
  files.put("data/nsqd.dat", "{\"topics\":[" + topics + "],\"version\":\"1.3.0\"}");
}

std::vector<std::string> bodies(const std::vector<Got>& messages) {
  std::vector<std::string> bodies;
  for (const Got& got : messages) bodies.push_back(got.body);
  std::sort(bodies.begin(), bodies.end());
  return bodies;
}

std::vector<std::string> left_in(MemoryFileSystem& files, const std::string& directory) {
  auto names = files.list(directory);
  REQUIRE(names);
  std::sort(names->begin(), names->end());
  return *names;
}

using Words = std::vector<std::string>;

constexpr const char* kTopicWithTwo =
    R"({"name":"t","paused":false,"channels":[{"name":"a","paused":false},{"name":"b","paused":true}]})";

// A topic with its own backlog, and one of each of its channels.
void put_two_channels(MemoryFileSystem& files) {
  note(files, kTopicWithTwo);
  put_old_queue(files, "t", {old_messages(2, "both", 100)});
  put_old_queue(files, "t:a", {old_messages(2, "a", 200)});
  put_old_queue(files, "t:b", {old_messages(1, "b", 300)});
}

void check_two_channels(EngineFixture& engine) {
  auto a = engine.subscribe("t", "a", {.ready_count = 100});
  CHECK(bodies(a->received()) == Words{"a1", "a2", "both1", "both2"});
  CHECK(engine.channel_stats("t", "b").paused);
  CHECK(engine.channel_stats("t", "b").depth == 3);
  engine.administrate(
      [&](auto done) { engine.broker->pause_channel("t", "b", false, engine.now, done); });
  auto b = engine.subscribe("t", "b", {.ready_count = 100});
  CHECK(bodies(b->received()) == Words{"b1", "both1", "both2"});
}

}  // namespace

TEST_CASE("a topic's backlog goes to all its channels, a channel's to it alone", "[broker]") {
  const QuietLog quiet;
  EngineFixture engine({}, [](MemoryFileSystem& files) {
    put_two_channels(files);
    const ImportSummary summary = import(files);
    CHECK(summary.topics == 1);
    CHECK(summary.messages == 5);
    CHECK(summary.damaged == 0);
  });
  check_two_channels(engine);
}

TEST_CASE("imported messages survive another restart, finished or not", "[broker]") {
  const QuietLog quiet;
  EngineFixture engine({}, [](MemoryFileSystem& files) {
    put_two_channels(files);
    import(files);
  });
  auto a = engine.subscribe("t", "a", {.ready_count = 100});
  a->received();
  a->finish("a1");
  a->finish("both2");
  engine.restart_cleanly();
  auto again = engine.subscribe("t", "a", {.ready_count = 100});
  CHECK(bodies(again->received()) == Words{"a2", "both1"});
  engine.publish("t", {"new"});
  CHECK(bodies(again->received()) == Words{"new"});
}

TEST_CASE("ids, timestamps and attempts are kept", "[broker]") {
  const QuietLog quiet;
  EngineFixture engine({}, [](MemoryFileSystem& files) {
    note(files, R"({"name":"t","paused":false,"channels":[{"name":"c","paused":false}]})");
    put_old_queue(files, "t:c",
                  {{{"fresh", 0, 0x0a0b0c0d0e0f0001, 1'600'000'000'000'000'000},
                    {"tried", 4, 0x0a0b0c0d0e0f0002, 1'600'000'000'000'000'001}}});
    import(files);
  });
  auto client = engine.subscribe("t", "c", {.ready_count = 10});
  auto got = client->received();
  std::sort(got.begin(), got.end(),
            [](const Got& one, const Got& other) { return one.body < other.body; });
  CHECK(got == std::vector<Got>{{"fresh", 1}, {"tried", 5}});
  CHECK(client->ids["fresh"].value == 0x0a0b0c0d0e0f0001);
  CHECK(client->ids["tried"].value == 0x0a0b0c0d0e0f0002);
  CHECK(client->finish("tried") == nsq::broker::AnswerOutcome::Done);
}

TEST_CASE("a queue of several files is read from where reading stood", "[broker]") {
  const QuietLog quiet;
  EngineFixture engine({}, [](MemoryFileSystem& files) {
    note(files, R"({"name":"t","paused":false,"channels":[{"name":"c","paused":false}]})");
    put_old_queue(files, "t:c", {old_messages(3, "x"), old_messages(200, "y"), {{"z"}}}, 7);
    const std::size_t read = old_record({"x1"}).size();
    files.put("data/t:c.diskqueue.meta.dat", "203\n7," + std::to_string(read) + "\n9,0\n");
    // Not among the queue's files.
    files.put("data/" + old_file_name("t:c", 6), old_record({"old"}));
    files.put("data/" + old_file_name("t:c", 10), old_record({"odd"}));
    CHECK(import(files).messages == 203);
  });
  CHECK(engine.channel_stats("t", "c").depth == 203);
  auto client = engine.subscribe("t", "c", {.ready_count = 1000});
  const auto got = client->received();
  CHECK(got.size() == 203);
  CHECK(got.front().body == "x2");
  CHECK(got.back().body == "z");
}

TEST_CASE("a paused topic's backlog waits at the topic, its channels' with them", "[broker]") {
  const QuietLog quiet;
  EngineFixture engine({}, [](MemoryFileSystem& files) {
    note(files, R"({"name":"t","paused":true,"channels":[{"name":"c","paused":false}]})");
    put_old_queue(files, "t", {old_messages(2, "topic")});
    put_old_queue(files, "t:c", {old_messages(1, "channel", 50)});
    import(files);
  });
  CHECK(engine.topic_stats("t").paused);
  CHECK(engine.topic_stats("t").depth == 2);
  auto client = engine.subscribe("t", "c", {.ready_count = 10});
  CHECK(bodies(client->received()) == Words{"channel1"});
  engine.administrate([&](auto done) { engine.broker->pause_topic("t", false, engine.now, done); });
  CHECK(bodies(client->received()) == Words{"topic1", "topic2"});
}

TEST_CASE("a topic without channels keeps its backlog for the first one", "[broker]") {
  const QuietLog quiet;
  EngineFixture engine({}, [](MemoryFileSystem& files) {
    note(files, R"({"name":"t","paused":false,"channels":null})");
    put_old_queue(files, "t", {old_messages(3, "m")});
    import(files);
  });
  CHECK(engine.topic_stats("t").depth == 3);
  auto client = engine.subscribe("t", "first", {.ready_count = 10});
  CHECK(bodies(client->received()) == Words{"m1", "m2", "m3"});
}

TEST_CASE("what is damaged is passed over and counted, the rest arrives", "[broker]") {
  const QuietLog quiet;
  EngineFixture engine({}, [](MemoryFileSystem& files) {
    note(files, kTopicWithTwo);
    put_old_queue(files, "t:a", {old_messages(3, "x"), old_messages(3, "y"), old_messages(3, "z")});
    std::string damaged = files.content("data/" + old_file_name("t:a", 1));
    damaged[damaged.size() / 3 + 1] = '\x7f';  // the second one's length
    files.put("data/" + old_file_name("t:a", 1), damaged);
    std::string torn = files.content("data/" + old_file_name("t:a", 2));
    files.put("data/" + old_file_name("t:a", 2), torn.substr(0, torn.size() - 1));
    // Of this queue a file is missing.
    put_old_queue(files, "t:b", {old_messages(1, "x"), old_messages(1, "y"), old_messages(1, "z")});
    REQUIRE(files.remove("data/" + old_file_name("t:b", 1)));
    const ImportSummary summary = import(files);
    CHECK(summary.messages == 9);
    CHECK(summary.damaged == 3);
  });
  auto client = engine.subscribe("t", "a", {.ready_count = 10});
  CHECK(bodies(client->received()) == Words{"x1", "x2", "x3", "y1", "y3", "z1", "z2"});
}

TEST_CASE("a queue without usable metadata counts as unread", "[broker]") {
  const QuietLog quiet;
  EngineFixture engine({}, [](MemoryFileSystem& files) {
    note(files, kTopicWithTwo);
    put_old_queue(files, "t:a", {old_messages(2, "a")}, 3);
    put_old_queue(files, "t:b", {old_messages(2, "b")});
    REQUIRE(files.remove("data/t:a.diskqueue.meta.dat"));
    files.put("data/t:b.diskqueue.meta.dat", "garbage");
    CHECK(import(files).messages == 4);
  });
  CHECK(engine.channel_stats("t", "a").depth == 2);
  CHECK(engine.channel_stats("t", "b").depth == 2);
}

TEST_CASE("messages of topics and channels that nsqd.dat lacks arrive as well", "[broker]") {
  const QuietLog quiet;
  for (const std::string metadata : {"", "broken", R"({"topics":null})"}) {
    CAPTURE(metadata);
    EngineFixture engine({}, [&](MemoryFileSystem& files) {
      if (!metadata.empty()) files.put("data/nsqd.dat", metadata);
      put_old_queue(files, "t", {old_messages(1, "topic")});
      put_old_queue(files, "t:c", {old_messages(1, "channel")});
      files.put("data/t:gone.diskqueue.meta.dat", "0\n0,0\n0,0\n");
      CHECK(import(files).messages == 2);
    });
    CHECK(engine.topic_stats("t").channels.size() == 1);
    CHECK(engine.channel_stats("t", "c").depth == 2);
  }
}

TEST_CASE("the old files are kept aside, and nothing is imported twice", "[broker]") {
  const QuietLog quiet;
  MemoryFileSystem files;
  REQUIRE(files.create_directory("data"));
  put_two_channels(files);
  files.put("data/t:a.diskqueue.000007.dat.bad", "bad");
  files.put("data/unrelated", "x");
  const std::string old = files.content("data/t.diskqueue.000000.dat");
  import(files);
  CHECK(left_in(files, "data") ==
        Words{"imported.20260921T141319Z", "nsqd.dat", "topics", "unrelated"});
  CHECK(left_in(files, "data/imported.20260921T141319Z") ==
        Words{"nsqd.dat", "t.diskqueue.000000.dat", "t.diskqueue.meta.dat",
              "t:a.diskqueue.000000.dat", "t:a.diskqueue.000007.dat.bad", "t:a.diskqueue.meta.dat",
              "t:b.diskqueue.000000.dat", "t:b.diskqueue.meta.dat"});
  CHECK(files.content("data/imported.20260921T141319Z/t.diskqueue.000000.dat") == old);
  CHECK(import(files).messages == 0);
  CHECK(left_in(files, "data/topics").size() == 1);
}

TEST_CASE("a data path without old queues is not touched", "[broker]") {
  MemoryFileSystem files;
  REQUIRE(files.create_directory("data"));
  files.put("data/nsqd.dat", R"({"topics":[]})");
  CHECK(import(files).topics == 0);
  CHECK(left_in(files, "data") == Words{"nsqd.dat"});
}

TEST_CASE("names that cannot be are not imported, and ephemeral ones never", "[broker]") {
  const QuietLog quiet;
  MemoryFileSystem files;
  REQUIRE(files.create_directory("data"));
  note(files, R"({"name":"t#ephemeral","paused":false,"channels":null})");
  put_old_queue(files, "t#ephemeral", {old_messages(1, "x")});
  put_old_queue(files, "t:c#ephemeral", {old_messages(1, "x")});
  put_old_queue(files, "bad name", {old_messages(1, "x")});
  CHECK(import(files).messages == 0);
  CHECK(files.exists("data/bad name.diskqueue.000000.dat"));
  CHECK_FALSE(files.exists("data/t#ephemeral.diskqueue.000000.dat"));
}

TEST_CASE("the queue files of a topic that is here already stay", "[broker]") {
  const QuietLog quiet;
  MemoryFileSystem files;
  REQUIRE(files.create_directory("data"));
  REQUIRE(files.create_directory("data/topics"));
  REQUIRE(files.create_directory("data/topics/t@5"));
  put_two_channels(files);
  put_old_queue(files, "u", {old_messages(1, "u")});
  CHECK(import(files).messages == 1);
  CHECK(files.exists("data/t.diskqueue.000000.dat"));
  CHECK_FALSE(files.exists("data/u.diskqueue.000000.dat"));
  CHECK(left_in(files, "data/topics").size() == 2);
  const auto before = left_in(files, "data");
  CHECK(import(files).messages == 0);
  CHECK(left_in(files, "data") == before);
}

TEST_CASE("an import that is told to stop begins anew at the next start", "[broker]") {
  const QuietLog quiet;
  MemoryFileSystem files;
  REQUIRE(files.create_directory("data"));
  put_two_channels(files);
  int asked = 0;
  const auto stopped = import_diskqueues(kOptions, files, kNow, [&] { return ++asked == 2; });
  REQUIRE_FALSE(stopped);
  CHECK(stopped.error().code() == std::errc::operation_canceled);
  CHECK(import(files).messages == 5);
}

TEST_CASE("a full disk ends an import with nothing lost", "[broker]") {
  const QuietLog quiet;
  MemoryFileSystem files;
  REQUIRE(files.create_directory("data"));
  put_two_channels(files);
  files.set_capacity(files.used_bytes() + 300);
  CHECK_FALSE(import_diskqueues(kOptions, files, kNow, nullptr));
  files.set_capacity(std::nullopt);
  CHECK(import(files).messages == 5);
}

TEST_CASE("an import interrupted anywhere is neither lost nor doubled", "[broker]") {
  const QuietLog quiet;
  // Every call to the file system is a place to end at, by a kill or by a power failure.
  for (std::uint64_t end_at = 1;; ++end_at) {
    std::vector<std::unique_ptr<MemoryFileSystem>> images;
    std::uint64_t calls = 0;
    MemoryFileSystem files;
    REQUIRE(files.create_directory("data"));
    REQUIRE(files.sync_directory("/"));
    put_two_channels(files);
    files.set_observer([&](MemoryFileSystem::Call, const std::string&) {
      if (++calls != end_at) return;
      images.push_back(files.after_kill());
      images.push_back(files.after_power_loss());
      for (std::uint64_t seed = 1; seed <= 3; ++seed)
        images.push_back(files.after_power_loss(seed));
    });
    import(files);
    if (images.empty()) break;
    for (auto& image : images) {
      CAPTURE(end_at);
      import(*image);
      EngineFixture engine({}, [&](MemoryFileSystem& start) {
        // The engine's own file system gets what the import has left.
        const std::function<void(const std::string&)> copy = [&](const std::string& directory) {
          REQUIRE(start.create_directory(directory));
          for (const std::string& name : left_in(*image, directory)) {
            const std::string path = directory + "/" + name;
            if (image->list(path)) {
              copy(path);
            } else {
              start.put(path, image->content(path));
            }
          }
        };
        copy("data");
      });
      check_two_channels(engine);
    }
  }
}
