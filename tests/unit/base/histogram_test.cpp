#include "base/histogram.h"

#include <numeric>
#include <thread>
#include <vector>

#include "support/catch.h"

using nsq::Histogram;
using namespace std::chrono_literals;

TEST_CASE("a time is counted in the first bucket whose bound is not below it", "[histogram]") {
  Histogram histogram;
  histogram.add(0ns);
  histogram.add(50us);
  histogram.add(50us + 1ns);
  histogram.add(24h, 2);
  histogram.add(24h + 1ns);
  histogram.add(-5s);  // a clock that was set back
  const auto all = histogram.snapshot();
  CHECK(all.counts[0] == 3);
  CHECK(all.counts[1] == 1);
  CHECK(all.counts[Histogram::kBuckets - 2] == 2);
  CHECK(all.counts[Histogram::kBuckets - 1] == 1);
  CHECK(all.sum_ns == static_cast<std::uint64_t>((100us + 1ns + 3 * 24h + 1ns).count()));
}

TEST_CASE("what several threads count is all there", "[histogram]") {
  Histogram histogram;
  std::vector<std::thread> threads;
  for (int i = 0; i < 12; ++i) {  // more than there are places
    threads.emplace_back([&] {
      for (int round = 0; round < 1000; ++round) {
        Histogram::Batch batch;
        batch.add(1ms);
        batch.add(1s, 3);
        histogram.add(batch);
      }
    });
  }
  for (auto& thread : threads) thread.join();
  const auto all = histogram.snapshot();
  CHECK(std::accumulate(all.counts.begin(), all.counts.end(), std::uint64_t{0}) == 48'000);
  CHECK(all.sum_ns == 12'000 * 3'001'000'000ULL);
}
