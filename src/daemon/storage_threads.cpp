#include "daemon/storage_threads.h"

#include <pthread.h>

#include <array>
#include <string>
#include <utility>

#include "base/assert.h"

namespace nsq::daemon {
namespace {

struct Crew {
  const char* name;
  std::size_t threads;
};
constexpr std::array<Crew, 6> kCrews{{{"nsq-read", 1},
                                      {"nsq-journal", 1},
                                      {"nsq-write", 4},
                                      {"nsq-sync", 8},
                                      {"nsq-background", 1},
                                      {"nsq-metadata", 1}}};

}  // namespace

StorageThreads::StorageThreads() {
  static_assert(kCrews.size() == kLanes);
  std::size_t next = 0;
  for (std::size_t lane = 0; lane < kLanes; ++lane) {
    for (std::size_t i = 0; i < kCrews[lane].threads; ++i) {
      threads_[next++] = std::thread([this, lane] { run(lane); });
    }
  }
  NSQ_ASSERT(next == kThreads);
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
  pthread_setname_np(pthread_self(), kCrews[lane].name);
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
    for (auto& lane : submitted_) lane.notify_all();
  }
  for (std::thread& thread : threads_) {
    if (thread.joinable()) thread.join();
  }
}

}  // namespace nsq::daemon
