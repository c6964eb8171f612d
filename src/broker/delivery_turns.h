#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
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
// Those nearer come first: a consumer further away gets what the nearer ones, ready as they are,
// have no room for. It is not starved either, since room is bounded by the ready count.
//
// Threading: confined, with its channel.
class DeliveryTurns {
 public:
  // Puts the consumer at the end of the queue, unless it is in it.
  void wait(Subscription& subscription) {
    if (subscription.turn_ == Subscription::Turn::Waiting) return;
    leave(subscription);
    subscription.turn_ = Subscription::Turn::Waiting;
    rank_of(subscription).waiting.take(subscription);
  }
  // Takes the consumer out, called or not.
  void leave(Subscription& subscription) {
    if (subscription.turn_ == Subscription::Turn::Waiting) {
      rank_of(subscription).waiting.give_back(subscription);
    } else if (subscription.turn_ == Subscription::Turn::Called) {
      rank_of(subscription).called.give_back(subscription);
      --called_;
    }
    subscription.turn_ = Subscription::Turn::Idle;
  }
  // Calls whoever is next, so that `available` messages find takers; null if those called already
  // are enough, or nobody waits.
  Subscription* call_next(std::uint64_t available) {
    if (called_ >= available) return nullptr;
    std::uint64_t spoken_for = 0;
    for (Rank& rank : ranks_) {
      if (spoken_for >= available) return nullptr;
      if (!rank.waiting.members.empty()) {
        Subscription& next = *rank.waiting.members.front();
        leave(next);
        next.turn_ = Subscription::Turn::Called;
        rank.called.take(next);
        ++called_;
        return &next;
      }
      spoken_for += rank.called.room(available - spoken_for);
    }
    return nullptr;
  }

  // Those as near as this one who compete for what there is, itself not counted unless it queues.
  std::size_t contenders(const Subscription& subscription) const {
    const Rank& rank = ranks_[index_of(subscription)];
    return rank.waiting.members.size() + rank.called.members.size();
  }
  // How much of `most` messages the nearer ones have room for.
  std::uint64_t spoken_for(const Subscription& subscription, std::uint64_t most) const {
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i < index_of(subscription) && sum < most; ++i) {
      sum += ranks_[i].waiting.room(most - sum);
      sum += ranks_[i].called.room(most - std::min(most, sum));
    }
    return std::min(most, sum);
  }

 private:
  struct Members {
    std::list<Subscription*> members;

    void take(Subscription& subscription) { members.splice(members.end(), subscription.place_); }
    void give_back(Subscription& subscription) {
      subscription.place_.splice(subscription.place_.begin(), members, subscription.position_);
    }
    // Counts no further than to `most`; each has room for one at least, or nearly all have.
    std::uint64_t room(std::uint64_t most) const {
      std::uint64_t sum = 0;
      for (const Subscription* member : members) {
        if (sum >= most) break;
        sum += static_cast<std::uint64_t>(
            std::max<std::int64_t>(0, member->ready_count_ - member->in_flight_count_));
      }
      return sum;
    }
  };
  struct Rank {
    Members waiting;
    Members called;
  };

  static std::size_t index_of(const Subscription& subscription) {
    return static_cast<std::size_t>(subscription.options_.preference);
  }
  Rank& rank_of(const Subscription& subscription) { return ranks_[index_of(subscription)]; }

  std::array<Rank, kLocalityCount> ranks_;
  std::size_t called_ = 0;
};

}  // namespace nsq::broker
