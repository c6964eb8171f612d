#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "base/instant.h"

namespace nsq {

// How long things took, counted in fixed buckets, for metrics.
//
// Cheap enough for every message: a batch is collected by one thread, and added with one atomic
// addition per bucket it touched; each thread adds to a place it mostly has for itself.
//
// Threading: shared; batches are confined.
class Histogram {
 public:
  // Upper bounds, included, of all buckets but the last, which has none.
  static constexpr auto kBounds = [] {
    using namespace std::chrono_literals;
    return std::to_array<Duration>({50us, 100us, 250us, 500us, 1ms,   2500us, 5ms,    10ms,
                                    25ms, 50ms,  100ms, 250ms, 500ms, 1s,     2500ms, 5s,
                                    10s,  30s,   60s,   5min,  30min, 1h,     6h,     24h});
  }();
  static constexpr std::size_t kBuckets = kBounds.size() + 1;
  static_assert(kBuckets <= 32);

  // Negative times, of a clock that was set back, count as none at all.
  class Batch {
   public:
    void add(Duration time, std::uint32_t count = 1) {
      time = std::max(time, Duration::zero());
      const auto bucket = static_cast<std::size_t>(
          std::lower_bound(kBounds.begin(), kBounds.end(), time) - kBounds.begin());
      counts_[bucket] += count;
      touched_ |= std::uint32_t{1} << bucket;
      sum_ns_ += static_cast<std::uint64_t>(time.count()) * count;
    }

   private:
    friend class Histogram;
    std::array<std::uint32_t, kBuckets> counts_{};
    std::uint32_t touched_ = 0;
    std::uint64_t sum_ns_ = 0;
  };

  struct Snapshot {
    std::array<std::uint64_t, kBuckets> counts{};  // of each bucket by itself
    std::uint64_t sum_ns = 0;
  };

  void add(const Batch& batch) {
    if (batch.touched_ == 0) return;
    Shard& shard = shards_[own_shard()];
    for (std::uint32_t left = batch.touched_; left != 0; left &= left - 1) {
      const auto bucket = static_cast<std::size_t>(std::countr_zero(left));
      shard.counts[bucket].fetch_add(batch.counts_[bucket], std::memory_order_relaxed);
    }
    shard.sum_ns.fetch_add(batch.sum_ns_, std::memory_order_relaxed);
  }
  void add(Duration time, std::uint32_t count = 1) {
    Batch batch;
    batch.add(time, count);
    add(batch);
  }

  // Not of one instant: what is added meanwhile may be in it in part.
  Snapshot snapshot() const {
    Snapshot all;
    for (const Shard& shard : shards_) {
      for (std::size_t i = 0; i < kBuckets; ++i)
        all.counts[i] += shard.counts[i].load(std::memory_order_relaxed);
      all.sum_ns += shard.sum_ns.load(std::memory_order_relaxed);
    }
    return all;
  }

 private:
  static constexpr std::size_t kShards = 8;
  struct alignas(64) Shard {
    std::array<std::atomic<std::uint64_t>, kBuckets> counts{};
    std::atomic<std::uint64_t> sum_ns{0};
  };

  static std::size_t own_shard() {
    static std::atomic<std::size_t> next{0};
    thread_local const std::size_t mine = next.fetch_add(1, std::memory_order_relaxed) % kShards;
    return mine;
  }

  std::array<Shard, kShards> shards_{};
};

}  // namespace nsq
