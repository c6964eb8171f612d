#include "broker/schedule.h"

namespace nsq::broker {

void Schedule::arm(const std::shared_ptr<Timed>& timed, Instant at) {
  bool earlier = false;
  {
    Lock lock(mutex_);
    if (at >= timed->armed_) return;
    timed->armed_ = at;
    entries_.push({at, timed});
    earlier = at < announced_;
    if (earlier) announced_ = at;
  }
  if (earlier && on_earlier_) on_earlier_(at);
}

std::shared_ptr<Timed> Schedule::take_due(Instant now) {
  Lock lock(mutex_);
  while (!entries_.empty() && entries_.top().at <= now) {
    const Entry entry = entries_.take_top();
    auto timed = entry.timed.lock();
    // Someone armed for an earlier time leaves the entry of the later time behind.
    if (!timed || timed->armed_ != entry.at) continue;
    timed->armed_ = Instant::never();
    return timed;
  }
  return nullptr;
}

Instant Schedule::advance(Moment now) {
  while (const auto timed = take_due(now.steady)) {
    const Instant next = timed->advance(now);
    if (next == Instant::never()) continue;
    Lock lock(mutex_);
    if (next >= timed->armed_) continue;
    timed->armed_ = next;
    entries_.push({next, timed});
  }
  Lock lock(mutex_);
  announced_ = entries_.empty() ? Instant::never() : entries_.top().at;
  return announced_;
}

}  // namespace nsq::broker
