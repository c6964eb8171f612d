#include "check/check.h"

#include <xxhash.h>

#include <algorithm>
#include <map>

#include "base/bytes.h"
#include "broker/broker.h"
#include "check/dump.h"
#include "check/inspection.h"
#include "check/repair.h"
#include "storage/storage_error.h"
#include "support/catch.h"
#include "support/manual_work_queue.h"
#include "support/memory_file_system.h"
#include "support/quiet_log.h"

using namespace nsq;
using namespace std::chrono_literals;
using check::DirectoryReport;
using check::Inspection;
using test::MemoryFileSystem;

namespace {

struct Consumer final : broker::Consumer {
  void on_messages_ready() override { ++calls; }
  void on_channel_closed() override {}
  int calls = 0;
};

// A data directory in memory, made by a broker and looked at by the tool.
class Directory {
 public:
  Directory() {
    REQUIRE(files->create_directory("data"));
    start();
  }
  ~Directory() { drop(); }

  void start() {
    broker::Options options;
    options.max_bytes_per_file = 3000;
    options.mem_queue_size = 5;
    broker_ = std::make_unique<broker::Broker>(
        options, "data", "1.4.0", *files, work_, [](Instant) {}, 3);
    REQUIRE(broker_->load(now).ok());
  }
  void stop() {
    work_.run_all();
    REQUIRE(broker_->shut_down(now).ok());
    drop();
  }
  // As a kill does: what was written stays.
  void drop() {
    work_.forget_all();
    broker_.reset();
    now = {now.steady + 1s, now.wall + 1s};
  }

  void make_channel(const std::string& topic, const std::string& channel) {
    REQUIRE(broker_->topic(topic, now)->channel(channel, now).ok());
  }
  void pause(const std::string& topic, const std::string& channel) {
    broker_->pause_channel(topic, channel, true, now,
                           [](Result<void> done) { REQUIRE(done.ok()); });
    work_.run_all();
  }
  void publish(const std::string& topic, const std::vector<std::string>& bodies,
               Duration delay = 0s) {
    struct Waiter final : broker::PublishWaiter {
      void on_published(std::uint64_t, const Result<void>&) override {}
    };
    const std::vector<std::string_view> views(bodies.begin(), bodies.end());
    const broker::Publication publication{views, delay};
    const auto outcome =
        broker_->topic(topic, now)->publish({&publication, 1}, now, std::make_shared<Waiter>());
    REQUIRE(outcome.has_value());
    REQUIRE(outcome->ok());
  }
  // Finishes so many messages; gives one more back, if `requeue`.
  std::vector<std::string> consume(const std::string& topic, const std::string& channel,
                                   std::size_t most, bool requeue = false) {
    auto consumer = std::make_shared<Consumer>();
    auto subscribed = broker_->subscribe(topic, channel, consumer, {60s, 0}, now);
    REQUIRE(subscribed.ok());
    broker::Subscription& subscription = **subscribed;
    subscription.channel().set_ready_count(subscription, 100);
    std::vector<std::string> bodies;
    const auto take = [&](std::size_t count, broker::Answer::Kind kind) {
      consumer->calls = 1;
      while (consumer->calls > 0 && count > 0) {
        --consumer->calls;
        broker::Deliveries deliveries;
        subscription.channel().pull(subscription, now, {std::min<std::size_t>(count, 100), 1 << 20},
                                    deliveries);
        for (const auto& each : deliveries.messages) {
          --count;
          if (kind == broker::Answer::Kind::Finish) bodies.emplace_back(each.body);
          const broker::Answer answer{kind, each.id, 0s};
          broker::AnswerOutcome outcome{};
          subscription.channel().answer(subscription, {&answer, 1}, now, {&outcome, 1});
        }
        work_.run_all();
      }
    };
    take(most, broker::Answer::Kind::Finish);
    if (requeue) take(1, broker::Answer::Kind::Requeue);
    broker_->unsubscribe(*subscribed, now);
    advance(20ms);
    return bodies;
  }
  void advance(Duration time) {
    now = {now.steady + time, now.wall + time};
    broker_->advance(now);
    work_.run_all();
  }
  std::uint64_t lost() {
    std::uint64_t count = 0;
    for (const auto& topic : broker_->stats({}, now)) {
      count += topic.damaged_count;
      for (const auto& channel : topic.channels) count += channel.lost_count;
    }
    return count;
  }

