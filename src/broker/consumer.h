#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <optional>
#include <string>

#include "base/instant.h"
#include "nsq/result.h"

namespace nsq::broker {

class Channel;

// The far end of a subscription, as the engine sees it.
class Consumer {
 public:
  virtual ~Consumer() = default;

  // Messages may be waiting: call Channel::pull soon, exactly once per call of this, even if
  // nothing can be taken at the moment (then with a limit of zero, which passes the turn on).
  // Called on any thread, with no lock of the engine held. Must not wait: it takes note, or pulls.
  virtual void on_messages_ready() = 0;

  // The channel is gone. Nothing more will be delivered, and answers fail with NotInFlight.
  // Called like on_messages_ready.
  virtual void on_channel_closed() = 0;
};

// How near a consumer is to the daemon, as far as the two have said where they are.
enum class Locality : std::uint8_t { Zone, Region, Global };
inline constexpr std::size_t kLocalityCount = 3;

// What a consumer asks for when it subscribes.
struct SubscriptionOptions {
  Duration msg_timeout = std::chrono::seconds(60);
  // 1..99: the share of messages, in percent, to deliver; the others are dropped for the whole
  // channel. 0: all.
  int sample_rate = 0;
  // What it is given is counted as this,
  Locality locality = Locality::Global;
  // and the nearer one of two that could take a message gets it.
  Locality preference = Locality::Global;
};

// One consumer's place on a channel. Made by Broker::subscribe and given up with
// Broker::unsubscribe; in between the holder passes it to the calls of its channel.
//
// Threading: the members below are guarded by the channel's lock and for the channel only.
class Subscription {
 public:
  Subscription(std::shared_ptr<Channel> channel, std::shared_ptr<Consumer> consumer,
               SubscriptionOptions options);
  ~Subscription();

  Channel& channel() const { return *channel_; }

 private:
  friend class Channel;
  friend class DeliveryTurns;
  enum class Turn {
    Idle,     // not ready, or not asking
    Waiting,  // ready; in the queue of those to be told of messages
    Called,   // on_messages_ready was called and pull has not come yet
  };

  const std::shared_ptr<Channel> channel_;
  const std::shared_ptr<Consumer> consumer_;
  const SubscriptionOptions options_;

  std::int64_t ready_count_ = 0;
  std::int64_t in_flight_count_ = 0;
  std::uint64_t message_count_ = 0;
  std::uint64_t finish_count_ = 0;
  std::uint64_t requeue_count_ = 0;
  bool closed_ = false;  // unsubscribed, or its channel is gone
  Turn turn_ = Turn::Idle;
  // The subscription's place in the queue: a list node it keeps here while it is not waiting, so
  // that queueing never allocates.
  std::list<Subscription*> place_;
  const std::list<Subscription*>::iterator position_;
};

}  // namespace nsq::broker
