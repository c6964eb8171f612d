#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <string>

#include "base/mutex.h"

namespace nsq::utilities {

// Writes to a file descriptor on a thread of its own, so that a slow reader (a pager, a full pipe)
// holds up neither heartbeats nor signals. What is queued while a write is under way goes out in
// the next one. How much is queued is up to the caller, who learns how much was written.
//
// A descriptor whose reader went away ends the process with SIGPIPE, as is usual for a program in
// a pipeline.
//
// Threading: shared.
class Printer {
 public:
  // Called on the printer's thread with the number of texts written, or with the errno that ended
  // it. They must not call back.
  struct Listener {
    std::function<void(std::size_t texts)> on_written;
    std::function<void(int error)> on_failed;
  };

  Printer(int descriptor, Listener listener);
  // Does not wait for a write that is stuck: the thread is left behind with the process.
  ~Printer();
  Printer(const Printer&) = delete;
  Printer& operator=(const Printer&) = delete;

  void print(std::string_view text);

 private:
  struct State;
  static void run(const std::shared_ptr<State>& state);

  std::shared_ptr<State> state_;  // shared with the thread
};

}  // namespace nsq::utilities
