#pragma once

#include <functional>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "broker/broker.h"
#include "simulation/model.h"
#include "support/manual_work_queue.h"
#include "support/memory_file_system.h"

namespace nsq::simulation {

// The engine and everything around it, with a hand on time, disk and the order of things: each step
// does one random thing to engine and model alike and compares the two.
class World {
 public:
  World(std::uint64_t seed, bool verbose);
  ~World();

  void step();
  // Lets everything come to rest and sees that every message still owed is delivered.
  void drain();

 private:
  class Consumer final : public broker::Consumer {
   public:
    void on_messages_ready() override { ++calls; }
    void on_channel_closed() override { closed = true; }
    int calls = 0;
    bool closed = false;
  };
  struct Held {
    protocol::MessageId id;
    Number number;
  };
  struct Client {
    int number = 0;
    std::string topic;
    std::string channel;
    std::shared_ptr<Consumer> consumer;
    std::shared_ptr<broker::Subscription> subscription;
    std::int64_t ready_count = 0;
    Duration msg_timeout{};
    std::vector<Held> held;  // messages it believes to hold
  };
  struct Waiter;
  struct PublishPlan {
    std::string topic;
    std::vector<std::vector<std::string>> batches;
    std::vector<std::vector<Number>> numbers;
    std::vector<Duration> delays;
  };

  // chance
  bool chance(int percent) {
    return std::uniform_int_distribution<int>(1, 100)(random_) <= percent;
  }
  std::size_t pick(std::size_t count) {
    return std::uniform_int_distribution<std::size_t>(0, count - 1)(random_);
  }
  std::string random_topic() { return chance(70) ? "t" : "u"; }
  std::string random_channel();
  Duration random_delay();
  Client* random_client();
  void note(const std::string& what);

  // steps
  void publish();
  void publish_plan(const PublishPlan& plan);
  void publish_amid(const std::function<void()>& doing);
  void write_handed_over();
  void see_published();
  PublishPlan plan_publish();
  void subscribe();
  void unsubscribe();
  void set_ready();
  void pull(Client& client);
  void answer();
  void pass_time(Duration most);
  void pass_time_by(Duration step);
  void administrate();
  void administrate_something();
  void empty_channel(const std::string& topic, const std::string& name, ModelChannel& channel);
  void empty_some_channel();
  void work();
  void work_with_others();
  void meddle(const std::string& path);
  void disturb_disk();
  void end_amid();
  void end_process();
  void crash(std::unique_ptr<test::MemoryFileSystem> files);
  void restart_cleanly();
  void lose_power(std::unique_ptr<test::MemoryFileSystem> files);

  // keeping up
  void start(std::unique_ptr<test::MemoryFileSystem> files);
  void adopt_topics();
  void settle(bool was_bad = false);
  void settle_on_disk();
  void note_all_on_disk();
  void pull_all();
  void check();
  void check_channel(const broker::ChannelStats& stats, const ModelChannel& model,
                     const std::string& name);
  void drop_closed_clients();
  void forget_clients();
  void part_clients();
  void finish_publish(const PublishPlan& plan, bool open);
  void note_refused(const PublishPlan& plan);
  ModelMessage& model_message(const Client& client, Number number);
  void run_broker_call(const std::function<void(broker::Broker::Done)>& call);
  void delivered(Client& client, const broker::Delivery& delivery);

  std::mt19937_64 random_;
  const bool verbose_;
  broker::Options options_;
  Moment now_;
  std::unique_ptr<test::MemoryFileSystem> files_;
  std::vector<std::unique_ptr<test::MemoryFileSystem>> past_files_;
  std::unique_ptr<test::ManualWorkQueue> work_;
  std::unique_ptr<broker::Broker> broker_;
  Model model_;
  std::vector<std::unique_ptr<Client>> clients_;
  std::map<std::string, std::map<std::uint64_t, Number>> ids_;  // of each topic
  std::vector<std::shared_ptr<Waiter>> waiters_;
  std::set<Number> promised_;  // known to survive a power cut
  std::set<Number> refused_;   // answered with an error
  bool power_lost_ = false;
  Number next_number_ = 1;
  int next_client_ = 1;
  bool exact_ = true;  // no crash has blurred the counters yet
  bool disk_bad_ = false;
  bool draining_ = false;
};

}  // namespace nsq::simulation
