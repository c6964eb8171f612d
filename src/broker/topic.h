#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/instant.h"
#include "base/mutex.h"
#include "broker/channel.h"
#include "broker/health.h"
#include "broker/journal_entries.h"
#include "broker/meters.h"
#include "broker/options.h"
#include "broker/reserve.h"
#include "broker/schedule.h"
#include "broker/stats.h"
#include "nsq/result.h"
#include "storage/journal.h"
#include "storage/message_log.h"

namespace nsq::broker {

// An index that no log has reached yet, however busy (up to 2^22 messages a second for ever) and
// however much of it a crash has taken back.
Index index_of_time(Timestamp time);

// Messages published together: all of them are kept, or none.
struct Publication {
  std::span<const std::string_view> bodies;  // at least one, none empty
  Duration delay{0};                         // positive: not to be delivered before
};

// Told how a publish ended that could not be answered at once.
class PublishWaiter {
 public:
  virtual ~PublishWaiter() = default;
  // Called once for each publish it was given to, on any thread, with no lock of the engine held,
  // and not always in order. Must only take note and return.
  virtual void on_published(std::uint64_t ticket, const Result<void>& outcome) = 0;
};

// A topic: a log of messages and the channels that read it.
//
// Messages are handed to the channels up to `routed`; what lies beyond waits at the topic, because
// it has no channels, is paused, or has not been written yet.
//
// Threading: shared; one short lock, never held during I/O. Writing is done by the publishing
// thread that finds nobody else at it, for all who append meanwhile; for a while after the device
// has made it wait, by a storage thread.
class Topic : public Timed, public std::enable_shared_from_this<Topic> {
 public:
  // What a topic is given by its broker, which outlives it.
  struct Home {
    const Options& options;
    storage::FileSystem& files;
    storage::WorkQueue& work;
    Schedule& schedule;
    Health& health;
    Meters& meters;
    Reserve& reserve;
  };

  Topic(std::string name, std::string directory, const Home& home, Moment now, std::uint64_t seed);

  ~Topic() override;

  const std::string& name() const { return name_; }
  bool ephemeral() const { return ephemeral_; }

  // Publishes; the bodies are copied before it returns. Returns how it went if that is settled,
  // which is the usual case; otherwise nothing, and `waiter` is told later, with the `ticket` given
  // here. Errors, nothing of `publications` being published:
  //   Exiting              the topic is being deleted: look it up again, which makes a new one
  //   a FileSystem's error it could not be written (disk full); worth trying again later
  // Bodies are visible to consumers only once written, so that none of them sees a message a crash
  // could take back.
  std::optional<Result<void>> publish(std::span<const Publication> publications, Moment now,
                                      std::shared_ptr<PublishWaiter> waiter,
                                      std::uint64_t ticket = 0);

  std::shared_ptr<Channel> find_channel(std::string_view name) const;
  std::vector<std::shared_ptr<Channel>> channels() const;  // by name
  TopicStats stats(const StatsFilter& filter, Moment now) const;
  bool paused() const;
  // Whether any message waits here or at a channel, is in flight or deferred, or being published.
  bool holds_messages() const;
  bool exiting() const;  // deleted, or about to be

  // Lets the messages flow that were held back since the topic was made, to all channels it has
  // now; nothing if it was not held.
  void start(Moment now);

  // --- for the broker --------------------------------------------------------------------------

  struct ChannelNote {
    std::string name;
    bool paused = false;
  };

  // Reads what an earlier process left in the directory, if anything. To be called first.
  // `noted` are the channels nsqd.dat knows: where the journal has lost entries, those it does not
  // know are made with all there is in the log, for messages must rather come again than be lost.
  // Errors: I/O, or a format of a newer version.
  Result<void> recover(bool paused, std::span<const std::string> noted, Moment now);
  // Whether the channel was deleted, as far as the journal remembers.
  bool was_deleted(std::string_view channel) const;
  // Creates the channel if it is not there. Errors: Exiting.
  Result<std::shared_ptr<Channel>> channel(std::string_view name, Moment now);
  // Errors: ChannelNotFound. The channel's consumers are told to go.
  Result<void> delete_channel(std::string_view name, Moment now);
  void set_paused(bool paused, Moment now);
  void empty(Moment now);
  std::vector<ChannelNote> channel_notes() const;  // those that outlive the process
  // Returns when what calls have changed so far (channels made and deleted, messages held back or
  // let go) is on disk as such. Blocks, also for a write by another thread.
  Result<void> sync_structure();
  std::size_t channel_count() const;
  // Keeps all messages here until `start`. To be called before anybody else knows the topic.
  void hold();

