#pragma once

#include "base/instant.h"

namespace nsq::daemon {

// The delay to give a message, published now, that is to be deferred by `delay`: up to the next
// full millisecond behind. So a client that counts in whole milliseconds, as clients do, never
// finds that a message came too soon, and messages deferred in the same millisecond come due
// together.
inline Duration deferral(Duration delay, Timestamp now) {
  constexpr Duration millisecond = std::chrono::milliseconds(1);
  if (delay <= Duration::zero()) return Duration::zero();
  return delay + millisecond - (now + delay - Timestamp{}) % millisecond;
}

}  // namespace nsq::daemon
