#pragma once

#include <array>
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
#include "broker/broker_error.h"
#include "broker/consumer.h"
#include "broker/deliveries.h"
#include "broker/delivery_turns.h"
#include "broker/in_flight.h"
#include "broker/journal_entries.h"
#include "broker/latency.h"
#include "broker/meters.h"
#include "broker/options.h"
#include "broker/schedule.h"
#include "broker/stats.h"
#include "protocol/message_id.h"
#include "storage/message_log.h"
#include "storage/work_queue.h"

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
  // What a channel is given by its topic.
  struct Home {
    const Options& options;  // these four outlive the channel
    storage::WorkQueue& work;
    Schedule& schedule;
    Meters& meters;
    std::shared_ptr<storage::MessageLog> log;
    std::function<void(Moment)> on_changes;  // take_changes() has something to say
    std::uint64_t seed = 0;                  // for sampling
  };

  // `bounded`: keeps no more messages waiting than the memory window holds, and drops the rest.
  Channel(std::string name, bool bounded, std::uint32_t number, Home home);
  ~Channel() override;

  const std::string& name() const { return name_; }
  bool ephemeral() const { return ephemeral_; }
  std::uint32_t number() const { return number_; }

  // --- for the consumers' connections ----------------------------------------------------------

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

  // --- for stats -------------------------------------------------------------------------------

  ChannelStats stats(bool clients, Moment now) const;
  std::uint64_t depth() const;
  bool holds_messages() const;  // waiting, in flight or deferred
  bool paused() const;
  // Adds this channel's samples to those of others.
  void add_latency_to(LatencyWindow& sum, Moment now) const;

  // --- for the topic and the broker ------------------------------------------------------------

  struct Deferral {
    Index index;
    Instant due;
  };

  // Starts an empty channel whose first message will be `start`.
  void start_at(Index start);
  // Puts back what the journal knew; everything before the log's first index is finished.
  void restore(const ChannelRecord& record, Index log_begin, Index end, Moment now);

  // The topic's messages up to `end` are this channel's now, `deferred` among them not before their
  // time and `gaps` not at all (indexes no message has). Consumers to be told are added to `calls`.
  void extend(Index end, std::span<const Deferral> deferred, const IntervalSet& gaps, Moment now,
              ConsumerCalls& calls);
  // Messages nobody is to get: the topic was emptied of them.
  void discard(IndexRange range, Moment now, ConsumerCalls& calls);

  Result<std::shared_ptr<Subscription>> subscribe(std::shared_ptr<Consumer> consumer,
                                                  SubscriptionOptions options);
  // The consumer goes; what it holds is waiting again at once. Says whether it was the last.
  bool unsubscribe(Subscription& subscription, Moment now);

  void set_paused(bool paused);
  void empty(Moment now);
  // Refuses new consumers and tells the present ones. Idempotent.
  void close();
  // The same, if there are none. Says whether it is closed.
  bool close_if_idle();

  Instant advance(Moment now) override;
  // Says in the log that the process stops, and what of the channel's state goes with it to disk.
  void say_closing() const;

  // The first message not finished; everything before it this channel no longer needs.
  Index floor() const;
  // The first message that was never delivered, and is not deferred.
  Index cursor() const;
  void collect_unfinished(IndexRange within, IntervalSet& unfinished) const;

  // Appends what has changed since the last call, for the journal. Nothing for ephemeral channels.
  // `stopping`: what is in flight is waiting again as well.
  void take_changes(bool stopping, std::string& entries);
  // Appends everything a journal that starts here would have to say of this channel. What is in
  // flight counts as waiting, with the attempts it has had.
  void encode_state(Moment now, std::string& entries) const;

 private:
  struct Requeued {
    Index index;
    std::uint16_t attempts;
  };
  struct Deferred {
    Instant due;
    Index index;
    std::uint16_t attempts;
    friend bool operator>(const Deferred& a, const Deferred& b) {
      return a.due != b.due ? a.due > b.due : a.index > b.index;
    }
  };
  // A place in the log being read: a chunk from memory, or one fetched from disk.
  struct Reader {
    std::shared_ptr<const storage::Chunk> chunk;
    std::shared_ptr<const storage::Chunk> ahead;  // the one behind it, read before it is needed
    std::size_t bytes = 0;                        // how much was asked for at once
    std::vector<Index> wanted;  // for messages that wait again: the chunk has these, and no others
    bool fetching = false;
    Instant asked;  // when fetching began
    Instant retry;  // after a failed read: not before; otherwise zero
  };

  std::uint64_t fresh_depth() const NSQ_REQUIRES(mutex_);
  std::uint64_t waiting_depth() const NSQ_REQUIRES(mutex_);
  std::uint64_t deliverable() const NSQ_REQUIRES(mutex_);
  void finish(IndexRange range) NSQ_REQUIRES(mutex_);
  void requeue(Index index, std::uint16_t attempts) NSQ_REQUIRES(mutex_);
  void defer(Index index, std::uint16_t attempts, Duration delay, Moment now) NSQ_REQUIRES(mutex_);
  struct Answering;  // one call of `answer` under way
  AnswerOutcome answer_one(Answering& answering, const Answer& answer) NSQ_REQUIRES(mutex_);
  std::size_t finish_row(Answering& answering, std::span<const Answer> answers)
      NSQ_REQUIRES(mutex_);
  void note_finished(Answering& answering, IndexRange range) NSQ_REQUIRES(mutex_);
  void drop_overflow(Index first_new) NSQ_REQUIRES(mutex_);

  struct Taking;  // one pull under way
  std::size_t share_of(const Subscription& subscription, PullLimit limit) const
      NSQ_REQUIRES(mutex_);
  void take(Taking& taking) NSQ_REQUIRES(mutex_);
  void take_requeued(Taking& taking, std::size_t most) NSQ_REQUIRES(mutex_);
  void take_fresh(Taking& taking, std::size_t most) NSQ_REQUIRES(mutex_);
  void deliver(Taking& taking, const storage::Record& record, std::uint16_t attempts,
               const std::shared_ptr<const storage::Chunk>& chunk) NSQ_REQUIRES(mutex_);
  Index deliver_row(Taking& taking, IndexRange range) NSQ_REQUIRES(mutex_);
  void note_delivered(Taking& taking, std::size_t count,
                      const std::shared_ptr<const storage::Chunk>& chunk) NSQ_REQUIRES(mutex_);
  bool samples_out(const Subscription& subscription) NSQ_REQUIRES(mutex_);
  bool open_fresh_chunk(Moment now) NSQ_REQUIRES(mutex_);
  std::shared_ptr<const storage::Chunk> chunk_for_requeued(Index index, Moment now)
      NSQ_REQUIRES(mutex_);
  bool has_fresh_chunk() const NSQ_REQUIRES(mutex_);
  void fetch_fresh(Moment now) NSQ_REQUIRES(mutex_);
  void read_ahead() NSQ_REQUIRES(mutex_);
  void read_from(Index from) NSQ_REQUIRES(mutex_);
  void fetch_requeued(Moment now) NSQ_REQUIRES(mutex_);
  void install(Reader& reader, Result<std::shared_ptr<const storage::Chunk>> chunk);
  void lose(IndexRange range) NSQ_REQUIRES(mutex_);

  void close_now(ConsumerCalls& calls) NSQ_REQUIRES(mutex_);
  bool ready(const Subscription& subscription) const NSQ_REQUIRES(mutex_);
  void call_waiting(ConsumerCalls& calls) NSQ_REQUIRES(mutex_);
  void note_deadline() NSQ_REQUIRES(mutex_);
  void note_changes(Moment now) NSQ_REQUIRES(mutex_);
  void encode_in_flight(std::string& entries) const NSQ_REQUIRES(mutex_);
  Instant next_deadline() const NSQ_REQUIRES(mutex_);

  const std::string name_;
  const bool ephemeral_;
  // Lives in memory only, since it or its topic is ephemeral: keeps no more than the memory window
  // holds, drops the overflow, and is not mentioned in a journal.
  const bool bounded_;
  const std::uint32_t number_;
  const Home home_;

  mutable Mutex mutex_;
  bool closed_ NSQ_GUARDED_BY(mutex_) = false;
  bool paused_ NSQ_GUARDED_BY(mutex_) = false;

  Index floor_ NSQ_GUARDED_BY(mutex_) = 0;
  Index next_ NSQ_GUARDED_BY(mutex_) = 0;
  Index end_ NSQ_GUARDED_BY(mutex_) = 0;
  IntervalSet finished_ NSQ_GUARDED_BY(mutex_);  // at or above floor_
  IntervalSet skip_ NSQ_GUARDED_BY(mutex_);  // within [next_, end_): not to be met by the cursor
  InFlight in_flight_ NSQ_GUARDED_BY(mutex_);
  MinHeap<Deferred> deferred_ NSQ_GUARDED_BY(mutex_);
  std::deque<Requeued> requeued_ NSQ_GUARDED_BY(mutex_);
  Reader fresh_ NSQ_GUARDED_BY(mutex_);
  Reader again_ NSQ_GUARDED_BY(mutex_);
  bool requeued_first_ NSQ_GUARDED_BY(mutex_) = true;  // when there is room for only one
  Instant armed_for_ NSQ_GUARDED_BY(mutex_) = Instant::never();

  std::vector<std::shared_ptr<Subscription>> subscriptions_ NSQ_GUARDED_BY(mutex_);
  DeliveryTurns turns_ NSQ_GUARDED_BY(mutex_);

  // What the journal does not know yet.
  IntervalSet new_finished_ NSQ_GUARDED_BY(mutex_);
  std::vector<std::pair<Index, WaitingNote>> new_waiting_ NSQ_GUARDED_BY(mutex_);
  bool changes_noted_ NSQ_GUARDED_BY(mutex_) = false;
  LatencyWindow latency_ NSQ_GUARDED_BY(mutex_);
  std::minstd_rand sampling_ NSQ_GUARDED_BY(mutex_);
  std::uint64_t message_count_ NSQ_GUARDED_BY(mutex_) = 0;
  // By the locality of who got them.
  std::array<std::uint64_t, kLocalityCount> delivery_counts_ NSQ_GUARDED_BY(mutex_){};
  std::uint64_t requeue_count_ NSQ_GUARDED_BY(mutex_) = 0;
  std::uint64_t timeout_count_ NSQ_GUARDED_BY(mutex_) = 0;
  std::uint64_t dropped_count_ NSQ_GUARDED_BY(mutex_) = 0;
  std::uint64_t lost_count_ NSQ_GUARDED_BY(mutex_) = 0;
};

}  // namespace nsq::broker
