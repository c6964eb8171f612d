#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/instant.h"

namespace nsq::utilities {

// How long things took, from a nanosecond to an hour, each known to within 0.4 %: a power of two is
// cut into 256 buckets of the same width, however long the times in it are. The least and the
// greatest are exact. Unlike base's Histogram, whose few bounds are those of a metric, it tells
// percentiles.
//
// Threading: confined; merge the histograms of several threads when these have ended.
class LatencyHistogram {
 public:
  LatencyHistogram() : counts_(kBuckets) {}

  // O(1). A time below zero counts as none at all, one above an hour or so as the longest known.
  void add(Duration time, std::uint64_t count = 1) {
    const std::int64_t signed_ns = time.count();
    const auto ns = signed_ns < 0 ? std::uint64_t{0} : static_cast<std::uint64_t>(signed_ns);
    counts_[bucket_of(ns)] += count;
    count_ += count;
    sum_ns_ += static_cast<double>(ns) * static_cast<double>(count);
    if (ns > max_ns_) max_ns_ = ns;
    if (ns < min_ns_) min_ns_ = ns;
  }
  void merge(const LatencyHistogram& other);

  std::uint64_t count() const { return count_; }
  // These are zero while nothing has been added.
  Duration min() const { return as_duration(count_ == 0 ? 0 : min_ns_); }
  Duration max() const { return as_duration(max_ns_); }
  Duration mean() const;
  // A time that so large a share (0.99) of all do not exceed, and of no shorter one this can be
  // said: rounded up by at most 0.4 %, and never above `max`.
  Duration percentile(double share) const;

 private:
  static constexpr int kPrecisionBits = 8;
  static constexpr int kMaxBits = 42;  // 2^42 ns are 73 minutes
  static constexpr std::size_t kBuckets = static_cast<std::size_t>(kMaxBits - kPrecisionBits + 1)
                                          << kPrecisionBits;

  static std::size_t bucket_of(std::uint64_t ns) {
    if (ns >> kMaxBits != 0) return kBuckets - 1;
    // So many low bits are dropped; zero as long as a bucket is a nanosecond wide.
    const auto significant =
        static_cast<int>(std::bit_width(ns | std::uint64_t{1} << kPrecisionBits));
    const int shift = significant - kPrecisionBits - 1;
    return (static_cast<std::size_t>(shift) << kPrecisionBits) + (ns >> shift);
  }
  static std::uint64_t highest_in(std::size_t bucket);
  static Duration as_duration(std::uint64_t ns) { return Duration(static_cast<std::int64_t>(ns)); }

  std::vector<std::uint64_t> counts_;
  std::uint64_t count_ = 0;
  std::uint64_t min_ns_ = UINT64_MAX;
  std::uint64_t max_ns_ = 0;
  double sum_ns_ = 0;
};

}  // namespace nsq::utilities