  DirectoryReport look(std::vector<std::string>* bodies = nullptr) {
    Inspection inspection(*files, "data");
    const auto opened = inspection.open();
    REQUIRE(opened.ok());
    const auto note = [&](const check::Found& found) {
      if (bodies != nullptr) bodies->emplace_back(found.record.body);
    };
    auto report = inspection.read("", now.wall, note, [](std::uint64_t) {});
    REQUIRE(report.ok());
    return *report;
  }
  std::vector<std::string> mend() {
    Inspection inspection(*files, "data");
    REQUIRE(inspection.open().ok());
    auto report = inspection.read(
        "", now.wall, [](const check::Found&) {}, [](std::uint64_t) {});
    REQUIRE(report.ok());
    auto done = check::repair(*files, inspection, *report, "1.4.0", now.wall);
    REQUIRE(done.ok());
    return *done;
  }
  std::vector<std::string> paths(const std::string& suffix) {
    std::vector<std::string> found;
    const auto topics = files->list("data/topics");
    REQUIRE(topics.ok());
    for (const std::string& topic : *topics) {
      const auto names = files->list("data/topics/" + topic);
      REQUIRE(names.ok());
      for (const std::string& name : *names) {
        if (name.ends_with(suffix)) found.push_back("data/topics/" + topic + "/" + name);
      }
    }
    std::sort(found.begin(), found.end());
    return found;
  }
  std::map<std::string, std::string> contents() {
    std::map<std::string, std::string> all{{"data/nsqd.dat", files->content("data/nsqd.dat")}};
    for (const std::string& path : paths("")) all[path] = files->content(path);
    return all;
  }

  std::unique_ptr<MemoryFileSystem> files = std::make_unique<MemoryFileSystem>();
  Moment now{Instant{1h}, Timestamp{1'790'000'000'000'000'000}};

 private:
  const test::QuietLog quiet_;
  test::ManualWorkQueue work_;
  std::unique_ptr<broker::Broker> broker_;
};

std::vector<std::string> numbered(int count) {
  std::vector<std::string> bodies;
  for (int i = 0; i < count; ++i) {
    bodies.push_back("message " + std::to_string(i) + std::string(80, '.'));
  }
  return bodies;
}

void publish_each(Directory& directory, const std::string& topic,
                  const std::vector<std::string>& bodies) {
  for (const std::string& body : bodies) directory.publish(topic, {body});
}

}  // namespace

TEST_CASE("a directory is described as its daemon would", "[check]") {
  Directory directory;
  directory.make_channel("orders", "archive");
  directory.make_channel("orders", "mail");
  publish_each(directory, "orders", numbered(50));
  directory.publish("orders", {"later"}, 1h);
  directory.publish("parked", {"waits at the topic"});
  directory.pause("orders", "mail");
  directory.consume("orders", "archive", 10, true);
  directory.stop();
  const auto before = directory.contents();
  const DirectoryReport report = directory.look();
  CHECK(directory.contents() == before);
  CHECK_FALSE(report.damaged());
  REQUIRE(report.topics.size() == 2);
  const check::TopicReport& orders = report.topics[0];
  CHECK(orders.records == 51);
  CHECK(orders.segments.size() > 1);
  CHECK(orders.journal.clean);
  REQUIRE(orders.channels.size() == 2);
  CHECK(orders.channels[0].name == "archive");
  CHECK(orders.channels[0].depth == 40);
  CHECK(orders.channels[0].deferred == 1);
  CHECK(orders.channels[0].retried == 1);
  CHECK(orders.channels[1].depth == 50);
  CHECK(orders.channels[1].paused);
  CHECK(report.topics[1].name == "parked");
  CHECK(report.topics[1].depth == 1);
  const std::string text = check::to_text(report);
  CHECK(text.find("channel   archive: depth 40, 1 deferred, 1 of them tried before") !=
        std::string::npos);
  CHECK(text.find("Sound.") != std::string::npos);
  CHECK(check::to_json(report).find("\"depth\":40") != std::string::npos);
}

