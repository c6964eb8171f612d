#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "base/instant.h"
#include "protocol/message_id.h"
#include "storage/chunk.h"

namespace nsq::broker {

struct Delivery {
  protocol::MessageId id;
  Timestamp timestamp;     // when it was published
  std::uint16_t attempts;  // this delivery included
  std::string_view body;   // valid while the Deliveries it came in, or a copy of its pin, lives
};

// What one pull has given a consumer. Reused from pull to pull, so that it allocates nothing in the
// long run.
struct Deliveries {
  std::vector<Delivery> messages;
  // Keeps the bodies' memory alive: few entries, since neighbours share a chunk. Whoever sends
  // bodies without copying them keeps these until they are sent.
  std::vector<std::shared_ptr<const storage::Chunk>> pins;

  void clear() {
    messages.clear();
    pins.clear();
  }
};

struct PullLimit {
  std::size_t messages = 0;
  std::size_t body_bytes = 0;  // pulling stops at the message that reaches it
};

}  // namespace nsq::broker
