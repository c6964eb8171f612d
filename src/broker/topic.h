#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/instant.h"
#include "base/mutex.h"
#include "broker/channel.h"
#include "broker/options.h"
#include "broker/schedule.h"
#include "broker/stats.h"
#include "nsq/result.h"
#include "storage/journal.h"
#include "storage/message_log.h"

namespace nsq::broker {

// Messages published together: all of them are kept, or none.
struct Publication {
  std::span<const std::string_view> bodies;  // at least one, none empty
  Duration delay{0};                         // positive: not to be delivered before
};

// Told how a publish ended that could not be answered at once.
class PublishWaiter {
 public:
  virtual ~PublishWaiter() = default;
  // Called once, on any thread, with no lock of the engine held. Must only take note and return.
  virtual void on_published(const Result<void>& outcome) = 0;
};

// A topic: a log of messages and the channels that read it.
//
// Messages are handed to the channels up to `routed`; what lies beyond waits at the topic, because
// it has no channels, is paused, or has not been written yet.
//
// Threading: shared. Two locks: the topic's own, short, and the writer's place, which one thread
// holds while it writes for all. Lock order: topic, channel, log, schedule.
class Topic : public Timed, public std::enable_shared_from_this<Topic> {
 public:
  // What a topic is given by its broker, which outlives it.
  struct Home {
    const Options& options;
    storage::FileSystem& files;
    storage::WorkQueue& work;
    Schedule& schedule;
    Health& health;
  };

  Topic(std::string name, std::string directory, const Home& home, Moment now, std::uint64_t seed);
  ~Topic() override;

  const std::string& name() const { return name_; }
  bool ephemeral() const { return ephemeral_; }

  // Publishes; the bodies are copied before it returns. Returns how it went if that is settled,
  // which is the usual case; otherwise nothing, and `waiter` is told later. Errors, nothing of
  // `publications` being published:
  //   Exiting              the topic is being deleted: look it up again, which makes a new one
  //   a FileSystem's error it could not be written (disk full); worth trying again later
  // Bodies are visible to consumers only once written, so that none of them sees a message a crash
  // could take back.
  std::optional<Result<void>> publish(std::span<const Publication> publications, Moment now,
                                      std::shared_ptr<PublishWaiter> waiter);

  std::shared_ptr<Channel> find_channel(std::string_view name) const;
  TopicStats stats(const StatsFilter& filter, Moment now) const;
  bool paused() const;

  // --- for the broker ---------------------------------------------------------------------------

  struct ChannelNote {
    std::string name;
    bool paused = false;
  };

  // Reads what an earlier process left in the directory.
  Result<void> recover(Moment now);
  // Creates the channel if it is not there. Errors: Exiting.
  Result<std::shared_ptr<Channel>> channel(std::string_view name, Moment now);
  // Errors: ChannelNotFound. The channel's consumers are told to go.
  Result<void> delete_channel(std::string_view name, Moment now);
  void set_paused(bool paused, Moment now);
  void empty(Moment now);
  std::vector<ChannelNote> channel_notes() const;  // those that outlive the process
  std::size_t channel_count() const;
  bool exiting() const;

  // Refuses publishes and closes the channels: the topic is going for good, its files are to be
  // removed by the caller.
  void close();
  // Writes and syncs all there is, marking the directory as cleanly left. Nothing may be published
  // or answered any more. May take as long as the disk does.
  Result<void> shut_down(Moment now);

  Instant advance(Moment now) override;

  const std::string& directory() const { return directory_; }

 private:
  struct Waiting {
    storage::Index end;
    std::shared_ptr<PublishWaiter> waiter;
  };
  struct HeldDeferral {
    storage::Index index;
    Timestamp due;
    bool journaled = false;
  };
  using Notices = std::vector<std::pair<std::shared_ptr<PublishWaiter>, Result<void>>>;

