#pragma once

#include <asio/io_context.hpp>
#include <asio/signal_set.hpp>
#include <atomic>
#include <functional>
#include <thread>

#include "base/instant.h"

namespace nsq::utilities {

// SIGINT and SIGTERM for a tool whose main thread does blocking work: the first one calls back, on
// a thread of its own; the second one ends the process at once, with status 1, for whoever will not
// wait.
//
// Threading: shared.
class StopSignal {
 public:
  // SIGHUP, too, calls back then, each time; without `on_hangup` it ends the process, as ever.
  explicit StopSignal(std::function<void()> on_stop, std::function<void()> on_hangup = nullptr);
  ~StopSignal();
  StopSignal(const StopSignal&) = delete;
  StopSignal& operator=(const StopSignal&) = delete;

  bool has_come() const { return has_come_.load(); }
  // Does what the first signal does, on the caller's thread; nothing after that.
  void stop();
  // Waits until the descriptor has something to read or a signal comes; false for the latter. A
  // descriptor of -1 never has; then the deadline makes it true.
  bool wait_for_input(int descriptor, Instant deadline = Instant::never()) const;

 private:
  void wait();

  const std::function<void()> on_stop_;
  const std::function<void()> on_hangup_;
  std::atomic<bool> has_come_{false};
  int event_;  // becomes readable with the first signal
  asio::io_context loop_{1};
  asio::signal_set signals_;
  std::thread thread_;
};

}  // namespace nsq::utilities
