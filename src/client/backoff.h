#pragma once

#include <functional>

#include "base/instant.h"
#include "nsq/config.h"

namespace nsq::client {

// How long to wait after failures, as a state: a level, and whether a wait is under way.
//
//   normal    level 0
//   waiting   level above 0; answers are ignored, so that a burst of failures counts once
//   testing   level above 0; the next answer decides
//
// Threading: confined. It knows no clock and no timer.
class Backoff {
 public:
  enum class Event { Success, Failure, Neutral };
  enum class Action {
    None,
    Wait,    // stop all deliveries for `wait()`, then call `waited`
    Resume,  // back to normal
  };
  // A number at random from 0 up to, not including, 1.
  using Random = std::function<double()>;

  Backoff(const Config& config, Random random);

  Action on(Event event);
  // The wait is over.
  void waited() { waiting_ = false; }
  // How long the present wait takes.
  Duration wait() const { return wait_; }

  int level() const { return level_; }
  bool is_normal() const { return level_ == 0; }
  bool is_waiting() const { return waiting_; }

 private:
  Duration duration(int level);
  Action begin_wait();

  const BackoffStrategy strategy_;
  const Duration multiplier_;
  const Duration longest_;
  const Random random_;
  int level_ = 0;
  bool waiting_ = false;
  Duration wait_{0};
};

}  // namespace nsq::client