TEST_CASE("what a kill leaves is no damage", "[check]") {
  Directory directory;
  directory.make_channel("t", "c");
  publish_each(directory, "t", numbered(10));
  directory.drop();
  const std::string path = directory.paths(".log").back();
  const std::string content = directory.files->content(path);
  directory.files->put(path, content.substr(0, content.size() - 7));
  const DirectoryReport report = directory.look();
  CHECK_FALSE(report.damaged());
  CHECK(report.topics[0].records == 9);
  CHECK(report.topics[0].segments.back().torn_bytes > 0);
}

TEST_CASE("a flipped bit is found, wherever it is, and a repair saves the rest", "[check]") {
  Directory original;
  original.make_channel("t", "a");
  original.make_channel("t", "b");
  const auto bodies = numbered(40);
  publish_each(original, "t", bodies);
  original.advance(3s);
  original.consume("t", "a", 10);
  original.stop();
  for (const std::string& path : original.paths("")) {
    const std::string content = original.files->content(path);
    // Every ninth byte, so that header, checksums, lengths and bodies all have their turn.
    for (std::size_t at = 0; at < content.size(); at += 9) {
      Directory directory;
      directory.drop();
      directory.files = original.files->after_kill();
      directory.now = original.now;
      directory.files->flip_bit(path, at, static_cast<unsigned>(at % 8));
      INFO(path << " at " << at);
      const DirectoryReport report = directory.look();
      if (!report.damaged()) {
        // The last entry of a journal cannot be told from one that a crash left unfinished.
        CHECK(path.ends_with("journal"));
        CHECK(report.topics[0].journal.torn_bytes > 0);
        continue;
      }
      CHECK_FALSE(directory.mend().empty());
      std::vector<std::string> left;
      CHECK_FALSE(directory.look(&left).damaged());
      CHECK(left.size() + 1 >= bodies.size());
      directory.start();
      const auto came = directory.consume("t", "b", 1000);
      CHECK(came == left);
      CHECK(directory.lost() == 0);
      // What was finished stays so, unless it was the note of it that was struck.
      const auto others = directory.consume("t", "a", 1000);
      if (path.ends_with(".log")) CHECK(others.size() + 11 >= bodies.size());
      if (path.ends_with(".log")) CHECK(others.size() + 10 <= bodies.size());
    }
  }
}

TEST_CASE("a segment that is gone is missed, and written off by a repair", "[check]") {
  Directory directory;
  directory.make_channel("t", "c");
  const auto bodies = numbered(60);
  publish_each(directory, "t", bodies);
  directory.advance(3s);
  directory.stop();
  const auto segments = directory.paths(".log");
  REQUIRE(segments.size() > 2);
  REQUIRE(directory.files->remove(segments[1]));
  std::vector<std::string> left;
  const DirectoryReport report = directory.look(&left);
  CHECK(report.damaged());
  CHECK(report.topics[0].channels[0].missing == bodies.size() - left.size());
  directory.mend();
  CHECK_FALSE(directory.look().damaged());
  directory.start();
  CHECK(directory.consume("t", "c", 1000) == left);
  CHECK(directory.lost() == 0);
}

TEST_CASE("the originals are kept, byte for byte", "[check]") {
  Directory directory;
  directory.make_channel("t", "c");
  publish_each(directory, "t", numbered(10));
  directory.stop();
  const std::string path = directory.paths(".log").front();
  directory.files->flip_bit(path, 100, 2);
  const std::string damaged = directory.files->content(path);
  directory.mend();
  const auto names = directory.files->list("data");
  REQUIRE(names.ok());
  const auto aside = std::find_if(names->begin(), names->end(), [](const std::string& name) {
    return name.starts_with("damaged-");
  });
  REQUIRE(aside != names->end());
  CHECK(directory.files->content("data/" + *aside + path.substr(4)) == damaged);
}