  bool held() const NSQ_REQUIRES(mutex_);
  void append(const Publication& publication, Moment now) NSQ_REQUIRES(mutex_);
  std::size_t drop_overflow(std::span<const Publication> publications) NSQ_REQUIRES(mutex_);
  // Writes until nothing is left to write; called by the thread that has the writer's place.
  void write_all(Lock& lock, Moment now, ConsumerCalls& calls, Notices& notices)
      NSQ_REQUIRES(mutex_);
  void fail_unwritten(const Error& error, Notices& notices) NSQ_REQUIRES(mutex_);
  void settle(storage::Index done, Notices& notices) NSQ_REQUIRES(mutex_);
  void route(storage::Index end, Moment now, ConsumerCalls& calls) NSQ_REQUIRES(mutex_);
  void note_structure(std::string entries) NSQ_REQUIRES(mutex_);
  void flush_structure(Moment now);

  void request_sync() NSQ_REQUIRES(mutex_);
  void run_sync();
  void request_journal(Instant at);
  void flush_journal(Moment now);
  void rewrite_journal(Moment now);
  void maintain(Moment now);
  storage::Index lowest_needed() const NSQ_REQUIRES(mutex_);
  void encode_topic_state(std::string& entries) const NSQ_REQUIRES(mutex_);
  std::shared_ptr<Channel> make_channel(const std::string& name, std::uint32_t number)
      NSQ_REQUIRES(mutex_);

  const std::string name_;
  const bool ephemeral_;
  const std::string directory_;
  const Home home_;
  const std::uint64_t seed_;

  std::unique_ptr<storage::MessageLog> log_;
  std::unique_ptr<storage::Journal> journal_;  // none for ephemeral topics

  mutable Mutex mutex_;
  bool exiting_ NSQ_GUARDED_BY(mutex_) = false;
  bool paused_ NSQ_GUARDED_BY(mutex_) = false;
  std::map<std::string, std::shared_ptr<Channel>, std::less<>> channels_ NSQ_GUARDED_BY(mutex_);
  std::uint32_t next_channel_number_ NSQ_GUARDED_BY(mutex_) = 1;

  storage::Index routed_ NSQ_GUARDED_BY(mutex_) = 0;
  storage::Index visible_end_ NSQ_GUARDED_BY(mutex_) = 0;  // written (or, in memory mode, appended)
  IntervalSet gaps_ NSQ_GUARDED_BY(mutex_);  // indexes at or above routed_ without message
  std::deque<HeldDeferral> deferrals_ NSQ_GUARDED_BY(mutex_);  // at or above routed_

  bool writing_ NSQ_GUARDED_BY(mutex_) = false;
  bool syncing_ NSQ_GUARDED_BY(mutex_) = false;
  std::string structure_
      NSQ_GUARDED_BY(mutex_);  // journal entries that must precede any more messages
  bool structure_unsynced_ NSQ_GUARDED_BY(mutex_) = false;
  std::deque<Waiting> waiting_ NSQ_GUARDED_BY(mutex_);
  storage::Index synced_end_ NSQ_GUARDED_BY(mutex_) = 0;
  std::uint64_t unsynced_messages_ NSQ_GUARDED_BY(mutex_) = 0;
  Instant sync_due_ NSQ_GUARDED_BY(mutex_) = Instant::never();
  Instant journal_due_ NSQ_GUARDED_BY(mutex_) = Instant::never();
  Instant maintenance_due_ NSQ_GUARDED_BY(mutex_) = Instant::never();
  bool journal_failed_ NSQ_GUARDED_BY(mutex_) = false;
  std::atomic<bool> changes_pending_{false};

  std::uint64_t message_count_ NSQ_GUARDED_BY(mutex_) = 0;
  std::uint64_t message_bytes_ NSQ_GUARDED_BY(mutex_) = 0;
  std::uint64_t dropped_count_ NSQ_GUARDED_BY(mutex_) = 0;
};

}  // namespace nsq::broker
