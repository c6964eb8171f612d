#pragma once

#include <array>
#include <condition_variable>
#include <deque>
#include <functional>
#include <thread>

#include "base/mutex.h"
#include "storage/work_queue.h"

namespace nsq::daemon {

// The threads that may wait for a disk: one for each lane of work, and several for syncs. A disk
// and its file system can serve several syncs together in hardly more time than one, so that a
// hundred busy topics with durability=fsync do not queue up behind one another.
//
// Threading: shared, except that `finish` belongs to the owner.
class StorageThreads : public storage::WorkQueue {
 public:
  StorageThreads();
  // Finishes.
  ~StorageThreads() override;

  void submit(Lane lane, std::function<void()> work) override;

  // Waits until there is no work in any lane, also none that work has submitted.
  void drain();
  // Drains and ends the threads. Work submitted from then on is not done.
  void finish();

 private:
  static constexpr std::size_t kLanes = 6;
  static constexpr std::size_t kThreads = 16;

  void run(std::size_t lane);

  Mutex mutex_;
  std::array<std::condition_variable_any, kLanes> submitted_;  // one each: a lane wakes itself only
  std::condition_variable_any drained_;
  std::array<std::deque<std::function<void()>>, kLanes> queues_ NSQ_GUARDED_BY(mutex_);
  std::size_t unfinished_ NSQ_GUARDED_BY(mutex_) = 0;  // queued or being done
  bool finished_ NSQ_GUARDED_BY(mutex_) = false;
  std::array<std::thread, kThreads> threads_;
};

}  // namespace nsq::daemon
