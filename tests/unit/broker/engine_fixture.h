#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "broker/broker.h"
#include "support/catch.h"
#include "support/manual_work_queue.h"
#include "support/memory_file_system.h"

namespace nsq::test {

using namespace std::chrono_literals;

// What a consumer was given, as a test likes to compare it.
struct Got {
  std::string body;
  int attempts = 1;
  friend bool operator==(const Got&, const Got&) = default;
  friend std::ostream& operator<<(std::ostream& out, const Got& got) {
    return out << got.body << " (" << got.attempts << ")";
  }
};

// The engine over a file system in memory, with the verbs of a test. Storage work is done at once
// unless a test holds it back; time stands until `advance`.
class EngineFixture {
 public:
  // `prepare` puts into the data path what an earlier program has left there.
  explicit EngineFixture(broker::Options options = {},
                         const std::function<void(MemoryFileSystem&)>& prepare = nullptr)
      : options_(std::move(options)) {
    files_ = std::make_unique<MemoryFileSystem>();
    REQUIRE(files_->create_directory("data"));
    if (prepare) prepare(*files_);
    REQUIRE(files_->sync_directory("/"));
    start();
  }
  ~EngineFixture() { drop_broker(); }

  class Client final : public broker::Consumer, public std::enable_shared_from_this<Client> {
   public:
    explicit Client(EngineFixture& engine) : engine_(engine) {}

    void on_messages_ready() override { ++calls; }
    void on_channel_closed() override { closed = true; }

    void set_ready_count(std::int64_t count) {
      channel().set_ready_count(*subscription, count);
      pull();
    }
    // Takes what there is for it, coming whenever it is called.
    std::vector<Got> received() {
      engine_.work_.run_all();
      while (calls > 0) {
        pull();
        engine_.work_.run_all();
      }
      return std::exchange(inbox, {});
    }
    // What it was given so far, with no work done for it.
    std::vector<Got> received_now() { return std::exchange(inbox, {}); }
    void pull(std::size_t most = 1000) {
      if (calls > 0) --calls;
      broker::Deliveries deliveries;
      channel().pull(*subscription, engine_.now, {most, 1 << 20}, deliveries);
      for (const auto& each : deliveries.messages) {
        inbox.push_back({std::string(each.body), each.attempts});
        ids[std::string(each.body)] = each.id;
      }
    }
    broker::AnswerOutcome finish(const std::string& body) {
      return answer({broker::Answer::Kind::Finish, ids[body]});
    }
    broker::AnswerOutcome requeue(const std::string& body, Duration delay = 0s) {
      return answer({broker::Answer::Kind::Requeue, ids[body], delay});
    }
    broker::AnswerOutcome touch(const std::string& body) {
      return answer({broker::Answer::Kind::Touch, ids[body]});
    }
    broker::AnswerOutcome answer(const broker::Answer& answer) {
      broker::AnswerOutcome outcome{};
      channel().answer(*subscription, {&answer, 1}, engine_.now, {&outcome, 1});
      pull();
      return outcome;
    }
    void leave() { engine_.broker->unsubscribe(subscription, engine_.now); }
    broker::Channel& channel() { return subscription->channel(); }

    std::shared_ptr<broker::Subscription> subscription;
    std::vector<Got> inbox;
    std::map<std::string, protocol::MessageId> ids;  // by body
    int calls = 0;
    bool closed = false;

   private:
    EngineFixture& engine_;
  };

  struct Wishes {
    std::int64_t ready_count = 0;
    Duration msg_timeout = 60s;
    int sample_rate = 0;
    broker::Locality preference = broker::Locality::Global;
  };
  std::shared_ptr<Client> subscribe(std::string_view topic, std::string_view channel,
                                    Wishes wishes) {
    auto client = std::make_shared<Client>(*this);
    auto subscribed = broker->subscribe(
        topic, channel, client,
        {wishes.msg_timeout, wishes.sample_rate, wishes.preference, wishes.preference}, now);
    REQUIRE(subscribed.ok());
    client->subscription = *subscribed;
    clients_.push_back(client);
    client->set_ready_count(wishes.ready_count);
    return client;
  }

  Result<void> try_publish(std::string_view topic, const std::vector<std::string>& bodies,
                           Duration delay = 0s) {
    const std::vector<std::string_view> views(bodies.begin(), bodies.end());
    const broker::Publication publication{views, delay};
    struct Waiter final : broker::PublishWaiter {
      void on_published(std::uint64_t, const Result<void>& result) override { outcome = result; }
      std::optional<Result<void>> outcome;
    };
    auto waiter = std::make_shared<Waiter>();
    auto outcome = broker->topic(topic, now)->publish({&publication, 1}, now, waiter);
    if (outcome) return *outcome;
    work_.run_all();
    REQUIRE(waiter->outcome.has_value());
    return *waiter->outcome;
  }
  void publish(std::string_view topic, const std::vector<std::string>& bodies,
               Duration delay = 0s) {
    REQUIRE(try_publish(topic, bodies, delay).ok());
  }

  // Lets time pass, and what is due be done.
  void advance(Duration step) {
    now = {now.steady + step, now.wall + step};
    broker->advance(now);
    work_.run_all();
  }

  // An administrative call whose storage work is left to the test.
  template <typename Call>
  void administrate_without_work(Call call) {
    call([](const Result<void>&) {});
  }
  // An administrative call, which must succeed.
  template <typename Call>
  void administrate(Call call) {
    std::optional<Result<void>> outcome;
    call([&](Result<void> result) { outcome = std::move(result); });
    work_.run_all();
    REQUIRE(outcome.has_value());
    REQUIRE(outcome->ok());
  }

  void kill_and_restart() { restart_on(files_->after_kill()); }
  // With what was synced and nothing else.
  void lose_power_and_restart() { restart_on(files_->after_power_loss()); }
  void restart_cleanly() {
    work_.run_all();
    REQUIRE(broker->shut_down(now));
    kill_and_restart();
  }

  broker::TopicStats topic_stats(std::string topic) {
    const auto stats = broker->stats({std::move(topic), "", true}, now);
    REQUIRE(stats.size() == 1);
    return stats[0];
  }
  broker::ChannelStats channel_stats(std::string topic, std::string channel) {
    const auto stats = broker->stats({std::move(topic), std::move(channel), true}, now);
    REQUIRE(stats.size() == 1);
    return stats[0].channels.at(0);
  }

  Moment now{Instant{1h}, Timestamp{1'790'000'000'000'000'000}};
  std::unique_ptr<broker::Broker> broker;

  MemoryFileSystem& files() { return *files_; }
  ManualWorkQueue& work() { return work_; }

 private:
  void restart_on(std::unique_ptr<MemoryFileSystem> found) {
    drop_broker();
    files_ = std::move(found);
    now = {now.steady + 1s, now.wall + 1s};
    start();
  }
  // Before the files it has open. A channel and its subscriptions hold each other until they part.
  void drop_broker() {
    for (const auto& client : clients_) {
      client->leave();
      client->subscription.reset();
    }
    clients_.clear();
    work_.forget_all();
    broker.reset();
  }
  void start() {
    broker = std::make_unique<broker::Broker>(
        options_, "data", "1.4.0", *files_, work_, [](Instant) {}, 7);
    const auto loaded = broker->load(now);
    REQUIRE(loaded.ok());
  }

  broker::Options options_;
  std::unique_ptr<MemoryFileSystem> files_;
  ManualWorkQueue work_;
  std::vector<std::shared_ptr<Client>> clients_;  // of the present broker
};

}  // namespace nsq::test
