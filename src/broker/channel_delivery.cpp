// How a channel hands out messages: first what waits again, and what was never delivered, in
// shares; from memory where it is there, else from disk through the WorkQueue, never waiting for
// it.

#include <algorithm>

#include "base/assert.h"
#include "base/log.h"
#include "broker/channel.h"

namespace nsq::broker {
namespace {

constexpr std::uint16_t kMaxAttempts = 65535;
constexpr std::size_t kMaxFetchedAgain = 64;
constexpr Duration kReadRetry = std::chrono::seconds(1);

// What is read at once grows from the first to the second as long as consumers need more within
// this time: a thousand slow channels then cost little memory, and a quick one few reads.
constexpr std::size_t kFirstReadBytes = std::size_t{64} << 10;
constexpr std::size_t kMostReadBytes = std::size_t{512} << 10;
constexpr Duration kQuick = std::chrono::milliseconds(500);

}  // namespace

struct Channel::Taking {
  Subscription& subscription;
  Moment now;
  std::size_t left_bytes;
  Deliveries& deliveries;
  std::size_t taken = 0;  // sampled out ones included

  bool full() const { return left_bytes == 0; }
  Handover handover() const {
    return {&subscription, now.steady, now.steady + subscription.options_.msg_timeout};
  }
};

std::size_t Channel::pull(Subscription& subscription, Moment now, PullLimit limit,
                          Deliveries& deliveries) {
  ConsumerCalls calls;
  const std::size_t before = deliveries.messages.size();
  Lock lock(mutex_);
  if (subscription.closed_) return 0;
  const std::size_t share = share_of(subscription, limit);
  turns_.leave(subscription);
  if (limit.messages > 0 && limit.body_bytes > 0) {
    if (!paused_ && share > 0) {
      Taking taking{subscription, now, limit.body_bytes, deliveries};
      std::size_t most = share;
      while (most > 0 && !taking.full()) {
        const std::size_t already = taking.taken;
        const bool both = !requeued_.empty() && fresh_depth() > 0;
        std::size_t again = both ? most / 2 : most;
        if (both && most == 1) again = std::exchange(requeued_first_, !requeued_first_) ? 1 : 0;
        take_requeued(taking, again);
        take_fresh(taking, share - taking.taken);
        if (taking.taken == already) break;
        most = share - taking.taken;
      }
    }
    if (ready(subscription)) turns_.wait(subscription);
  }
  note_deadline();
  note_changes(now);
  call_waiting(calls);
  lock.unlock();
  calls.make();
  return deliveries.messages.size() - before;
}

// Everyone who competes gets about the same of what no nearer one will take, and nobody more than
// asked for.
std::size_t Channel::share_of(const Subscription& subscription, PullLimit limit) const {
  if (!ready(subscription)) return 0;
  const auto room =
      static_cast<std::uint64_t>(subscription.ready_count_ - subscription.in_flight_count_);
  const std::uint64_t waiting = waiting_depth();
  const std::uint64_t spoken_for = turns_.spoken_for(subscription, waiting);
  if (spoken_for > 0 && spoken_for >= waiting) return 0;
  std::uint64_t contenders = turns_.contenders(subscription);
  if (subscription.turn_ == Subscription::Turn::Idle) ++contenders;
  const std::uint64_t even = (waiting - spoken_for + contenders - 1) / contenders;
  return static_cast<std::size_t>(std::min(
      {room, std::max<std::uint64_t>(even, 1), static_cast<std::uint64_t>(limit.messages)}));
}

bool Channel::samples_out(const Subscription& subscription) {
  const int rate = subscription.options_.sample_rate;
  return rate > 0 && std::uniform_int_distribution<int>(0, 99)(sampling_) >= rate;
}

// One message, by itself.
void Channel::deliver(Taking& taking, const storage::Record& record, std::uint16_t attempts,
                      const std::shared_ptr<const storage::Chunk>& chunk) {
  ++taking.taken;
  if (samples_out(taking.subscription)) return finish({record.index, record.index + 1});
  if (attempts < kMaxAttempts) ++attempts;
  const protocol::MessageId id{record.id};
  in_flight_.add({record.index, taking.handover(), record.timestamp, attempts}, id);
  taking.deliveries.messages.push_back({id, record.timestamp, attempts, record.body});
  taking.left_bytes -= std::min(taking.left_bytes, record.body.size());
  note_delivered(taking, 1, chunk);
}

// Messages of consecutive indexes that were never delivered, all to go to the same consumer: the
// usual case, and most of what a channel does. Returns the index behind the last one.
Index Channel::deliver_row(Taking& taking, IndexRange range) {
  std::vector<Delivery>& messages = taking.deliveries.messages;
  const std::size_t before = messages.size();
  const Index end = fresh_.chunk->for_row(range, [&](const storage::Record& record) {
    messages.push_back({protocol::MessageId{record.id}, record.timestamp, 1, record.body});
    taking.left_bytes -= std::min(taking.left_bytes, record.body.size());
    return !taking.full();
  });
  if (end == range.begin) return end;
  in_flight_.add_row(range.begin, std::span(messages).subspan(before), taking.handover());
  taking.taken += end - range.begin;
  note_delivered(taking, end - range.begin, fresh_.chunk);
  return end;
}

void Channel::note_delivered(Taking& taking, std::size_t count,
                             const std::shared_ptr<const storage::Chunk>& chunk) {
  Subscription& subscription = taking.subscription;
  subscription.in_flight_count_ += static_cast<std::int64_t>(count);
  subscription.message_count_ += count;
  delivery_counts_[static_cast<std::size_t>(subscription.options_.locality)] += count;
  auto& pins = taking.deliveries.pins;
  if (pins.empty() || pins.back() != chunk) pins.push_back(chunk);
}

void Channel::take_fresh(Taking& taking, std::size_t most) {
  const std::size_t limit = taking.taken + most;
  const bool samples = taking.subscription.options_.sample_rate > 0;
  while (taking.taken < limit && !taking.full()) {
    if (!skip_.empty()) {
      next_ = skip_.next_absent(next_);
      skip_.erase_below(next_);
    }
    if (next_ >= end_ || !open_fresh_chunk(taking.now)) return;
    const storage::Chunk& chunk = *fresh_.chunk;
    const Index skipped = skip_.next_present(next_);
    const std::size_t row = samples ? 1 : limit - taking.taken;
    const IndexRange range{next_, std::min({next_ + row, chunk.end(), end_, skipped})};
    if (!samples) {
      next_ = deliver_row(taking, range);
      if (next_ > range.begin) continue;
    } else if (const auto record = chunk.find(next_)) {
      ++next_;
      deliver(taking, *record, 0, fresh_.chunk);
      continue;
    }
    // Not there although it should be: the record was damaged, and so are perhaps those behind it.
    const Index resume = std::min({chunk.next_present(next_), end_, skipped});
    lose({next_, resume});
    next_ = resume;
  }
}

bool Channel::has_fresh_chunk() const {
  return fresh_.chunk && fresh_.chunk->covers(next_);
}

// Whether fresh_.chunk covers next_; if it cannot yet, it is being fetched.
bool Channel::open_fresh_chunk(Moment now) {
  if (has_fresh_chunk()) return true;
  fresh_.chunk = std::move(fresh_.ahead);
  fresh_.ahead = nullptr;
  if (has_fresh_chunk()) {
    if (!fresh_.fetching) fresh_.asked = now.steady;
    read_ahead();
    return true;
  }
  fresh_.chunk = home_.log->find_in_memory(next_);
  if (fresh_.chunk) return true;
  fetch_fresh(now);
  return false;
}

void Channel::take_requeued(Taking& taking, std::size_t most) {
  const std::size_t limit = taking.taken + most;
  while (taking.taken < limit && !taking.full() && !requeued_.empty()) {
    const Requeued message = requeued_.front();
    const auto chunk = chunk_for_requeued(message.index, taking.now);
    if (!chunk) return;
    requeued_.pop_front();
    const auto record = chunk->find(message.index);
    if (record) {
      deliver(taking, *record, message.attempts, chunk);
    } else {
      lose({message.index, message.index + 1});
    }
  }
}

std::shared_ptr<const storage::Chunk> Channel::chunk_for_requeued(Index index, Moment now) {
  if (again_.chunk && std::binary_search(again_.wanted.begin(), again_.wanted.end(), index)) {
    return again_.chunk;
  }
  if (fresh_.chunk && fresh_.chunk->covers(index)) return fresh_.chunk;
  if (auto chunk = home_.log->find_in_memory(index)) return chunk;
  fetch_requeued(now);
  return nullptr;
}

void Channel::fetch_fresh(Moment now) {
  if (fresh_.fetching) return;
  const bool quick = fresh_.bytes > 0 && now.steady - fresh_.asked < kQuick;
  fresh_.bytes = quick ? std::min(2 * fresh_.bytes, kMostReadBytes) : kFirstReadBytes;
  fresh_.asked = now.steady;
  read_from(next_);
}

// While consumers that have shown to be quick are busy with one chunk, the next is read.
void Channel::read_ahead() {
  const Index from = fresh_.chunk->end();
  if (fresh_.fetching || fresh_.bytes < kMostReadBytes || from >= end_ ||
      from >= home_.log->window_begin()) {
    return;
  }
  read_from(from);
}

void Channel::read_from(Index from) {
  fresh_.fetching = true;
  home_.work.submit(storage::WorkQueue::Lane::Read,
                    [self = shared_from_this(), from, bytes = fresh_.bytes]() NSQ_NO_ANALYSIS {
                      self->install(self->fresh_, self->home_.log->read(from, bytes));
                    });
}

void Channel::fetch_requeued(Moment now) {
  if (again_.fetching) return;
  again_.fetching = true;
  again_.asked = now.steady;
  again_.chunk = nullptr;
  std::vector<Index>& wanted = again_.wanted;
  wanted.clear();
  for (const Requeued& message : requeued_) {
    if (wanted.size() == kMaxFetchedAgain) break;
    wanted.push_back(message.index);
  }
  std::sort(wanted.begin(), wanted.end());
  home_.work.submit(storage::WorkQueue::Lane::Read,
                    [self = shared_from_this(), wanted]() NSQ_NO_ANALYSIS {
                      self->install(self->again_, self->home_.log->read_each(wanted));
                    });
}

void Channel::install(Reader& reader, Result<std::shared_ptr<const storage::Chunk>> chunk) {
  ConsumerCalls calls;
  Lock lock(mutex_);
  if (closed_) return;
  if (chunk) {
    reader.fetching = false;
    const bool is_ahead = &reader == &fresh_ && has_fresh_chunk();
    (is_ahead ? reader.ahead : reader.chunk) = std::move(chunk.value());
    if (&reader == &fresh_ && !is_ahead && has_fresh_chunk()) read_ahead();
  } else {
    // The messages stay where they are; whoever waits for them is called once reading works again.
    log::error("CHANNEL({}): cannot read messages, trying again in {} s: {}", name_,
               kReadRetry / std::chrono::seconds(1), chunk.error().to_string());
    reader.retry = reader.asked + kReadRetry;
    note_deadline();
  }
  call_waiting(calls);
  lock.unlock();
  calls.make();
}

void Channel::lose(IndexRange range) {
  if (range.empty()) return;
  log::error("CHANNEL({}): {} messages from index {} could not be read back and are lost", name_,
             range.count(), range.begin);
  lost_count_ += range.count();
  Meters::count(home_.meters.lost_messages, range.count());
  finish(range);
}

}  // namespace nsq::broker