TEST_CASE("a repair that fails at any call can be repeated, and costs nothing", "[check]") {
  Directory original;
  original.make_channel("t", "c");
  const auto bodies = numbered(40);
  publish_each(original, "t", bodies);
  original.advance(3s);
  original.stop();
  original.files->flip_bit(original.paths(".log").at(1), 200, 1);
  original.files->flip_bit(original.paths("journal").front(), 30, 1);
  std::size_t failures = 0;
  using Call = MemoryFileSystem::Call;
  for (const Call call : {Call::Open, Call::Write, Call::Sync, Call::Rename, Call::Truncate,
                          Call::CreateDirectory, Call::SyncDirectory}) {
    for (std::uint64_t nth = 1; nth < 200; ++nth) {
      Directory directory;
      directory.drop();
      directory.files = original.files->after_kill();
      directory.now = original.now;
      Inspection inspection(*directory.files, "data");
      REQUIRE(inspection.open().ok());
      auto report = inspection.read(
          "", directory.now.wall, [](const check::Found&) {}, [](std::uint64_t) {});
      REQUIRE(report.ok());
      directory.files->fail(call, nth, std::errc::io_error);
      const auto done =
          check::repair(*directory.files, inspection, *report, "1.4.0", directory.now.wall);
      directory.files->stop_failing();
      if (done) break;
      ++failures;
      directory.now = {directory.now.steady + 1s, directory.now.wall + 1s};
      INFO("call " << static_cast<int>(call) << " number " << nth);
      if (directory.look().damaged()) directory.mend();
      std::vector<std::string> left;
      CHECK_FALSE(directory.look(&left).damaged());
      CHECK(left.size() == bodies.size() - 1);
    }
  }
  CHECK(failures > 20);
}

TEST_CASE("an nsqd.dat that cannot be read is written anew", "[check]") {
  Directory directory;
  directory.make_channel("t", "c");
  directory.publish("t", {"x"});
  directory.stop();
  directory.files->put("data/nsqd.dat", "{\"topics\": [");
  CHECK(directory.look().damaged());
  directory.mend();
  CHECK_FALSE(directory.look().damaged());
  directory.start();
  CHECK(directory.consume("t", "c", 10) == std::vector<std::string>{"x"});
}

TEST_CASE("a newer version's directory is refused and left untouched", "[check]") {
  Directory directory;
  directory.make_channel("t", "c");
  directory.publish("t", {"x"});
  directory.stop();
  const std::string path = directory.paths(".log").front();
  std::string content = directory.files->content(path);
  store_little(content.data() + 8, storage::kFormatVersion + 1);
  const auto seed = load_little<std::uint64_t>(content.data() + 16);
  store_little(content.data() + 24,
               static_cast<std::uint64_t>(XXH3_64bits_withSeed(content.data(), 24, seed)));
  directory.files->put(path, content);
  const auto before = directory.contents();
  Inspection inspection(*directory.files, "data");
  const auto opened = inspection.open();
  REQUIRE_FALSE(opened);
  CHECK(opened.error() == make_error_code(storage::StorageErrc::NewerFormat));
  CHECK(directory.contents() == before);
}

TEST_CASE("messages are printed in three formats", "[check]") {
  const std::string topic = "t";
  storage::Record record;
  record.index = 7;
  record.id = 0xabc;
  record.timestamp = Timestamp{1'700'000'000'000'000'000};
  record.body = "hello";
  const check::Found found{topic, record};
  CHECK(check::format_message(found, check::DumpFormat::Plain) == "hello\n");
  CHECK(check::format_message(found, check::DumpFormat::Hex) == "t 0000000000000abc 68656c6c6f\n");
  CHECK(check::format_message(found, check::DumpFormat::Json) ==
        "{\"topic\":\"t\",\"index\":7,\"id\":\"0000000000000abc\",\"timestamp\":"
        "1700000000000000000,\"body\":\"hello\"}\n");
  record.body = "\xff\x01";
  record.due = Timestamp{1};
  CHECK(check::format_message(found, check::DumpFormat::Json) ==
        "{\"topic\":\"t\",\"index\":7,\"id\":\"0000000000000abc\",\"timestamp\":"
        "1700000000000000000,\"due\":1,\"body_hex\":\"ff01\"}\n");
}
