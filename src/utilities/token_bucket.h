#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "base/instant.h"

namespace nsq::utilities {

// Permits so many events a second: a token appears every 1/rate seconds, one second's worth can be
// saved up, and one is there from the start.
//
// Threading: confined.
class TokenBucket {
 public:
  // Requires: rate > 0.
  TokenBucket(std::int64_t rate, Instant now)
      : interval_(std::max<std::int64_t>(1, 1'000'000'000 / rate)), empty_since_(now - interval_) {}

  // Takes up to `wanted` tokens and returns how many there were.
  std::size_t take(std::size_t wanted, Instant now) {
    empty_since_ = std::max(empty_since_, now - std::chrono::seconds(1));
    const auto available = static_cast<std::size_t>((now - empty_since_) / interval_);
    const std::size_t taken = std::min(wanted, available);
    empty_since_ = empty_since_ + interval_ * static_cast<std::int64_t>(taken);
    return taken;
  }

  // When the next token appears, if there is none.
  Instant next_token() const { return empty_since_ + interval_; }

 private:
  Duration interval_;
  Instant empty_since_;  // the tokens are the intervals between then and now
};

}  // namespace nsq::utilities
