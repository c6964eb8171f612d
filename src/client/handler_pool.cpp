#include "client/handler_pool.h"

#include <pthread.h>

#include <algorithm>
#include <utility>

#include "client/worker.h"

namespace nsq::client {

HandlerPool::HandlerPool(HandlerSetup setup, std::shared_ptr<Answers> answers)
    : setup_(std::move(setup)), answers_(std::move(answers)) {
  {
    const Lock lock(mutex_);
    current_.resize(setup_.concurrency);
    running_ = setup_.concurrency;
  }
  for (std::size_t i = 0; i < setup_.concurrency; ++i) {
    threads_.emplace_back([this, i] {
      pthread_setname_np(pthread_self(), "nsq-handler");
      Worker(*this, i).run();
    });
  }
}

HandlerPool::~HandlerPool() {
  end();
  for (std::thread& thread : threads_) thread.join();
}

void HandlerPool::offer(BatchRef batch) {
  const std::uint32_t count = batch->count;
  const Lock lock(mutex_);
  queue_.push_back(std::move(batch));
  for (std::size_t i = 0; i < std::min<std::size_t>(waiting_, count); ++i) changed_.notify_one();
}

Slice HandlerPool::next(std::size_t worker, Slice done, std::uint32_t wanted) {
  if (done.batch) answers_->add(std::move(done));
  Lock lock(mutex_);
  current_[worker] = {};
  while (queue_.empty() && !ending_) {
    ++waiting_;
    changed_.wait(lock);
    --waiting_;
  }
  if (queue_.empty()) return {};
  current_[worker] = claim(wanted);
  return current_[worker];
}

Slice HandlerPool::claim(std::uint32_t wanted) {
  BatchRef& batch = queue_.front();
  const std::uint32_t begin = batch->claimed;
  const std::uint32_t end = begin + std::min(wanted, batch->count - begin);
  batch->claimed = end;
  Slice slice{batch, begin, end};
  if (end == slice.batch->count) queue_.pop_front();
  return slice;
}

std::vector<Slice> HandlerPool::take_unclaimed() {
  std::vector<Slice> slices;
  const Lock lock(mutex_);
  while (!queue_.empty()) slices.push_back(claim(queue_.front()->count));
  return slices;
}

void HandlerPool::list_current(std::vector<Slice>& slices) {
  const Lock lock(mutex_);
  for (const Slice& slice : current_) {
    if (slice.batch) slices.push_back(slice);
  }
}

bool HandlerPool::is_idle() {
  const Lock lock(mutex_);
  return queue_.empty() && std::none_of(current_.begin(), current_.end(), [](const Slice& slice) {
           return static_cast<bool>(slice.batch);
         });
}

void HandlerPool::end() {
  const Lock lock(mutex_);
  ending_ = true;
  changed_.notify_all();
}

void HandlerPool::worker_ended() {
  const Lock lock(mutex_);
  --running_;
  changed_.notify_all();
}

bool HandlerPool::wait_ended(Instant deadline) {
  Lock lock(mutex_);
  while (running_ > 0) {
    if (changed_.wait_until(lock, deadline.to_steady()) == std::cv_status::timeout) break;
  }
  return running_ == 0;
}

}  // namespace nsq::client
