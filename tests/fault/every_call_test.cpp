// Each call that the engine makes to the file system fails once: a story is told to find out how
// many calls of each kind it makes, and then again for every one of them.

#include <map>
#include <memory>
#include <optional>
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
using broker::Durability;
using test::ManualWorkQueue;
using test::MemoryFileSystem;
using Call = MemoryFileSystem::Call;

namespace {

constexpr const char* kCallNames[] = {"open",     "read",   "write",       "sync",
                                      "truncate", "size",   "list",        "create_directory",
                                      "rename",   "remove", "remove_tree", "sync_directory"};

// A consumer that finishes what it is told to.
class Client final : public broker::Consumer {
 public:
  void on_messages_ready() override { ++calls; }
  void on_channel_closed() override {}

  int calls = 0;
  std::shared_ptr<broker::Subscription> subscription;
};

// The engine on a file system that fails once, and what it owes to whom.
class Story {
 public:
  explicit Story(Durability durability) : files_(std::make_unique<MemoryFileSystem>()) {
    options_.durability = durability;
    options_.max_bytes_per_file = 3000;
    options_.mem_queue_size = 5;
    REQUIRE(files_->create_directory("data"));
    REQUIRE(files_->sync_directory("/"));
  }
  ~Story() { drop_broker(); }

  MemoryFileSystem& files() { return *files_; }

  // Everything a broker does with files: starting, publishing, cold reads, deferring, finishing,
  // giving up space, administration, stopping and starting again.
  void tell() {
    start();
    subscribe("a");
    subscribe("b");
    publish_some("t", 40);
    consume("a", 0);
    advance(3s);
    administrate();
    publish_some("t", 5, 2s);
    consume("b", 3);
    advance(3s);
    consume("b", 0);
    publish_some("t", 20);
    advance(3s);
    consume("a", 5);
    advance(100ms);
    stop();
    start();
    subscribe("a");
    consume("a", 4);
    publish_some("t", 10);
    advance(3s);
  }

  // The disk works again: so must the engine, by itself, and everything it owes be there after the
  // next crash.
  void check() {
    files_->stop_failing();
    if (!broker_) start();
    subscribe("a");
    subscribe("b");
    unpause();
    advance(5s);
    advance(5s);
    publish_some("t", 3);
    if (refused_ > 0) FAIL_CHECK("a publish was refused although the disk works");
    advance(5s);
    CHECK(broker_->health() == "OK");
    drop_broker();
    // A process that ended without bringing everything to the disk took the knowledge of what may
    // be missing there with it.
    files_ = stopped_badly_ ? files_->after_kill() : files_->after_power_loss();
    start();
    REQUIRE(broker_ != nullptr);
    for (const char* channel : {"a", "b"}) {
      if (!subscribe(channel)) continue;
      std::set<std::string> found;
      for (int i = 0; i < 3; ++i) {
        for (auto& body : consume(channel, 0)) {
          if (!found.insert(body).second) FAIL_CHECK(body << " came twice");
        }
        advance(3s);
      }
      for (const std::string& body : acknowledged_) {
        const bool finished = finished_before_[channel].contains(body);
        if (!finished && !found.contains(body)) FAIL_CHECK(body << " is lost on " << channel);
        if (!stopped_badly_ && finished && found.contains(body))
          FAIL_CHECK(body << " came back on " << channel);
      }
      for (const std::string& body : found) {
        if (!sent_.contains(body)) FAIL_CHECK(body << " was never published");
      }
    }
  }

 private:
  void start() {
    // One that cannot start says so, and leaves everything for the next try.
    for (int i = 0; i < 3 && !broker_; ++i) {
      broker_ = std::make_unique<broker::Broker>(
          options_, "data", "1.4.0", *files_, work_, [](Instant) {}, 7);
      if (!broker_->load(now_)) drop_broker();
    }
    finished_before_ = finished_;
  }
  void stop() {
    if (!broker_) return;
    leave_all();
    work_.run_all();
    stopped_badly_ = !broker_->shut_down(now_).ok();
    drop_broker();
  }
  void leave_all() {
    for (auto& [channel, client] : clients_) {
      broker_->unsubscribe(client->subscription, now_);
      client->subscription = nullptr;  // which keeps the client
    }
    clients_.clear();
  }
  void drop_broker() {
    if (broker_) leave_all();
    work_.forget_all();
    broker_.reset();
    now_ = {now_.steady + 1s, now_.wall + 1s};
  }

  bool subscribe(const std::string& channel) {
    if (!broker_) return false;
    if (clients_.contains(channel)) return true;
    auto client = std::make_shared<Client>();
    auto subscribed = broker_->subscribe("t", channel, client, {60s, 0}, now_);
    REQUIRE(subscribed.ok());
    client->subscription = *subscribed;
    clients_[channel] = client;
    work_.run_all();
    return true;
  }