  // Deletes that channel if nobody is subscribed to it. Says whether it did.
  bool delete_idle_channel(const std::shared_ptr<Channel>& channel, Moment now);
  // Refuses publishes and closes the channels: the topic is going for good, its files are to be
  // removed by the caller, once nobody is at them.
  void close();
  // The same, if it has no channels. Says whether it did.
  bool close_if_empty();
  // Calls `done` once nothing is written or synced any more: at once, or with no lock held on the
  // thread that comes to its end. It is not to own the topic. Requires: closed.
  void call_when_quiet(std::function<void()> done);
  // Writes and syncs all there is, marking the directory as cleanly left. Nothing may be published
  // or answered any more. May take as long as the disk does.
  Result<void> shut_down(Moment now);

  Instant advance(Moment now) override;

  const std::string& directory() const { return directory_; }

 private:
  // A publish that has been appended and not been answered.
  struct Unanswered {
    Index end = 0;
    std::uint64_t messages = 0;
    std::uint64_t bytes = 0;
    std::uint64_t ticket = 0;
    std::shared_ptr<PublishWaiter> waiter;           // told when it is settled,
    std::optional<Result<void>>* outcome = nullptr;  // or, for the thread that writes, this is set
  };
  struct HeldDeferral {
    Index index = 0;
    Timestamp due;
    bool journaled = false;
  };
  // What is to be said once no lock is held.
  struct Notices {
    struct Published {
      std::shared_ptr<PublishWaiter> waiter;
      std::uint64_t ticket = 0;
      Result<void> outcome;
    };
    std::vector<Published> published;
    ConsumerCalls consumers;
    std::vector<std::function<void()>> quiet;
    void make();
  };

  bool held() const NSQ_REQUIRES(mutex_) { return paused_ || !started_ || channels_.empty(); }
  bool structure_pending() const NSQ_REQUIRES(mutex_) {
    return !structure_.empty() || !refused_.empty();
  }
  bool in_memory() const { return ephemeral_ || home_.options.durability == Durability::Memory; }
  std::uint64_t held_depth() const NSQ_REQUIRES(mutex_);

  // publishing, in topic_publish.cpp
  Unanswered append(std::span<const Publication> publications, Moment now) NSQ_REQUIRES(mutex_);
  void publish_in_memory(std::span<const Publication> publications, Moment now, Notices& notices)
      NSQ_REQUIRES(mutex_);
  Result<void> make_room_in_memory(Lock& lock, Moment now, Notices& notices) NSQ_REQUIRES(mutex_);
  bool has_room_for(std::span<const Publication> publications) const NSQ_REQUIRES(mutex_);
  // Who goes on when a write had to wait and more is there: the caller, or a storage thread.
  enum class Rest { Write, HandOver };
  Result<void> write_all(Lock& lock, Moment now, Notices& notices, Rest rest = Rest::Write)
      NSQ_REQUIRES(mutex_);
  bool callers_publish_is_settled() const NSQ_REQUIRES(mutex_) {
    return unanswered_.empty() || unanswered_.front().outcome == nullptr;
  }
  // A write to a file that is being synced waits for what of it is on its way to the device. Where
  // publishers wait for the sync anyway, handing the write over would only cost wake-ups.
  bool sync_is_in_the_way() const NSQ_REQUIRES(mutex_) {
    return syncing_ && home_.options.durability == Durability::Log;
  }
  bool writes_here() const NSQ_REQUIRES(mutex_) {
    return handed_over_writes_ == 0 && !sync_is_in_the_way();
  }
  void hand_over_writing(Moment now) NSQ_REQUIRES(mutex_);
  void write_handed_over(Moment now);
  void fail_unwritten(const Error& error, Notices& notices) NSQ_REQUIRES(mutex_);
  void settle(Unanswered& publish, Result<void> outcome, Notices& notices) NSQ_REQUIRES(mutex_);
  void settle_through(Index end, Notices& notices) NSQ_REQUIRES(mutex_);
  void route(Index end, Moment now, Notices& notices) NSQ_REQUIRES(mutex_);
  // Writes the structure that was changed, if nobody else is about to.
  void write_structure(Moment now);
  // Returns when it is written, by whomever. Errors: I/O; it is kept then.
  Result<void> await_structure();
  void request_sync() NSQ_REQUIRES(mutex_);
  void request_sync_later(Moment now) NSQ_REQUIRES(mutex_);
  void run_sync();
  void fail_unsynced(const Error& error, Notices& notices) NSQ_REQUIRES(mutex_);
  void end_sync() NSQ_REQUIRES(mutex_);
  void note_quiet(Notices& notices) NSQ_REQUIRES(mutex_);

