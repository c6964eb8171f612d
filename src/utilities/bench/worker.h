#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "nsq/result.h"
#include "utilities/bench/course.h"
#include "utilities/bench/session.h"

namespace nsq::utilities {

// The loop of one thread: waits for its sessions' connections and for what is due, and never for
// anything else.
//
// Threading: confined to one thread while `run` goes on.
class Worker {
 public:
  // At a low rate it stays `awake` from so long before something is due until so long after.
  Worker(Course& course, Duration awake);
  ~Worker();
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  Tally& tally() { return tally_; }
  const Tally& tally() const { return tally_; }
  void add(std::unique_ptr<Session> session);

  // Until all sessions are done, one fails, which stops the whole run, or the run is stopped.
  // Blocks.
  void run();
  // All its sessions are done that ever are. Any thread.
  bool has_ended() const { return to_end_.load(std::memory_order_relaxed) == 0; }
  // Why it failed, if it did.
  const std::optional<Error>& failure() const { return failure_; }

 private:
  struct Entry {
    std::unique_ptr<Session> session;
    bool is_done = false;
    bool watches_writing = false;
  };

  Result<void> run_sessions();
  Result<void> begin_all();
  Result<void> handle_ready();
  Result<void> handle_due();
  int wait();
  Instant next_due() const;
  Result<void> look_after(Entry& entry);

  Course& course_;
  Tally tally_;
  std::vector<Entry> entries_;
  std::vector<Entry*> with_due_;  // those that ever have something due
  const Duration awake_;
  Instant awake_until_;
  Instant awake_for_ = Instant::never();  // the due time it got up early for
  std::size_t busy_ = 0;                  // entries not done
  std::atomic<std::size_t> to_end_{0};    // of those, the ones not endless
  int poll_;                              // epoll's descriptor
  std::optional<Error> failure_;
};

}  // namespace nsq::utilities
