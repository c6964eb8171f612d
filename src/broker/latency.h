#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "base/instant.h"
#include "broker/stats.h"

namespace nsq::broker {

// Processing times of the recent past, from publish to finish, as percentiles.
//
// Samples are counted in buckets whose bounds grow by 2 %, so that a reported value is within 1 %
// of the true one and memory is bounded. Two halves of the window are kept; the older is dropped
// when the newer is full, so that results cover between half the window and all of it.
//
// Threading: confined, with its channel.
class LatencyWindow {
 public:
  // Without percentiles nothing is kept.
  LatencyWindow(std::vector<double> percentiles, Duration window);

  void add(Duration latency, Instant now, std::uint32_t count = 1);
  // Adds another window's samples to this one's.
  void merge(const LatencyWindow& other, Instant now);
  LatencyStats stats(Instant now) const;

 private:
  struct Half {
    std::vector<std::uint32_t> buckets;  // grown to what was needed
    std::uint64_t count = 0;
    Instant start;
  };
  void rotate(Instant now);
  bool current(const Half& half, Instant now) const { return now - half.start < window_; }
  static std::size_t bucket_of(Duration latency);
  static double value_of(std::size_t bucket);

  std::vector<double> percentiles_;
  Duration window_;
  std::array<Half, 2> halves_;  // the newer first
};

}  // namespace nsq::broker
