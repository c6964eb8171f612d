#pragma once

#include <list>
#include <memory>
#include <utility>
#include <vector>

#include "broker/consumer.h"

namespace nsq::broker {

// What is to be said to consumers once no lock is held.
class ConsumerCalls {
 public:
  void messages_ready(std::shared_ptr<Consumer> consumer) { ready_.push_back(std::move(consumer)); }
  void channel_closed(std::shared_ptr<Consumer> consumer) {
    closed_.push_back(std::move(consumer));
  }

  // Says it. To be called without locks.
  void make() {
    for (const auto& consumer : ready_) consumer->on_messages_ready();
    for (const auto& consumer : closed_) consumer->on_channel_closed();
    ready_.clear();
    closed_.clear();
  }

 private:
  std::vector<std::shared_ptr<Consumer>> ready_;
  std::vector<std::shared_ptr<Consumer>> closed_;
};

// Whose turn it is on a channel: consumers that could take messages queue up, are called from the
// front when there are some, and go to the back after their turn. So none is starved by a greedy
// one, and each is called once however many messages came.
//
// Threading: confined, with its channel.
class DeliveryTurns {
 public:
  // Puts the consumer at the end of the queue, unless it is in it.
  void wait(Subscription& subscription) {
    if (subscription.turn_ == Subscription::Turn::Waiting) return;
    leave(subscription);
    subscription.turn_ = Subscription::Turn::Waiting;
    queue_.splice(queue_.end(), subscription.place_);
  }
  // Takes the consumer out, called or not.
  void leave(Subscription& subscription) {
    if (subscription.turn_ == Subscription::Turn::Waiting) {
      subscription.place_.splice(subscription.place_.begin(), queue_, subscription.position_);
    } else if (subscription.turn_ == Subscription::Turn::Called) {
      --called_;
    }
    subscription.turn_ = Subscription::Turn::Idle;
  }
  // Calls the first in the queue. Requires: one is waiting.
  Subscription& call_next() {
    Subscription& next = *queue_.front();
    leave(next);
    next.turn_ = Subscription::Turn::Called;
    ++called_;
    return next;
  }

  bool any_waiting() const { return !queue_.empty(); }
  std::size_t called() const { return called_; }
  // All who compete for what there is.
  std::size_t contenders() const { return queue_.size() + called_; }

 private:
  std::list<Subscription*> queue_;
  std::size_t called_ = 0;
};

}  // namespace nsq::broker
