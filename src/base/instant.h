#pragma once

#include <chrono>
#include <compare>
#include <cstdint>

namespace nsq {

using Duration = std::chrono::nanoseconds;

// A point on the steady clock: for deadlines and intervals inside one process.
class Instant {
 public:
  constexpr Instant() = default;
  explicit constexpr Instant(Duration since_start) : since_start_(since_start) {}

  static Instant now() {
    return Instant{
        std::chrono::duration_cast<Duration>(std::chrono::steady_clock::now().time_since_epoch())};
  }
  // Later than every instant a program reaches: "no deadline".
  static constexpr Instant never() { return Instant{Duration::max()}; }

  constexpr Duration since_start() const { return since_start_; }
  std::chrono::steady_clock::time_point to_steady() const {
    return std::chrono::steady_clock::time_point{
        std::chrono::duration_cast<std::chrono::steady_clock::duration>(since_start_)};
  }

  friend constexpr auto operator<=>(const Instant&, const Instant&) = default;
  // Adding to `never` stays `never`.
  friend constexpr Instant operator+(Instant instant, Duration delay) {
    return delay > Duration::zero() && instant.since_start_ > Duration::max() - delay
               ? never()
               : Instant{instant.since_start_ + delay};
  }
  friend constexpr Instant operator-(Instant instant, Duration delay) {
    return Instant{instant.since_start_ - delay};
  }
  friend constexpr Duration operator-(Instant a, Instant b) {
    return a.since_start_ - b.since_start_;
  }

 private:
  Duration since_start_{0};
};

// A point on the wall clock, in nanoseconds since the Unix epoch: what goes on the wire and to
// disk.
class Timestamp {
 public:
  constexpr Timestamp() = default;
  explicit constexpr Timestamp(std::int64_t nanoseconds) : nanoseconds_(nanoseconds) {}

  static Timestamp now() {
    return Timestamp{
        std::chrono::duration_cast<Duration>(std::chrono::system_clock::now().time_since_epoch())
            .count()};
  }

  constexpr std::int64_t nanoseconds() const { return nanoseconds_; }
  constexpr std::int64_t seconds() const { return nanoseconds_ / 1'000'000'000; }

  friend constexpr auto operator<=>(const Timestamp&, const Timestamp&) = default;
  friend constexpr Timestamp operator+(Timestamp time, Duration delay) {
    return Timestamp{time.nanoseconds_ + delay.count()};
  }
  friend constexpr Duration operator-(Timestamp a, Timestamp b) {
    return Duration{a.nanoseconds_ - b.nanoseconds_};
  }

 private:
  std::int64_t nanoseconds_ = 0;
};

// The same moment on both clocks, read once per batch of work and handed down: the core reads no
// clock of its own.
struct Moment {
  Instant steady;
  Timestamp wall;

  static Moment now() { return {Instant::now(), Timestamp::now()}; }

  // Where on the steady clock a wall-clock time lies, as far as this moment can tell.
  constexpr Instant instant_of(Timestamp time) const { return steady + (time - wall); }
  constexpr Timestamp timestamp_of(Instant instant) const { return wall + (instant - steady); }
};

}  // namespace nsq
