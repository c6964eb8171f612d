#include "daemon/storage_threads.h"

#include <pthread.h>

#include <string>
#include <utility>

namespace nsq::daemon {
namespace {

constexpr const char* kThreadNames[] = {"nsq-read", "nsq-journal", "nsq-sync", "nsq-background"};

}  // namespace

StorageThreads::StorageThreads() {
  for (std::size_t lane = 0; lane < kLanes; ++lane) {
    threads_[lane] = std::thread([this, lane] { run(lane); });
  }
}

StorageThreads::~StorageThreads() {
  finish();
}

void StorageThreads::submit(Lane lane, std::function<void()> work) {
  const auto index = static_cast<std::size_t>(lane);
  const Lock lock(mutex_);
  if (finished_) return;
  queues_[index].push_back(std::move(work));
  ++unfinished_;
  submitted_[index].notify_one();
}

// Clang's analysis does not follow a lock through a condition variable.
void StorageThreads::run(std::size_t lane) NSQ_NO_ANALYSIS {
  pthread_setname_np(pthread_self(), kThreadNames[lane]);
  Lock lock(mutex_);
  auto& queue = queues_[lane];
  for (;;) {
    submitted_[lane].wait(lock, [&]() NSQ_NO_ANALYSIS { return !queue.empty() || finished_; });
    if (queue.empty()) return;
    std::function<void()> work = std::move(queue.front());
    queue.pop_front();
    lock.unlock();
    work();
    work = nullptr;  // what it holds may be costly to let go of
    lock.lock();
    if (--unfinished_ == 0) drained_.notify_all();
  }
}

void StorageThreads::drain() NSQ_NO_ANALYSIS {
  Lock lock(mutex_);
  drained_.wait(lock, [&]() NSQ_NO_ANALYSIS { return unfinished_ == 0; });
}

void StorageThreads::finish() {
  drain();
  {
    const Lock lock(mutex_);
    finished_ = true;
    for (auto& lane : submitted_) lane.notify_one();
  }
  for (std::thread& thread : threads_) {
    if (thread.joinable()) thread.join();
  }
}

}  // namespace nsq::daemon