  // what survives a restart, in topic_journal.cpp
  void begin_hold() NSQ_REQUIRES(mutex_);
  void end_hold(Moment now, Notices& notices) NSQ_REQUIRES(mutex_);
  Result<void> make_directory() NSQ_EXCLUDES(mutex_);
  Result<void> sync_new_directory() NSQ_EXCLUDES(mutex_);
  Result<void> append_to_journal(std::string_view entries, Moment now, bool in_passing = false)
      NSQ_EXCLUDES(mutex_);
  void request_journal(Moment now);
  void flush_journal(Moment now) NSQ_EXCLUDES(mutex_);
  // Replaces the journal by the present state. Errors: I/O, all being as before.
  Result<void> rewrite_journal(Moment now) NSQ_EXCLUDES(mutex_);
  void note_rewritten(const Result<void>& done, Moment now) NSQ_REQUIRES(flush_mutex_);
  void complete_journal(Moment now) NSQ_REQUIRES(flush_mutex_);
  void shorten_journal(Moment now) NSQ_EXCLUDES(mutex_);
  void encode_state(std::string& entries) const NSQ_REQUIRES(mutex_);
  std::vector<std::shared_ptr<Channel>> channel_list() const NSQ_REQUIRES(mutex_);
  void restore(TopicRecord& record, const storage::MessageLog::Recovery& log, bool paused,
               Moment now) NSQ_REQUIRES(mutex_);
  void request_maintenance(Instant at) NSQ_REQUIRES(mutex_);
  void maintain(Moment now);
  Result<void> secure_journal(Moment now);
  Index lowest_needed() const NSQ_REQUIRES(mutex_);
  Index lowest_cursor() const NSQ_REQUIRES(mutex_);
  IntervalSet unfinished(IndexRange within) const NSQ_REQUIRES(mutex_);

  void forget_channel(const std::shared_ptr<Channel>& channel, Moment now) NSQ_REQUIRES(mutex_);
  std::shared_ptr<Channel> make_channel(const std::string& name, std::uint32_t number)
      NSQ_REQUIRES(mutex_);

  const std::string name_;
  const bool ephemeral_;
  const std::string directory_;
  const Home home_;
  const std::uint64_t seed_;
  const std::shared_ptr<storage::MessageLog> log_;
  storage::Journal journal_;  // unused by ephemeral topics

  mutable Mutex mutex_;
  bool exiting_ NSQ_GUARDED_BY(mutex_) = false;
  std::vector<std::function<void()>> when_quiet_ NSQ_GUARDED_BY(mutex_);
  bool paused_ NSQ_GUARDED_BY(mutex_) = false;
  bool started_ NSQ_GUARDED_BY(mutex_) = true;
  std::map<std::string, std::shared_ptr<Channel>, std::less<>> channels_ NSQ_GUARDED_BY(mutex_);
  std::uint32_t next_channel_number_ NSQ_GUARDED_BY(mutex_) = 1;
  std::set<std::string> deleted_ NSQ_GUARDED_BY(mutex_);

