#include "broker/latency.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace nsq::broker {
namespace {

const double kLogGrowth = std::log(1.02);
constexpr double kFirstNanoseconds = 100;  // shorter times are counted together

void add_buckets(std::vector<std::uint32_t>& to, const std::vector<std::uint32_t>& from) {
  if (to.size() < from.size()) to.resize(from.size());
  for (std::size_t i = 0; i < from.size(); ++i) to[i] += from[i];
}

}  // namespace

LatencyWindow::LatencyWindow(std::vector<double> percentiles, Duration window)
    : percentiles_(std::move(percentiles)), window_(window) {}

std::size_t LatencyWindow::bucket_of(Duration latency) {
  const double ratio = static_cast<double>(latency.count()) / kFirstNanoseconds;
  return ratio <= 1 ? 0 : static_cast<std::size_t>(std::log(ratio) / kLogGrowth) + 1;
}

double LatencyWindow::value_of(std::size_t bucket) {
  return std::round(kFirstNanoseconds * std::exp((static_cast<double>(bucket) - 0.5) * kLogGrowth));
}

void LatencyWindow::rotate(Instant now) {
  if (now - halves_[0].start < window_ / 2) return;
  std::swap(halves_[0], halves_[1]);
  halves_[0].buckets.clear();
  halves_[0].count = 0;
  halves_[0].start = now;
}

void LatencyWindow::add(Duration latency, Instant now, std::uint32_t count) {
  if (percentiles_.empty()) return;
  rotate(now);
  const std::size_t bucket = bucket_of(latency);
  if (halves_[0].buckets.size() <= bucket) halves_[0].buckets.resize(bucket + 1);
  halves_[0].buckets[bucket] += count;
  halves_[0].count += count;
}

void LatencyWindow::merge(const LatencyWindow& other, Instant now) {
  rotate(now);
  for (const Half& half : other.halves_) {
    if (!current(half, now)) continue;
    add_buckets(halves_[0].buckets, half.buckets);
    halves_[0].count += half.count;
  }
}

LatencyStats LatencyWindow::stats(Instant now) const {
  LatencyStats stats;
  stats.measured = !percentiles_.empty();
  std::vector<std::uint32_t> buckets;
  for (const Half& half : halves_) {
    if (!current(half, now)) continue;
    add_buckets(buckets, half.buckets);
    stats.count += half.count;
  }
  for (const double quantile : percentiles_) {
    double value = 0;
    const auto rank =
        static_cast<std::uint64_t>(std::ceil(quantile * static_cast<double>(stats.count)));
    std::uint64_t below = 0;
    for (std::size_t i = 0; i < buckets.size() && stats.count > 0; ++i) {
      below += buckets[i];
      if (below >= std::max<std::uint64_t>(rank, 1)) {
        value = value_of(i);
        break;
      }
    }
    stats.percentiles.push_back({quantile, value});
  }
  return stats;
}

}  // namespace nsq::broker
