#pragma once

#include <atomic>
#include <functional>
#include <future>

#include "net/event_loops.h"
#include "net/signals.h"

namespace nsq::net {

// Lets a server's main thread wait until the process is told to stop: by SIGINT, SIGTERM or SIGHUP.
//
// It has a loop of its own, so that a signal that comes while the server starts is kept, and a
// second one ends the process whatever it is doing. Broken pipes are ignored from here on.
//
// Threading: confined to the main thread, except `stop`.
class StopSignal {
 public:
  // What signals may mean besides stopping; signals.h says when each is called. On the loop of the
  // signals, where a moment's waiting harms nobody.
  struct Others {
    std::function<void()> on_hangup;
    std::function<void()> on_drain;
  };

  explicit StopSignal(Others others = {});
  ~StopSignal();
  StopSignal(const StopSignal&) = delete;
  StopSignal& operator=(const StopSignal&) = delete;

  void wait() { asked_.get_future().wait(); }
  // Lets `wait` return as a signal does. Any thread, any number of times.
  void stop();
  // A stop was asked for.
  bool is_stopping() const { return stopping_.load(); }

 private:
  std::atomic<bool> stopping_{false};
  std::promise<void> asked_;
  EventLoops loop_{1, "nsq-signals"};
  Signals signals_;
};

// Raises the limit of open files as far as it goes: connections are file descriptors, and the usual
// limit of 1024 has nothing to do with what the machine can carry. False if that is refused.
bool allow_many_connections();

}  // namespace nsq::net
