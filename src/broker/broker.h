#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/instant.h"
#include "base/mutex.h"
#include "broker/broker_error.h"
#include "broker/channel.h"
#include "broker/consumer.h"
#include "broker/health.h"
#include "broker/metadata.h"
#include "broker/meters.h"
#include "broker/options.h"
#include "broker/reserve.h"
#include "broker/schedule.h"
#include "broker/stats.h"
#include "broker/topic.h"
#include "broker/topic_observer.h"
#include "nsq/result.h"
#include "storage/file_system.h"
#include "storage/work_queue.h"

namespace nsq::broker {

// The engine: all topics of one daemon. It opens no socket, starts no thread and reads no clock:
// the caller hands in the time, runs the WorkQueue, and calls `advance` when it was asked to.
//
// Threading: shared; any thread may call anything. Calls return quickly; those that must wait for a
// disk take a `Done`.
class Broker {
 public:
  // Called once, on any thread, when what was asked for has been done and, where it changes which
  // topics and channels exist or are paused, is on disk.
  using Done = std::function<void(Result<void>)>;

  // `on_earlier_deadline` is called on any thread, with locks held, whenever `advance` is wanted
  // earlier than it said; it must only take note. `version` is for nsqd.dat.
  Broker(Options options, std::string data_path, std::string version, storage::FileSystem& files,
         storage::WorkQueue& work, std::function<void(Instant)> on_earlier_deadline,
         std::uint64_t seed);
  ~Broker();

  // Tells `observer`, which outlives the broker's use, of every change from now on. To be called
  // before any other thread uses the broker.
  void set_observer(TopicObserver* observer) { observer_ = observer; }

  // Reads the data path: nsqd.dat and the topics' logs. To be called once, before anything else.
  // Errors: a directory that cannot be read or written, or was written by a newer version.
  Result<void> load(Moment now);
  // Writes everything, so that the next load continues where this leaves off. Consumers should be
  // gone. To be called last; blocks for as long as the disk takes.
  Result<void> shut_down(Moment now);

  // Does what is due; returns when to be called next.
  Instant advance(Moment now);

  // From now on, for good, nothing new is taken: no topic or channel is made any more, and who
  // publishes has to ask first, here. What is there goes on.
  void drain() { draining_.store(true); }
  bool draining() const { return draining_.load(std::memory_order_relaxed); }
  // Whether any message waits, is in flight or deferred, or is just being published. O(topics).
  bool holds_messages() const;

  // The topic of that name, created if it is not there. Requires: a valid name.
  std::shared_ptr<Topic> topic(std::string_view name, Moment now);
  std::shared_ptr<Topic> find_topic(std::string_view name) const;
  // All there are, by name.
  std::vector<std::shared_ptr<Topic>> topics() const;

  // Creates topic and channel where missing. The consumer starts with a ready count of 0.
  // Errors: TooManyConsumers, Exiting, Draining if something is missing.
  Result<std::shared_ptr<Subscription>> subscribe(std::string_view topic, std::string_view channel,
                                                  std::shared_ptr<Consumer> consumer,
                                                  SubscriptionOptions options, Moment now);
  // What the consumer holds is waiting again at once; an ephemeral channel goes with its last
  // consumer, an ephemeral topic with its last channel.
  void unsubscribe(const std::shared_ptr<Subscription>& subscription, Moment now);

  void create_topic(std::string_view name, Moment now, Done done);
  void delete_topic(std::string_view name, Moment now, Done done);  // TopicNotFound
  void empty_topic(std::string_view name, Moment now, Done done);   // TopicNotFound
  void pause_topic(std::string_view name, bool paused, Moment now, Done done);
  // The channel calls fail with TopicNotFound or ChannelNotFound; create only with TopicNotFound,
  // or Draining.
  void create_channel(std::string_view topic, std::string_view channel, Moment now, Done done);
  void delete_channel(std::string_view topic, std::string_view channel, Moment now, Done done);
  void empty_channel(std::string_view topic, std::string_view channel, Moment now, Done done);
  void pause_channel(std::string_view topic, std::string_view channel, bool paused, Moment now,
                     Done done);

  // Topics by name. With a topic filter naming none: empty.
  std::vector<TopicStats> stats(const StatsFilter& filter, Moment now) const;
  // "OK", or "NOK - " and why messages cannot be written at present.
  std::string health() const { return health_.text(); }
  bool healthy() const { return health_.ok(); }

  Meters& meters() { return meters_; }
  const Options& options() const { return options_; }

 private:
  using Topics = std::map<std::string, std::shared_ptr<Topic>, std::less<>>;

  Topic::Home home() { return {options_, files_, work_, schedule_, health_, meters_, *reserve_}; }
  std::string topics_path() const { return data_path_ + "/topics"; }
  std::string metadata_path() const { return data_path_ + "/nsqd.dat"; }
  std::uint64_t next_seed() NSQ_REQUIRES(mutex_);
  void tell_changed(const std::string& topic);

  std::string new_directory(std::string_view topic, Moment now) NSQ_REQUIRES(mutex_);
  std::string trash_path(const std::string& directory) const;
  void remove_trash(const std::string& trash);
  Result<std::map<std::string, std::string>> find_directories();
  Result<void> load_topic(const Metadata::Topic& note, const std::string& directory, Moment now);
  Metadata load_metadata();

  bool has_channel(std::string_view topic, std::string_view channel) const;
  void clean_up_after(const std::shared_ptr<Channel>& channel, Moment now);
  bool retire_if_empty(const std::shared_ptr<Topic>& topic);
  void remove_topic(std::shared_ptr<Topic> topic, Done done);
  void remove_files(const std::string& name, const std::string& directory, const Done& done);
  void request_persist(Done done);
  void persist();
  Result<void> write_metadata();

  const Options options_;
  const std::string data_path_;
  const std::string version_;
  storage::FileSystem& files_;
  storage::WorkQueue& work_;
  Schedule schedule_;
  Health health_;
  const std::shared_ptr<Reserve> reserve_;
  std::atomic<bool> draining_{false};
  TopicObserver* observer_ = nullptr;
  Meters meters_;

  mutable Mutex mutex_;
  Topics topics_ NSQ_GUARDED_BY(mutex_);
  std::uint64_t seed_ NSQ_GUARDED_BY(mutex_);
  std::uint64_t last_directory_ NSQ_GUARDED_BY(mutex_) = 0;  // the highest number there was
  bool persist_requested_ NSQ_GUARDED_BY(mutex_) = false;
  std::vector<Done> persist_waiters_ NSQ_GUARDED_BY(mutex_);
};

}  // namespace nsq::broker
