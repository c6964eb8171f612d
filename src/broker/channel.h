#pragma once

#include <atomic>
#include <deque>
#include <memory>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "base/instant.h"
#include "base/min_heap.h"
#include "base/mutex.h"
#include "broker/channel_journal.h"
#include "broker/consumer.h"
#include "broker/deliveries.h"
#include "broker/delivery_turns.h"
#include "broker/in_flight.h"
#include "broker/interval_set.h"
#include "broker/latency.h"
#include "broker/options.h"
#include "broker/schedule.h"
#include "broker/stats.h"
#include "protocol/message_id.h"
#include "storage/message_log.h"

namespace nsq::broker {

class Topic;

// What a consumer says of a message it holds.
struct Answer {
  enum class Kind { Finish, Requeue, Touch };
  Kind kind = Kind::Finish;
  protocol::MessageId id{};
  Duration delay{0};  // Requeue only: how long to wait before the message may be delivered again
};

// What became of it.
enum class AnswerOutcome : std::uint8_t {
  Done,
  NotInFlight,  // never delivered, already answered, timed out or emptied
  NotHolder,    // another consumer holds it
};

// A channel: one queue fed by a topic, shared by its consumers. It holds no message, only positions
// in the topic's log:
//
//   finished below `floor`   finished_ ranges, in flight, deferred, requeued    never delivered
//   ------------------------|--------------------------------------------------|-----------------|
//                         floor                                              next               end
//
// so that depth is arithmetic and a long backlog costs nothing. What must survive a restart (what
// is finished, attempts, due times) is collected as ChannelJournal changes, which the topic writes
// in batches.
//
// Threading: shared; one short lock per call, never held during I/O and never while calling out to
// a Consumer.
class Channel : public Timed, public std::enable_shared_from_this<Channel> {
 public:
  struct Home;  // what a channel is given by its topic; see topic.h

  Channel(std::string name, bool bounded, std::uint32_t number, const Options& options,
          storage::MessageLog& log, storage::WorkQueue& work, Schedule& schedule,
          std::function<void(Instant)> on_changes, std::uint64_t seed);
  ~Channel() override;

  const std::string& name() const { return name_; }
  bool ephemeral() const { return ephemeral_; }
  std::uint32_t number() const { return number_; }

  // --- for the consumers' connections
  // -------------------------------------------------------------

  // Hands the consumer what it may have now, at most `limit`, appended to `deliveries`; each
  // message is in flight from here on, and its attempts include this delivery. Returns how many.
  // Fewer than the consumer could take does not mean that there are no more: consumers take turns,
  // and on_messages_ready says when to come again. A limit of zero messages passes the turn on, to
  // be taken up by a later pull (a consumer whose output is blocked does this).
  std::size_t pull(Subscription& subscription, Moment now, PullLimit limit, Deliveries& deliveries);

  // RDY: the most messages this consumer will hold. Taking effect at the next pull, which the
  // caller makes when it has raised the count.
  void set_ready_count(Subscription& subscription, std::int64_t count);

  // FIN, REQ and TOUCH, in order, under one lock. outcomes.size() == answers.size().
  void answer(Subscription& subscription, std::span<const Answer> answers, Moment now,
              std::span<AnswerOutcome> outcomes);

  // --- for stats
  // ----------------------------------------------------------------------------------

  ChannelStats stats(bool clients, Moment now) const;
  std::uint64_t depth() const;
  bool paused() const;
  // Adds this channel's samples to those of others.
  void add_latency_to(LatencyWindow& sum, Moment now) const;

  // --- for the topic and the broker
  // ---------------------------------------------------------------

  struct Deferral {
    storage::Index index;
    Instant due;
  };

  // Starts an empty channel whose first message will be `start`.
  void start_at(storage::Index start);
  // Puts back what the journal knew; everything before the log's first index is finished.
  void restore(const ChannelRecord& record, storage::Index log_begin, storage::Index end,
               Moment now);

  // The topic's messages up to `end` are this channel's now, `deferred` among them not before their
  // time and `gaps` not at all (indexes no message has). Consumers to be told are added to `calls`.
  void extend(storage::Index end, std::span<const Deferral> deferred, const IntervalSet& gaps,
              Moment now, ConsumerCalls& calls);
  // Messages nobody is to get: the topic was emptied of them.
  void discard(storage::IndexRange range, ConsumerCalls& calls);

  Result<std::shared_ptr<Subscription>> subscribe(std::shared_ptr<Consumer> consumer,
                                                  SubscriptionOptions options);
  // The consumer goes; what it holds is waiting again at once. Says whether it was the last.
  bool unsubscribe(Subscription& subscription, Moment now);

  void set_paused(bool paused);
  void empty();
  // Refuses new consumers and tells the present ones. Idempotent.
  void close();

  Instant advance(Moment now) override;

  // The first message not finished; everything before it this channel no longer needs.
  storage::Index floor() const;
  void collect_unfinished(storage::IndexRange within, IntervalSet& unfinished) const;

  // What has changed since the last call, for the journal. Empty for ephemeral channels.
  void take_changes(Moment now, std::string& entries);
  // Everything, as a journal that starts here would have to say it. `stopping` also counts what is
  // in flight as delivered and waiting again.
  void encode_state(Moment now, bool stopping, std::string& entries) const;

