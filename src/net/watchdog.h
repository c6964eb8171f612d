#pragma once

#include <functional>
#include <memory>

#include "base/instant.h"
#include "net/socket.h"

namespace nsq::net {

// Calls back once a deadline passes that was not moved in time.
//
// Moving the deadline is a store: the timer behind it is armed again only when it fires too early,
// so a connection may move it on every read. At most one timer is pending.
//
// Threading: confined to the executor's loop. The callback never runs inside a call, nor after the
// watchdog is gone.
class Watchdog {
 public:
  Watchdog(Executor executor, std::function<void()> on_expired);
  ~Watchdog();
  Watchdog(const Watchdog&) = delete;
  Watchdog& operator=(const Watchdog&) = delete;

  // Replaces the deadline. One that has passed already expires as soon as the loop gets to it.
  void expect_by(Instant deadline);
  // No deadline until the next `expect_by`.
  void rest();

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace nsq::net
