#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>
#include <vector>

#include "base/instant.h"
#include "base/mutex.h"

namespace nsq::utilities {

enum class PoolMode {
  HostPool,       // the next one in turn that has not failed lately
  EpsilonGreedy,  // mostly one of those that answer fast, now and then another one
  RoundRobin,     // each in turn, failed or not
};

// "hostpool", "epsilon-greedy" and "round-robin".
std::optional<PoolMode> parse_pool_mode(std::string_view word);

// Which of several equal hosts gets the next request; they go by their number.
//
// A host that fails is left alone for 30 s; then it gets one request to try it, and another one
// after twice the time, up to 15 minutes, until one succeeds. When all have failed and none is due,
// all count as good again, so that there is always an answer.
//
// Threading: shared.
class HostPool {
 public:
  using Random = std::function<double()>;  // from 0 to 1, without 1; called under the lock
  // Requires: hosts > 0.
  HostPool(PoolMode mode, std::size_t hosts, Random random = default_random());

  std::size_t pick(Instant now);
  // How the request went that `host` got; the times of successes lead EpsilonGreedy.
  void succeeded(std::size_t host, Duration took, Instant now);
  void failed(std::size_t host, Instant now);

  static Random default_random();

 private:
  // The mean response time of the last five minutes, recent ones counting most.
  class ResponseTimes {
   public:
    void add(Duration took, Instant now);
    // In milliseconds; empty if there were none.
    std::optional<double> average(Instant now);

   private:
    static constexpr std::size_t kBuckets = 120;
    struct Bucket {
      double sum_ms = 0;
      std::uint64_t count = 0;
    };
    void move_to(Instant now);

    std::array<Bucket, kBuckets> buckets_{};
    std::size_t newest_ = 0;
    std::optional<Instant> newest_until_;
  };
  struct Host {
    bool is_dead = false;
    Instant next_try;
    Duration delay{0};
    ResponseTimes times;
  };

  std::size_t pick_next(Instant now) NSQ_REQUIRES(mutex_);
  std::optional<std::size_t> pick_fast(Instant now) NSQ_REQUIRES(mutex_);
  static bool is_usable(const Host& host, Instant now);
  static void try_again_later(Host& host, Instant now);

  const PoolMode mode_;
  const Random random_;

  Mutex mutex_;
  std::vector<Host> hosts_ NSQ_GUARDED_BY(mutex_);
  std::size_t cursor_ NSQ_GUARDED_BY(mutex_) = 0;
  double epsilon_ NSQ_GUARDED_BY(mutex_);  // how often EpsilonGreedy looks at others
};

}  // namespace nsq::utilities
