// Whatever happens to the files of a data directory while no daemon runs: the next one starts,
// serves what it can read, never hands out what it cannot vouch for, and says what it lost.

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "broker/broker.h"
#include "support/catch.h"
#include "support/manual_work_queue.h"
#include "support/memory_file_system.h"
#include "support/quiet_log.h"

using namespace nsq;
using namespace std::chrono_literals;
using test::MemoryFileSystem;

namespace {

const std::vector<std::string> kTopics{"t", "u"};

struct Consumer final : broker::Consumer {
  void on_messages_ready() override { ++calls; }
  void on_channel_closed() override {}
  int calls = 0;
};

// One process's broker on some file system.
class Run {
 public:
  Run(MemoryFileSystem& files, Moment now) : now_(now) {
    broker::Options options;
    options.max_bytes_per_file = 3000;
    options.mem_queue_size = 5;
    broker_ = std::make_unique<broker::Broker>(
        options, "data", "1.4.0", files, work_, [](Instant) {}, 11);
    const auto loaded = broker_->load(now_);
    INFO((loaded ? "" : loaded.error().to_string()));
    REQUIRE(loaded.ok());
  }
  ~Run() {
    for (const auto& subscription : subscriptions_) broker_->unsubscribe(subscription, now_);
    work_.forget_all();
  }

  void make_channel(const std::string& topic, const std::string& channel) {
    REQUIRE(broker_->topic(topic, now_)->channel(channel, now_).ok());
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
        broker_->topic(topic, now_)->publish({&publication, 1}, now_, std::make_shared<Waiter>());
    REQUIRE(outcome.has_value());
    REQUIRE(outcome->ok());
  }
  // Takes up to so many messages and finishes them.
  std::vector<std::string> consume(const std::string& topic, const std::string& channel,
                                   std::size_t most) {
    std::vector<std::string> bodies;
    auto consumer = std::make_shared<Consumer>();
    auto subscribed = broker_->subscribe(topic, channel, consumer, {60s, 0}, now_);
    REQUIRE(subscribed.ok());
    subscriptions_.push_back(*subscribed);
    broker::Subscription& subscription = **subscribed;
    subscription.channel().set_ready_count(subscription, 100);
    consumer->calls = 1;
    while (consumer->calls > 0 && bodies.size() < most) {
      --consumer->calls;
      broker::Deliveries deliveries;
      subscription.channel().pull(subscription, now_,
                                  {std::min<std::size_t>(most - bodies.size(), 100), 1 << 20},
                                  deliveries);
      for (const auto& each : deliveries.messages) {
        bodies.emplace_back(each.body);
        const broker::Answer answer{broker::Answer::Kind::Finish, each.id, 0s};
        broker::AnswerOutcome outcome{};
        subscription.channel().answer(subscription, {&answer, 1}, now_, {&outcome, 1});
      }
      work_.run_all();
    }
    broker_->unsubscribe(*subscribed, now_);
    subscriptions_.pop_back();
    return bodies;
  }
  void advance(Duration time) {
    now_ = {now_.steady + time, now_.wall + time};
    broker_->advance(now_);
    work_.run_all();
  }
  void stop() { REQUIRE(broker_->shut_down(now_).ok()); }
  std::uint64_t reported() const {
    std::uint64_t count = 0;
    for (const auto& topic : broker_->stats({}, now_)) {
      count += topic.damaged_count;
      for (const auto& channel : topic.channels) count += channel.lost_count;
    }
    return count;
  }
  Moment now() const { return now_; }

