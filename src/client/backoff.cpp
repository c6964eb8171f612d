#include "client/backoff.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace nsq::client {
namespace {
// With a multiplier of 0 the cap never stops the level.
constexpr int kMaxLevel = 60;
}  // namespace

Backoff::Backoff(const Config& config, Random random)
    : strategy_(config.backoff_strategy),
      multiplier_(config.backoff_multiplier),
      longest_(config.max_backoff_duration),
      random_(std::move(random)) {}

// Not above a week, whatever the level, so that nothing overflows.
Duration Backoff::duration(int level) {
  constexpr double kWeek = 7.0 * 24 * 3600 * 1e9;
  double nanoseconds = static_cast<double>(multiplier_.count()) * std::exp2(level);
  if (strategy_ == BackoffStrategy::FullJitter) nanoseconds *= random_();
  return Duration(static_cast<std::int64_t>(std::min(nanoseconds, kWeek)));
}

Backoff::Action Backoff::on(Event event) {
  if (waiting_ || longest_ == Duration::zero()) return Action::None;
  switch (event) {
    case Event::Success:
      if (level_ == 0) return Action::None;
      if (--level_ == 0) return Action::Resume;
      break;
    case Event::Failure:
      if (level_ < kMaxLevel && duration(level_ + 1) <= longest_) ++level_;
      break;
    case Event::Neutral:
      break;
  }
  return level_ == 0 ? Action::None : begin_wait();
}

Backoff::Action Backoff::begin_wait() {
  waiting_ = true;
  wait_ = std::min(duration(level_), longest_);
  return Action::Wait;
}

}  // namespace nsq::client
