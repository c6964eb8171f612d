#pragma once

#include <string>

// Where one process runs several servers, each line of the log still says whose it is.
namespace nsq::log {

// While it lives, the lines this thread writes begin with `prefix` instead of the process's. Loops
// that are started meanwhile take it over for their threads (net/event_loops.h).
//
// Threading: confined.
class ThreadPrefix {
 public:
  explicit ThreadPrefix(std::string prefix);
  ~ThreadPrefix();
  ThreadPrefix(const ThreadPrefix&) = delete;
  ThreadPrefix& operator=(const ThreadPrefix&) = delete;

 private:
  std::string outer_;
};

// That of the calling thread; empty for the process's.
const std::string& thread_prefix();

}  // namespace nsq::log
