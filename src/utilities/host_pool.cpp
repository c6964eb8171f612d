#include "utilities/host_pool.h"

#include <algorithm>
#include <chrono>
#include <memory>
#include <random>

#include "base/assert.h"

namespace nsq::utilities {
namespace {

using namespace std::chrono_literals;

constexpr Duration kFirstDelay = 30s;
constexpr Duration kLongestDelay = 900s;
constexpr Duration kBucketTime = 2500ms;
constexpr double kFirstEpsilon = 0.3;
constexpr double kLeastEpsilon = 0.01;
constexpr double kEpsilonDecay = 0.9;
// A response this fast is as good as any: nothing is divided by 0.
constexpr double kLeastMilliseconds = 1e-6;

}  // namespace

std::optional<PoolMode> parse_pool_mode(std::string_view word) {
  if (word == "hostpool") return PoolMode::HostPool;
  if (word == "epsilon-greedy") return PoolMode::EpsilonGreedy;
  if (word == "round-robin") return PoolMode::RoundRobin;
  return std::nullopt;
}

HostPool::Random HostPool::default_random() {
  auto engine = std::make_shared<std::minstd_rand>(std::random_device()());
  return [engine] { return std::uniform_real_distribution<double>(0, 1)(*engine); };
}

HostPool::HostPool(PoolMode mode, std::size_t hosts, Random random)
    : mode_(mode), random_(std::move(random)), hosts_(hosts), epsilon_(kFirstEpsilon) {
  NSQ_ASSERT(hosts > 0);
}

std::size_t HostPool::pick(Instant now) {
  const Lock lock(mutex_);
  switch (mode_) {
    case PoolMode::HostPool:
      break;
    case PoolMode::RoundRobin:
      // The original counts before it looks, and so begins with the second one.
      cursor_ = (cursor_ + 1) % hosts_.size();
      return cursor_;
    case PoolMode::EpsilonGreedy:
      if (random_() < epsilon_) {
        epsilon_ = std::max(kLeastEpsilon, epsilon_ * kEpsilonDecay);
      } else if (const auto fast = pick_fast(now)) {
        return *fast;
      }
  }
  return pick_next(now);
}

bool HostPool::is_usable(const Host& host, Instant now) {
  return !host.is_dead || host.next_try <= now;
}

void HostPool::try_again_later(Host& host, Instant now) {
  host.delay = std::min(2 * host.delay, kLongestDelay);
  host.next_try = now + host.delay;
}

std::size_t HostPool::pick_next(Instant now) {
  for (std::size_t i = 0; i < hosts_.size(); ++i) {
    const std::size_t index = (cursor_ + i) % hosts_.size();
    Host& host = hosts_[index];
    if (!is_usable(host, now)) continue;
    if (host.is_dead) try_again_later(host, now);
    cursor_ = (index + 1) % hosts_.size();
    return index;
  }
  for (Host& host : hosts_) host.is_dead = false;
  cursor_ = 0;
  return 0;
}

std::optional<std::size_t> HostPool::pick_fast(Instant now) {
  std::vector<double> weights(hosts_.size(), 0.0);
  double total = 0;
  for (std::size_t i = 0; i < hosts_.size(); ++i) {
    if (!is_usable(hosts_[i], now)) continue;
    const auto average = hosts_[i].times.average(now);
    if (!average) continue;
    weights[i] = 1.0 / std::max(*average, kLeastMilliseconds);
    total += weights[i];
  }
  if (total == 0) return std::nullopt;
  double left = random_() * total;
  std::size_t chosen = 0;
  for (std::size_t i = 0; i < hosts_.size(); ++i) {
    if (weights[i] == 0) continue;
    chosen = i;  // the last one with a weight, should rounding leave a rest
    left -= weights[i];
    if (left < 0) break;
  }
  if (hosts_[chosen].is_dead) try_again_later(hosts_[chosen], now);
  return chosen;
}

void HostPool::succeeded(std::size_t host, Duration took, Instant now) {
  const Lock lock(mutex_);
  hosts_[host].is_dead = false;
  if (mode_ == PoolMode::EpsilonGreedy) hosts_[host].times.add(took, now);
}

void HostPool::failed(std::size_t host, Instant now) {
  const Lock lock(mutex_);
  Host& loser = hosts_[host];
  if (loser.is_dead) return;
  loser.is_dead = true;
  loser.delay = kFirstDelay;
  loser.next_try = now + kFirstDelay;
}

// Forgets the buckets whose time has come round again.
void HostPool::ResponseTimes::move_to(Instant now) {
  if (!newest_until_) newest_until_ = now + kBucketTime;
  for (std::size_t moved = 0; *newest_until_ <= now; ++moved) {
    if (moved == kBuckets) {
      newest_until_ = now + kBucketTime;
      break;
    }
    newest_ = (newest_ + 1) % kBuckets;
    buckets_[newest_] = {};
    newest_until_ = *newest_until_ + kBucketTime;
  }
}

void HostPool::ResponseTimes::add(Duration took, Instant now) {
  move_to(now);
  buckets_[newest_].sum_ms += std::chrono::duration<double, std::milli>(took).count();
  ++buckets_[newest_].count;
}

std::optional<double> HostPool::ResponseTimes::average(Instant now) {
  move_to(now);
  double sum = 0;
  double weights = 0;
  for (std::size_t i = 1; i <= kBuckets; ++i) {  // from the oldest to the newest
    const Bucket& bucket = buckets_[(newest_ + i) % kBuckets];
    if (bucket.count == 0) continue;
    const double weight = static_cast<double>(i);
    sum += weight * bucket.sum_ms / static_cast<double>(bucket.count);
    weights += weight;
  }
  if (weights == 0) return std::nullopt;
  return sum / weights;
}

}  // namespace nsq::utilities