  // Messages below routed_ are the channels'; those from there to visible_end_ wait here; those
  // beyond are not written yet.
  Index routed_ NSQ_GUARDED_BY(mutex_) = 0;
  Index visible_end_ NSQ_GUARDED_BY(mutex_) = 0;
  // Below this, the journal also has every channel that messages are owed to: they can be answered.
  Index noted_end_ NSQ_GUARDED_BY(mutex_) = 0;
  IntervalSet gaps_ NSQ_GUARDED_BY(mutex_);                    // at or above routed_
  std::deque<HeldDeferral> deferrals_ NSQ_GUARDED_BY(mutex_);  // at or above routed_

  bool noting_ NSQ_GUARDED_BY(mutex_) = false;  // structure that was taken is being journaled
  // A call has changed the structure, and that is not journaled yet. Otherwise what is pending is
  // of the start, and can wait.
  bool structure_changed_ NSQ_GUARDED_BY(mutex_) = false;
  std::condition_variable_any structure_noted_;  // or given up, by the thread that was writing
  bool writing_ NSQ_GUARDED_BY(mutex_) = false;  // some thread has the writer's place
  // After a write that had to wait, so many are left to a storage thread.
  unsigned handed_over_writes_ NSQ_GUARDED_BY(mutex_) = 0;
  bool handed_over_ NSQ_GUARDED_BY(mutex_) = false;  // it has been asked to
  bool syncing_ NSQ_GUARDED_BY(mutex_) = false;      // a sync is submitted or under way
  bool sync_failed_ NSQ_GUARDED_BY(mutex_) = false;  // the last time
  // Journal entries that have to be written before any message: without them a channel could miss
  // messages published after it was made.
  std::string structure_ NSQ_GUARDED_BY(mutex_);
  // Indexes of refused publishes, which no message gets. They go with the structure, kept apart so
  // that they take no more room the longer a disk stays full.
  IntervalSet refused_ NSQ_GUARDED_BY(mutex_);
  std::deque<Unanswered> unanswered_ NSQ_GUARDED_BY(mutex_);  // in order of `end`
  std::uint64_t unsynced_messages_ NSQ_GUARDED_BY(mutex_) = 0;
  std::optional<storage::LogPosition> sound_ NSQ_GUARDED_BY(mutex_);  // synced up to here
  bool sound_journaled_ NSQ_GUARDED_BY(mutex_) = true;

  // The next sync includes the journal: always so when it is for the time that has passed, and when
  // structure was written, which messages rely on; what was finished need not be on the disk at
  // once.
  bool journal_sync_wanted_ NSQ_GUARDED_BY(mutex_) = true;
  Instant sync_due_ NSQ_GUARDED_BY(mutex_) = Instant::never();
  Instant maintenance_due_ NSQ_GUARDED_BY(mutex_) = Instant::never();
  Moment last_moment_ NSQ_GUARDED_BY(mutex_);  // a recent one, for work that is handed none
  bool directory_unsynced_ NSQ_GUARDED_BY(mutex_) = false;
  bool structure_unsynced_ NSQ_GUARDED_BY(mutex_) = false;
  bool used_ NSQ_GUARDED_BY(mutex_) =
      false;  // something was written since the directory was left cleanly

  std::atomic<bool> directory_made_{false};
  std::atomic<bool> journal_requested_{false};
  // Held for a whole flush, I/O included, so that changes reach the journal in order. Only ever
  // taken by storage work, before any other lock.
  Mutex flush_mutex_;
  // A flush could not be written: the journal lacks changes, and has to be rewritten as a whole.
  bool journal_incomplete_ NSQ_GUARDED_BY(flush_mutex_) = false;
  std::uint64_t journal_rewritten_bytes_ NSQ_GUARDED_BY(flush_mutex_) = 0;
  // When it may be shortened again; never while that is under way.
  Instant journal_rewrite_from_ NSQ_GUARDED_BY(flush_mutex_){};
  Mutex rewrite_mutex_;  // held while the journal is rewritten, one rewrite at a time

  std::uint64_t message_count_ NSQ_GUARDED_BY(mutex_) = 0;
  std::uint64_t message_bytes_ NSQ_GUARDED_BY(mutex_) = 0;
  std::uint64_t dropped_count_ NSQ_GUARDED_BY(mutex_) = 0;
};

}  // namespace nsq::broker