 private:
  struct Requeued {
    storage::Index index;
    std::uint16_t attempts;
  };
  struct Deferred {
    Instant due;
    storage::Index index;
    std::uint16_t attempts;
    friend bool operator>(const Deferred& a, const Deferred& b) {
      return a.due != b.due ? a.due > b.due : a.index > b.index;
    }
  };
  // A place in the log being read: a chunk from memory, or one fetched from disk.
  struct Reader {
    std::shared_ptr<const storage::Chunk> chunk;
    bool fetching = false;
  };

  std::uint64_t fresh_depth() const NSQ_REQUIRES(mutex_);
  std::uint64_t waiting_depth() const NSQ_REQUIRES(mutex_);
  void finish(storage::IndexRange range) NSQ_REQUIRES(mutex_);
  void requeue(storage::Index index, std::uint16_t attempts) NSQ_REQUIRES(mutex_);
  void defer(storage::Index index, std::uint16_t attempts, Instant due) NSQ_REQUIRES(mutex_);
  bool finish_in_flight(Subscription& subscription, const InFlightMessage& message, Moment now)
      NSQ_REQUIRES(mutex_);
  AnswerOutcome answer_one(Subscription& subscription, const Answer& answer, Moment now)
      NSQ_REQUIRES(mutex_);

  std::size_t take_requeued(Subscription& subscription, Moment now, PullLimit& limit,
                            std::size_t share, Deliveries& deliveries) NSQ_REQUIRES(mutex_);
  std::size_t take_fresh(Subscription& subscription, Moment now, PullLimit& limit,
                         std::size_t share, Deliveries& deliveries) NSQ_REQUIRES(mutex_);
  bool skip_to_fresh() NSQ_REQUIRES(mutex_);
  bool open_fresh_chunk() NSQ_REQUIRES(mutex_);
  bool deliver(Subscription& subscription, Moment now, const storage::Record& record,
               std::uint16_t attempts, const std::shared_ptr<const storage::Chunk>& chunk,
               PullLimit& limit, Deliveries& deliveries) NSQ_REQUIRES(mutex_);
  void fetch_fresh() NSQ_REQUIRES(mutex_);
  void fetch_requeued() NSQ_REQUIRES(mutex_);
  void install_fresh(Result<std::shared_ptr<const storage::Chunk>> chunk);
  void install_requeued(Result<std::shared_ptr<const storage::Chunk>> chunk);
  void lose(storage::IndexRange range) NSQ_REQUIRES(mutex_);

  bool ready(const Subscription& subscription) const NSQ_REQUIRES(mutex_);
  void settle_turn(Subscription& subscription) NSQ_REQUIRES(mutex_);
  void call_waiting(ConsumerCalls& calls) NSQ_REQUIRES(mutex_);
  void note_deadline() NSQ_REQUIRES(mutex_);
  void note_change(Moment now) NSQ_REQUIRES(mutex_);
  Instant next_deadline() const NSQ_REQUIRES(mutex_);
  void requeue_held_by(const Subscription& subscription) NSQ_REQUIRES(mutex_);

  const std::string name_;
  const bool ephemeral_;
  const bool bounded_;  // keeps no more than the memory window; overflow is dropped
  const std::uint32_t number_;
  const Options& options_;
  storage::MessageLog& log_;
  storage::WorkQueue& work_;
  Schedule& schedule_;
  const std::function<void(Instant)> on_changes_;

  mutable Mutex mutex_;
  bool closed_ NSQ_GUARDED_BY(mutex_) = false;
  bool paused_ NSQ_GUARDED_BY(mutex_) = false;

  storage::Index floor_ NSQ_GUARDED_BY(mutex_) = 0;
  storage::Index next_ NSQ_GUARDED_BY(mutex_) = 0;
  storage::Index end_ NSQ_GUARDED_BY(mutex_) = 0;
  IntervalSet finished_ NSQ_GUARDED_BY(mutex_);  // at or above floor_
  IntervalSet skip_ NSQ_GUARDED_BY(mutex_);  // within [next_, end_): not to be met by the cursor
  InFlight in_flight_ NSQ_GUARDED_BY(mutex_);
  MinHeap<Deferred> deferred_ NSQ_GUARDED_BY(mutex_);
  std::deque<Requeued> requeued_ NSQ_GUARDED_BY(mutex_);
  Reader fresh_ NSQ_GUARDED_BY(mutex_);
  Reader again_ NSQ_GUARDED_BY(mutex_);
  bool requeued_first_ NSQ_GUARDED_BY(mutex_) = true;

  std::vector<std::shared_ptr<Subscription>> subscriptions_ NSQ_GUARDED_BY(mutex_);
  DeliveryTurns turns_ NSQ_GUARDED_BY(mutex_);

  ChannelChanges changes_ NSQ_GUARDED_BY(mutex_);
  LatencyWindow latency_ NSQ_GUARDED_BY(mutex_);
  std::minstd_rand sampling_ NSQ_GUARDED_BY(mutex_);
  std::uint64_t message_count_ NSQ_GUARDED_BY(mutex_) = 0;
  std::uint64_t delivery_count_ NSQ_GUARDED_BY(mutex_) = 0;
  std::uint64_t requeue_count_ NSQ_GUARDED_BY(mutex_) = 0;
  std::uint64_t timeout_count_ NSQ_GUARDED_BY(mutex_) = 0;
  std::uint64_t dropped_count_ NSQ_GUARDED_BY(mutex_) = 0;
  std::uint64_t lost_count_ NSQ_GUARDED_BY(mutex_) = 0;
};

}  // namespace nsq::broker