 private:
  Moment now_;
  test::ManualWorkQueue work_;
  std::unique_ptr<broker::Broker> broker_;
  std::vector<std::shared_ptr<broker::Subscription>> subscriptions_;
};

// A directory after some work, stopped in good order or killed, and what belongs in it.
struct Directory {
  std::unique_ptr<MemoryFileSystem> files;
  std::map<std::string, std::set<std::string>> published;   // by topic
  std::map<std::string, std::set<std::string>> unfinished;  // by "topic:channel"
  Moment now{Instant{1h}, Timestamp{1'790'000'000'000'000'000}};
};

Directory make_directory(std::mt19937_64& random) {
  Directory made;
  made.files = std::make_unique<MemoryFileSystem>();
  REQUIRE(made.files->create_directory("data"));
  {
    Run run(*made.files, made.now);
    for (const std::string& topic : kTopics) {
      run.make_channel(topic, "a");
      run.make_channel(topic, "b");
      for (int i = 0; i < 30; ++i) {
        std::vector<std::string> bodies;
        for (std::size_t part = 0; part < 1 + random() % 3; ++part) {
          bodies.push_back(topic + " " + std::to_string(i) + "." + std::to_string(part) +
                           std::string(random() % 300, 'x'));
        }
        run.publish(topic, bodies, random() % 8 == 0 ? 1s : 0s);
        made.published[topic].insert(bodies.begin(), bodies.end());
        if (random() % 10 == 0) run.advance(3s);
      }
      made.unfinished[topic + ":a"] = made.unfinished[topic + ":b"] = made.published[topic];
      for (const std::string& body : run.consume(topic, "a", random() % 40)) {
        made.unfinished[topic + ":a"].erase(body);
      }
    }
    run.advance(1s);
    run.advance(1s);
    if (random() % 2 == 0) run.stop();
    made.now = {run.now().steady + 5s, run.now().wall + 5s};
  }
  made.files = made.files->after_kill();
  return made;
}

std::vector<std::string> files_of(MemoryFileSystem& files, const std::string& topic) {
  std::vector<std::string> paths;
  const auto directories = files.list("data/topics");
  REQUIRE(directories.ok());
  for (const std::string& directory : *directories) {
    if (!directory.starts_with(topic + "@")) continue;
    const auto names = files.list("data/topics/" + directory);
    REQUIRE(names.ok());
    for (const std::string& name : *names) {
      paths.push_back("data/topics/" + directory + "/" + name);
    }
  }
  std::sort(paths.begin(), paths.end());
  return paths;
}

// Does one bad thing to one or two files of a topic; says what.
std::string harm(MemoryFileSystem& files, const std::string& topic, std::mt19937_64& random) {
  const auto paths = files_of(files, topic);
  if (paths.empty()) return "nothing";
  const std::string path = paths[random() % paths.size()];
  const std::string other = paths[random() % paths.size()];
  std::string content = files.content(path);
  switch (random() % 8) {
    case 0:
    case 1:
      for (std::size_t flips = 1 + random() % 5; flips > 0 && !content.empty(); --flips) {
        content[random() % content.size()] ^= static_cast<char>(1 << random() % 8);
      }
      files.put(path, content);
      return "bits flipped in " + path;
    case 2:
      files.put(path, std::string_view(content).substr(0, random() % (content.size() + 1)));
      return "cut " + path;
    case 3:
      REQUIRE(files.remove(path));
      return "removed " + path;
    case 4:
      files.put(path, files.content(other));
      files.put(other, content);
      return "swapped " + path + " and " + other;
    case 5:
      files.put(path, content + std::string(random() % 2000, '\0'));
      return "zeros behind " + path;
    case 6: {
      const std::size_t at = random() % (content.size() + 1);
      content.insert(at, content.substr(0, random() % 500));
      files.put(path, content);
      return "bytes inserted into " + path;
    }
    default: {
      const std::size_t at = random() % (content.size() + 1);
      content.replace(at, std::min<std::size_t>(512, content.size() - at), 512, '\0');
      files.put(path, content);
      return "a sector of zeros in " + path;
    }
  }
}

// What the damage to `harmed` leaves: that topic may lack messages or have finished ones back, the
// other one must be as it was.
void check(Directory& directory, const std::string& harmed) {
  Run run(*directory.files, directory.now);
  for (const std::string& topic : kTopics) {
    run.make_channel(topic, "a");
    run.make_channel(topic, "b");
  }
  // It takes new messages, whatever there was.
  for (const std::string& topic : kTopics) run.publish(topic, {topic + " new"});
  run.advance(2s);
  run.advance(5s);
  for (const std::string& topic : kTopics) {
    auto& published = directory.published[topic];
    published.insert(topic + " new");
    for (const std::string channel : {"a", "b"}) {
      auto expected = directory.unfinished[topic + ":" + channel];
      expected.insert(topic + " new");
      std::set<std::string> came;
      for (int i = 0; i < 3; ++i) {
        for (const std::string& body : run.consume(topic, channel, 100'000)) {
          INFO(topic << ":" << channel << " got " << body);
          CHECK(published.contains(body));
          CHECK(came.insert(body).second);
        }
        run.advance(2s);
      }
      CHECK(came.contains(topic + " new"));
      if (topic != harmed) CHECK(came == expected);
    }
  }
  run.stop();
}

void damage_directories(std::uint64_t first_seed, std::uint64_t count) {
  const test::QuietLog quiet;
  for (std::uint64_t seed = first_seed; seed < first_seed + count; ++seed) {
    std::mt19937_64 random(seed);
    Directory directory = make_directory(random);
    const std::string harmed = kTopics[random() % kTopics.size()];
    std::string what;
    for (std::size_t times = 1 + random() % 2; times > 0; --times) {
      what += harm(*directory.files, harmed, random) + "; ";
    }
    INFO("seed " << seed << ": " << what);
    check(directory, harmed);
  }
}

}  // namespace

TEST_CASE("damaged segments and journals cost themselves and nothing else", "[fault]") {
  damage_directories(1, 400);
}

TEST_CASE("a message whose checksum fails is counted, and those around it are served", "[fault]") {
  const test::QuietLog quiet;
  std::mt19937_64 random(1);
  Directory directory = make_directory(random);
  std::string body = *directory.unfinished["t:b"].begin();
  for (const std::string& path : files_of(*directory.files, "t")) {
    const std::string content = directory.files->content(path);
    const std::size_t at = content.find(body);
    if (at == std::string::npos || !path.ends_with(".log")) continue;
    directory.files->flip_bit(path, at, 3);
  }
  Run run(*directory.files, directory.now);
  const auto came = run.consume("t", "b", 100'000);
  directory.unfinished["t:b"].erase(body);
  CHECK(std::set<std::string>(came.begin(), came.end()) == directory.unfinished["t:b"]);
  CHECK(run.reported() > 0);
}

TEST_CASE("many more damaged directories", "[fault][.slow]") {
  damage_directories(1'000'000, 50'000);
}
