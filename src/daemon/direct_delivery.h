#pragma once

#include <chrono>
#include <cstddef>

#include "base/instant.h"
#include "broker/deliveries.h"
#include "daemon/client_output.h"

namespace nsq::daemon {

class ClientSession;

// Lets the thread that publishes a message or two hand them to the consumers they call, instead of
// waking the loops of those: to wake a thread takes longer than to do its work, and its core may be
// asleep as well.
//
// While a Scope lives, consumers called on its thread may take their share right there
// (ClientConnection::deliver_directly), before the publisher is answered. What is published in
// bulk, or so often that wake-ups are few, is left to the consumers' own loops, which then work
// beside this one and send several messages at once.
//
// Threading: confined to its loop.
class DirectDelivery {
 public:
  // Publishes of no more than so many messages are delivered directly.
  static constexpr std::size_t kMostMessages = 4;

  // And not if the loop has published as little as that within this time.
  static constexpr Duration kRest = std::chrono::microseconds(40);

  class Scope {
   public:
    Scope(DirectDelivery& direct, const ClientSession& publisher, std::size_t messages,
          Instant now);
    ~Scope();
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;
  };

  // One consumer's turn; none can begin in it.
  class Turn {
   public:
    // Requires: `here()` is `direct`.
    explicit Turn(DirectDelivery& direct);
    ~Turn();
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;

   private:
    DirectDelivery& direct_;
  };

  // The one with a Scope on this thread that has room for this consumer; null if there is none.
  static DirectDelivery* here(const ClientSession& consumer);

  // Working memory, empty between two turns.
  broker::Deliveries deliveries;
  ClientOutput output;

 private:
  // A message published to many channels wakes the loops for those beyond.
  static constexpr unsigned kMostConsumers = 4;

  static thread_local DirectDelivery* current_;

  const ClientSession* publisher_ = nullptr;  // is busy, and cannot take a turn itself
  unsigned turns_left_ = 0;
  Instant last_;  // when so few were published before
};

}  // namespace nsq::daemon
