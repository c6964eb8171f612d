#include "broker/latency.h"

#include <cmath>

#include "support/catch.h"

using nsq::Duration;
using nsq::Instant;
using nsq::broker::LatencyWindow;
using namespace std::chrono_literals;

namespace {

const Instant kStart{1h};

double value(const LatencyWindow& window, std::size_t which, Instant now) {
  return window.stats(now).percentiles.at(which).nanoseconds;
}
bool is_about(double measured, Duration wanted) {
  const auto exact = static_cast<double>(wanted.count());
  return std::abs(measured - exact) <= 0.01 * exact;
}

}  // namespace

TEST_CASE("percentiles are within one percent of the truth", "[broker]") {
  LatencyWindow window({1, 0.99, 0.5, 0.001}, 10min);
  for (int i = 1; i <= 1000; ++i) window.add(i * 1ms, kStart);
  const auto stats = window.stats(kStart);
  CHECK(stats.measured);
  CHECK(stats.count == 1000);
  CHECK(is_about(stats.percentiles[0].nanoseconds, 1000ms));
  CHECK(is_about(stats.percentiles[1].nanoseconds, 990ms));
  CHECK(is_about(stats.percentiles[2].nanoseconds, 500ms));
  CHECK(is_about(stats.percentiles[3].nanoseconds, 1ms));
}

TEST_CASE("percentiles hold for times from a microsecond to a year", "[broker]") {
  for (const Duration time : {Duration(1us), Duration(1s), Duration(24h * 365)}) {
    LatencyWindow window({0.5}, 10min);
    window.add(time, kStart);
    CHECK(is_about(value(window, 0, kStart), time));
  }
  // A clock that was set back measures less than nothing.
  LatencyWindow window({0.5}, 10min);
  window.add(-1s, kStart);
  CHECK(window.stats(kStart).count == 1);
  CHECK(value(window, 0, kStart) < 101);
}

TEST_CASE("without samples each percentile is 0, and without percentiles nothing is kept",
          "[broker]") {
  LatencyWindow idle({0.99, 0.5}, 10min);
  CHECK(idle.stats(kStart).measured);
  CHECK(idle.stats(kStart).count == 0);
  CHECK(value(idle, 0, kStart) == 0);
  LatencyWindow off({}, 10min);
  off.add(1s, kStart);
  CHECK_FALSE(off.stats(kStart).measured);
  CHECK(off.stats(kStart).percentiles.empty());
}

TEST_CASE(
    "samples are forgotten after half the window at the earliest, and all of it at the "
    "latest",
    "[broker]") {
  LatencyWindow window({1}, 10min);
  window.add(1s, kStart);
  CHECK(window.stats(kStart + 10min - 1ns).count == 1);
  CHECK(window.stats(kStart + 10min).count == 0);
  window.add(2s, kStart + 5min);  // the second half begins
  CHECK(window.stats(kStart + 5min).count == 2);
  window.add(3s, kStart + 10min);  // and takes the place of the first
  CHECK(window.stats(kStart + 10min).count == 2);
  CHECK(is_about(value(window, 0, kStart + 10min), 3s));
  window.add(4s, kStart + 60min);  // after a long silence
  CHECK(window.stats(kStart + 60min).count == 1);
}

TEST_CASE("a topic's percentiles are over all samples of its channels", "[broker]") {
  LatencyWindow fast({0.5}, 10min), slow({0.5}, 10min), sum({0.5}, 10min);
  for (int i = 0; i < 99; ++i) fast.add(1ms, kStart);
  for (int i = 0; i < 101; ++i) slow.add(1s, kStart + 6min);
  const Instant now = kStart + 7min;
  sum.merge(fast, now);
  sum.merge(slow, now);
  CHECK(sum.stats(now).count == 200);
  CHECK(is_about(value(sum, 0, now), 1s));
}
