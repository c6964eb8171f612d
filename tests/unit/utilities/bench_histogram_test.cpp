#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

#include "support/catch.h"
#include "utilities/bench/latency_histogram.h"

using nsq::Duration;
using nsq::utilities::LatencyHistogram;
using namespace std::chrono_literals;

TEST_CASE("a histogram of nothing says zero", "[utilities]") {
  const LatencyHistogram nothing;
  CHECK(nothing.count() == 0);
  CHECK(nothing.percentile(0.99) == 0ns);
  CHECK(nothing.min() == 0ns);
  CHECK(nothing.max() == 0ns);
  CHECK(nothing.mean() == 0ns);
}

TEST_CASE("a percentile is exact for short times, and within 0.4 % for longer ones",
          "[utilities]") {
  for (std::int64_t ns = 0; ns < 512; ++ns) {
    LatencyHistogram one;
    one.add(Duration(ns));
    one.add(1h);  // so that it is not the greatest, which is exact anyway
    CHECK(one.percentile(0.5) == Duration(ns));
  }
  for (std::int64_t ns = 512; ns < std::int64_t{1} << 42; ns += ns / 37 + 1) {
    LatencyHistogram one;
    one.add(Duration(ns));
    one.add(Duration(std::int64_t{1} << 43));
    const auto told = one.percentile(0.5).count();
    CHECK(told >= ns);
    CHECK(static_cast<double>(told - ns) <= 0.004 * static_cast<double>(ns));
  }
}

TEST_CASE("percentiles are those of the sorted times", "[utilities]") {
  std::mt19937_64 random(7);
  std::lognormal_distribution<double> times(11, 2);  // microseconds to seconds
  LatencyHistogram histogram;
  std::vector<std::int64_t> sorted;
  for (int i = 0; i < 50'000; ++i) {
    const auto ns = static_cast<std::int64_t>(times(random));
    histogram.add(Duration(ns));
    sorted.push_back(ns);
  }
  std::sort(sorted.begin(), sorted.end());
  for (const double share : {0.0001, 0.5, 0.9, 0.99, 0.999, 1.0}) {
    const auto rank = static_cast<std::size_t>(std::ceil(share * 50'000)) - 1;
    const auto exact = static_cast<double>(sorted[rank]);
    const auto told = static_cast<double>(histogram.percentile(share).count());
    CHECK(told >= exact);
    CHECK(told <= exact * 1.004 + 1);
  }
  CHECK(histogram.min().count() == sorted.front());
  CHECK(histogram.max().count() == sorted.back());
  CHECK(histogram.percentile(1.0) == histogram.max());
}

TEST_CASE("times outside of what a histogram knows are kept at its ends", "[utilities]") {
  LatencyHistogram histogram;
  histogram.add(-5ns);
  CHECK(histogram.max() == 0ns);
  histogram.add(100h);
  CHECK(histogram.count() == 2);
  CHECK(histogram.percentile(0.5) == 0ns);
  CHECK(histogram.percentile(1.0) == 100h);
}

TEST_CASE("histograms of several threads add up", "[utilities]") {
  LatencyHistogram all;
  LatencyHistogram fast;
  LatencyHistogram slow;
  fast.add(10ns, 99);
  slow.add(1s);
  all.merge(fast);
  all.merge(slow);
  all.merge(LatencyHistogram());
  CHECK(all.count() == 100);
  CHECK(all.min() == 10ns);
  CHECK(all.max() == 1s);
  CHECK(all.percentile(0.99) == 10ns);
  CHECK(all.percentile(0.991) == 1s);
  CHECK(all.mean() == 10'000'009ns);
}
