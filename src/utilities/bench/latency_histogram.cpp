#include "utilities/bench/latency_histogram.h"

#include <algorithm>
#include <cmath>

namespace nsq::utilities {

void LatencyHistogram::merge(const LatencyHistogram& other) {
  for (std::size_t i = 0; i < kBuckets; ++i) counts_[i] += other.counts_[i];
  count_ += other.count_;
  sum_ns_ += other.sum_ns_;
  max_ns_ = std::max(max_ns_, other.max_ns_);
  min_ns_ = std::min(min_ns_, other.min_ns_);
}

Duration LatencyHistogram::mean() const {
  if (count_ == 0) return Duration::zero();
  return Duration(static_cast<std::int64_t>(sum_ns_ / static_cast<double>(count_)));
}

Duration LatencyHistogram::percentile(double share) const {
  const double wanted = std::ceil(share * static_cast<double>(count_));
  const auto rank = std::max<std::uint64_t>(1, static_cast<std::uint64_t>(std::max(wanted, 0.0)));
  std::uint64_t seen = 0;
  for (std::size_t i = 0; i < kBuckets; ++i) {
    seen += counts_[i];
    if (seen >= rank) return as_duration(std::clamp(highest_in(i), min_ns_, max_ns_));
  }
  return max();
}

std::uint64_t LatencyHistogram::highest_in(std::size_t bucket) {
  if (bucket == kBuckets - 1) return UINT64_MAX;  // has no upper end
  const std::size_t shift =
      bucket < (std::size_t{2} << kPrecisionBits) ? 0 : (bucket >> kPrecisionBits) - 1;
  const std::uint64_t leading = bucket - (shift << kPrecisionBits);
  return ((leading + 1) << shift) - 1;
}

}  // namespace nsq::utilities