  void publish_some(const std::string& topic, int count, Duration delay = 0s) {
    refused_ = 0;
    for (int i = 0; i < count && broker_; ++i) {
      struct Waiter final : broker::PublishWaiter {
        void on_published(std::uint64_t, const Result<void>& result) override { outcome = result; }
        std::optional<Result<void>> outcome;
      };
      auto waiter = std::make_shared<Waiter>();
      std::vector<std::string> bodies;
      for (int part = 0; part < 1 + i % 3; ++part) {
        bodies.push_back("message " + std::to_string(++last_) + std::string(100, '.'));
      }
      const std::vector<std::string_view> views(bodies.begin(), bodies.end());
      const broker::Publication publication{views, delay};
      auto outcome = broker_->topic(topic, now_)->publish({&publication, 1}, now_, waiter);
      if (!outcome) {
        work_.run_all();
        if (!waiter->outcome) FAIL_CHECK("a publish was never answered");
        outcome = waiter->outcome;
      }
      if (!outcome || !*outcome) ++refused_;
      sent_.insert(bodies.begin(), bodies.end());
      if (outcome && *outcome) acknowledged_.insert(bodies.begin(), bodies.end());
    }
  }

  // Takes all there is and finishes it, but for each `nth`, which is requeued with a delay.
  std::vector<std::string> consume(const std::string& channel, int nth) {
    std::vector<std::string> bodies;
    const auto found = clients_.find(channel);
    if (!broker_ || found == clients_.end()) return bodies;
    Client& client = *found->second;
    broker::Channel& source = client.subscription->channel();
    source.set_ready_count(*client.subscription, 1000);
    client.calls = 1;
    while (client.calls > 0) {
      --client.calls;
      broker::Deliveries deliveries;
      source.pull(*client.subscription, now_, {1000, 1 << 20}, deliveries);
      for (const auto& each : deliveries.messages) {
        bodies.emplace_back(each.body);
        const bool back = nth > 0 && bodies.size() % static_cast<std::size_t>(nth) == 0;
        const broker::Answer answer{
            back ? broker::Answer::Kind::Requeue : broker::Answer::Kind::Finish, each.id, 1s};
        broker::AnswerOutcome outcome{};
        source.answer(*client.subscription, {&answer, 1}, now_, {&outcome, 1});
        if (!back) finished_[channel].insert(bodies.back());
      }
      work_.run_all();
    }
    source.set_ready_count(*client.subscription, 0);
    return bodies;
  }

  void administrate() {
    if (!broker_) return;
    const auto ignore = [](Result<void>) {};  // it may fail
    broker_->create_topic("u", now_, ignore);
    work_.run_all();
    broker_->create_channel("u", "c", now_, ignore);
    work_.run_all();
    broker_->pause_channel("t", "b", true, now_, ignore);
    work_.run_all();
    unpause();
    broker_->delete_topic("u", now_, ignore);
    work_.run_all();
  }
  void unpause() {
    broker_->pause_channel("t", "b", false, now_, [](Result<void>) {});
    work_.run_all();
  }

  void advance(Duration time) {
    for (int i = 0; i < 10 && broker_; ++i) {
      now_ = {now_.steady + time / 10, now_.wall + time / 10};
      broker_->advance(now_);
      work_.run_all();
    }
  }

  broker::Options options_;
  std::unique_ptr<MemoryFileSystem> files_;
  ManualWorkQueue work_;
  std::unique_ptr<broker::Broker> broker_;
  std::map<std::string, std::shared_ptr<Client>> clients_;
  Moment now_{Instant{1h}, Timestamp{1'790'000'000'000'000'000}};
  bool stopped_badly_ = false;  // with an error, which the daemon shows
  int last_ = 0;
  int refused_ = 0;
  std::set<std::string> sent_;
  std::set<std::string> acknowledged_;
  std::map<std::string, std::set<std::string>> finished_;         // by channel
  std::map<std::string, std::set<std::string>> finished_before_;  // the last start
};

void fail_every_call(Durability durability, std::errc error, std::uint64_t times) {
  const test::QuietLog quiet;
  std::uint64_t calls[MemoryFileSystem::kCallKinds];
  {
    Story story(durability);
    story.tell();
    for (std::size_t kind = 0; kind < MemoryFileSystem::kCallKinds; ++kind) {
      calls[kind] = story.files().calls(static_cast<Call>(kind));
    }
    story.check();
  }
  for (std::size_t kind = 0; kind < MemoryFileSystem::kCallKinds; ++kind) {
    for (std::uint64_t nth = 1; nth <= calls[kind]; ++nth) {
      INFO(kCallNames[kind] << " number " << nth << " of " << calls[kind]);
      Story story(durability);
      story.files().fail(static_cast<Call>(kind), nth, error, times);
      story.tell();
      story.check();
    }
  }
}

}  // namespace

TEST_CASE("any call may fail once, and nothing acknowledged is lost", "[fault]") {
  fail_every_call(Durability::Log, std::errc::io_error, 1);
}

TEST_CASE("any call may fail once when every publish is synced", "[fault]") {
  fail_every_call(Durability::Fsync, std::errc::io_error, 1);
}

TEST_CASE("any call may fail, and those behind it", "[fault]") {
  fail_every_call(Durability::Log, std::errc::io_error, 7);
  fail_every_call(Durability::Fsync, std::errc::no_space_on_device, 7);
}
