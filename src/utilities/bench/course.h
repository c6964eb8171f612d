#pragma once

#include <atomic>
#include <cstdint>

#include "base/instant.h"
#include "utilities/bench/latency_histogram.h"

namespace nsq::utilities {

// When a run begins, when its warming up is over, and until when new commands are sent.
// Immutable once threads look at it, but for `stop`.
struct Course {
  Instant start;
  Instant measure_from;
  Instant send_until = Instant::never();
  Instant (*clock)() = &Instant::now;
  std::atomic<bool> stop{false};
};

// What one thread of the run has done. The numbers are written by that thread alone, and may be
// read by any; the histograms belong to the thread until it has ended.
struct alignas(64) Tally {
  using Number = std::atomic<std::uint64_t>;

  Number published = 0;  // and answered
  Number refused = 0;    // HTTP requests with an answer other than 200
  Number consumed = 0;
  Number consumed_bytes = 0;  // of bodies
  Number redelivered = 0;     // of the consumed: not their first attempt
  Number foreign = 0;         // of the consumed, where they carry marks: not of this run
  std::atomic<std::int64_t> last_answer_ns = 0;  // on the steady clock; 0: none yet
  std::atomic<std::int64_t> last_message_ns = 0;

  // Of what began when warming up was over.
  LatencyHistogram answers;     // a command until its answer; at a rate, from when it was due
  LatencyHistogram deliveries;  // a message until it is received, from when it was due
  LatencyHistogram lateness;    // at a rate: what was due until it could be handed to the kernel

  static void add(Number& number, std::uint64_t count) {
    number.store(number.load(std::memory_order_relaxed) + count, std::memory_order_relaxed);
  }
};

}  // namespace nsq::utilities
