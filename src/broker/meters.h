#pragma once

#include <atomic>
#include <cstdint>

#include "base/histogram.h"

namespace nsq::broker {

// What the engine counts over all topics, for metrics.
//
// Threading: shared.
struct Meters {
  using Count = std::atomic<std::uint64_t>;

  // From the arrival of a publish until its answer, told by whoever answers.
  Histogram publish_times;
  // From a message's publish until it is finished, by each channel.
  Histogram finish_times;

  // Attempts that failed, to be tried again: of messages, of their way to the disk, of journals, of
  // nsqd.dat, and of giving up space.
  Count message_write_errors{0};
  Count sync_errors{0};
  Count journal_errors{0};
  Count metadata_errors{0};
  Count space_errors{0};

  // What could not be read: places passed over at the start, in logs and journals, and messages
  // that channels found missing.
  Count damaged_places{0};
  Count lost_messages{0};

  static void count(Count& meter, std::uint64_t by = 1) {
    meter.fetch_add(by, std::memory_order_relaxed);
  }
};

}  // namespace nsq::broker
