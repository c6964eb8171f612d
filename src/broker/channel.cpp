#include "broker/channel.h"

#include <algorithm>

#include "base/assert.h"
#include "base/log.h"
#include "protocol/names.h"

namespace nsq::broker {

// --- a subscription ----------------------------------------------------------------------------

Subscription::Subscription(std::shared_ptr<Channel> channel, std::shared_ptr<Consumer> consumer,
                           SubscriptionOptions options)
    : channel_(std::move(channel)),
      consumer_(std::move(consumer)),
      options_(options),
      place_{this},
      position_(place_.begin()) {}

Subscription::~Subscription() = default;

// --- a channel ---------------------------------------------------------------------------------

Channel::Channel(std::string name, bool bounded, std::uint32_t number, Home home)
    : name_(std::move(name)),
      ephemeral_(protocol::is_ephemeral(name_)),
      bounded_(bounded),
      number_(number),
      home_(std::move(home)),
      latency_(home_.options.e2e_processing_latency_percentiles,
               home_.options.e2e_processing_latency_window_time),
      sampling_(static_cast<std::minstd_rand::result_type>(home_.seed)) {}

Channel::~Channel() = default;

// --- positions ---------------------------------------------------------------------------------

std::uint64_t Channel::fresh_depth() const {
  return end_ - next_ - skip_.count();
}
std::uint64_t Channel::waiting_depth() const {
  return fresh_depth() + requeued_.size();
}

// What could be handed out now, as far as is known without reading.
std::uint64_t Channel::deliverable() const {
  if (paused_ || closed_) return 0;
  std::uint64_t fresh = fresh_depth();
  if (fresh_.fetching)  // only what was read before
    fresh = has_fresh_chunk() ? std::min<std::uint64_t>(fresh, fresh_.chunk->end() - next_) : 0;
  return fresh + (again_.fetching ? 0 : requeued_.size());
}

void Channel::finish(IndexRange range) {
  if (!bounded_) new_finished_.add(range);
  if (range.begin > floor_) {
    finished_.add(range);
    return;
  }
  // In order, the usual case: the floor moves, and takes along what had been finished ahead of it.
  floor_ = std::max(floor_, range.end);
  if (finished_.empty()) return;
  floor_ = finished_.next_absent(floor_);
  finished_.erase_below(floor_);
}

void Channel::requeue(Index index, std::uint16_t attempts) {
  requeued_.push_back({index, attempts});
  if (!bounded_) new_waiting_.emplace_back(index, WaitingNote{attempts, Timestamp{}});
}

void Channel::defer(Index index, std::uint16_t attempts, Duration delay, Moment now) {
  deferred_.push({now.steady + delay, index, attempts});
  if (!bounded_) new_waiting_.emplace_back(index, WaitingNote{attempts, now.wall + delay});
}

Index Channel::floor() const {
  Lock lock(mutex_);
  return floor_;
}

Index Channel::cursor() const {
  Lock lock(mutex_);
  return next_;
}

void Channel::collect_unfinished(IndexRange within, IntervalSet& unfinished) const {
  Lock lock(mutex_);
  Index next = std::max(within.begin, floor_);
  const Index end = std::min(within.end, end_);
  while (next < end) {
    const Index from = finished_.next_absent(next);
    const Index to = std::min(end, finished_.next_present(from));
    unfinished.add({from, to});
    next = to;
  }
}

// --- what the topic says -----------------------------------------------------------------------

void Channel::start_at(Index start) {
  Lock lock(mutex_);
  floor_ = next_ = end_ = start;
}

void Channel::restore(const ChannelRecord& record, Index log_begin, Index end, Moment now) {
  Lock lock(mutex_);
  floor_ = std::max(record.start, log_begin);
  end_ = std::max(end, floor_);
  finished_ = record.finished;
  floor_ = finished_.next_absent(floor_);
  finished_.erase_below(floor_);
  finished_.erase_from(end_);
  floor_ = std::min(floor_, end_);
  next_ = floor_;
  skip_ = finished_;
  for (const auto& [index, note] : record.waiting) {
    if (index < floor_ || index >= end_ || finished_.contains(index)) continue;
    skip_.add(index);
    if (note.due > now.wall) {
      deferred_.push({now.instant_of(note.due), index, note.attempts});
    } else {
      requeued_.push_back({index, note.attempts});
    }
  }
  note_deadline();
}

void Channel::extend(Index end, std::span<const Deferral> deferred, const IntervalSet& gaps,
                     Moment now, ConsumerCalls& calls) {
  Lock lock(mutex_);
  NSQ_ASSERT(end >= end_);
  const IndexRange added{end_, end};
  end_ = end;
  message_count_ += added.count();
  gaps.for_each(added, [this](IndexRange gap) NSQ_NO_ANALYSIS {
    message_count_ -= gap.count();
    finish(gap);
    skip_.add({std::max(gap.begin, next_), gap.end});
  });
  for (const Deferral& deferral : deferred) {
    skip_.add(deferral.index);
    defer(deferral.index, 0, deferral.due - now.steady, now);
  }
  if (bounded_) drop_overflow(added.begin);
  if (!deferred.empty()) note_deadline();
  note_changes(now);
  call_waiting(calls);
}

// Drops the newest of the messages that do not fit, as an overflowing queue does.
void Channel::drop_overflow(Index first_new) {
  std::uint64_t room = home_.options.mem_queue_size;
  std::uint64_t wanted = 0;
  for (const auto& subscription : subscriptions_) {
    wanted += static_cast<std::uint64_t>(
        std::max<std::int64_t>(0, subscription->ready_count_ - subscription->in_flight_count_));
  }
  room = std::max(room, wanted);
  for (Index index = end_; index-- > first_new && waiting_depth() > room;) {
    if (skip_.contains(index)) continue;
    finish({index, index + 1});
    skip_.add(index);
    ++dropped_count_;
  }
}

void Channel::discard(IndexRange range, Moment now, ConsumerCalls& calls) {
  Lock lock(mutex_);
  NSQ_ASSERT(range.begin == end_);
  end_ = range.end;
  finish(range);
  skip_.add({std::max(range.begin, next_), range.end});
  note_changes(now);
  call_waiting(calls);
}

// --- subscribing -------------------------------------------------------------------------------

Result<std::shared_ptr<Subscription>> Channel::subscribe(std::shared_ptr<Consumer> consumer,
                                                         SubscriptionOptions options) {
  Lock lock(mutex_);
  if (closed_) return Error(BrokerErrc::Exiting, "");
  const std::uint64_t most = home_.options.max_channel_consumers;
  if (most > 0 && subscriptions_.size() >= most) return Error(BrokerErrc::TooManyConsumers, name_);
  subscriptions_.push_back(
      std::make_shared<Subscription>(shared_from_this(), std::move(consumer), options));
  return subscriptions_.back();
}

bool Channel::unsubscribe(Subscription& subscription, Moment now) {
  ConsumerCalls calls;
  Lock lock(mutex_);
  turns_.leave(subscription);
  subscription.closed_ = true;
  const auto erased =
      std::erase_if(subscriptions_, [&](const auto& each) { return each.get() == &subscription; });
  if (erased == 0) return false;
  std::vector<InFlightMessage> held;
  in_flight_.take_held_by(&subscription, held);
  std::sort(held.begin(), held.end(),
            [](const auto& a, const auto& b) { return a.index < b.index; });
  for (const InFlightMessage& message : held) requeue(message.index, message.attempts);
  subscription.in_flight_count_ = 0;
  note_changes(now);
  call_waiting(calls);
  const bool last = subscriptions_.empty();
  lock.unlock();
  calls.make();
  return last;
}

void Channel::close() {
  ConsumerCalls calls;
  {
    Lock lock(mutex_);
    close_now(calls);
  }
  calls.make();
}

bool Channel::close_if_idle() {
  ConsumerCalls nobody;
  Lock lock(mutex_);
  if (subscriptions_.empty()) close_now(nobody);
  return closed_;
}

void Channel::close_now(ConsumerCalls& calls) {
  if (closed_) return;
  closed_ = true;
  for (const auto& subscription : subscriptions_) {
    turns_.leave(*subscription);
    subscription->closed_ = true;
    subscription->in_flight_count_ = 0;
    calls.channel_closed(subscription->consumer_);
  }
  subscriptions_.clear();
  in_flight_.clear();
  deferred_ = {};
  requeued_.clear();
  new_finished_.clear();
  new_waiting_.clear();
  fresh_ = again_ = {};
}

// --- turns -------------------------------------------------------------------------------------

bool Channel::ready(const Subscription& subscription) const {
  return !subscription.closed_ && subscription.in_flight_count_ < subscription.ready_count_;
}

void Channel::call_waiting(ConsumerCalls& calls) {
  const std::uint64_t available = deliverable();
  while (Subscription* const next = turns_.call_next(available)) {
    calls.messages_ready(next->consumer_);
  }
}

void Channel::set_ready_count(Subscription& subscription, std::int64_t count) {
  ConsumerCalls calls;
  Lock lock(mutex_);
  subscription.ready_count_ = count;
  if (ready(subscription)) return;  // the caller pulls
  turns_.leave(subscription);
  call_waiting(calls);
  lock.unlock();
  calls.make();
}

void Channel::set_paused(bool paused) {
  ConsumerCalls calls;
  Lock lock(mutex_);
  paused_ = paused;
  call_waiting(calls);
  lock.unlock();
  calls.make();
}

bool Channel::paused() const {
  Lock lock(mutex_);
  return paused_;
}

void Channel::empty(Moment now) {
  ConsumerCalls calls;
  Lock lock(mutex_);
  finish({floor_, end_});
  next_ = end_;
  skip_.clear();
  in_flight_.clear();
  deferred_ = {};
  requeued_.clear();
  new_waiting_.clear();
  fresh_.chunk = fresh_.ahead = again_.chunk = nullptr;
  for (const auto& subscription : subscriptions_) {
    subscription->in_flight_count_ = 0;
    // Whoever was at its limit can take messages again.
    if (ready(*subscription) && subscription->turn_ == Subscription::Turn::Idle) {
      turns_.wait(*subscription);
    }
  }
  note_changes(now);
  lock.unlock();
  calls.make();
}

// --- time --------------------------------------------------------------------------------------

Instant Channel::next_deadline() const {
  Instant next = in_flight_.next_deadline();
  if (!deferred_.empty()) next = std::min(next, deferred_.top().due);
  if (fresh_.retry != Instant{}) next = std::min(next, fresh_.retry);
  if (again_.retry != Instant{}) next = std::min(next, again_.retry);
  return next;
}

void Channel::note_deadline() {
  const Instant next = next_deadline();
  if (next >= armed_for_) return;
  armed_for_ = next;
  home_.schedule.arm(shared_from_this(), next);
}

Instant Channel::advance(Moment now) {
  ConsumerCalls calls;
  Lock lock(mutex_);
  if (closed_) return Instant::never();
  std::vector<InFlightMessage> expired;
  in_flight_.take_expired(now.steady, expired);
  for (const InFlightMessage& message : expired) {
    Subscription& holder = *message.handover.holder;
    --holder.in_flight_count_;
    ++timeout_count_;
    requeue(message.index, message.attempts);
    if (ready(holder) && holder.turn_ == Subscription::Turn::Idle) turns_.wait(holder);
  }
  while (!deferred_.empty() && deferred_.top().due <= now.steady) {
    const Deferred due = deferred_.take_top();
    requeued_.push_back({due.index, due.attempts});
  }
  for (Reader* const reader : {&fresh_, &again_}) {
    if (reader->retry == Instant{} || reader->retry > now.steady) continue;
    reader->retry = {};
    reader->fetching = false;
  }
  if (!expired.empty()) note_changes(now);
  call_waiting(calls);
  const Instant next = armed_for_ = next_deadline();
  lock.unlock();
  calls.make();
  return next;
}

// --- the journal -------------------------------------------------------------------------------

void Channel::note_changes(Moment now) {
  if (bounded_ || changes_noted_ || (new_finished_.empty() && new_waiting_.empty())) return;
  changes_noted_ = true;
  home_.on_changes(now);
}

void Channel::take_changes(bool stopping, std::string& entries) {
  Lock lock(mutex_);
  changes_noted_ = false;
  if (bounded_ || closed_) return;
  journal::finished(entries, number_, new_finished_);
  new_finished_.clear();
  for (const auto& [index, note] : new_waiting_) journal::waiting(entries, number_, index, note);
  new_waiting_.clear();
  if (stopping) encode_in_flight(entries);
}

void Channel::encode_in_flight(std::string& entries) const {
  in_flight_.for_each([&](const InFlightMessage& message) {
    journal::waiting(entries, number_, message.index, {message.attempts, Timestamp{}});
  });
}

void Channel::encode_state(Moment now, std::string& entries) const {
  Lock lock(mutex_);
  if (bounded_ || closed_) return;
  journal::channel_created(entries, number_, floor_, name_);
  journal::finished(entries, number_, finished_);
  for (const Requeued& message : requeued_) {
    journal::waiting(entries, number_, message.index, {message.attempts, Timestamp{}});
  }
  for (const Deferred& message : deferred_.values()) {
    journal::waiting(entries, number_, message.index,
                     {message.attempts, now.timestamp_of(message.due)});
  }
  encode_in_flight(entries);
}

// --- stats -------------------------------------------------------------------------------------

ChannelStats Channel::stats(bool clients, Moment now) const {
  const Index window_begin = home_.log->window_begin();
  ChannelStats stats;
  Lock lock(mutex_);
  stats.name = name_;
  stats.depth = waiting_depth();
  if (window_begin > next_) {
    const IndexRange behind{next_, std::min(window_begin, end_)};
    stats.backend_depth = behind.count() - skip_.count_in(behind);
  }
  stats.in_flight_count = in_flight_.count();
  stats.deferred_count = deferred_.size();
  stats.message_count = message_count_;
  for (const std::uint64_t count : delivery_counts_) stats.delivery_count += count;
  stats.zone_local_count = delivery_counts_[static_cast<std::size_t>(Locality::Zone)];
  stats.region_local_count = delivery_counts_[static_cast<std::size_t>(Locality::Region)];
  stats.requeue_count = requeue_count_;
  stats.timeout_count = timeout_count_;
  stats.dropped_count = dropped_count_;
  stats.lost_count = lost_count_;
  stats.client_count = subscriptions_.size();
  stats.paused = paused_;
  stats.e2e_processing_latency = latency_.stats(now.steady);
  if (!clients) return stats;
  for (const auto& subscription : subscriptions_) {
    stats.clients.push_back({subscription->consumer_, subscription->ready_count_,
                             subscription->in_flight_count_, subscription->message_count_,
                             subscription->finish_count_, subscription->requeue_count_});
  }
  return stats;
}

std::uint64_t Channel::depth() const {
  Lock lock(mutex_);
  return waiting_depth();
}

void Channel::say_closing() const {
  Lock lock(mutex_);
  const std::size_t again = requeued_.size(), held = in_flight_.count(), later = deferred_.size();
  lock.unlock();
  log::info("CHANNEL({}): closing", name_);
  if (again + held + later == 0) return;
  log::info("CHANNEL({}): flushing {} memory {} in-flight {} deferred messages to backend", name_,
            again, held, later);
}

bool Channel::holds_messages() const {
  Lock lock(mutex_);
  return waiting_depth() > 0 || in_flight_.count() > 0 || !deferred_.empty();
}

void Channel::add_latency_to(LatencyWindow& sum, Moment now) const {
  Lock lock(mutex_);
  sum.merge(latency_, now.steady);
}

}  // namespace nsq::broker
