// What consumers say of the messages they hold. Nearly all of it is finishing them, in the order in
// which they were delivered, so that is done row by row.

#include <algorithm>

#include "broker/channel.h"

namespace nsq::broker {

struct Channel::Answering {
  Subscription& subscription;
  Moment now;
  LatencyWindow& latency;
  IndexRange finished{};  // not told to `finish` yet
  Histogram::Batch times{};
  // Of the latest messages finished, and how many of them are not in `times` yet: those of a batch
  // were published at the same time.
  Timestamp published{};
  std::uint32_t same_time = 0;

  void add_time(Timestamp time) {
    if (time != published) note_times();
    published = time;
    ++same_time;
  }
  void note_times() {
    if (same_time == 0) return;
    latency.add(now.wall - published, now.steady, same_time);
    times.add(now.wall - published, same_time);
    same_time = 0;
  }
};

AnswerOutcome Channel::answer_one(Answering& answering, const Answer& answer) {
  Subscription& subscription = answering.subscription;
  const Moment now = answering.now;
  const auto message = in_flight_.find(answer.id);
  if (!message) return AnswerOutcome::NotInFlight;
  if (message->handover.holder != &subscription) return AnswerOutcome::NotHolder;
  if (answer.kind == Answer::Kind::Touch) {
    const Instant longest = message->handover.delivered + home_.options.max_msg_timeout;
    in_flight_.postpone(message->index,
                        std::min(now.steady + subscription.options_.msg_timeout, longest));
    return AnswerOutcome::Done;
  }
  in_flight_.remove(message->index);
  if (answer.kind == Answer::Kind::Finish) {
    answering.add_time(message->published);
    note_finished(answering, {message->index, message->index + 1});
    return AnswerOutcome::Done;
  }
  --subscription.in_flight_count_;
  ++subscription.requeue_count_;
  ++requeue_count_;
  if (answer.delay > Duration::zero()) {
    defer(message->index, message->attempts, answer.delay, now);
  } else {
    requeue(message->index, message->attempts);
  }
  return AnswerOutcome::Done;
}

// Settles those answers at the front that finish messages of consecutive ids, as most consumers
// send them; says how many. What this does not settle, answer_one does.
std::size_t Channel::finish_row(Answering& answering, std::span<const Answer> answers) {
  const protocol::MessageId first = answers.front().id;
  const auto continues = [&](std::size_t n) {
    return n < answers.size() && answers[n].kind == Answer::Kind::Finish &&
           answers[n].id.value == first.value + n;
  };
  const IndexRange taken =
      in_flight_.take_row(first, &answering.subscription, continues,
                          [&](Timestamp published) { answering.add_time(published); });
  if (!taken.empty()) note_finished(answering, taken);
  return taken.count();
}

void Channel::note_finished(Answering& answering, IndexRange range) {
  answering.subscription.in_flight_count_ -= static_cast<std::int64_t>(range.count());
  answering.subscription.finish_count_ += range.count();
  IndexRange& finished = answering.finished;
  if (finished.end == range.begin) {
    finished.end = range.end;  // most consumers finish in the order of delivery: one range for all
    return;
  }
  if (!finished.empty()) finish(finished);
  finished = range;
}

void Channel::answer(Subscription& subscription, std::span<const Answer> answers, Moment now,
                     std::span<AnswerOutcome> outcomes) {
  ConsumerCalls calls;
  Lock lock(mutex_);
  Answering answering{subscription, now, latency_};
  std::fill(outcomes.begin(), outcomes.end(),
            subscription.closed_ ? AnswerOutcome::NotInFlight : AnswerOutcome::Done);
  for (std::size_t i = 0; i < answers.size() && !subscription.closed_;) {
    const std::size_t row = finish_row(answering, answers.subspan(i));
    if (row == 0) outcomes[i] = answer_one(answering, answers[i]);
    i += std::max<std::size_t>(row, 1);
  }
  if (!answering.finished.empty()) finish(answering.finished);
  answering.note_times();
  note_deadline();
  note_changes(now);
  call_waiting(calls);
  lock.unlock();
  calls.make();
  home_.meters.finish_times.add(answering.times);
}

}  // namespace nsq::broker
